//! From a machine's description to QEMU's arguments. Pure.

use std::path::Path;

use super::{Bus, Drive, Spec};
use crate::firmware::Firmware;

/// Sockets that QEMU connects to; the harness listens before it starts QEMU, so no byte is lost.
pub(super) const SERIAL_SOCKET: &str = "serial.sock";
pub(super) const QMP_SOCKET: &str = "qmp.sock";

/// The arguments of `qemu-system-x86_64`.
pub(super) fn arguments(spec: &Spec) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(|&word| word.to_owned()));
    add(&[
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-vga",
        "std",
    ]);
    add(&["-machine", machine_type(spec)]);
    add(&["-accel", accelerator(spec), "-cpu", cpu_model(spec)]);
    add(&[
        "-smp",
        &cpus(spec).to_string(),
        "-m",
        &spec.memory_mib.to_string(),
    ]);
    if spec.virtual_time {
        add(&["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]);
    }
    if !spec.reboots {
        add(&["-no-reboot"]);
    }
    firmware(spec, &mut add);
    let socket = |name: &str| format!("path={}", spec.dir.join(name).display());
    add(&[
        "-chardev",
        &format!("socket,id=serial0,{}", socket(SERIAL_SOCKET)),
    ]);
    add(&["-serial", "chardev:serial0"]);
    add(&[
        "-chardev",
        &format!("socket,id=qmp0,{}", socket(QMP_SOCKET)),
    ]);
    add(&["-mon", "chardev=qmp0,mode=control"]);
    // Without this the chipset's watchdog counts but never resets the machine.
    add(&["-global", "ICH9-LPC.noreboot=off"]);
    add(&["-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb"]);
    for (index, one) in spec.drives.iter().enumerate() {
        drive(index, one, &mut add);
    }
    network(spec, &mut add);
    if let Some(kernel) = &spec.kernel {
        add(&[
            "-kernel",
            &text(&kernel.kernel),
            "-initrd",
            &text(&kernel.initrd),
        ]);
        add(&["-append", &kernel.arguments]);
    }
    arguments
}

fn machine_type(spec: &Spec) -> &'static str {
    match spec.firmware {
        Firmware::SecureBoot => "q35,smm=on",
        Firmware::NoKeys => "q35,smm=off",
    }
}

/// Without a wish, one CPU where OVMF with system management mode is emulated, else two: when it hands over to the
/// kernel it can lose the start of a second CPU that is still in that mode, and waits for it without end
/// (tianocore/edk2 issue 10293).
fn cpus(spec: &Spec) -> u32 {
    let loses_one = spec.firmware == Firmware::SecureBoot && !spec.accelerator.is_kvm();
    spec.cpus.unwrap_or(if loses_one { 1 } else { 2 })
}

/// Emulation shuffles AVX2's bytes and copies by `rep movsb` one byte at a time: a machine without
/// these starts sooner. Where instructions are counted instead of timed, the processor has what real ones have.
fn cpu_model(spec: &Spec) -> &'static str {
    match (spec.accelerator.is_kvm(), spec.virtual_time) {
        (true, _) => "host",
        (false, true) => "max",
        (false, false) => "max,avx2=off,erms=off,fsrm=off",
    }
}

fn accelerator(spec: &Spec) -> &'static str {
    match (spec.accelerator.is_kvm(), spec.virtual_time) {
        (true, _) => "kvm",
        (false, true) => "tcg,thread=single",
        (false, false) => "tcg,thread=multi",
    }
}

fn firmware(spec: &Spec, add: &mut impl FnMut(&[&str])) {
    let flash = |unit: u8, file: &Path, access: &str| {
        format!(
            "if=pflash,format=raw,unit={unit},file={}{access}",
            file.display()
        )
    };
    if spec.firmware == Firmware::SecureBoot {
        add(&["-global", "driver=cfi.pflash01,property=secure,value=on"]);
    }
    add(&["-drive", &flash(0, &spec.firmware.code(), ",readonly=on")]);
    add(&["-drive", &flash(1, &spec.dir.join("vars.fd"), "")]);
}

fn drive(index: usize, drive: &Drive, add: &mut impl FnMut(&[&str])) {
    let Drive {
        file,
        format,
        bus,
        log,
    } = drive;
    let access = match bus {
        Bus::Cd => ",media=cdrom,readonly=on",
        Bus::UsbStick => ",snapshot=on",
        Bus::Virtio | Bus::Nvme | Bus::Ahci => ",discard=unmap",
    };
    match log {
        Some(log) => recorded(index, file, log, add),
        None => add(&[
            "-drive",
            &format!(
                "if=none,id=drive{index},format={format},file={}{access}",
                file.display()
            ),
        ]),
    }
    let device = match bus {
        Bus::Cd => format!("ide-cd,bus=ide.{index}"),
        Bus::UsbStick => "usb-storage,bus=usb.0,removable=on".to_owned(),
        // Merged requests may have as many pieces as the kernel takes, and the recorder adds two.
        Bus::Virtio if log.is_some() => {
            format!("virtio-blk-pci,serial=QXE2E{index},request-merging=off")
        }
        Bus::Virtio => format!("virtio-blk-pci,serial=QXE2E{index}"),
        Bus::Nvme => format!("nvme,serial=QXE2E{index}"),
        Bus::Ahci => format!("ide-hd,bus=ide.{index},serial=QXE2E{index}"),
    };
    add(&[
        "-device",
        // Index 0 is the kernel's that QEMU may load itself.
        &format!(
            "{device},id=disk{index},drive=drive{index},bootindex={}",
            index + 1
        ),
    ]);
}

