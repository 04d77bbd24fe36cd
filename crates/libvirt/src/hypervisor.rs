//! The trait's calls. Each takes the connection, finds its domain and makes one libvirt call or a few.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use qx_hypervisor::{
    CloneDefinition, Definition, Device, DiskRequest, Error, Hypervisor, Limits, Result,
    SerialPort, Sink, VmUsage, judge, judge_edit, kvm,
};
use qx_model::edit::{VmEdit, pending};
use qx_model::metrics::DiskIo;
use qx_model::vm::{Accelerator, HypervisorInfo, NicSpec, PowerAction, PowerState, Vm, VmId};
use sha2::{Digest, Sha256};
use virt::connect::Connect;
use virt::domain::{Domain, DomainShutoffReason, DomainState, DomainStateReason};
use virt::enumutil::Enum;
use virt::error::{Error as VirtError, ErrorNumber};
use virt::sys;

use crate::error::Doing;
use crate::storage::Storage;
use crate::xml::Element;
use crate::{Libvirt, domain, edit, screens, serial, storage};

/// The configuration with all that libvirt knows of it: what is left out would be lost by an edit.
pub(crate) const WHOLE: sys::virDomainXMLFlags =
    sys::VIR_DOMAIN_XML_INACTIVE | sys::VIR_DOMAIN_XML_SECURE;
/// Saved memory, snapshots' metadata: what would otherwise keep a domain from being undefined.
const UNDEFINE: sys::virDomainUndefineFlagsValues =
    sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
/// Checkpoints' metadata and firmware variables, which the test driver has not.
const UNDEFINE_QEMU: sys::virDomainUndefineFlagsValues =
    sys::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | sys::VIR_DOMAIN_UNDEFINE_NVRAM;

impl Hypervisor for Libvirt {
    fn info(&self) -> Result<HypervisorInfo> {
        let connect = self.shared.connect()?;
        let doing = self.doing("asking for versions", None);
        let libvirt = connect.lib_version().map_err(|error| doing.failed(error))?;
        let accelerator = accelerator(&connect);
        let qemu_version = match accelerator {
            Accelerator::Test => None,
            Accelerator::Kvm | Accelerator::Tcg => {
                let qemu = connect.hyp_version().map_err(|error| doing.failed(error))?;
                Some(version(qemu))
            }
        };
        Ok(HypervisorInfo {
            accelerator,
            libvirt_version: version(libvirt),
            qemu_version,
            note: note(accelerator),
        })
    }

    fn list(&self) -> Result<Vec<VmId>> {
        let doing = self.doing("listing VMs", None);
        let domains = self
            .shared
            .connect()?
            .list_all_domains(0)
            .map_err(|error| doing.failed(error))?;
        domains
            .iter()
            .map(|domain| domain.uuid().map(VmId).map_err(|error| doing.failed(error)))
            .collect()
    }

    fn get(&self, id: VmId) -> Result<Vm> {
        let (_, domain) = self.find(id, "reading")?;
        let state = self.state(&domain, id)?;
        let xml = self.xml(&domain, id, WHOLE)?;
        let mut vm = domain::observe(&xml, id, state);
        if state.is_on() {
            let running = domain::observe(&self.xml(&domain, id, 0)?, id, state);
            // Interfaces of the host are a running VM's alone.
            for nic in &mut vm.nics {
                let live = running.nics.iter().find(|live| live.mac == nic.mac);
                nic.device = live.and_then(|live| live.device.clone());
            }
            vm.vnc = running.vnc;
            vm.pending_restart = pending(&running, &vm);
        }
        vm.autostart = domain
            .autostart()
            .map_err(|error| self.doing("reading", Some(id)).failed(error))?;
        vm.revision = revision(&xml, vm.autostart);
        for disk in vm.disks.iter_mut().filter(|disk| !disk.cdrom) {
            disk.size_bytes = disk.path.as_deref().and_then(storage::virtual_bytes);
        }
        Ok(vm)
    }

    fn creation_mark(&self, id: VmId) -> Result<Option<String>> {
        let (_, domain) = self.find(id, "reading")?;
        let xml = self.xml(&domain, id, sys::VIR_DOMAIN_XML_INACTIVE)?;
        Ok(domain::mark(&xml).map(str::to_owned))
    }

