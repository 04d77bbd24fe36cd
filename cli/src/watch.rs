//! `qx events`.

use anyhow::{Result, bail};
use qx_api::client::Client;

use crate::args::Format;
use crate::output::{line, plain, word};

/// Prints a line for each event until the daemon ends the stream.
pub(crate) async fn events(client: &Client, format: Format, since: Option<u64>) -> Result<()> {
    let mut events = client.events(since).await?;
    while let Some(event) = events.next().await? {
        if format == Format::Json {
            line(serde_json::to_string(&event)?)?;
            continue;
        }
        if let Some(task) = &event.task {
            let (operation, name) = (plain(&task.operation), plain(&task.target.name));
            let (state, percent) = (word(&task.state), task.percent);
            let (seq, time) = (event.seq, event.time);
            line(format_args!(
                "{seq} {time} task.changed {operation} {name} {state} {percent}%"
            ))?;
            continue;
        }
        let about = match (&event.vm, &event.image, event.vm_id) {
            (Some(vm), ..) => format!("{} {}", plain(&vm.name), word(&vm.state)),
            (None, Some(image), _) => plain(image),
            (None, None, Some(id)) => id.to_string(),
            (None, None, None) => String::new(),
        };
        let (seq, time, kind) = (event.seq, event.time, word(&event.kind));
        line(format_args!("{seq} {time} {kind} {about}"))?;
    }
    bail!("the daemon ended the stream: it is stopping, or this reader was too slow")
}
