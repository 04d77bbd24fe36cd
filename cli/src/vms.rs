//! `qx vm`.

use anyhow::{Context, Result, bail};
use qx_api::client::{Client, PowerAction};
use qx_api::rest::{self, DiskCreate, NicCreate, Task, Vm, VmClone, VmCreate, VmPatch};
use uuid::Uuid;

use crate::args::{Create, Disk, Firmware, Format, Set, VmCommand};
use crate::cloud_init;
use crate::console;
use crate::devices;
use crate::guests;
use crate::output::{fields, list, plain, word};
use crate::size::Size;
use crate::snapshots;
use crate::tasks::finish;

pub(crate) async fn run(client: &Client, ways: Ways, command: VmCommand) -> Result<()> {
    let (format, no_wait) = ways;
    match command {
        VmCommand::List => {
            let mut vms = client.vms().await?;
            vms.sort_by(|a, b| a.name.cmp(&b.name));
            let header = ["NAME", "STATE", "VCPUS", "MEMORY", "ID"];
            list(format, &vms, &header, vms.iter().map(row))
        }
        VmCommand::Show { vm } => show(format, &find(client, &vm).await?),
        VmCommand::Create(create) => {
            let start = create.start;
            let pool = pool_id(client, create.pool.as_deref()).await?;
            let mut disks = Vec::with_capacity(create.disks.len());
            for disk in &create.disks {
                disks.push(disk_wish(client, disk, pool).await?);
            }
            let task = client.begin_create_vm(&wish(create, disks)?).await?;
            let Some(id) = made(client, ways, task).await? else {
                return Ok(());
            };
            if start {
                return begin_power(client, ways, id, PowerAction::Start).await;
            }
            show(format, &client.vm(id).await?)
        }
        VmCommand::Clone {
            vm,
            name,
            description,
        } => {
            let source = find(client, &vm).await?;
            let wish = VmClone {
                id: None,
                name,
                description,
            };
            let task = client.begin_clone_vm(source.id, &wish).await?;
            match made(client, ways, task).await? {
                Some(id) => show(format, &client.vm(id).await?),
                None => Ok(()),
            }
        }
        VmCommand::Set(set) => {
            let vm = find(client, &set.vm).await?;
            let patch = patch(set);
            let changed = client.patch_vm(vm.id, Some(&vm.revision), &patch).await?;
            show(format, &changed)
        }
        VmCommand::Disk { command } => shown(format, devices::disk(client, ways, command).await?),
        VmCommand::Nic { command } => shown(format, devices::nic(client, ways, command).await?),
        VmCommand::Cd { command } => show(format, &devices::cd(client, command).await?),
        VmCommand::Snapshot { command } => snapshots::run(client, format, no_wait, command).await,
        VmCommand::Start { vm } => power(client, ways, &vm, PowerAction::Start).await,
        VmCommand::Shutdown { vm } => power(client, ways, &vm, PowerAction::Shutdown).await,
        VmCommand::Stop { vm } => power(client, ways, &vm, PowerAction::Stop).await,
        VmCommand::Reboot { vm } => power(client, ways, &vm, PowerAction::Reboot).await,
        VmCommand::Reset { vm } => power(client, ways, &vm, PowerAction::Reset).await,
        VmCommand::Pause { vm } => power(client, ways, &vm, PowerAction::Pause).await,
        VmCommand::Resume { vm } => power(client, ways, &vm, PowerAction::Resume).await,
        VmCommand::Suspend { vm } => power(client, ways, &vm, PowerAction::Suspend).await,
        VmCommand::Delete { vm, disks } => {
            let vm = find(client, &vm).await?;
            let task = client.begin_delete_vm(vm.id, disks).await?;
            finish(client, format, no_wait, task).await.map(drop)
        }
        VmCommand::Guest { command } => guests::run(client, ways, command).await,
        VmCommand::Console { vm } => {
            let vm = find(client, &vm).await?;
            console::attach(client.serial_console(vm.id).await?).await
        }
    }
}

/// How to print, and whether not to wait.
pub(crate) type Ways = (Format, bool);

/// The VM that a task made, unless nobody waits for it.
async fn made(client: &Client, (format, no_wait): Ways, task: Task) -> Result<Option<Uuid>> {
    let Some(task) = finish(client, format, no_wait, task).await? else {
        return Ok(None);
    };
    let id = task.target.id.parse().context("the host names no VM")?;
    Ok(Some(id))
}

/// The VM, unless nobody waits for it.
fn shown(format: Format, vm: Option<Vm>) -> Result<()> {
    vm.map_or(Ok(()), |vm| show(format, &vm))
}

async fn power(client: &Client, ways: Ways, vm: &str, action: PowerAction) -> Result<()> {
    let vm = find(client, vm).await?;
    begin_power(client, ways, vm.id, action).await
}

async fn begin_power(client: &Client, ways: Ways, id: Uuid, action: PowerAction) -> Result<()> {
    let (format, no_wait) = ways;
    let task = client.begin_power_vm(id, action).await?;
    match finish(client, format, no_wait, task).await? {
        Some(_) => show(format, &client.vm(id).await?),
        None => Ok(()),
    }
}

