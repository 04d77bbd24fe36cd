//! `qx volume`.

use std::path::Path;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use qx_api::client::Client;
use qx_api::rest::{Volume, VolumeCreate, VolumePatch, VolumeRef, VolumeSource};
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::args::Format;
use crate::args::storage::{self, VolumeCommand};
use crate::files::{bar, open, pieces};
use crate::output::{fields, list, plain, word};
use crate::pools::{find, users};
use crate::size::Size;
use crate::tasks::finish;
use crate::vms::Ways;

pub(crate) async fn run(client: &Client, ways: Ways, command: VolumeCommand) -> Result<()> {
    let (format, no_wait) = ways;
    match command {
        VolumeCommand::List { pool } => {
            let pool = find(client, &pool).await?.id;
            let volumes = client.volumes(pool).await?;
            let header = ["NAME", "FORMAT", "SIZE", "TAKES", "VMS"];
            list(format, &volumes, &header, volumes.iter().map(row))
        }
        VolumeCommand::Show { volume } => {
            let pool = find(client, &volume.pool).await?.id;
            show(format, &client.volume(pool, &volume.name).await?)
        }
        VolumeCommand::Create {
            volume,
            size,
            format: kind,
            full,
            image,
            from,
        } => {
            let pool = find(client, &volume.pool).await?.id;
            let from = match from {
                Some(from) => Some(named(client, &from).await?),
                None => None,
            };
            let copy = image.is_some() || from.is_some();
            let wish = VolumeCreate {
                name: volume.name,
                format: kind.map(Into::into),
                size_bytes: size.map(|size| size.0),
                full,
                source: copy.then_some(VolumeSource {
                    image,
                    volume: from,
                }),
            };
            let task = client.begin_create_volume(pool, &wish).await?;
            match finish(client, format, no_wait, task).await? {
                Some(_) => show(format, &client.volume(pool, &wish.name).await?),
                None => Ok(()),
            }
        }
        VolumeCommand::Resize {
            volume,
            size,
            shrink,
        } => {
            let pool = find(client, &volume.pool).await?.id;
            let patch = VolumePatch {
                size_bytes: size.0,
                shrink,
            };
            show(
                format,
                &client.patch_volume(pool, &volume.name, &patch).await?,
            )
        }
        VolumeCommand::Delete { volume } => {
            let pool = find(client, &volume.pool).await?.id;
            Ok(client.delete_volume(pool, &volume.name).await?)
        }
        VolumeCommand::Upload {
            file,
            volume,
            format: kind,
            sha256,
        } => {
            let pool = find(client, &volume.pool).await?.id;
            let (file, size) = open(&file).await?;
            let bar = bar(size);
            let kind = kind.map(|kind| word(&qx_api::rest::VolumeFormat::from(kind)));
            let stored = client
                .upload_volume(
                    (pool, &volume.name),
                    kind.as_deref(),
                    (size, sha256.as_deref()),
                    pieces(file, bar.clone()),
                )
                .await;
            bar.finish_and_clear();
            show(format, &stored?)
        }
        VolumeCommand::Download { volume, file } => {
            let pool = find(client, &volume.pool).await?.id;
            download(client, pool, &volume.name, &file).await
        }
    }
}

/// A volume as the API names it.
pub(crate) async fn named(client: &Client, volume: &storage::Volume) -> Result<VolumeRef> {
    Ok(VolumeRef {
        pool: find(client, &volume.pool).await?.id,
        name: volume.name.clone(),
    })
}

async fn download(client: &Client, pool: Uuid, name: &str, path: &Path) -> Result<()> {
    let shown = path.display();
    let (size, content) = client.download_volume(pool, name).await?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .await
        .with_context(|| format!("can't make {shown}"))?;
    let bar = bar(size);
    let written = async {
        let mut content = std::pin::pin!(content);
        while let Some(piece) = content.try_next().await? {
            file.write_all(&piece).await?;
            bar.inc(piece.len() as u64);
        }
        file.sync_all().await
    };
    let written = written.await;
    bar.finish_and_clear();
    if written.is_err() {
        // A part of it would pass for the whole.
        let _ = tokio::fs::remove_file(path).await;
    }
    written.with_context(|| format!("{shown} could not be written"))
}

fn row(volume: &Volume) -> Vec<String> {
    vec![
        plain(&volume.name),
        plain(&volume.format),
        Size(volume.capacity_bytes).to_string(),
        Size(volume.allocation_bytes).to_string(),
        users(&volume.used_by),
    ]
}

fn show(format: Format, volume: &Volume) -> Result<()> {
    let mut lines = vec![
        ("Name", plain(&volume.name)),
        ("Place", plain(&volume.path)),
        ("Format", plain(&volume.format)),
        ("Size", Size(volume.capacity_bytes).to_string()),
        ("Takes", Size(volume.allocation_bytes).to_string()),
    ];
    if let Some(other) = &volume.backing {
        lines.push(("Needs", plain(other)));
    }
    if !volume.used_by.is_empty() {
        lines.push(("VMs", users(&volume.used_by)));
    }
    fields(format, volume, &lines)
}
