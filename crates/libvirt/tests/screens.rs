//! Screens of VMs that really run: new ones, ours from before, and those that others defined.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use qx_hypervisor::{Definition, Error, Hypervisor, Screens};
use qx_libvirt::Libvirt;
use qx_libvirt::testing::PrivateLibvirtd;
use qx_model::vm::{Firmware, VmId, VmSpec};

const PATIENCE: Duration = Duration::from_secs(90);

struct Bench {
    libvirtd: PrivateLibvirtd,
    libvirt: Libvirt,
    directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let libvirtd = PrivateLibvirtd::start(directory.path()).unwrap();
        let libvirt = Libvirt::open(&libvirtd.uri()).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = libvirt.list() {
            assert!(Instant::now() < deadline, "{error}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            libvirtd,
            libvirt,
            directory,
        }
    }

    fn virsh(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("virsh");
        command.args(["--quiet", "--connect", &self.libvirtd.uri()]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A VM of ours, off.
    fn ours(&self, name: &str, firmware: Firmware) -> VmId {
        let spec = VmSpec {
            id: VmId::random(),
            name: name.parse().unwrap(),
            description: String::new(),
            vcpus: 1,
            vcpus_max: None,
            memory_mib: 128,
            firmware,
            tpm: false,
            disks: Vec::new(),
            cdrom: None,
            nics: Vec::new(),
            autostart: false,
            cloud_init: None,
        };
        let id = spec.id;
        let definition = Definition {
            spec,
            disks: Vec::new(),
            cdrom: None,
            cloud_init: None,
            macs: Vec::new(),
            mark: "mark".into(),
        };
        self.libvirt.define(&definition).unwrap();
        id
    }

    /// Defines a domain of XML as `change` makes it of another's.
    fn redefine(&self, name: &str, change: impl Fn(&str) -> String) {
        let xml = change(&self.virsh(&["dumpxml", "--inactive", name]));
        let file = self.directory.path().join("domain.xml");
        std::fs::write(&file, xml).unwrap();
        self.virsh(&["define", file.to_str().unwrap()]);
    }

    /// The VM's screen answers.
    fn shows(&self, id: VmId) {
        let mut screen = self.libvirt.open_screen(id).unwrap();
        screen.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut greeting = [0; 12];
        screen.read_exact(&mut greeting).unwrap();
        assert_eq!(&greeting, b"RFB 003.008\n");
    }
}

/// Without all that makes a screen.
fn bare(xml: &str) -> String {
    let mut kept = String::new();
    let mut inside = None;
    for line in xml.lines() {
        let trimmed = line.trim();
        let begun = ["graphics", "video", "input", "audio"]
            .into_iter()
            .find(|name| {
                trimmed.starts_with(&format!("<{name} ")) || trimmed == format!("<{name}>")
            });
        if let Some(name) = begun {
            if !trimmed.ends_with("/>") && !trimmed.ends_with(&format!("</{name}>")) {
                inside = Some(name);
            }
            continue;
        }
        match inside {
            Some(name) if trimmed == format!("</{name}>") => inside = None,
            Some(_) => {}
            None => {
                kept.push_str(line);
                kept.push('\n');
            }
        }
    }
    assert!(!kept.contains("vnc"), "{kept}");
    kept
}

#[test]
fn a_new_vm_has_a_screen_that_listens_on_a_unix_socket_only() {
    let bench = Bench::new();
    for (name, firmware, card) in [
        ("bios", Firmware::Bios, "vga"),
        ("uefi", Firmware::Uefi, "virtio"),
    ] {
        let id = bench.ours(name, firmware);
        bench.libvirt.start(id).unwrap();
        bench.shows(id);
        let xml = bench.virsh(&["dumpxml", name]);
        let graphics = xml.split("<graphics").nth(1).unwrap();
        let graphics = graphics.split("</graphics>").next().unwrap();
        assert!(graphics.contains("<listen type='socket'"), "{graphics}");
        assert!(
            !graphics.contains("port=") && !graphics.contains("address"),
            "{graphics}"
        );
        assert!(
            graphics.contains("sharePolicy='force-shared'"),
            "{graphics}"
        );
        assert!(xml.contains(&format!("<model type='{card}'")), "{xml}");
        assert!(xml.contains("<input type='tablet' bus='usb'"), "{xml}");
        bench.libvirt.stop(id).unwrap();
    }
}

#[test]
fn a_vm_of_ours_from_before_gets_a_screen_when_it_is_powered_on() {
    let bench = Bench::new();
    let id = bench.ours("old", Firmware::Bios);
    bench.redefine("old", bare);
    // As after an update of the host: it runs on without.
    bench.virsh(&["start", "old"]);
    assert!(!bench.libvirt.get(id).unwrap().vnc);
    let refused = bench.libvirt.open_screen(id).unwrap_err();
    assert!(
        refused.to_string().contains("power it off and on again"),
        "{refused}"
    );
    bench.libvirt.stop(id).unwrap();
    assert!(bench.libvirt.get(id).unwrap().vnc);
    bench.libvirt.start(id).unwrap();
    assert!(bench.libvirt.get(id).unwrap().vnc);
    bench.shows(id);
}

#[test]
fn a_vm_that_others_defined_without_a_screen_says_so_and_is_not_changed() {
    let bench = Bench::new();
    let id = bench.ours("foreign", Firmware::Bios);
    bench.redefine("foreign", |xml| {
        let xml = bare(xml);
        let (before, rest) = xml.split_once("<metadata>").unwrap();
        let (_, after) = rest.split_once("</metadata>").unwrap();
        format!("{before}{after}")
    });
    let before = bench.virsh(&["dumpxml", "--inactive", "foreign"]);
    assert!(!bench.libvirt.get(id).unwrap().vnc);
    bench.libvirt.start(id).unwrap();
    match bench.libvirt.open_screen(id) {
        Err(Error::WrongState { reason }) => {
            assert!(reason.contains("defined elsewhere"), "{reason}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.virsh(&["dumpxml", "--inactive", "foreign"]), before);
}
