//! Counters as Prometheus reads them. Pure.
//! Format: "Exposition formats", text format 0.0.4, in Prometheus' documentation; names as its "Metric and label
//! naming" asks for.

use std::fmt::Write;

use qx_api::rest;
use qx_engine::metrics::{Counters, VmCounters};
use qx_model::metrics::{DiskIo, NetIo};

pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics of the host and of its VMs. What was not measured has no line.
pub(crate) fn text(counters: &Counters, version: &str) -> String {
    let mut page = Page::default();
    page.gauge("quantix_info", "Version of the node daemon.");
    page.line(&[("version", version)], 1.0);
    host(&mut page, counters);
    page.gauge(
        "quantix_hypervisor_up",
        "Whether the hypervisor answers: 1 or 0.",
    );
    page.line(&[], f64::from(u8::from(counters.vms.is_some())));
    vms(&mut page, counters.vms.as_deref().unwrap_or_default());
    page.text
}

fn host(page: &mut Page, counters: &Counters) {
    let host = &counters.host;
    page.counter(
        "quantix_host_cpu_seconds_total",
        "Time that the host's processors were busy.",
    );
    page.line(&[], host.cpu.map(|busy| busy.as_secs_f64()));
    page.gauge("quantix_host_memory_bytes", "Main memory of the host.");
    page.line(&[], host.memory.total_bytes as f64);
    page.gauge(
        "quantix_host_memory_available_bytes",
        "Main memory that could be had without swapping.",
    );
    page.line(&[], host.memory.available_bytes as f64);
    let row = [(Vec::new(), host.disks)];
    page.disks("quantix_host", "the host's disks", &row);
    let row = [(Vec::new(), host.net)];
    page.net("quantix_host", "the host's network cards", &row);
}

fn vms(page: &mut Page, vms: &[VmCounters]) {
    let ids: Vec<String> = vms.iter().map(|vm| vm.vm.id.to_string()).collect();
    let labels: Vec<Vec<(&str, &str)>> = vms
        .iter()
        .zip(&ids)
        .map(|(vm, id)| vec![("id", id.as_str()), ("name", vm.vm.name.as_str())])
        .collect();
    let rows = || labels.iter().zip(vms);
    page.gauge("quantix_vm_state", "The VM's power state: always 1.");
    for (labels, vm) in rows() {
        let state = serde_json::to_value(rest::VmState::from(vm.vm.state)).unwrap_or_default();
        let mut labels = labels.clone();
        labels.push(("state", state.as_str().unwrap_or_default()));
        page.line(&labels, 1.0);
    }
    page.gauge("quantix_vm_vcpus", "Virtual processors.");
    for (labels, vm) in rows() {
        page.line(labels, f64::from(vm.vm.vcpus));
    }
    page.counter(
        "quantix_vm_cpu_seconds_total",
        "CPU time of the VM, its emulator included.",
    );
    for (labels, vm) in rows() {
        page.line(labels, vm.usage.cpu.map(|time| time.as_secs_f64()));
    }
    page.gauge(
        "quantix_vm_memory_resident_bytes",
        "Memory of the host that the VM holds.",
    );
    for (labels, vm) in rows() {
        page.line(labels, vm.usage.memory_bytes.map(|bytes| bytes as f64));
    }
    let disks: Vec<_> = rows()
        .map(|(labels, vm)| (labels.clone(), vm.disks))
        .collect();
    page.disks("quantix_vm", "the VM's disks", &disks);
    let net: Vec<_> = rows()
        .map(|(labels, vm)| (labels.clone(), vm.usage.net))
        .collect();
    page.net("quantix_vm", "the guest", &net);
}

type Labels<'a> = Vec<(&'a str, &'a str)>;

#[derive(Default)]
struct Page {
    text: String,
    name: String,
}

impl Page {
    fn counter(&mut self, name: &str, help: &str) {
        self.family(name, help, "counter");
    }

    fn gauge(&mut self, name: &str, help: &str) {
        self.family(name, help, "gauge");
    }

