//! `qx vm disk`, `qx vm nic` and `qx vm cd`.

use anyhow::Result;
use qx_api::client::Client;
use qx_api::rest::{
    Cdrom, DiskAttach, DiskLimits, DiskPatch, NicAttach, NicLimits, NicPatch, Task, Vm,
};
use uuid::Uuid;

use crate::args::{self, CdCommand, DiskCommand, NicCommand};
use crate::tasks::finish;
use crate::vms::{Ways, disk_wish, find, pool_id};

/// The VM afterwards; `None` if nobody waits for it.
pub(crate) async fn disk(client: &Client, ways: Ways, command: DiskCommand) -> Result<Option<Vm>> {
    Ok(Some(match command {
        DiskCommand::Add {
            vm,
            disk,
            pool,
            limits,
        } => {
            let pool = pool_id(client, pool.as_deref()).await?;
            let disk = disk_wish(client, &disk, pool).await?;
            let wish = DiskAttach {
                size_bytes: disk.size_bytes,
                image: disk.image,
                pool: disk.pool,
                volume: disk.volume,
                limits: disk_limits(limits).unwrap_or_default(),
            };
            let id = find(client, &vm).await?.id;
            let task = client.begin_attach_disk(id, &wish).await?;
            return after(client, ways, id, task).await;
        }
        DiskCommand::Set {
            vm,
            target,
            size,
            limits,
        } => {
            let patch = DiskPatch {
                size_bytes: size.map(|size| size.0),
                limits: disk_limits(limits),
            };
            let vm = find(client, &vm).await?;
            client.patch_disk(vm.id, &target, &patch).await?
        }
        DiskCommand::Remove { vm, target, delete } => {
            let id = find(client, &vm).await?.id;
            let task = client.begin_detach_disk(id, &target, delete).await?;
            return after(client, ways, id, task).await;
        }
    }))
}

async fn after(client: &Client, ways: Ways, id: Uuid, task: Task) -> Result<Option<Vm>> {
    let (format, no_wait) = ways;
    match finish(client, format, no_wait, task).await? {
        Some(_) => Ok(Some(client.vm(id).await?)),
        None => Ok(None),
    }
}

/// The VM afterwards; `None` if nobody waits for it.
pub(crate) async fn nic(client: &Client, ways: Ways, command: NicCommand) -> Result<Option<Vm>> {
    Ok(Some(match command {
        NicCommand::Add {
            vm,
            network,
            bridge,
            limits,
        } => {
            let wish = NicAttach {
                network,
                bridge,
                limits: nic_limits(limits),
            };
            client
                .attach_nic(find(client, &vm).await?.id, &wish)
                .await?
        }
        NicCommand::Set { vm, mac, limits } => {
            let limits = nic_limits(limits);
            let vm = find(client, &vm).await?;
            client.patch_nic(vm.id, &mac, &NicPatch { limits }).await?
        }
        NicCommand::Remove { vm, mac } => {
            let id = find(client, &vm).await?.id;
            let task = client.begin_detach_nic(id, &mac).await?;
            return after(client, ways, id, task).await;
        }
    }))
}

/// The VM afterwards.
pub(crate) async fn cd(client: &Client, command: CdCommand) -> Result<Vm> {
    let (vm, image, force) = match command {
        CdCommand::Insert { vm, image, force } => (vm, Some(image), force),
        CdCommand::Eject { vm, force } => (vm, None, force),
    };
    let vm = find(client, &vm).await?;
    Ok(client.set_cdrom(vm.id, &Cdrom { image, force }).await?)
}

/// `None` when no limit was typed.
fn disk_limits(typed: args::DiskLimits) -> Option<DiskLimits> {
    let limits = DiskLimits {
        read_bytes_sec: typed.read_rate.map_or(0, |rate| rate.0),
        write_bytes_sec: typed.write_rate.map_or(0, |rate| rate.0),
        read_iops: typed.read_iops.unwrap_or(0),
        write_iops: typed.write_iops.unwrap_or(0),
    };
    let any = typed.read_rate.is_some()
        || typed.write_rate.is_some()
        || typed.read_iops.is_some()
        || typed.write_iops.is_some();
    any.then_some(limits)
}

fn nic_limits(typed: args::NicLimits) -> NicLimits {
    NicLimits {
        receive_kbytes_sec: typed.receive_rate,
        send_kbytes_sec: typed.send_rate,
    }
}
