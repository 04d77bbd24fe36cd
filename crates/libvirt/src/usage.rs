//! What VMs take of the host, without asking libvirt or QEMU: each VM is a process, and procfs (proc(5))
//! tells its CPU time, its memory and the traffic of its interfaces in a few reads.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use qx_hypervisor::VmUsage;
use qx_model::metrics::NetIo;
use qx_model::vm::{Vm, VmId};

/// The kernel counts CPU time for programs in this unit on x86-64, whatever its own clock.
const TICK: Duration = Duration::from_millis(10);
const PAGE_BYTES: u64 = 4096;
/// Pause between two searches for processes that were not found: all of `/proc` is read for one.
const SEARCH_EVERY: Duration = Duration::from_secs(10);

/// The processes of VMs, as far as they are known.
pub(crate) struct Processes {
    proc: PathBuf,
    known: HashMap<VmId, Process>,
    missing: HashSet<VmId>,
    searched: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    id: u32,
    /// Ticks after boot: tells a process from a later one with the same id.
    started: u64,
}

/// What of `/proc/ID/stat` matters.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    started: u64,
    cpu: Duration,
    memory_bytes: u64,
}

/// Bytes of each interface: received and sent, as the host sees it.
type Interfaces = HashMap<String, (u64, u64)>;

impl Processes {
    pub(crate) fn new(proc: &Path) -> Self {
        Self {
            proc: proc.to_owned(),
            known: HashMap::new(),
            missing: HashSet::new(),
            searched: None,
        }
    }

    /// In the order of `vms`.
    pub(crate) fn usage(&mut self, vms: &[Arc<Vm>], now: Instant) -> Vec<VmUsage> {
        let wanted: HashSet<VmId> = vms.iter().map(|vm| vm.id).collect();
        self.known.retain(|id, _| wanted.contains(id));
        self.missing.retain(|id| wanted.contains(id));
        let stats: HashMap<VmId, Stat> = wanted
            .iter()
            .filter_map(|id| Some((*id, self.stat(*id)?)))
            .collect();
        // Not before the next call: a process that has just started is searched for once it is there.
        self.search(&wanted, now);
        let ours = self.interfaces("self");
        vms.iter()
            .map(|vm| {
                let Some(stat) = stats.get(&vm.id) else {
                    return VmUsage::default();
                };
                VmUsage {
                    cpu: Some(stat.cpu),
                    memory_bytes: Some(stat.memory_bytes),
                    net: self.net(vm, &ours),
                }
            })
            .collect()
    }

    fn stat(&mut self, id: VmId) -> Option<Stat> {
        let process = *self.known.get(&id)?;
        let text = fs::read_to_string(self.proc.join(format!("{}/stat", process.id))).ok();
        let stat = text.and_then(|text| stat(&text));
        let same = stat.filter(|stat| stat.started == process.started);
        if same.is_none() {
            self.known.remove(&id);
        }
        same
    }

    fn search(&mut self, wanted: &HashSet<VmId>, now: Instant) {
        let lost: HashSet<VmId> = wanted
            .iter()
            .filter(|id| !self.known.contains_key(id))
            .copied()
            .collect();
        let due = self.searched.is_none_or(|at| now >= at + SEARCH_EVERY);
        if lost.is_empty() || (lost.is_subset(&self.missing) && !due) {
            return;
        }
        self.searched = Some(now);
        let ids: HashMap<String, VmId> = lost.iter().map(|id| (id.to_string(), *id)).collect();
        for process in self.all() {
            let line = fs::read(self.proc.join(format!("{process}/cmdline"))).unwrap_or_default();
            let Some(vm) = vm_of(&line, &ids) else {
                continue;
            };
            let text = fs::read_to_string(self.proc.join(format!("{process}/stat"))).ok();
            if let Some(stat) = text.and_then(|text| stat(&text)) {
                let found = Process {
                    id: process,
                    started: stat.started,
                };
                self.known.insert(vm, found);
            }
        }
        self.missing = lost
            .into_iter()
            .filter(|id| !self.known.contains_key(id))
            .collect();
    }

    fn all(&self) -> Vec<u32> {
        let entries = fs::read_dir(&self.proc).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    }

    /// Its interfaces are looked for among ours, and then among its process's: a hypervisor may live in a
    /// network namespace of its own.
    fn net(&self, vm: &Vm, ours: &Interfaces) -> Option<NetIo> {
        let devices: Vec<&str> = vm
            .nics
            .iter()
            .filter_map(|nic| nic.device.as_deref())
            .collect();
        if devices.is_empty() {
            return None;
        }
        let add = |interfaces: &Interfaces| {
            devices.iter().try_fold(NetIo::default(), |sum, device| {
                let (received, sent) = *interfaces.get(*device)?;
                // What a tap receives, the guest has sent; a macvtap is seen from the guest's side.
                let (rx, tx) = if device.starts_with("macvtap") {
                    (received, sent)
                } else {
                    (sent, received)
                };
                Some(NetIo {
                    rx_bytes: sum.rx_bytes + rx,
                    tx_bytes: sum.tx_bytes + tx,
                })
            })
        };
        add(ours).or_else(|| {
            let process = self.known.get(&vm.id)?;
            add(&self.interfaces(&process.id.to_string()))
        })
    }