    fn family(&mut self, name: &str, help: &str, kind: &str) {
        name.clone_into(&mut self.name);
        // Writing into a String does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample of the family that was begun last; none when there is no value.
    fn line(&mut self, labels: &[(&str, &str)], value: impl Into<Option<f64>>) {
        let Some(value) = value.into() else { return };
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.text, "{}{labels} {value}", self.name);
    }

    fn disks(&mut self, prefix: &str, of: &str, rows: &[(Labels<'_>, Option<DiskIo>)]) {
        type Column = (&'static str, &'static str, fn(&DiskIo) -> u64);
        const COLUMNS: [Column; 4] = [
            ("disk_read_bytes", "Bytes read from", |io| io.read_bytes),
            ("disk_written_bytes", "Bytes written to", |io| {
                io.write_bytes
            }),
            ("disk_reads", "Read requests to", |io| io.reads),
            ("disk_writes", "Write requests to", |io| io.writes),
        ];
        for (name, help, count) in COLUMNS {
            self.counter(&format!("{prefix}_{name}_total"), &format!("{help} {of}."));
            for (labels, io) in rows {
                self.line(labels, io.as_ref().map(|io| count(io) as f64));
            }
        }
    }

    fn net(&mut self, prefix: &str, of: &str, rows: &[(Labels<'_>, Option<NetIo>)]) {
        type Column = (&'static str, &'static str, fn(&NetIo) -> u64);
        const COLUMNS: [Column; 2] = [
            ("network_received_bytes", "Bytes received by", |io| {
                io.rx_bytes
            }),
            ("network_sent_bytes", "Bytes sent by", |io| io.tx_bytes),
        ];
        for (name, help, count) in COLUMNS {
            self.counter(&format!("{prefix}_{name}_total"), &format!("{help} {of}."));
            for (labels, io) in rows {
                self.line(labels, io.as_ref().map(|io| count(io) as f64));
            }
        }
    }
}

/// A VM that others defined may be called anything.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use qx_hypervisor::fake::Fake;
    use qx_hypervisor::{Definition, Hypervisor, VmUsage};
    use qx_model::vm::{Vm, VmId};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    /// As somebody may have defined it with virsh.
    fn vm(name: &str) -> Arc<Vm> {
        let wish: rest::VmCreate = serde_json::from_value(json!({ "name": "a" })).unwrap();
        let definition = Definition {
            spec: wish.into_spec(Uuid::nil()).unwrap(),
            disks: Vec::new(),
            cdrom: None,
            cloud_init: None,
            macs: Vec::new(),
            mark: String::new(),
        };
        let fake = Fake::default();
        fake.define(&definition).unwrap();
        let mut vm = fake.get(VmId(Uuid::nil())).unwrap();
        name.clone_into(&mut vm.name);
        Arc::new(vm)
    }

    #[test]
    fn a_name_can_t_break_out_of_its_label() {
        let usage = VmUsage {
            cpu: Some(Duration::from_millis(1500)),
            ..VmUsage::default()
        };
        let counters = Counters {
            vms: Some(vec![VmCounters {
                vm: vm("a\"} 1\nquantix_info 7 \\"),
                usage,
                disks: None,
            }]),
            ..Counters::default()
        };
        let text = text(&counters, "1.0");
        let id = "00000000-0000-0000-0000-000000000000";
        let line = format!(
            r#"quantix_vm_cpu_seconds_total{{id="{id}",name="a\"}} 1\nquantix_info 7 \\"}} 1.5"#
        );
        assert!(text.lines().any(|found| found == line), "{text}");
        assert_eq!(
            text.lines()
                .filter(|l| l.starts_with("quantix_info"))
                .count(),
            1
        );
        assert!(!text.contains("quantix_vm_disk_reads_total{"), "{text}");
    }

    #[test]
    fn a_hypervisor_that_does_not_answer_is_told_apart_from_one_without_vms() {
        let none = Counters::default();
        assert!(text(&none, "1").contains("\nquantix_hypervisor_up 0\n"));
        let empty = Counters {
            vms: Some(Vec::new()),
            ..none
        };
        assert!(text(&empty, "1").contains("\nquantix_hypervisor_up 1\n"));
    }
}
