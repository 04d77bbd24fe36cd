//! `qx image`.

use std::path::Path;

use anyhow::{Context, Result};
use qx_api::client::Client;
use qx_api::rest::Image;

use crate::args::{Format, ImageCommand};
use crate::files::{bar, open, pieces};
use crate::output::{list, plain, word};
use crate::size::Size;

pub(crate) async fn run(client: &Client, format: Format, command: ImageCommand) -> Result<()> {
    match command {
        ImageCommand::List => show(format, &client.images().await?),
        ImageCommand::Upload { file, name, sha256 } => {
            let image = upload(client, &file, name, sha256.as_deref()).await?;
            show(format, &[image])
        }
        ImageCommand::Delete { name } => Ok(client.delete_image(&name).await?),
    }
}

fn show(format: Format, images: &[Image]) -> Result<()> {
    let rows = images.iter().map(|image| {
        let (size, disk) = (Size(image.size_bytes), Size(image.virtual_bytes));
        vec![
            plain(&image.name),
            word(&image.format),
            size.to_string(),
            disk.to_string(),
        ]
    });
    list(format, &images, &["NAME", "FORMAT", "SIZE", "DISK"], rows)
}

async fn upload(
    client: &Client,
    path: &Path,
    name: Option<String>,
    sha256: Option<&str>,
) -> Result<Image> {
    let shown = path.display();
    let own = path
        .file_name()
        .and_then(|name| name.to_str())
        .map(str::to_owned);
    let name = name
        .or(own)
        .with_context(|| format!("{shown} has no name: give one by --name"))?;
    let (file, size) = open(path).await?;
    let bar = bar(size);
    let image = client
        .upload_image(&name, size, sha256, pieces(file, bar.clone()))
        .await;
    bar.finish_and_clear();
    Ok(image?)
}
