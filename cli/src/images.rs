//! `qx image`.

use std::io::{self, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};
use qx_api::client::Client;
use qx_api::rest::{Image, ImageUpload};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::args::{Format, ImageCommand};
use crate::files::{bar, open, pieces};
use crate::output::{list, plain, word};
use crate::size::Size;

/// Most of the end of what the host has that is compared, in bytes.
const MOST_TAIL: u64 = 1 << 20;

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
    let (mut file, size) = open(path).await?;
    let uploads = client.image_uploads().await?;
    let same = |part: &&ImageUpload| part.name == name && part.total_bytes == size;
    let offset = match uploads.iter().find(same) {
        Some(part) => broke_off(part, &mut file)
            .await
            .with_context(|| format!("can't read {shown}"))?,
        None => 0,
    };
    let bar = bar(size);
    if offset > 0 {
        bar.println(format!("{shown}: going on where an upload broke off"));
        bar.set_position(offset);
    }
    let content = pieces(file, bar.clone());
    let image = client
        .upload_image(&name, (offset, size - offset), sha256, content)
        .await;
    bar.finish_and_clear();
    Ok(image?)
}

/// Where an upload of the same file broke off, which is where `file` stands then; 0 if it is another one.
async fn broke_off(part: &ImageUpload, file: &mut File) -> io::Result<u64> {
    if part.under_way || part.tail_bytes > part.received_bytes.min(MOST_TAIL) {
        return Ok(0);
    }
    let mut tail = Vec::new();
    let start = part.received_bytes - part.tail_bytes;
    file.seek(SeekFrom::Start(start)).await?;
    file.take(part.tail_bytes).read_to_end(&mut tail).await?;
    let same = hex::encode(Sha256::digest(&tail)) == part.tail_sha256;
    let offset = if same { part.received_bytes } else { 0 };
    file.seek(SeekFrom::Start(offset)).await?;
    Ok(offset)
}
