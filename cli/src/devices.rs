//! `qx vm disk`, `qx vm nic` and `qx vm cd`.

use anyhow::Result;
use qx_api::client::Client;
use qx_api::rest::{Cdrom, DiskAttach, DiskLimits, DiskPatch, NicAttach, NicLimits, NicPatch, Vm};

use crate::args::{self, CdCommand, DiskCommand, NicCommand};
use crate::vms::find;

/// The VM afterwards.
pub(crate) async fn disk(client: &Client, command: DiskCommand) -> Result<Vm> {
    Ok(match command {
        DiskCommand::Add { vm, disk, limits } => {
            let wish = DiskAttach {
                size_bytes: disk.size.map(|size| size.0),
                image: disk.image,
                limits: disk_limits(limits).unwrap_or_default(),
            };
            client
                .attach_disk(find(client, &vm).await?.id, &wish)
                .await?
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
            let vm = find(client, &vm).await?;
            client.detach_disk(vm.id, &target, delete).await?
        }
    })
}

/// The VM afterwards.
pub(crate) async fn nic(client: &Client, command: NicCommand) -> Result<Vm> {
    Ok(match command {
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
            let vm = find(client, &vm).await?;
            client.detach_nic(vm.id, &mac).await?
        }
    })
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