/// A VM by id or by name.
pub(crate) async fn find(client: &Client, wanted: &str) -> Result<Vm> {
    if let Ok(id) = wanted.parse() {
        return Ok(client.vm(id).await?);
    }
    match client.vms().await?.into_iter().find(|vm| vm.name == wanted) {
        Some(vm) => Ok(vm),
        None => bail!("there is no VM named {wanted:?}; `qx vm list` shows those that are there"),
    }
}

/// The id of a storage pool by name or id.
pub(crate) async fn pool_id(client: &Client, pool: Option<&str>) -> Result<Option<uuid::Uuid>> {
    match pool {
        None => Ok(None),
        Some(pool) => Ok(Some(crate::pools::find(client, pool).await?.id)),
    }
}

/// A disk as typed; one that is made is made in `pool`.
pub(crate) async fn disk_wish(
    client: &Client,
    disk: &Disk,
    pool: Option<uuid::Uuid>,
) -> Result<DiskCreate> {
    let volume = match &disk.volume {
        None => None,
        Some(volume) => Some(crate::volumes::named(client, volume).await?),
    };
    Ok(DiskCreate {
        size_bytes: disk.size.map(|size| size.0),
        image: disk.image.clone(),
        pool: pool.filter(|_| volume.is_none()),
        volume,
    })
}

fn wish(create: Create, disks: Vec<DiskCreate>) -> Result<VmCreate> {
    let networks = create.networks.into_iter().map(NicCreate::Network);
    let bridges = create.bridges.into_iter().map(NicCreate::Bridge);
    Ok(VmCreate {
        id: None,
        name: create.name,
        description: create.description,
        vcpus: create.vcpus,
        vcpus_max: create.max_vcpus,
        memory_mib: create.memory,
        firmware: match create.firmware {
            Firmware::Bios => rest::Firmware::Bios,
            Firmware::Uefi => rest::Firmware::Uefi,
            Firmware::UefiSecureBoot => rest::Firmware::UefiSecureBoot,
        },
        tpm: create.tpm,
        disks,
        cdrom: create.cdrom,
        nics: networks.chain(bridges).collect(),
        autostart: create.autostart,
        cloud_init: cloud_init::wish(create.cloud_init)?,
    })
}

fn patch(set: Set) -> VmPatch {
    let tags = set.tags.map(|tags| {
        let tags = tags.split(',').filter(|tag| !tag.is_empty());
        tags.map(str::to_owned).collect()
    });
    VmPatch {
        name: set.name,
        description: set.description,
        tags,
        vcpus: set.vcpus,
        vcpus_max: set.max_vcpus,
        memory_mib: set.memory,
        cpu_model: set.cpu,
        boot_order: set.boot,
        tpm: set.tpm.then_some(true),
        autostart: set.autostart,
        autostart_order: set.autostart_order,
        autostart_delay_s: set.autostart_delay,
    }
}

fn row(vm: &Vm) -> Vec<String> {
    vec![
        plain(&vm.name),
        word(&vm.state),
        vm.vcpus.to_string(),
        Size(vm.memory_mib << 20).to_string(),
        vm.id.to_string(),
    ]
}

fn vcpus(vm: &Vm) -> String {
    if vm.vcpus_max > vm.vcpus {
        format!("{} of at most {}", vm.vcpus, vm.vcpus_max)
    } else {
        vm.vcpus.to_string()
    }
}

fn firmware(vm: &Vm) -> String {
    let tpm = if vm.tpm { ", with a TPM" } else { "" };
    word(&vm.firmware) + tpm
}

fn autostart(vm: &Vm) -> String {
    let order = format!("order {}", vm.autostart_order);
    match vm.autostart_delay_s {
        0 => order,
        delay => format!("{order}, the next {delay} s later"),
    }
}

fn show(format: Format, vm: &Vm) -> Result<()> {
    let mut lines = vec![
        ("Name", plain(&vm.name)),
        ("ID", vm.id.to_string()),
        ("State", word(&vm.state)),
        ("vCPUs", vcpus(vm)),
        ("Memory", Size(vm.memory_mib << 20).to_string()),
        ("Firmware", firmware(vm)),
        ("Processor", plain(&vm.cpu_model)),
        ("Virtualization", word(&vm.accelerator)),
        ("Boot order", plain(&vm.boot_order.join(", "))),
    ];
    if vm.autostart {
        lines.push(("Starts with the host", autostart(vm)));
    }
    if !vm.tags.is_empty() {
        lines.push(("Tags", plain(&vm.tags.join(", "))));
    }
    if !vm.description.is_empty() {
        lines.push(("Description", plain(&vm.description)));
    }
    for disk in &vm.disks {
        let kind = if disk.cdrom { "CD drive" } else { "Disk" };
        let path = disk.path.as_deref().unwrap_or("empty");
        let size = disk.size_bytes.map(|bytes| format!(" {}", Size(bytes)));
        let size = size.unwrap_or_default();
        lines.push((kind, format!("{}{size} {}", disk.target, plain(path))));
    }
    for nic in &vm.nics {
        lines.push(("NIC", format!("{} in {}", nic.mac, plain(&nic.source))));
    }
    if !vm.pending_restart.is_empty() {
        let pending = vm.pending_restart.join(", ");
        lines.push(("After it was off", format!("new values of {pending}")));
    }
    fields(format, vm, &lines)
}