    fn interfaces(&self, process: &str) -> Interfaces {
        let path = self.proc.join(process).join("net/dev");
        interfaces(&fs::read_to_string(path).unwrap_or_default())
    }
}

/// Which of `ids` a command line is the QEMU of: libvirt starts it with `-uuid ID`.
fn vm_of(line: &[u8], ids: &HashMap<String, VmId>) -> Option<VmId> {
    let mut arguments = line.split(|byte| *byte == 0);
    arguments.find(|argument| *argument == b"-uuid")?;
    let id = std::str::from_utf8(arguments.next()?).ok()?;
    ids.get(id).copied()
}

/// The fields are counted after the program's name, which may hold anything, and ends with the last `)`.
fn stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let ticks = number(14)?.saturating_add(number(15)?);
    Some(Stat {
        started: number(22)?,
        cpu: TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX)),
        memory_bytes: number(24)?.saturating_mul(PAGE_BYTES),
    })
}

fn interfaces(text: &str) -> Interfaces {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .filter_map(|(name, counters)| {
            let counters: Vec<&str> = counters.split_whitespace().collect();
            let number = |at: usize| counters.get(at)?.parse().ok();
            Some((name.trim().to_owned(), (number(0)?, number(8)?)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use qx_model::vm::PowerState;

    use super::*;
    use crate::domain::observe;
    use crate::xml::Element;

    const DEV: &str = "Inter-|   Receive      |  Transmit\n face |bytes packets\n    \
        lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n \
        vnet0: 100 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\nmacvtap1: 5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n";

    fn vm(devices: &[&str]) -> Arc<Vm> {
        let nic = |device: &&str| format!("<interface><target dev='{device}'/></interface>");
        let nics: String = devices.iter().map(nic).collect();
        let xml = format!("<domain><devices>{nics}</devices></domain>");
        let domain = Element::parse(&xml).unwrap();
        Arc::new(observe(&domain, VmId::random(), PowerState::Running))
    }

    /// A procfs with one process of that id, start, and VM.
    fn process(proc: &Path, id: u32, started: u64, vm: &Vm) {
        let directory = proc.join(id.to_string());
        fs::create_dir_all(directory.join("net")).unwrap();
        let line = format!("/usr/bin/qemu\0-name\0a -uuid b\0-uuid\0{}\0", vm.id);
        fs::write(directory.join("cmdline"), line).unwrap();
        let stat = format!(
            "{id} (qemu (x) 1) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 3 0 {started} 999 10 0"
        );
        fs::write(directory.join("stat"), stat).unwrap();
        fs::write(directory.join("net/dev"), DEV).unwrap();
    }

    #[test]
    fn a_vm_is_measured_by_its_process() {
        let proc = tempfile::tempdir().unwrap();
        let vms = [vm(&["vnet0", "macvtap1"]), vm(&[])];
        process(proc.path(), 77, 500, &vms[0]);
        let mut processes = Processes::new(proc.path());
        let now = Instant::now();
        assert_eq!(processes.usage(&vms, now)[0], VmUsage::default());
        let usage = processes.usage(&vms, now);
        let net = NetIo {
            rx_bytes: 2005,
            tx_bytes: 107,
        };
        let expected = VmUsage {
            cpu: Some(Duration::from_secs(2)),
            memory_bytes: Some(40960),
            net: Some(net),
        };
        assert_eq!(usage, [expected, VmUsage::default()]);
    }

    #[test]
    fn a_later_process_with_the_same_id_is_not_taken_for_the_vm() {
        let proc = tempfile::tempdir().unwrap();
        let vms = [vm(&[])];
        process(proc.path(), 77, 500, &vms[0]);
        let mut processes = Processes::new(proc.path());
        let now = Instant::now();
        processes.usage(&vms, now);
        assert!(processes.usage(&vms, now)[0].cpu.is_some());
        process(proc.path(), 77, 900, &vm(&[]));
        assert_eq!(processes.usage(&vms, now)[0], VmUsage::default());
        assert_eq!(processes.usage(&vms, now)[0], VmUsage::default());
    }

    #[test]
    fn what_is_not_there_is_searched_for_again_but_not_every_time() {
        let proc = tempfile::tempdir().unwrap();
        let vms = [vm(&[])];
        let mut processes = Processes::new(proc.path());
        let now = Instant::now();
        processes.usage(&vms, now);
        process(proc.path(), 77, 500, &vms[0]);
        for _ in 0..2 {
            assert_eq!(processes.usage(&vms, now)[0], VmUsage::default());
        }
        processes.usage(&vms, now + SEARCH_EVERY);
        assert!(processes.usage(&vms, now + SEARCH_EVERY)[0].cpu.is_some());
    }

    #[test]
    fn garbage_is_no_process() {
        for text in [
            "",
            "1 (x",
            "1 (x) S 1",
            "1 (x) S 1 1 1 0 -1 0 0 0 0 0 a b 0 0 20 0 3 0 5 9 10",
        ] {
            assert_eq!(stat(text), None, "{text}");
        }
        assert!(interfaces("a: b\nc").is_empty());
    }
}
