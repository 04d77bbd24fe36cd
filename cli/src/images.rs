//! `qx image`.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use indicatif::{ProgressBar, ProgressStyle};
use qx_api::client::Client;
use qx_api::rest::Image;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::args::{Format, ImageCommand};
use crate::output::{list, plain, word};
use crate::size::Size;

const PIECE: usize = 256 * 1024;

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
    let file = File::open(path)
        .await
        .with_context(|| format!("can't open {shown}"))?;
    let size = file
        .metadata()
        .await
        .with_context(|| format!("can't read {shown}"))?
        .len();
    let bar = bar(size);
    let image = client
        .upload_image(&name, size, sha256, pieces(file, bar.clone()))
        .await;
    bar.finish_and_clear();
    Ok(image?)
}

fn bar(size: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(size);
    let template = "{bar:30} {percent}%  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn pieces(file: File, bar: ProgressBar) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold((file, bar), |(mut file, bar)| async move {
        let mut piece = BytesMut::with_capacity(PIECE);
        let length = file.read_buf(&mut piece).await?;
        bar.inc(length as u64);
        Ok((length > 0).then(|| (piece.freeze(), (file, bar))))
    })
}
