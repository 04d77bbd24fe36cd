//! `qx host logs`.

use anyhow::{Result, bail};
use qx_api::client::Client;
use qx_api::rest::HostLogName;

use crate::args::Format;
use crate::args::host_logs::{Logs, Name};
use crate::output::{json, line, plain};

pub(crate) async fn run(client: &Client, format: Format, wish: Logs) -> Result<()> {
    let log = match wish.log {
        Name::System => HostLogName::System,
        Name::Daemon => HostLogName::Daemon,
        Name::Kernel => HostLogName::Kernel,
        Name::Boot => HostLogName::Boot,
        Name::Install => HostLogName::Install,
    };
    if !wish.follow {
        let found = client.host_log(log, wish.lines, &wish.grep).await?;
        return match format {
            Format::Json => json(&found),
            Format::Table => print(&found.lines),
        };
    }
    let mut pieces = client.follow_host_log(log, wish.lines, &wish.grep).await?;
    while let Some(piece) = pieces.next().await? {
        match format {
            Format::Json => line(serde_json::to_string(&piece)?)?,
            Format::Table => print(&piece.lines)?,
        }
    }
    bail!("the daemon ended the stream: it is stopping, or the log can't be read any more")
}

/// What was logged may hold what others sent: nothing of it steers the terminal.
fn print(lines: &[String]) -> Result<()> {
    lines.iter().try_for_each(|text| line(plain(text)))
}
