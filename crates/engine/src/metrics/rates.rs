//! From counters to figures a second. Pure.

use std::time::{Duration, Instant};

use qx_hypervisor::VmUsage;
use qx_model::metrics::{DiskIo, Metric, NetIo, Values};

/// Counters of the host or of a VM, and when they were read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) at: Instant,
    pub(super) cpu: Option<Duration>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) net: Option<NetIo>,
    /// Those of a VM are asked for apart, and come when they come.
    pub(super) disks: Option<(Instant, DiskIo)>,
}

impl Reading {
    pub(super) fn of_host(at: Instant, usage: &qx_host::inventory::Usage) -> Self {
        let memory = &usage.memory;
        let used = memory.total_bytes.checked_sub(memory.available_bytes);
        Self {
            at,
            cpu: usage.cpu,
            memory_bytes: used.filter(|_| memory.total_bytes > 0),
            net: usage.net,
            disks: usage.disks.map(|disks| (at, disks)),
        }
    }

    pub(super) fn of_vm(at: Instant, usage: &VmUsage, disks: Option<(Instant, DiskIo)>) -> Self {
        Self {
            at,
            cpu: usage.cpu,
            memory_bytes: usage.memory_bytes,
            net: usage.net,
            disks,
        }
    }
}

/// What happened a second between two readings. A counter that is missing, did not get any newer or went
/// back (what it counts began anew) gives no figure.
pub(super) fn rates(before: Option<&Reading>, now: &Reading) -> Values {
    let mut values = Values::default();
    if let Some(bytes) = now.memory_bytes {
        values.set(Metric::Memory, bytes as f64);
    }
    let Some(before) = before else { return values };
    let passed = now.at.saturating_duration_since(before.at).as_secs_f64();
    if let (Some(old), Some(new)) = (before.cpu, now.cpu)
        && let Some(busy) = new.checked_sub(old)
        && passed > 0.0
    {
        values.set(Metric::CpuCores, busy.as_secs_f64() / passed);
    }
    let mut rate = |metric, old: u64, new: u64, passed: f64| {
        if let Some(more) = new.checked_sub(old)
            && passed > 0.0
        {
            values.set(metric, more as f64 / passed);
        }
    };
    if let (Some(old), Some(new)) = (before.net, now.net) {
        rate(Metric::NetRx, old.rx_bytes, new.rx_bytes, passed);
        rate(Metric::NetTx, old.tx_bytes, new.tx_bytes, passed);
    }
    if let (Some((then, old)), Some((at, new))) = (before.disks, now.disks) {
        let passed = at.saturating_duration_since(then).as_secs_f64();
        rate(Metric::DiskRead, old.read_bytes, new.read_bytes, passed);
        rate(Metric::DiskWrite, old.write_bytes, new.write_bytes, passed);
        rate(Metric::DiskReads, old.reads, new.reads, passed);
        rate(Metric::DiskWrites, old.writes, new.writes, passed);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: Instant, cpu_ms: u64, rx_bytes: u64, reads: u64, disks_at: Instant) -> Reading {
        Reading {
            at,
            cpu: Some(Duration::from_millis(cpu_ms)),
            memory_bytes: Some(4096),
            net: Some(NetIo {
                rx_bytes,
                tx_bytes: 7,
            }),
            disks: Some((
                disks_at,
                DiskIo {
                    reads,
                    ..DiskIo::default()
                },
            )),
        }
    }

    #[test]
    fn rates_are_per_second_of_the_time_that_passed() {
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        let before = reading(start, 1000, 100, 10, start);
        let now = reading(later, 4000, 300, 40, start + Duration::from_secs(3));
        let values = rates(Some(&before), &now);
        assert_eq!(values.get(Metric::CpuCores), Some(1.5));
        assert_eq!(values.get(Metric::NetRx), Some(100.0));
        assert_eq!(values.get(Metric::NetTx), Some(0.0));
        assert_eq!(values.get(Metric::DiskReads), Some(10.0));
        assert_eq!(values.get(Metric::Memory), Some(4096.0));
    }

    #[test]
    fn a_counter_that_began_anew_or_is_no_newer_gives_no_figure() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let before = reading(start, 1000, 100, 10, start);
        let values = rates(Some(&before), &reading(later, 10, 5, 20, start));
        for metric in [Metric::CpuCores, Metric::NetRx, Metric::DiskReads] {
            assert_eq!(values.get(metric), None, "{metric:?}");
        }
        let first = rates(None, &before);
        assert_eq!(first.get(Metric::Memory), Some(4096.0));
        assert_eq!(first.get(Metric::CpuCores), None);
    }
}
