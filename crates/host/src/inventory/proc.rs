//! Reading procfs texts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Cpu, Memory};

/// The first line of a file, without its end; empty when there is none.
pub(super) fn line(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

pub(super) fn uptime_s(line: &str) -> u64 {
    line.split('.')
        .next()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(0)
}

/// Counts packages and cores by the ids of each thread; where the kernel shows none (some virtual
/// machines), every thread counts as a core of one package.
pub(super) fn cpu(cpuinfo: &str) -> Cpu {
    let mut cpu = Cpu::default();
    let mut sockets = BTreeSet::new();
    let mut cores = BTreeSet::new();
    for block in cpuinfo.split("\n\n") {
        let mut physical = None;
        let mut core = None;
        for (key, value) in pairs(block) {
            match key {
                "processor" => cpu.threads += 1,
                "model name" if cpu.model.is_empty() => cpu.model = squeeze(value),
                "physical id" => physical = Some(value),
                "core id" => core = Some(value),
                _ => {}
            }
        }
        sockets.extend(physical);
        cores.extend(physical.zip(core));
    }
    cpu.sockets = count(sockets.len()).max(u32::from(cpu.threads > 0));
    cpu.cores = if cores.is_empty() {
        cpu.threads
    } else {
        count(cores.len())
    };
    cpu
}

pub(super) fn memory(meminfo: &str) -> Memory {
    let bytes = |wanted: &str| {
        pairs(meminfo)
            .find(|(key, _)| *key == wanted)
            .and_then(|(_, value)| value.strip_suffix(" kB")?.trim().parse::<u64>().ok())
            .map_or(0, |kib| kib.saturating_mul(1024))
    };
    Memory {
        total_bytes: bytes("MemTotal"),
        available_bytes: bytes("MemAvailable"),
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_and_sockets_are_counted_by_their_ids() {
        let thread = |n, socket, core| {
            format!(
                "processor\t: {n}\nmodel name\t: Intel(R)  Xeon(R)   Gold\nphysical id\t: {socket}\ncore id\t\t: {core}\n\n"
            )
        };
        let text: String = [
            (0, 0, 0),
            (1, 0, 1),
            (2, 1, 0),
            (3, 1, 1),
            (4, 0, 0),
            (5, 0, 1),
            (6, 1, 0),
            (7, 1, 1),
        ]
        .map(|(n, socket, core)| thread(n, socket, core))
        .concat();
        let expected = Cpu {
            model: "Intel(R) Xeon(R) Gold".into(),
            sockets: 2,
            cores: 4,
            threads: 8,
        };
        assert_eq!(cpu(&text), expected);
    }

    #[test]
    fn threads_without_ids_count_as_cores() {
        let found = cpu("processor : 0\nmodel name : QEMU\n\nprocessor : 1\n");
        assert_eq!((found.sockets, found.cores, found.threads), (1, 2, 2));
        assert_eq!(cpu(""), Cpu::default());
    }

    #[test]
    fn memory_and_uptime_are_read_and_garbage_is_zero() {
        let found = memory("MemTotal:       2048 kB\nMemFree: 1 kB\nMemAvailable:    512 kB\n");
        assert_eq!(
            found,
            Memory {
                total_bytes: 2 << 20,
                available_bytes: 512 << 10
            }
        );
        assert_eq!(memory("MemTotal: lots"), Memory::default());
        assert_eq!((uptime_s("345.67 12.0"), uptime_s("")), (345, 0));
    }
}