    fn define(&self, definition: &Definition) -> Result<()> {
        let connect = self.shared.connect()?;
        let (id, name) = (definition.spec.id, definition.spec.name.as_str());
        let xml = domain::define(definition, accelerator(&connect));
        self.define_new(&connect, (id, name), &xml)?;
        self.call(id, "defining")?
            .prepare_new(definition.spec.autostart)
    }

    fn define_clone(&self, source: VmId, clone: &CloneDefinition) -> Result<()> {
        self.call(source, "cloning")?.define_clone(clone)
    }

    fn undefine(&self, id: VmId) -> Result<()> {
        let (connect, domain) = self.find(id, "removing")?;
        let doing = self.doing("removing", Some(id));
        // libvirt would let it run on and forget it later.
        if domain.is_active().map_err(|error| doing.failed(error))? {
            return Err(Error::WrongState {
                reason: format!("VM {id} is running: stop it first"),
            });
        }
        let flags = match accelerator(&connect) {
            Accelerator::Test => UNDEFINE,
            Accelerator::Kvm | Accelerator::Tcg => UNDEFINE | UNDEFINE_QEMU,
        };
        domain
            .undefine_flags(flags)
            .map_err(|error| doing.failed(error))
    }

    fn edit(&self, id: VmId, edit: &VmEdit) -> Result<()> {
        let (connect, domain) = self.find(id, "changing")?;
        let doing = self.doing("changing", Some(id));
        let state = self.state(&domain, id)?;
        judge_edit(id, state, edit)?;
        let accelerator = accelerator(&connect);
        if let (Some(model), false) = (&edit.cpu_model, accelerator == Accelerator::Test) {
            known_cpu(&connect, model.as_str()).map_err(|error| doing.failed(error))??;
        }
        // Anew after another name: it is a part of the definition.
        if let Some(name) = &edit.name
            && domain.name().map_err(|error| doing.failed(error))? != name.as_str()
        {
            domain
                .rename(name.as_str(), 0)
                .map_err(|error| doing.failed(error))?;
        }
        let mut xml = self.xml(&domain, id, WHOLE)?;
        let vm = domain::observe(&xml, id, state);
        edit::apply(&mut xml, &vm, edit, accelerator)?;
        connect
            .define_domain_xml(&xml.to_string())
            .map_err(|error| doing.failed(error))?;
        if let Some(autostart) = edit.autostart {
            domain
                .set_autostart(autostart)
                .map_err(|error| doing.failed(error))?;
        }
        if state.is_on() && edit.vcpus.is_some_and(|vcpus| vcpus != vm.vcpus) {
            let (vcpus, _) = edit.vcpus_of(&vm);
            // What the guest can't take now is shown as pending.
            if let Err(error) = domain.set_vcpus_flags(vcpus, sys::VIR_DOMAIN_VCPU_LIVE) {
                tracing::info!(vm = %id, error = error.message(), "vCPUs change with the next start");
            }
        }
        Ok(())
    }

    fn power(&self, id: VmId, action: PowerAction) -> Result<()> {
        let (connect, domain) = self.find(id, verb(action))?;
        let state = self.state(&domain, id)?;
        judge(id, state, action)?;
        let done = match action {
            PowerAction::Start => return self.power_on(&connect, &domain, id),
            PowerAction::Shutdown => domain.shutdown(),
            PowerAction::Reboot => domain.reboot(0),
            PowerAction::Reset => domain.reset(),
            PowerAction::Stop if state == PowerState::Saved => domain.managed_save_remove(0),
            PowerAction::Stop => domain.destroy(),
            PowerAction::Pause => domain.suspend(),
            PowerAction::Resume if state == PowerState::Suspended => domain.pm_wakeup(0),
            PowerAction::Resume => domain.resume(),
            PowerAction::Suspend => domain.managed_save(0),
        };
        done.map_err(|error| self.refused(&domain, id, action, error))
    }

    fn attach(&self, id: VmId, device: &Device) -> Result<()> {
        let call = self.call(id, "plugging a device into")?;
        if let Device::Nic {
            nic: NicSpec::Network(name),
            ..
        } = device
        {
            start_network(&call.connect, name.as_str())
                .map_err(|error| call.doing().failed(error))?;
        }
        call.attach(device)
    }

