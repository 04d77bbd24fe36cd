//! The engine on libvirt and QEMU (TCG where KVM does not work), in a libvirtd of the test's own.

use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use qx_engine::events::EventKind;
use qx_hypervisor::contract::boot_sector_guest;
use qx_libvirt::Libvirt;
use qx_libvirt::testing::PrivateLibvirtd;
use qx_model::device::DiskLimits;
use qx_model::edit::VmEdit;
use qx_model::vm::{NicSpec, PowerAction, PowerState};

use super::*;

const MARKER: &str = "ENGINE GUEST RUNS\r\n";

pub(super) struct Real {
    pub(super) engine: Engine,
    pub(super) directory: TempDir,
    pub(super) libvirtd: PrivateLibvirtd,
}

impl Real {
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let libvirtd = PrivateLibvirtd::start(directory.path()).unwrap();
        let libvirt = Arc::new(Libvirt::open(&libvirtd.uri()).unwrap());
        let engine = engine(libvirt, &directory.path().join("data")).await;
        upload(&engine, "guest.img", &boot_sector_guest(MARKER))
            .await
            .unwrap();
        Self {
            engine,
            directory,
            libvirtd,
        }
    }

    /// A VM that boots the guest.
    async fn created(&self, name: &str) -> VmId {
        let mut wish = spec(name);
        wish.disks = vec![copy_of("guest.img"), blank(1 << 30)];
        self.engine.vms.create(&admin(), wish).await.unwrap().id
    }

    /// What another program sees.
    pub(super) fn virsh(&self, arguments: &[&str]) -> String {
        let output = Command::new("virsh")
            .args(["-q", "-c", &self.libvirtd.uri()])
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_boots_from_an_uploaded_image_and_says_its_line() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let id = real.created("web1").await;
    let files = real.directory.path().join("data/vms").join(id.to_string());
    assert_eq!(std::fs::read_dir(&files).unwrap().count(), 2);
    let mut console = vms.open_serial(&admin(), id).await.unwrap();
    assert_eq!(
        vms.start(&admin(), id).await.unwrap().state,
        PowerState::Running
    );
    assert_eq!(real.virsh(&["domstate", "web1"]), "running");
    answers(&mut console, "\r", MARKER).await;
    answers(&mut console, "typed", "typed").await;
    assert_eq!(vms.stop(&admin(), id).await.unwrap().state, PowerState::Off);
    assert_eq!(real.virsh(&["domstate", "web1"]), "shut off");
    vms.delete(&admin(), id, true).await.unwrap();
    assert_eq!(real.virsh(&["list", "--all", "--name"]), "");
    // The host's own pool, which is made when the hypervisor answers.
    eventually("no pool but the host's own", async || {
        real.virsh(&["pool-list", "--all", "--name"]) == "default"
    })
    .await;
    assert!(!files.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn power_actions_are_what_virsh_and_the_guest_see() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let id = real.created("web1").await;
    let act = async |action| vms.power(&admin(), id, action).await.unwrap().state;
    let mut console = vms.open_serial(&admin(), id).await.unwrap();
    act(PowerAction::Start).await;
    answers(&mut console, "\r", MARKER).await;
    answers(&mut console, "+", "A").await;
    assert_eq!(act(PowerAction::Pause).await, PowerState::Paused);
    assert_eq!(real.virsh(&["domstate", "web1"]), "paused");
    assert_eq!(act(PowerAction::Suspend).await, PowerState::Saved);
    assert_eq!(real.virsh(&["domstate", "web1"]), "shut off");
    let saved = real.virsh(&["list", "--all", "--with-managed-save", "--name"]);
    assert_eq!(saved, "web1");
    // It was paused when it was suspended, and is so again.
    assert_eq!(act(PowerAction::Start).await, PowerState::Paused);
    assert_eq!(act(PowerAction::Resume).await, PowerState::Running);
    assert_eq!(real.virsh(&["domstate", "web1"]), "running");
    assert_eq!(act(PowerAction::Suspend).await, PowerState::Saved);
    assert_eq!(act(PowerAction::Start).await, PowerState::Running);
    answers(&mut console, "x", "x").await;
    assert_eq!(act(PowerAction::Suspend).await, PowerState::Saved);
    assert_eq!(act(PowerAction::Stop).await, PowerState::Off);
    let saved = real.virsh(&["list", "--all", "--with-managed-save", "--name"]);
    assert_eq!(saved, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_what_virsh_sees_now_and_after_the_next_start() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let mut wish = spec("web1");
    wish.vcpus_max = Some(4);
    let id = vms.create(&admin(), wish).await.unwrap().id;
    vms.start(&admin(), id).await.unwrap();
    let edit = VmEdit {
        vcpus: Some(3),
        memory_mib: Some(96),
        ..VmEdit::default()
    };
    let vm = vms.edit(&admin(), id, None, edit).await.unwrap();
    assert_eq!(vm.pending_restart, ["memory_mib"]);
    assert_eq!(
        real.virsh(&["vcpucount", "web1", "--current", "--live"]),
        "3"
    );
    let memory = |xml: &str| xml.contains("<memory unit='KiB'>98304</memory>");
    assert!(!memory(&real.virsh(&["dumpxml", "web1"])));
    assert!(memory(&real.virsh(&["dumpxml", "--inactive", "web1"])));
    vms.stop(&admin(), id).await.unwrap();
    let renamed = VmEdit {
        name: Some("web2".parse().unwrap()),
        ..VmEdit::default()
    };
    vms.edit(&admin(), id, None, renamed).await.unwrap();
    assert_eq!(real.virsh(&["list", "--all", "--name"]), "web2");
    vms.start(&admin(), id).await.unwrap();
    assert!(memory(&real.virsh(&["dumpxml", "web2"])));
    vms.stop(&admin(), id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_vm_that_others_defined_keeps_what_we_do_not_understand() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let id = VmId::random();
    let xml = real.directory.path().join("foreign.xml");
    let text = format!(
        "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\
         <name>foreign</name><uuid>{id}</uuid><memory>65536</memory>\
         <metadata><a:b xmlns:a='http://example.org/a'>kept</a:b></metadata>\
         <os><type arch='x86_64'>hvm</type><boot dev='network'/></os>\
         <devices><graphics type='vnc' passwd='secret'/><watchdog model='i6300esb'/></devices>\
         <qemu:commandline><qemu:arg value='-no-fd-bootchk'/></qemu:commandline></domain>"
    );
    std::fs::write(&xml, text).unwrap();
    real.virsh(&["define", &xml.to_string_lossy()]);
    eventually("the definition", async || {
        vms.get(&admin(), id).await.is_ok()
    })
    .await;
    let dump = || real.virsh(&["dumpxml", "--security-info", "foreign"]);
    let before = dump();
    let edit = VmEdit {
        memory_mib: Some(96),
        ..VmEdit::default()
    };
    vms.edit(&admin(), id, None, edit).await.unwrap();
    let expected = before.replace("'KiB'>65536<", "'KiB'>98304<");
    assert_ne!(before, expected);
    assert_eq!(dump(), expected);
    for kept in [
        "kept</a:b>",
        "passwd='secret'",
        "i6300esb",
        "-no-fd-bootchk",
    ] {
        assert!(expected.contains(kept), "{kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_come_and_go_as_virsh_and_the_files_show() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let id = real.created("web1").await;
    let files = real.directory.path().join("data/vms").join(id.to_string());
    vms.start(&admin(), id).await.unwrap();
    let mut console = vms.open_serial(&admin(), id).await.unwrap();
    answers(&mut console, "\r", MARKER).await;
    let limits = DiskLimits {
        write_iops: 500,
        ..DiskLimits::default()
    };
    let disk = copy_of("guest.img");
    vms.attach_disk(&admin(), id, disk, limits).await.unwrap();
    let file = files.join("disk2.qcow2");
    let seen = real.virsh(&["domblklist", "web1"]);
    assert!(
        seen.contains("vdc") && seen.contains(&*file.to_string_lossy()),
        "{seen}"
    );
    let tune = real.virsh(&["blkdeviotune", "web1", "vdc"]);
    assert!(tune.contains("write_iops_sec : 500"), "{tune}");
    let size = Some(8 << 20);
    vms.edit_disk(&admin(), id, "vdc".into(), size, None)
        .await
        .unwrap();
    let info = real.virsh(&["domblkinfo", "web1", "vdc"]);
    assert!(info.contains("8388608"), "{info}");
    upload(&real.engine, "a.iso", &[1; 4096]).await.unwrap();
    let image = Some("a.iso".parse().unwrap());
    // A SATA drive can't be plugged in: it waits for the next start.
    let vm = vms.set_cd(&admin(), id, image, false).await.unwrap();
    assert!(vm.pending_restart.contains(&"disks"));
    assert!(!real.virsh(&["domblklist", "web1"]).contains("a.iso"));
    let detached = tokio::spawn({
        let vms = vms.clone();
        async move { vms.detach_disk(&admin(), id, "vdc".into(), true).await }
    });
    while !detached.is_finished() {
        answers(&mut console, "-", "-").await;
    }
    detached.await.unwrap().unwrap();
    assert!(!real.virsh(&["domblklist", "web1"]).contains("vdc"));
    assert!(!file.exists());
    vms.stop(&admin(), id).await.unwrap();
    let vm = vms.start(&admin(), id).await.unwrap();
    assert!(vm.pending_restart.is_empty(), "{vm:?}");
    assert!(real.virsh(&["domblklist", "web1"]).contains("a.iso"));
    vms.set_cd(&admin(), id, None, false).await.unwrap();
    assert!(!real.virsh(&["domblklist", "web1"]).contains("a.iso"));
    vms.stop(&admin(), id).await.unwrap();
}

impl Real {
    /// One of the image's own scripts, to be run on this libvirtd.
    fn script(&self, name: &str) -> Command {
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../overlay/usr/lib/quantix");
        let mut command = Command::new("sh");
        command
            .arg(format!("{scripts}/{name}"))
            .env("LIBVIRT_DEFAULT_URI", self.libvirtd.uri())
            .env("RUNTIME_DIRECTORY", self.directory.path());
        command
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_goes_down_waits_for_its_vms_and_starts_no_more() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let made = async |name: &str, order: u32| {
        let wish = VmSpec {
            autostart: true,
            ..spec(name)
        };
        let id = vms.create(&admin(), wish).await.unwrap().id;
        let edit = VmEdit {
            autostart_order: Some(order),
            autostart_delay_s: Some(60),
            ..VmEdit::default()
        };
        vms.edit(&admin(), id, None, edit).await.unwrap();
        id
    };
    let first = made("first", 1).await;
    let second = made("second", 2).await;
    // Its pause outlives it for a while, and must not hold the runner's output.
    let mut starting = real
        .script("autostart")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = async |id| vms.get(&admin(), id).await.unwrap().state;
    eventually("the first to start", async || {
        state(first).await == PowerState::Running
    })
    .await;
    // A VM without a system hears no power button.
    let output = real.script("stop-guests").arg("2").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(" s for VMs to shut down: first \n")
            && said.ends_with("Switched off, as they did not shut down: first \n"),
        "{said}"
    );
    eventually("the first to be off", async || {
        state(first).await == PowerState::Off
    })
    .await;
    // It was in the pause before the second.
    assert!(!starting.wait().unwrap().success());
    assert_eq!(state(second).await, PowerState::Off);
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_are_asked_to_shut_down_in_the_reverse_of_the_order_that_they_start_in() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    // Neither by name nor by number as text.
    for (name, order) in [("a", Some(20)), ("b", Some(3)), ("c", None)] {
        let wish = VmSpec {
            autostart: order.is_some(),
            ..spec(name)
        };
        let id = vms.create(&admin(), wish).await.unwrap().id;
        if order.is_some() {
            let edit = VmEdit {
                autostart_order: order,
                ..VmEdit::default()
            };
            vms.edit(&admin(), id, None, edit).await.unwrap();
        }
        vms.start(&admin(), id).await.unwrap();
    }
    let begun = Instant::now();
    // VMs without a system hear no power button, so each number has its share of the time.
    let output = real.script("stop-guests").arg("6").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let asked: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_once("for VMs to shut down: "))
        .map(|(_, names)| names.trim_end())
        .collect();
    assert_eq!(asked, ["c", "a", "b"], "{said}");
    assert!(
        said.lines()
            .last()
            .unwrap()
            .starts_with("Switched off, as they did not")
    );
    assert!(begun.elapsed() >= Duration::from_secs(5), "{said}");
    assert_eq!(real.virsh(&["list", "--name"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_that_are_marked_so_start_with_the_host_in_their_order() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let made = async |name: &str, autostart: bool, order: u32| {
        let wish = VmSpec {
            autostart,
            ..spec(name)
        };
        let id = vms.create(&admin(), wish).await.unwrap().id;
        let edit = VmEdit {
            autostart_order: Some(order),
            autostart_delay_s: Some(1),
            ..VmEdit::default()
        };
        let vm = vms.edit(&admin(), id, None, edit).await.unwrap();
        assert_eq!(
            (vm.autostart, vm.autostart_order, vm.autostart_delay_s),
            (autostart, order, 1)
        );
        id
    };
    // Neither by name nor by number as text.
    made("a", true, 100).await;
    made("b", true, 20).await;
    made("c", true, 3).await;
    let off = made("d", false, 0).await;
    let begun = Instant::now();
    let output = real.script("autostart").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    // Two delays: after the first and after the second.
    assert!(begun.elapsed() >= Duration::from_secs(2));
    let number = |name| real.virsh(&["domid", name]).parse::<u32>().unwrap();
    assert!(number("c") < number("b") && number("b") < number("a"));
    eventually("the daemon's view of it", async || {
        let page = vms.list(&admin(), None, 10).await.unwrap();
        let running = page.items.iter();
        let running = running.filter(|vm| vm.state == PowerState::Running);
        running.count() == 3
    })
    .await;
    let off = vms.get(&admin(), off).await.unwrap();
    assert_eq!(off.state, PowerState::Off);
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_and_their_consoles_outlive_a_crash_of_libvirtd() {
    let mut real = Real::new().await;
    let id = real.created("web1").await;
    let vms = real.engine.vms.clone();
    vms.start(&admin(), id).await.unwrap();
    let mut console = vms.open_serial(&admin(), id).await.unwrap();
    answers(&mut console, "\r", MARKER).await;
    let (_, mut live) = real.engine.events.subscribe(&viewer(), None).unwrap();
    real.libvirtd.crash().unwrap();
    // It answers from here on, whatever the machine's load.
    real.virsh(&["list"]);
    // The connection was lost and found: both are told.
    for _ in 0..2 {
        let event = tokio::time::timeout(PATIENCE, live.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(event.kind, EventKind::HostChanged);
    }
    assert_eq!(
        vms.get(&admin(), id).await.unwrap().state,
        PowerState::Running
    );
    answers(&mut console, "still here", "still here").await;
    vms.stop(&admin(), id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_virsh_does_is_seen_and_what_it_defined_can_be_operated() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let id = VmId::random();
    let xml = real.directory.path().join("foreign.xml");
    let text = format!(
        "<domain type='qemu'><name>foreign</name><uuid>{id}</uuid><memory>65536</memory>\
         <os><type arch='x86_64'>hvm</type></os></domain>"
    );
    std::fs::write(&xml, text).unwrap();
    real.virsh(&["define", &xml.to_string_lossy()]);
    eventually("the definition", async || {
        vms.get(&admin(), id).await.is_ok()
    })
    .await;
    assert_eq!(
        vms.start(&admin(), id).await.unwrap().state,
        PowerState::Running
    );
    real.virsh(&["suspend", "foreign"]);
    eventually("the pause", async || {
        vms.get(&admin(), id).await.unwrap().state == PowerState::Paused
    })
    .await;
    vms.stop(&admin(), id).await.unwrap();
    real.virsh(&["undefine", "foreign"]);
    eventually("the removal", async || vms.get(&admin(), id).await.is_err()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_qemu_delays_no_other_vm() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let frozen = real.created("frozen").await;
    let other = real.created("other").await;
    vms.start(&admin(), frozen).await.unwrap();
    let process = qemu(frozen);
    signal(process, "STOP");
    // Needs the monitor, which does not answer: it waits, alone.
    let waiting = tokio::spawn({
        let vms = vms.clone();
        async move { vms.shutdown(&admin(), frozen).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..3 {
        vms.start(&admin(), other).await.unwrap();
        vms.stop(&admin(), other).await.unwrap();
        assert_eq!(
            vms.get(&admin(), frozen).await.unwrap().state,
            PowerState::Running
        );
    }
    assert!(!waiting.is_finished(), "the fault did not happen");
    signal(process, "CONT");
    waiting.await.unwrap().unwrap();
    vms.stop(&admin(), frozen).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nic_is_plugged_into_the_bridge_that_was_asked_for() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let mut wish = spec("web1");
    wish.nics = vec![NicSpec::Bridge("br0".parse().unwrap())];
    let id = wish.id;
    vms.create(&admin(), wish).await.unwrap();
    let vm = vms.start(&admin(), id).await.unwrap();
    assert_eq!(vm.nics[0].source, "br0");
    assert!(vm.pending_restart.is_empty(), "{vm:?}");
    let seen = real.virsh(&["domiflist", "web1"]);
    assert!(
        seen.contains("br0") && seen.contains(&vm.nics[0].mac),
        "{seen}"
    );
    vms.stop(&admin(), id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_firmware_starts_and_has_a_tpm_that_goes_with_its_vm() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    for firmware in [Firmware::Bios, Firmware::Uefi, Firmware::UefiSecureBoot] {
        let wish = VmSpec {
            firmware,
            tpm: true,
            memory_mib: 128,
            ..spec("firmware")
        };
        let id = wish.id;
        let made = vms.create(&admin(), wish).await.unwrap();
        assert_eq!((made.firmware, made.tpm), (firmware, true));
        let started = vms.start(&admin(), id).await.unwrap();
        assert_eq!(
            (started.state, started.firmware),
            (PowerState::Running, firmware)
        );
        let (process, arguments) = process_of(id, "/usr/bin/swtpm");
        assert!(arguments.contains("--tpm2"), "{arguments}");
        // As the process sees it, which has mounts of its own; open, so that it is still there when it has ended.
        let path = format!("/proc/{process}/root/var/lib/libvirt/swtpm");
        let states = std::fs::File::open(path).unwrap();
        let state = PathBuf::from(format!("/proc/self/fd/{}/{id}", states.as_raw_fd()));
        assert!(state.join("tpm2/tpm2-00.permall").exists());
        vms.stop(&admin(), id).await.unwrap();
        vms.delete(&admin(), id, true).await.unwrap();
        assert!(!state.exists());
    }
}

/// The QEMU of a running VM.
fn qemu(id: VmId) -> u32 {
    process_of(id, "/usr/bin/qemu-system").0
}

/// The process of a running VM whose command line begins so, as this process numbers it, and that line, its parts
/// separated by NUL.
fn process_of(id: VmId, program: &str) -> (u32, String) {
    let id = id.to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let found = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .find_map(|process: u32| {
            let line = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).into_owned();
            (line.starts_with(program) && line.contains(&id)).then_some((process, line))
        });
    found.unwrap()
}

/// Types until the answer has come: a guest that boots, and a line that is opened again, lose what is typed.
async fn answers(console: &mut SerialConsole, typed: &str, answer: &str) {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = String::new();
    while !seen.contains(answer) {
        assert!(Instant::now() < deadline, "no {answer:?}, only {seen:?}");
        type_in(console, typed).await;
        let piece = tokio::time::timeout(Duration::from_millis(500), console.output.recv()).await;
        if let Ok(piece) = piece {
            seen.push_str(&String::from_utf8_lossy(&piece.unwrap()));
        }
    }
}

fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// Not part of `make test`: its figures need a quiet machine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: cargo test -p qx-engine --test engine -- --ignored --nocapture"]
async fn starting_costs_at_most_15_ms_more_than_virsh() {
    const ROUNDS: usize = 15;
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let id = real.created("web1").await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        vms.start(&admin(), id).await.unwrap();
        ours.push(begun.elapsed());
        vms.stop(&admin(), id).await.unwrap();
        let begun = Instant::now();
        real.virsh(&["start", "web1"]);
        theirs.push(begun.elapsed());
        real.virsh(&["destroy", "web1"]);
    }
    ours.sort();
    theirs.sort();
    let (ours, theirs) = (ours[ROUNDS / 2], theirs[ROUNDS / 2]);
    println!("start, median of {ROUNDS}: engine {ours:?}, virsh {theirs:?}");
    assert!(ours < theirs + Duration::from_millis(15));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_measured_and_one_that_hangs_delays_no_other() {
    let real = Real::new().await;
    let engine = &real.engine;
    let (busy, hung) = (real.created("busy").await, real.created("hung").await);
    for id in [busy, hung] {
        engine.vms.start(&admin(), id).await.unwrap();
    }
    let of = |id: VmId| {
        let counters = engine.metrics.counters(&viewer()).unwrap();
        let vms = counters.vms.clone().unwrap_or_default();
        vms.into_iter().find(|found| found.vm.id == id)
    };
    eventually("both VMs to be measured", async || {
        [busy, hung].into_iter().all(|id| {
            of(id).is_some_and(|found| {
                let cpu = found.usage.cpu.is_some_and(|time| !time.is_zero());
                // The firmware has read the boot sector.
                let read = found.disks.is_some_and(|disks| disks.read_bytes >= 512);
                cpu && read && found.usage.memory_bytes > Some(1 << 20)
            })
        })
    })
    .await;
    let process = qemu_of(hung);
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &process]).status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    let mut live = engine.metrics.live(&viewer()).unwrap();
    eventually("the stopped VM to lack its disks", async || {
        of(hung).is_some_and(|found| found.disks.is_none() && found.usage.cpu.is_some())
    })
    .await;
    // Each second the other one has them.
    for _ in 0..3 {
        let sample = tokio::time::timeout(PATIENCE, live.recv()).await.unwrap();
        assert!(sample.is_ok());
        assert!(of(busy).is_some_and(|found| found.disks.is_some()));
        assert!(of(hung).is_some_and(|found| found.disks.is_none()));
    }
    signal("-CONT");
    eventually("the VM to be measured again", async || {
        of(hung).is_some_and(|found| found.disks.is_some())
    })
    .await;
}

/// The process id of a VM's QEMU, which runs in a namespace of its own.
fn qemu_of(id: VmId) -> String {
    let wanted = format!("-uuid\0{id}\0");
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let found = processes.filter(|process| {
        std::fs::read(process.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&wanted))
    });
    let names: Vec<String> = found
        .filter_map(|process| process.file_name().into_string().ok())
        .filter(|name| name.parse::<u32>().is_ok())
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].clone()
}
