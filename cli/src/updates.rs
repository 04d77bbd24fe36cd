//! `qx update`.

use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use qx_api::client::{Client, Error};
use qx_api::rest::{
    Automatic, Feed, LastUpdate, Slot, TransferSource, TransferState, UpdateOutcome, UpdateStart,
    Updates,
};
use tokio::io::AsyncSeekExt;

use crate::args::{Format, UpdateCommand};
use crate::files::{bar, open, percent_bar, pieces};
use crate::output::{json, plain};

/// Between two tries to go on with an upload, and how many there are.
const PAUSE: Duration = Duration::from_secs(3);
const TRIES: u32 = 20;
/// How often the host is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(client: &Client, format: Format, command: UpdateCommand) -> Result<()> {
    let updates = match command {
        UpdateCommand::Status => client.updates().await?,
        UpdateCommand::Upload { file, resume } => upload(client, &file, resume).await?,
        UpdateCommand::Reinstall => {
            client.reinstall_update().await?;
            follow(client).await?
        }
        UpdateCommand::Check => client.check_update().await?,
        UpdateCommand::Fetch => {
            client.fetch_update().await?;
            follow(client).await?
        }
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
    for line in lines(updates) {
        println!("{}", plain(&line));
    }
    Ok(())
}

/// What a person reads: a line a slot, how the last update ended, what is being written.
fn lines(updates: &Updates) -> Vec<String> {
    if let Some(reason) = &updates.unavailable {
        return vec![format!("No updates: {reason}")];
    }
    let mut lines: Vec<String> = updates.slots.iter().map(slot).collect();
    lines.extend(updates.last.as_ref().map(last));
    lines.extend(updates.feed.iter().flat_map(feed));
    if let Some(transfer) = &updates.transfer {
        let version = transfer.version.as_deref().unwrap_or("an update");
        lines.push(match transfer.state {
            TransferState::Receiving | TransferState::Verifying => {
                format!("Writing {version}: {} %", transfer.percent)
            }
            TransferState::Interrupted => format!(
                "The upload of {version} broke off after {} bytes: qx update upload FILE --resume",
                transfer.received_bytes
            ),
            TransferState::Done if transfer.source == TransferSource::Reinstall => {
                format!("{version} was written to the other slot once more")
            }
            TransferState::Done => {
                format!("{version} is ready. Start it with: qx update apply")
            }
            TransferState::Failed => format!(
                "Writing {version} failed, the running system was not touched: {}",
                transfer.problem.as_deref().unwrap_or("no reason is known")
            ),
        });
    }
    lines
}

fn feed(feed: &Feed) -> Vec<String> {
    let found = match (&feed.problem, &feed.offer, feed.checked_at) {
        (Some(problem), ..) => problem.clone(),
        (None, Some(offer), _) if offer.given_up => format!(
            "{} failed here or was left, and is not tried again by itself: qx update fetch",
            offer.version
        ),
        (None, Some(offer), _) if offer.staged => {
            format!("{} is in the other slot: qx update apply", offer.version)
        }
        (None, Some(offer), _) => format!(
            "{} can be had, {} MiB: qx update fetch",
            offer.version,
            offer.size_bytes.div_ceil(1 << 20)
        ),
        (None, None, Some(time)) => format!("nothing newer, {time}"),
        (None, None, None) => "not asked yet: qx update check".to_owned(),
    };
    let mut lines = vec![format!("Feed     {} ({}): {found}", feed.url, feed.channel)];
    let does = match feed.automatic {
        Automatic::Off => return lines,
        Automatic::Fetch => "fetches newer versions by itself",
        Automatic::Apply => "fetches newer versions by itself and starts them in the window",
    };
    let window = feed.window.as_ref().map_or_else(String::new, |window| {
        format!(", next {} to {}", window.starts_at, window.ends_at)
    });
    lines.push(format!("Schedule {does}{window}"));
    lines
}

fn slot(slot: &Slot) -> String {
    let mut facts = Vec::new();
    if slot.running {
        facts.push("running".to_owned());
    }
    if slot.confirmed {
        facts.push("confirmed".to_owned());
    }
    if let Some(tries) = slot.tries_left {
        let trial = if slot.running {
            "on trial"
        } else {
            "waits for its trial"
        };
        facts.push(format!("{trial}, tries left: {tries}"));
    }
    if let Some(failure) = &slot.failure {
        facts.push(format!("failed: {}", failure.detail));
    }
    let version = slot.version.as_deref().unwrap_or("empty");
    let facts = facts.join(", ");
    format!("Slot {:?}  {version}  {facts}", slot.name)
        .trim_end()
        .to_owned()
}