    fn detach(&self, id: VmId, device: &str, patience: Duration) -> Result<()> {
        let call = self.call(id, "unplugging a device from")?;
        call.detach(device, patience)
    }

    fn set_cd(&self, id: VmId, iso: Option<&Path>, force: bool) -> Result<()> {
        self.call(id, "changing the CD of")?.set_cd(iso, force)
    }

    fn grow_disk(&self, id: VmId, target: &str, file: &Path, bytes: u64) -> Result<()> {
        let call = self.call(id, "growing a disk of")?;
        if !self.state(&call.domain, id)?.is_on() {
            return self.storage(&call.connect).grow(file, bytes);
        }
        call.domain
            .block_resize(target, bytes, sys::VIR_DOMAIN_BLOCK_RESIZE_BYTES)
            .map_err(|error| call.doing().failed(error))
    }

    fn limit(&self, id: VmId, device: &str, limits: Limits) -> Result<()> {
        self.call(id, "limiting a device of")?.limit(device, limits)
    }

    fn delete_disk(&self, file: &Path) -> Result<()> {
        let connect = self.shared.connect()?;
        self.storage(&connect).delete_one(file)
    }

    fn create_disk(&self, disk: &DiskRequest) -> Result<()> {
        let connect = self.shared.connect()?;
        self.storage(&connect).create(disk)
    }

    fn delete_disks(&self, directory: &Path) -> Result<()> {
        let connect = self.shared.connect()?;
        self.storage(&connect).delete(directory)
    }

    fn open_serial(&self, id: VmId) -> Result<SerialPort> {
        let (connect, domain) = self.find(id, "opening the console of")?;
        let doing = self.doing("opening the console of", Some(id));
        serial::open(&connect, &domain).map_err(|error| doing.failed(error))
    }

    fn usage(&self, vms: &[Arc<Vm>]) -> Vec<VmUsage> {
        let mut processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        processes.usage(vms, Instant::now())
    }

    fn disk_io(&self, id: VmId) -> Result<DiskIo> {
        let (connect, domain) = self.find(id, "measuring the disks of")?;
        if accelerator(&connect) == Accelerator::Test {
            // It would make figures up, and only for a disk by its name.
            return Err(Error::Unsupported {
                what: format!("measuring the disks of VM {id}"),
            });
        }
        // No name means all disks together.
        let stats = domain
            .block_stats("")
            .map_err(|error| self.doing("measuring the disks of", Some(id)).failed(error))?;
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Ok(DiskIo {
            read_bytes: count(stats.rd_bytes),
            write_bytes: count(stats.wr_bytes),
            reads: count(stats.rd_req),
            writes: count(stats.wr_req),
        })
    }

    fn subscribe(&self, sink: Sink) {
        self.shared.subscribe(sink);
    }
}

/// A VM that was found, for calls on its devices.
pub(crate) struct Call<'a> {
    pub(crate) libvirt: &'a Libvirt,
    pub(crate) connect: Connect,
    pub(crate) domain: Domain,
    pub(crate) id: VmId,
    verb: &'a str,
}

impl Call<'_> {
    pub(crate) fn doing(&self) -> Doing<'_> {
        self.libvirt.doing(self.verb, Some(self.id))
    }
}

impl Libvirt {
    pub(crate) fn call<'a>(&'a self, id: VmId, verb: &'a str) -> Result<Call<'a>> {
        let (connect, domain) = self.find(id, verb)?;
        Ok(Call {
            libvirt: self,
            connect,
            domain,
            id,
            verb,
        })
    }

    /// Defines a domain that is not there.
    pub(crate) fn define_new(
        &self,
        connect: &Connect,
        (id, name): (VmId, &str),
        xml: &Element,
    ) -> Result<()> {
        // libvirt would take an equal id and name for an edit of that domain.
        if let Ok(taken) = connect.lookup_domain_by_uuid(id.0) {
            let name = taken.name().unwrap_or_default();
            return Err(Error::Exists {
                what: format!("the VM {name} with the id {id}"),
            });
        }
        let validate = sys::VIR_DOMAIN_DEFINE_VALIDATE;
        let defined = connect.define_domain_xml_flags(&xml.to_string(), validate);
        defined.map(drop).map_err(|error| {
            if connect.lookup_domain_by_name(name).is_ok() {
                Error::Exists {
                    what: format!("a VM named {name}"),
                }
            } else {
                self.doing("defining", Some(id)).failed(error)
            }
        })
    }

