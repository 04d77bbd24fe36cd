//! What the machine did since it started, from procfs (proc(5)): counters, of which two readings give a rate.

use std::fs;
use std::path::Path;
use std::time::Duration;

use qx_model::metrics::{DiskIo, NetIo};

use super::{Memory, Sources, proc, text};

/// The kernel counts CPU time for programs in this unit (milliseconds) on x86-64, whatever its own clock.
const TICK_MS: u64 = 10;
/// `/proc/diskstats` counts in these, whatever the disk's own sectors.
const SECTOR_BYTES: u64 = 512;

/// Counters of the machine at one moment. What could not be read is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Time that processors were busy, added up; what a hypervisor below took away is not counted.
    pub cpu: Option<Duration>,
    /// Main memory.
    pub memory: Memory,
    /// All disks that are devices, not what is built on them.
    pub disks: Option<DiskIo>,
    /// All network cards that are devices; bridges and taps would count the same bytes again.
    pub net: Option<NetIo>,
}

impl Usage {
    /// Reads it now: four files, and a look into sysfs for each disk and card.
    #[must_use]
    pub fn read(sources: &Sources) -> Self {
        Self {
            cpu: cpu(&text(sources.proc.join("stat"))),
            memory: proc::memory(&text(sources.proc.join("meminfo"))),
            disks: disks(&text(sources.proc.join("diskstats")), &sources.sys),
            net: net(&text(sources.proc.join("net/dev")), &sources.sys),
        }
    }
}

/// user, nice, system, irq and softirq of the first line; guests' time is in the first two.
fn cpu(stat: &str) -> Option<Duration> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .map(|field| field.parse().ok())
        .collect::<Option<_>>()?;
    let ticks: u64 = [0, 1, 2, 5, 6]
        .into_iter()
        .filter_map(|at| fields.get(at))
        .sum();
    Some(Duration::from_millis(ticks.saturating_mul(TICK_MS)))
}

fn disks(diskstats: &str, sys: &Path) -> Option<DiskIo> {
    let mut found = None;
    for line in diskstats.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if !fields
            .get(2)
            .is_some_and(|name| is_device(sys, "block", name))
        {
            continue;
        }
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        let (Some(reads), Some(read), Some(writes), Some(written)) =
            (number(3), number(5), number(7), number(9))
        else {
            continue;
        };
        let sum: &mut DiskIo = found.get_or_insert_default();
        sum.reads += reads;
        sum.writes += writes;
        sum.read_bytes += read * SECTOR_BYTES;
        sum.write_bytes += written * SECTOR_BYTES;
    }
    found
}

fn net(dev: &str, sys: &Path) -> Option<NetIo> {
    let mut found = None;
    for (name, counters) in dev.lines().filter_map(|line| line.split_once(':')) {
        if !is_device(sys, "class/net", name.trim()) {
            continue;
        }
        let counters: Vec<&str> = counters.split_whitespace().collect();
        let number = |at: usize| counters.get(at).and_then(|field| field.parse::<u64>().ok());
        if let (Some(received), Some(sent)) = (number(0), number(8)) {
            let sum: &mut NetIo = found.get_or_insert_default();
            sum.rx_bytes += received;
            sum.tx_bytes += sent;
        }
    }
    found
}

/// sysfs links to the hardware of what is hardware.
fn is_device(sys: &Path, kind: &str, name: &str) -> bool {
    // A `/` in a disk's name is a `!` there.
    let name = name.replace('/', "!");
    fs::symlink_metadata(sys.join(kind).join(name).join("device")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_what_processors_worked() {
        let text = "cpu  100 20 30 4000 50 6 7 800 90 0\ncpu0 1 1 1\n";
        assert_eq!(cpu(text), Some(Duration::from_millis(1630)));
        assert_eq!(cpu("cpu  a b"), None);
        assert_eq!(cpu(""), None);
    }

    #[test]
    fn only_what_is_a_device_counts() {
        let sys = tempfile::tempdir().unwrap();
        for path in [
            "block/sda/device",
            "block/cciss!c0d0/device",
            "block/dm-0",
            "class/net/eth0/device",
            "class/net/br0",
        ] {
            fs::create_dir_all(sys.path().join(path)).unwrap();
        }
        let line = |name: &str| format!("8 0 {name} 10 0 100 0 20 0 200 0 0 0 0\n");
        let text = ["sda", "sda1", "cciss/c0d0", "dm-0"].map(line).concat();
        let expected = DiskIo {
            read_bytes: 200 * 512,
            write_bytes: 400 * 512,
            reads: 20,
            writes: 40,
        };
        assert_eq!(disks(&text, sys.path()), Some(expected));
        let dev = "head\n eth0: 1 0 0 0 0 0 0 0 2 0\n br0: 4 0 0 0 0 0 0 0 8 0\n";
        let expected = NetIo {
            rx_bytes: 1,
            tx_bytes: 2,
        };
        assert_eq!(net(dev, sys.path()), Some(expected));
        assert_eq!((disks("", sys.path()), net("", sys.path())), (None, None));
    }

    #[test]
    fn this_machine_can_be_read() {
        let usage = Usage::read(&Sources::default());
        assert!(usage.cpu.is_some_and(|busy| !busy.is_zero()));
        assert!(usage.memory.total_bytes > usage.memory.available_bytes);
    }
}