fn last(last: &LastUpdate) -> String {
    let change = format!(
        "{} to {}, {}",
        last.from_version, last.version, last.started_at
    );
    match (last.outcome, &last.failure) {
        (UpdateOutcome::Waiting, _) => format!("Update   {change}: starts with the next restart"),
        (UpdateOutcome::OnTrial, _) => format!("Update   {change}: on trial"),
        (UpdateOutcome::Succeeded, _) => format!("Update   {change}: succeeded"),
        (UpdateOutcome::Failed, Some(failure)) => {
            format!("Update   {change}: failed, went back: {}", failure.detail)
        }
        (UpdateOutcome::Failed, None) => format!("Update   {change}: failed, went back"),
    }
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

/// Shows how far the host is with what it writes by itself, and returns when that is over.
async fn follow(client: &Client) -> Result<Updates> {
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

#[cfg(test)]
mod tests {
    use qx_api::rest::{
        Failure, FailureReason, MaintenanceWindow, Offer, SlotName, SlotState, Transfer,
    };

    use super::*;

    fn slot_b() -> Slot {
        Slot {
            name: SlotName::B,
            state: SlotState::Good,
            running: false,
            confirmed: false,
            tries_left: None,
            version: Some("2.0.0".into()),
            build_id: Some("0123456789abcdef".into()),
            failure: None,
        }
    }

    fn network() -> Failure {
        Failure {
            reason: FailureReason::Network,
            detail: "the management network did not come up".into(),
        }
    }

    #[test]
    fn a_slot_is_one_line() {
        assert_eq!(slot(&slot_b()), "Slot B  2.0.0");
        let running = Slot {
            running: true,
            tries_left: Some(2),
            ..slot_b()
        };
        assert_eq!(
            slot(&running),
            "Slot B  2.0.0  running, on trial, tries left: 2"
        );
        let empty = Slot {
            version: None,
            state: SlotState::Empty,
            ..slot_b()
        };
        assert_eq!(slot(&empty), "Slot B  empty");
        let failed = Slot {
            state: SlotState::Failed,
            failure: Some(network()),
            ..slot_b()
        };
        assert_eq!(
            slot(&failed),
            "Slot B  2.0.0  failed: the management network did not come up"
        );
    }

    #[test]
    fn a_host_that_cannot_be_updated_says_why_and_nothing_else() {
        let updates = Updates {
            unavailable: Some("the system runs from a medium".into()),
            slots: vec![],
            transfer: None,
            last: None,
            feed: None,
        };
        assert_eq!(
            lines(&updates),
            ["No updates: the system runs from a medium"]
        );
    }

    #[test]
    fn what_was_written_says_how_it_goes_on() {
        let wrote = |source| Updates {
            unavailable: None,
            slots: vec![],
            transfer: Some(Transfer {
                source,
                state: TransferState::Done,
                version: Some("2.0.0".into()),
                received_bytes: 8,
                total_bytes: Some(8),
                percent: 100,
                problem: None,
            }),
            last: None,
            feed: None,
        };
        assert_eq!(
            lines(&wrote(TransferSource::Upload)),
            ["2.0.0 is ready. Start it with: qx update apply"]
        );
        assert_eq!(
            lines(&wrote(TransferSource::Reinstall)),
            ["2.0.0 was written to the other slot once more"]
        );
    }

    #[test]
    fn why_an_update_failed_and_how_to_go_on_with_an_upload_is_said() {
        let updates = Updates {
            unavailable: None,
            slots: vec![slot_b()],
            transfer: Some(Transfer {
                source: TransferSource::Upload,
                state: TransferState::Interrupted,
                version: None,
                received_bytes: 4096,
                total_bytes: None,
                percent: 3,
                problem: None,
            }),
            last: Some(LastUpdate {
                version: "2.0.0".into(),
                build_id: "0123456789abcdef".into(),
                slot: SlotName::B,
                from_version: "1.0.0".into(),
                started_at: "2026-11-23T12:00:00Z".parse().unwrap(),
                outcome: UpdateOutcome::Failed,
                failure: Some(network()),
            }),
            feed: None,
        };
        let lines = lines(&updates);
        assert_eq!(
            lines[1],
            "Update   1.0.0 to 2.0.0, 2026-11-23T12:00:00Z: failed, went back: the management network did not come up"
        );
        assert!(lines[2].contains("4096 bytes: qx update upload FILE --resume"));
    }

    #[test]
    fn what_the_feed_has_and_what_becomes_of_it_is_said() {
        let asked = Feed {
            url: "https://a.example".into(),
            channel: "stable".into(),
            checked_at: Some("2026-11-24T12:00:00Z".parse().unwrap()),
            next_check_at: "2026-11-25T12:00:00Z".parse().unwrap(),
            problem: None,
            offer: None,
            automatic: Automatic::Off,
            window: None,
        };
        let first = |feed: &Feed| super::feed(feed).remove(0);
        assert_eq!(
            super::feed(&asked),
            ["Feed     https://a.example (stable): nothing newer, 2026-11-24T12:00:00Z"]
        );
        let mut offering = Feed {
            offer: Some(Offer {
                version: "2.0.0".into(),
                build_id: "0123456789abcdef".into(),
                size_bytes: (150 << 20) - 5,
                staged: false,
                given_up: false,
            }),
            automatic: Automatic::Apply,
            window: Some(MaintenanceWindow {
                starts_at: "2026-11-28T01:00:00Z".parse().unwrap(),
                ends_at: "2026-11-28T03:00:00Z".parse().unwrap(),
            }),
            ..asked.clone()
        };
        assert!(first(&offering).ends_with("2.0.0 can be had, 150 MiB: qx update fetch"));
        assert_eq!(
            super::feed(&offering)[1],
            "Schedule fetches newer versions by itself and starts them in the window, \
             next 2026-11-28T01:00:00Z to 2026-11-28T03:00:00Z"
        );
        offering.offer.as_mut().unwrap().given_up = true;
        assert!(first(&offering).contains("not tried again by itself"));
        let silent = Feed {
            problem: Some("the feed cannot be asked: 404".into()),
            ..asked
        };
        assert!(first(&silent).ends_with(": the feed cannot be asked: 404"));
    }
}