    fn find(&self, id: VmId, verb: &str) -> Result<(Connect, Domain)> {
        let connect = self.shared.connect()?;
        match connect.lookup_domain_by_uuid(id.0) {
            Ok(domain) => Ok((connect, domain)),
            Err(error) if error.code().is(ErrorNumber::NoDomain) => Err(Error::NoSuchVm(id)),
            Err(error) => Err(self.doing(verb, Some(id)).failed(error)),
        }
    }

    pub(crate) fn xml(
        &self,
        domain: &Domain,
        id: VmId,
        flags: sys::virDomainXMLFlags,
    ) -> Result<Element> {
        let doing = self.doing("reading", Some(id));
        let text = domain
            .xml_desc(flags)
            .map_err(|error| doing.failed(error))?;
        Element::parse(&text).map_err(|error| Error::Failed {
            action: format!("reading the definition of VM {id}"),
            message: error.to_string(),
        })
    }

    fn power_on(&self, connect: &Connect, domain: &Domain, id: VmId) -> Result<()> {
        let doing = self.doing(verb(PowerAction::Start), Some(id));
        let mut xml = self.xml(domain, id, WHOLE)?;
        let state = self.state(domain, id)?;
        let firmware = domain::observe(&xml, id, state).firmware;
        // Saved memory fits the devices that it was saved with.
        if state != PowerState::Saved
            && let Some(with_screen) = screens::given_one(&xml, firmware)
        {
            connect
                .define_domain_xml(&with_screen.to_string())
                .map_err(|error| doing.failed(error))?;
            xml = with_screen;
        }
        // The host may have gained or lost KVM since the VM was defined.
        if let Some(moved) = domain::moved_to(&xml, accelerator(connect)) {
            connect
                .define_domain_xml(&moved.to_string())
                .map_err(|error| doing.failed(error))?;
        }
        for name in domain::networks(&xml) {
            start_network(connect, name).map_err(|error| doing.failed(error))?;
        }
        domain
            .create()
            .map_err(|error| self.refused(domain, id, PowerAction::Start, error))
    }

    pub(crate) fn state(&self, domain: &Domain, id: VmId) -> Result<PowerState> {
        let doing = self.doing("reading", Some(id));
        let (state, reason) = domain.state().map_err(|error| doing.failed(error))?;
        // The crate drops this call's error; libvirt remembers it.
        let state = state
            .known()
            .ok_or_else(|| doing.failed(VirtError::last_error()))?;
        let crashed = matches!(reason, Enum::Known(DomainStateReason::Shutoff(reason))
            if reason.is(DomainShutoffReason::Crashed));
        let state = power_state(state, crashed);
        if state.is_on() {
            return Ok(state);
        }
        let saved = domain.has_managed_save(0);
        let saved = saved.map_err(|error| doing.failed(error))?;
        Ok(if saved { PowerState::Saved } else { state })
    }

    /// The error of a power call: the state may have changed since it was judged, and drivers have
    /// different words for that.
    fn refused(&self, domain: &Domain, id: VmId, action: PowerAction, error: VirtError) -> Error {
        let failed = self.doing(verb(action), Some(id)).failed(error);
        match self.state(domain, id) {
            Ok(now) => judge(id, now, action).err().unwrap_or(failed),
            Err(_) => failed,
        }
    }

    pub(crate) fn storage<'a>(&'a self, connect: &'a Connect) -> Storage<'a> {
        let in_memory = accelerator(connect) == Accelerator::Test;
        Storage {
            connect,
            uri: self.shared.uri(),
            in_memory,
        }
    }

    pub(crate) fn doing<'a>(&'a self, verb: &'a str, vm: Option<VmId>) -> Doing<'a> {
        Doing {
            verb,
            vm,
            uri: self.shared.uri(),
        }
    }
}

