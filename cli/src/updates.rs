//! `qx update`.

use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use qx_api::client::{Client, Error};
use qx_api::rest::{TransferState, UpdateStart, Updates};
use tokio::io::AsyncSeekExt;

use crate::args::{Format, UpdateCommand};
use crate::files::{bar, open, percent_bar, pieces};
use crate::output::{json, line, plain};
use crate::update_lines::lines;

/// Between two tries to go on with an upload, and how many there are.
const PAUSE: Duration = Duration::from_secs(3);
const TRIES: u32 = 20;
/// How often the host is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(
    client: &Client,
    (format, no_wait): (Format, bool),
    command: UpdateCommand,
) -> Result<()> {
    let updates = match command {
        UpdateCommand::Status => client.updates().await?,
        UpdateCommand::Upload { file, resume } => upload(client, &file, resume).await?,
        UpdateCommand::Reinstall => {
            follow(client, client.reinstall_update().await?, no_wait).await?
        }
        UpdateCommand::Check => client.check_update().await?,
        UpdateCommand::Fetch => follow(client, client.fetch_update().await?, no_wait).await?,
        UpdateCommand::Discard => client.discard_update().await?,
        UpdateCommand::Apply { no_restart } => client.apply_update(&start(no_restart)).await?,
        UpdateCommand::Confirm => client.confirm_update().await?,
        UpdateCommand::Rollback { no_restart } => {
            client.roll_back_update(&start(no_restart)).await?
        }
    };
    show(format, &updates)
}

const fn start(no_restart: bool) -> UpdateStart {
    UpdateStart {
        restart: !no_restart,
    }
}

fn show(format: Format, updates: &Updates) -> Result<()> {
    if format == Format::Json {
        return json(updates);
    }
    lines(updates).iter().try_for_each(|text| line(plain(text)))
}

/// Sends the file, and goes on where it was when the connection breaks.
async fn upload(client: &Client, path: &Path, resume: bool) -> Result<Updates> {
    let (_, size) = open(path).await?;
    let bar = bar(size);
    let mut offset = if resume { received(client).await? } else { 0 };
    let mut tries = 0;
    let outcome = loop {
        match send(client, path, offset, size, &bar).await {
            Ok(updates) => break Ok(updates),
            Err(error) if !is_break(&error) || tries == TRIES => break Err(error),
            Err(_) => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
                // The daemon may still be unreachable; what it has is asked again then.
                if let Ok(at) = received(client).await {
                    offset = at;
                }
            }
        }
    };
    bar.finish_and_clear();
    outcome
}

async fn send(
    client: &Client,
    path: &Path,
    offset: u64,
    size: u64,
    bar: &indicatif::ProgressBar,
) -> Result<Updates> {
    let (mut file, _) = open(path).await?;
    file.seek(SeekFrom::Start(offset))
        .await
        .with_context(|| format!("can't read {}", path.display()))?;
    bar.set_position(offset);
    let rest = size.saturating_sub(offset);
    Ok(client
        .upload_update(offset, rest, pieces(file, bar.clone()))
        .await?)
}

/// Whether the connection broke, rather than the daemon said no.
fn is_break(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<Error>(),
        Some(Error::Unreachable { .. } | Error::Protocol { .. })
    )
}

/// Shows how far the host is with what it writes by itself, and returns when that is over; at once if nobody waits.
async fn follow(client: &Client, begun: Updates, no_wait: bool) -> Result<Updates> {
    if no_wait {
        return Ok(begun);
    }
    let bar = percent_bar();
    loop {
        let updates = client.updates().await?;
        let Some(transfer) = &updates.transfer else {
            bail!("it was discarded by somebody else");
        };
        match transfer.state {
            TransferState::Receiving | TransferState::Verifying | TransferState::Interrupted => {
                bar.set_position(transfer.percent.into());
                tokio::time::sleep(LOOK).await;
            }
            TransferState::Done => {
                bar.finish_and_clear();
                return Ok(updates);
            }
            TransferState::Failed => bail!(
                "{}; the running system was not touched",
                transfer.problem.as_deref().unwrap_or("it failed")
            ),
        }
    }
}

/// What arrived of the upload that broke off.
async fn received(client: &Client) -> Result<u64> {
    match client.updates().await?.transfer {
        Some(transfer) if transfer.state == TransferState::Interrupted => {
            Ok(transfer.received_bytes)
        }
        _ => bail!("no upload broke off that could be taken up again"),
    }
}
