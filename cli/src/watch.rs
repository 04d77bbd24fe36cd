//! `qx events`.

use anyhow::{Result, bail};
use qx_api::client::Client;

use crate::args::Format;
use crate::output::{plain, word};

/// Prints a line for each event until the daemon ends the stream.
pub(crate) async fn events(client: &Client, format: Format, since: Option<u64>) -> Result<()> {
    let mut events = client.events(since).await?;
    while let Some(event) = events.next().await? {
        if format == Format::Json {
            println!("{}", serde_json::to_string(&event)?);
            continue;
        }
        let about = match (&event.vm, &event.image, event.vm_id) {
            (Some(vm), ..) => format!("{} {}", plain(&vm.name), word(&vm.state)),
            (None, Some(image), _) => plain(image),
            (None, None, Some(id)) => id.to_string(),
            (None, None, None) => String::new(),
        };
        println!("{} {} {} {about}", event.seq, event.time, word(&event.kind));
    }
    bail!("the daemon ended the stream: it is stopping, or this reader was too slow")
}