/// Refuses a processor model that libvirt does not know; the names are fixed, so none is made up.
fn known_cpu(connect: &Connect, model: &str) -> std::result::Result<Result<()>, VirtError> {
    let known = connect.cpu_models_names("x86_64", 0)?;
    if model == "host" || known.iter().any(|name| name == model) {
        return Ok(Ok(()));
    }
    let reason = format!("must be host or one of {}", known.join(", "));
    Ok(Err(Error::Invalid {
        field: "cpu_model",
        reason,
    }))
}

/// A digest of a configuration.
/// Of all that is configured: the XML, and whether it starts with the host, which is not in it.
pub(crate) fn revision(xml: &Element, autostart: bool) -> String {
    let mut digest = Sha256::new();
    digest.update(xml.to_string());
    digest.update([u8::from(autostart)]);
    hex::encode(&digest.finalize()[..8])
}

fn verb(action: PowerAction) -> &'static str {
    match action {
        PowerAction::Start => "starting",
        PowerAction::Shutdown => "shutting down",
        PowerAction::Reboot => "rebooting",
        PowerAction::Reset => "resetting",
        PowerAction::Stop => "stopping",
        PowerAction::Pause => "pausing",
        PowerAction::Resume => "resuming",
        PowerAction::Suspend => "suspending",
    }
}

fn power_state(state: DomainState, crashed: bool) -> PowerState {
    match state {
        DomainState::Running | DomainState::Blocked => PowerState::Running,
        DomainState::Paused => PowerState::Paused,
        DomainState::Shutdown => PowerState::ShuttingDown,
        DomainState::Crashed => PowerState::Crashed,
        DomainState::PMSuspended => PowerState::Suspended,
        DomainState::Shutoff if crashed => PowerState::Crashed,
        DomainState::Shutoff | DomainState::NoState => PowerState::Off,
    }
}

type KvmOutcome = std::result::Result<(), kvm::Unusable>;
/// What tells one device node from another.
type Node = Option<(u64, i64)>;

/// What VMs run on over this connection.
pub(crate) fn accelerator(connect: &Connect) -> Accelerator {
    // The driver's name is part of the connection: asking for it makes no call.
    match connect.driver_type() {
        Ok(driver) if driver.eq_ignore_ascii_case("test") => Accelerator::Test,
        _ if kvm_works().is_ok() => Accelerator::Kvm,
        _ => Accelerator::Tcg,
    }
}

/// Tried again when the device node has changed: the module may be loaded after this program.
fn kvm_works() -> KvmOutcome {
    static TRIED: Mutex<Option<(Node, KvmOutcome)>> = Mutex::new(None);
    let node = std::fs::metadata("/dev/kvm")
        .ok()
        .map(|node| (node.ino(), node.ctime_nsec()));
    let mut tried = TRIED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*tried {
        Some((known, outcome)) if *known == node => outcome.clone(),
        _ => tried.insert((node, kvm::probe())).1.clone(),
    }
}

fn note(accelerator: Accelerator) -> Option<String> {
    match (accelerator, kvm_works()) {
        (Accelerator::Test, _) => {
            Some("this is libvirt's test driver: VMs are held in memory and no guest runs".into())
        }
        (Accelerator::Tcg, Err(reason)) => Some(format!(
            "VMs run by software emulation (TCG), slowly and not as a security boundary, because \
             {reason}: enable VT-x or AMD-V in the firmware setup, or nested virtualization"
        )),
        (Accelerator::Tcg | Accelerator::Kvm, _) => None,
    }
}

/// libvirt's `major * 1,000,000 + minor * 1,000 + release`.
fn version(number: u32) -> String {
    format!(
        "{}.{}.{}",
        number / 1_000_000,
        number / 1_000 % 1_000,
        number % 1_000
    )
}

/// Starts a network that starts by itself, but has not: the host is still booting, or it could not then. One
/// that somebody keeps off stays off, and one that is missing is the VM's trouble.
fn start_network(connect: &Connect, name: &str) -> std::result::Result<(), VirtError> {
    let network = match connect.lookup_network_by_name(name) {
        Err(error) if error.code().is(ErrorNumber::NoNetwork) => return Ok(()),
        found => found?,
    };
    if network.is_active()? || !network.autostart()? {
        return Ok(());
    }
    match network.create() {
        // Somebody else was faster.
        Err(_) if network.is_active()? => Ok(()),
        started => started,
    }
}