/// A raw disk behind QEMU's `blklogwrites`. A flush is recorded and goes no further: neither file need survive a
/// crash of the build machine, and no write can slip in between a flush and its record. The log's head counts
/// every entry at once, so that it is whole however QEMU ends.
fn recorded(index: usize, file: &Path, log: &Path, add: &mut impl FnMut(&[&str])) {
    let (file, log) = (file.display(), log.display());
    let nodes = [
        format!(
            "driver=file,node-name=file{index},filename={file},discard=unmap,cache.no-flush=on"
        ),
        format!("driver=raw,node-name=raw{index},file=file{index},discard=unmap"),
        format!("driver=file,node-name=log{index},filename={log},cache.no-flush=on"),
        format!(
            "driver=blklogwrites,node-name=drive{index},file=raw{index},log=log{index},discard=unmap,\
             log-sector-size=512,log-super-update-interval=1"
        ),
    ];
    for node in nodes {
        add(&["-blockdev", &node]);
    }
}

fn network(spec: &Spec, add: &mut impl FnMut(&[&str])) {
    let Some(forwards) = &spec.forwards else {
        return;
    };
    let mut netdev = "user,id=net0".to_owned();
    for forward in forwards {
        netdev += &format!(",hostfwd=tcp:127.0.0.1:{}-:{}", forward.host, forward.guest);
    }
    // No option ROM: the machine never boots from the network, and its firmware need not try.
    add(&[
        "-netdev",
        &netdev,
        "-device",
        "virtio-net-pci,netdev=net0,id=nic0,romfile=",
    ]);
    if let Some(file) = &spec.capture {
        add(&[
            "-object",
            &format!("filter-dump,id=dump0,netdev=net0,file={}", file.display()),
        ]);
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Forward, MachineBuilder};

    fn line(builder: MachineBuilder) -> String {
        arguments(&builder.spec).join(" ")
    }

    fn builder() -> MachineBuilder {
        MachineBuilder::new("/lab/m".into()).accelerator(crate::Accelerator::tcg("a test"))
    }

    #[test]
    fn secure_boot_is_protected_by_system_management_mode() {
        let line = line(builder().secure_boot());
        assert!(line.contains("q35,smm=on"), "{line}");
        assert!(line.contains("property=secure,value=on"), "{line}");
        let slow_ones_off = "-accel tcg,thread=multi -cpu max,avx2=off,";
        assert!(line.contains(slow_ones_off), "{line}");
    }

    #[test]
    fn a_second_cpu_is_there_unless_emulated_firmware_may_lose_it() {
        let without = line(builder());
        assert!(without.contains("q35,smm=off"), "{without}");
        assert!(without.contains("-smp 2 ") && !without.contains("property=secure"));
        let secure = || builder().secure_boot();
        assert!(line(secure()).contains("-smp 1 "));
        assert!(line(secure().cpus(4)).contains("-smp 4 "));
        assert!(line(secure().accelerator(crate::Accelerator::Kvm)).contains("-smp 2 "));
    }

    #[test]
    fn drives_boot_in_the_order_they_were_attached() {
        let line = line(builder().usb_stick(Path::new("/a.iso")).disk(Bus::Nvme, 1));
        assert!(
            line.contains("usb-storage,bus=usb.0,removable=on,id=disk0"),
            "{line}"
        );
        assert!(
            line.contains("nvme,serial=QXE2E1,id=disk1,drive=drive1,bootindex=2"),
            "{line}"
        );
    }

    #[test]
    fn a_recorded_disk_is_written_through_the_recorder() {
        let (disk, log) = (Path::new("/d.img"), Path::new("/d.log"));
        let line = line(builder().recorded_drive(disk, log, Bus::Virtio));
        assert!(
            line.contains("driver=blklogwrites,node-name=drive0,file=raw0,log=log0"),
            "{line}"
        );
        assert!(
            line.contains("id=disk0,drive=drive0") && !line.contains("id=drive0,format"),
            "{line}"
        );
    }

    #[test]
    fn a_machine_without_network_has_no_card() {
        assert!(!line(builder().without_network()).contains("netdev"));
        let mut with = builder();
        with.spec.forwards = Some(vec![Forward {
            host: 1234,
            guest: 8443,
        }]);
        assert!(line(with).contains("hostfwd=tcp:127.0.0.1:1234-:8443"));
    }

    #[test]
    fn virtual_time_is_single_threaded_software_emulation() {
        let line = line(builder().virtual_time());
        assert!(line.contains("-icount shift=0,sleep=off"), "{line}");
        assert!(
            line.contains("tcg,thread=single -cpu max -smp 1 "),
            "{line}"
        );
    }
}
