//! `qx pool`.

use anyhow::{Result, bail};
use qx_api::client::Client;
use qx_api::rest::{
    IscsiSource, LvmSource, NfsSource, Pool, PoolCreate, PoolDisk, PoolFormat, PoolPatch, PoolType,
    StorageUser,
};

use crate::args::Format;
use crate::args::storage::{Create, Kind, PoolCommand};
use crate::output::{fields, list, plain, word};
use crate::size::Size;
use crate::tasks::finish;
use crate::vms::Ways;

pub(crate) async fn run(client: &Client, ways: Ways, command: PoolCommand) -> Result<()> {
    let (format, no_wait) = ways;
    match command {
        PoolCommand::List => {
            let pools = client.pools().await?;
            let header = ["NAME", "TYPE", "STATE", "SIZE", "USED", "FREE", "VMS"];
            list(format, &pools, &header, pools.iter().map(row))
        }
        PoolCommand::Show { pool } => show(format, &find(client, &pool).await?),
        PoolCommand::Create(create) => show(format, &client.create_pool(&wish(create)?).await?),
        PoolCommand::Disks => {
            let disks = client.pool_disks().await?;
            let header = ["DISK", "SIZE", "MODEL", "CONTENT", "A POOL CAN BE MADE"];
            list(format, &disks, &header, disks.iter().map(disk_row))
        }
        PoolCommand::Format { name, disk, wipe } => {
            let wish = PoolFormat {
                id: Some(uuid::Uuid::new_v4()),
                name,
                disk,
                wipe,
            };
            let task = client.begin_format_pool(&wish).await?;
            match (finish(client, format, no_wait, task).await?, wish.id) {
                (Some(_), Some(id)) => show(format, &client.pool(id).await?),
                _ => Ok(()),
            }
        }
        PoolCommand::Set { pool, autostart } => {
            let id = find(client, &pool).await?.id;
            show(
                format,
                &client.patch_pool(id, &PoolPatch { autostart }).await?,
            )
        }
        PoolCommand::Start { pool } => {
            let id = find(client, &pool).await?.id;
            show(format, &client.start_pool(id).await?)
        }
        PoolCommand::Stop { pool } => {
            let id = find(client, &pool).await?.id;
            show(format, &client.stop_pool(id).await?)
        }
        PoolCommand::Refresh { pool } => {
            let id = find(client, &pool).await?.id;
            show(format, &client.refresh_pool(id).await?)
        }
        PoolCommand::Delete { pool } => {
            let id = find(client, &pool).await?.id;
            Ok(client.delete_pool(id).await?)
        }
    }
}

/// A pool by id or by name.
pub(crate) async fn find(client: &Client, wanted: &str) -> Result<Pool> {
    if let Ok(id) = wanted.parse() {
        return Ok(client.pool(id).await?);
    }
    let mut pools = client.pools().await?.into_iter();
    match pools.find(|pool| pool.name == wanted) {
        Some(pool) => Ok(pool),
        None => bail!(
            "there is no storage pool named {wanted:?}; `qx pool list` shows those that are there"
        ),
    }
}

fn wish(create: Create) -> Result<PoolCreate> {
    let source = create.source.unwrap_or_default();
    let mut wish = PoolCreate {
        id: None,
        name: create.name,
        kind: PoolType::Directory,
        path: create.path,
        nfs: None,
        lvm: None,
        iscsi: None,
        autostart: !create.no_autostart,
    };
    match create.kind {
        Kind::Directory => {}
        Kind::Nfs => {
            // An IPv6 address has colons too; an export begins with a slash.
            let Some((host, export)) = source.split_once(":/") else {
                bail!("--source of NFS must be HOST:/EXPORT, such as nas:/export/vms");
            };
            wish.kind = PoolType::Nfs;
            wish.nfs = Some(NfsSource {
                host: host.trim_matches(['[', ']']).to_owned(),
                export: format!("/{export}"),
            });
        }
        Kind::Lvm => {
            wish.kind = PoolType::Lvm;
            wish.lvm = Some(LvmSource {
                group: source,
                devices: create.devices,
            });
        }
        Kind::Iscsi => {
            let (host, port) = match source.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') => (host.to_owned(), Some(port.parse()?)),
                _ => (source, None),
            };
            wish.kind = PoolType::Iscsi;
            wish.iscsi = Some(IscsiSource {
                host,
                port,
                target: create.target.unwrap_or_default(),
                initiator: create.initiator,
            });
        }
    }
    Ok(wish)
}

fn row(pool: &Pool) -> Vec<String> {
    vec![
        plain(&pool.name),
        word(&pool.kind),
        word(&pool.state),
        Size(pool.capacity_bytes).to_string(),
        Size(pool.allocation_bytes).to_string(),
        Size(pool.available_bytes).to_string(),
        pool.used_by.len().to_string(),
    ]
}

fn disk_row(disk: &PoolDisk) -> Vec<String> {
    let can = match (&disk.reason, disk.wipeable) {
        (None, _) => "yes".to_owned(),
        (Some(_), true) => "with --wipe".to_owned(),
        (Some(reason), false) => plain(reason),
    };
    vec![
        plain(&disk.path),
        Size(disk.size_bytes).to_string(),
        plain(disk.model.as_deref().unwrap_or_default()),
        plain(&disk.content),
        can,
    ]
}

pub(crate) fn users(users: &[StorageUser]) -> String {
    let names: Vec<String> = users.iter().map(|user| plain(&user.name)).collect();
    names.join(", ")
}

fn show(format: Format, pool: &Pool) -> Result<()> {
    let starts = if pool.autostart { "yes" } else { "no" };
    let mut lines = vec![
        ("Name", plain(&pool.name)),
        ("ID", pool.id.to_string()),
        ("Type", word(&pool.kind)),
        ("State", word(&pool.state)),
    ];
    if let Some(problem) = &pool.problem {
        lines.push(("Problem", plain(problem)));
    }
    lines.push(("Starts by itself", starts.to_owned()));
    if let Some(path) = &pool.path {
        lines.push(("Place", plain(path)));
    }
    if let Some(source) = &pool.source {
        lines.push(("Source", plain(source)));
    }
    lines.push(("Size", Size(pool.capacity_bytes).to_string()));
    lines.push(("Used", Size(pool.allocation_bytes).to_string()));
    lines.push(("Free", Size(pool.available_bytes).to_string()));
    if !pool.used_by.is_empty() {
        lines.push(("VMs", users(&pool.used_by)));
    }
    fields(format, pool, &lines)
}
