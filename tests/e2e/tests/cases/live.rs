//! The live image as a person meets it: it boots from disc or stick, shows how to log in, and runs a VM.
//! One boot proves many things, because a boot is what costs time.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use qx_e2e::capture::{Answer, tcp_answers};
use qx_e2e::console_socket::ConsoleSocket;
use qx_e2e::deadline::Look;
use qx_e2e::tamper::TamperedIso;
use qx_e2e::{
    Api, Bus, Image, Lab, Machine, grpc, guest, minutes, poll, run::one_time_password, seconds, tls,
};
use serde_json::{Value, json};

/// From power-on to `/readyz` under software emulation on a busy machine.
const BOOT: std::time::Duration = minutes(15);

/// What a scan of a virtualization host would try first: remote shells, RPC, VNC, libvirt, etcd, NFS, iSCSI.
const SCANNED: [u16; 24] = [
    21, 22, 23, 25, 53, 80, 111, 139, 443, 445, 514, 2049, 2379, 2380, 3260, 4789, 5355, 5900,
    5901, 8080, 9090, 16509, 16514, 49152,
];

#[test]
fn a_live_boot_with_1_gib_and_secure_boot_runs_a_vm() {
    Lab::run("Live boot runs a VM", |lab| {
        let image = Image::latest()?;
        let packets = lab.dir().join("packets.pcap");
        let mut machine = lab
            .machine("host")
            .secure_boot()
            .memory_mib(1024)
            .cd(image.iso())
            .disk(Bus::Virtio, 4)
            .capture(&packets)
            .start()?;
        let ready = machine.wait_ready(BOOT)?;
        lab.step(&format!("ready: {ready}"));
        let api = log_in_with_the_password_shown(&machine)?;
        lab.step("logged in with the one-time password");
        host_tells_what_it_is(&machine, &api, &image)?;
        lab.step("host record, certificate and console agree");
        only_tls_1_3(&machine)?;
        ensure!(
            grpc::health(machine.port(9443)?, "")? == "Serving",
            "gRPC health"
        );
        lab.step("TLS 1.3 only; gRPC serves");
        wrong_requests_are_explained(&api)?;
        a_vm_runs(lab, &api)?;
        nothing_else_listens(&mut machine, &api, &packets)?;
        lab.step("nothing listens but 8443 and 9443");
        Ok(())
    });
}

#[test]
fn a_stick_boots_without_a_disk_of_its_own_beside_two_with_the_same_label() {
    Lab::run("USB stick beside twins", |lab| {
        let image = Image::latest()?;
        // Two disks that carry our volume label and layout, but another build's id and a changed image:
        // taking either of them would not get past the signature.
        let twin = TamperedIso::copy(&image, lab.dir())?;
        twin.remove(&format!("id/{}", image.manifest().build_id))?;
        twin.flip("rootfs.squashfs", 10)?;
        let machine = lab
            .machine("host")
            .cpus(2)
            .usb_stick(image.iso())
            .drive(twin.path(), "raw", Bus::Cd)
            .drive(twin.path(), "raw", Bus::UsbStick)
            .start()?;
        machine.wait_ready(BOOT)?;
        let api = log_in_with_the_password_shown(&machine)?;
        let host = api.get("/api/v1/host")?.expect(200)?;
        ensure!(host["boot"]["mode"] == "live", "boot: {}", host["boot"]);
        ensure!(
            host["boot"]["build_id"] == image.manifest().build_id,
            "boot: {}",
            host["boot"]
        );
        ensure!(host["data"]["kind"] == "ram", "data: {}", host["data"]);
        services_are_restarted(&api)?;
        lab.step("services were restarted, the daemon among them");
        Ok(())
    });
}

/// OpenRC is asked and obeyed, and what supervises the daemon brings it back.
fn services_are_restarted(api: &Api) -> Result<()> {
    let none = json!({});
    let restart = |name: &str| api.post(&format!("/api/v1/host/services/{name}/restart"), &none);
    let listed = api.get("/api/v1/host/services")?.expect(200)?;
    for (index, name, state) in [
        (0, "qx-node", "running"),
        (1, "libvirtd", "running"),
        (3, "sshd", "stopped"),
    ] {
        let service = &listed["items"][index];
        ensure!(
            service["name"] == name && service["state"] == state,
            "{listed}"
        );
    }
    let restarted = restart("libvirtd")?.expect(200)?;
    ensure!(restarted["state"] == "running", "{restarted}");
    restart("sshd")?.expect(409)?;
    let ending = restart("qx-node")?.expect(200)?;
    ensure!(ending["state"] == "stopping", "{ending}");
    // Sessions are kept in memory: one that is unknown is proof of another daemon.
    poll("another daemon to answer", minutes(2), || {
        Ok(match api.get("/api/v1/session") {
            Ok(reply) if reply.status == 401 => Look::Done(()),
            Ok(reply) => Look::NotYet(format!("status {}", reply.status)),
            Err(error) => Look::NotYet(format!("{error:#}")),
        })
    })?;
    api.wait_ready(minutes(2)).map(drop)
}

#[test]
fn a_machine_without_network_card_and_disk_says_so_on_its_console() {
    Lab::run("No network card, no disk", |lab| {
        let image = Image::latest()?;
        let machine = lab
            .machine("host")
            .cd(image.iso())
            .without_network()
            .start()?;
        let said = "No network card was found: this host cannot be reached over the network.";
        machine.serial().wait_for(said, BOOT)?;
        machine
            .serial()
            .wait_screen("what becomes of VM disks", minutes(1), |screen| {
                screen
                    .contains("VM disks in memory, lost at shutdown")
                    .then_some(())
            })?;
        machine
            .serial()
            .wait_screen("the one-time password", minutes(1), one_time_password)
            .map(drop)
    });
}

#[test]
#[ignore = "Debian's kernel under emulation in emulation, about 3 minutes"]
fn a_vm_with_secure_boot_starts_debians_kernel() {
    Lab::run("Debian in a VM", |lab| {
        let disk = std::fs::read(guest::debian::image(lab.dir())?).context("the guest's disk")?;
        let machine = lab
            .machine("host")
            .memory_mib(3072)
            .cd(Image::latest()?.iso())
            .start()?;
        machine.wait_ready(BOOT)?;
        let api = log_in_with_the_password_shown(&machine)?;
        let spec = json!({"name": "debian", "memory_mib": 512, "firmware": "uefi_secure_boot"});
        let id = made(lab, &api, disk, spec)?;
        runs(lab, &api, &id, |console| {
            console.wait_for(guest::debian::SECURE_BOOT, minutes(30))?;
            console.wait_for(guest::debian::MARKER, minutes(30))
        })?;
        gone(&api, &id)?;
        nothing_is_left(lab, &api)
    });
}

fn log_in_with_the_password_shown(machine: &Machine) -> Result<Api> {
    let mut api = machine.api()?;
    let refused = api
        .log_in("root", "quantix")
        .err()
        .context("a guessed password was taken")?;
    ensure!(
        format!("{refused:#}").contains("401"),
        "a guessed password: {refused:#}"
    );
    let password =
        machine
            .serial()
            .wait_screen("the one-time password", minutes(2), one_time_password)?;
    let session = api.log_in("root", &password)?;
    ensure!(session["role"] == "admin", "session: {session}");
    Ok(api)
}

fn host_tells_what_it_is(machine: &Machine, api: &Api, image: &Image) -> Result<()> {
    ensure!(
        Api::new(machine.port(8443)?).get("/api/v1/host")?.status == 401,
        "host without log-in"
    );
    let host = api.get("/api/v1/host")?.expect(200)?;
    let manifest = image.manifest();
    for (field, expected) in [
        ("/product", json!("Quantix-OS")),
        ("/version", json!(manifest.version)),
        ("/build_id", json!(manifest.build_id)),
        ("/boot/mode", json!("live")),
        ("/boot/key_id", json!(manifest.key_id)),
        ("/data/kind", json!("ram")),
        ("/ssh_enabled", json!(false)),
    ] {
        let found = host.pointer(field).cloned().unwrap_or_default();
        ensure!(found == expected, "host{field} is {found}, not {expected}");
    }
    ensure!(
        host["boot"]["ready_ms"].as_u64().is_some_and(|ms| ms > 0),
        "no time of readiness: {}",
        host["boot"]
    );
    ensure!(
        host["boot"]["watchdog"].is_string(),
        "no watchdog: {}",
        host["boot"]
    );
    // The emulated processor has SVM: whether KVM is usable on it or not, its module must have been loaded.
    if !machine.accelerator().is_kvm() {
        let note = host["hypervisor"]["note"].as_str().unwrap_or_default();
        ensure!(
            !note.contains("there is no /dev/kvm"),
            "KVM is not loaded: {note}"
        );
        println!("VMs run on {}, {note:?}", host["hypervisor"]["accelerator"]);
    }
    let shown = tls::fingerprint(machine.port(8443)?)?;
    let told = host["certificate_sha256"]
        .as_str()
        .unwrap_or_default()
        .replace(':', "");
    ensure!(
        told.eq_ignore_ascii_case(&shown),
        "certificate {shown}, host says {told}"
    );
    let start: Vec<String> = shown.as_bytes()[..16]
        .chunks(2)
        .map(|b| String::from_utf8_lossy(b).to_uppercase())
        .collect();
    machine.serial().wait_for(&start.join(":"), seconds(30))
}

fn only_tls_1_3(machine: &Machine) -> Result<()> {
    for port in [machine.port(8443)?, machine.port(9443)?] {
        tls::connect(port, &[&rustls::version::TLS13])?;
        ensure!(
            tls::connect(port, &[&rustls::version::TLS12]).is_err(),
            "TLS 1.2 was accepted"
        );
    }
    Ok(())
}

fn wrong_requests_are_explained(api: &Api) -> Result<()> {
    let reply = api.post(
        "/api/v1/vms",
        &json!({"name": "no spaces allowed", "vcpus": 0, "disks": [], "nics": [], "colour": "red"}),
    )?;
    ensure!(
        (400..500).contains(&reply.status),
        "status {}",
        reply.status
    );
    ensure!(
        reply.content_type.starts_with("application/problem+json"),
        "{}",
        reply.content_type
    );
    ensure!(
        reply.body.to_string().contains("colour"),
        "not named: {}",
        reply.body
    );
    let reply = api.post(
        "/api/v1/vms",
        &json!({"name": "", "vcpus": 0, "disks": [{"image": "absent.img"}], "nics": []}),
    )?;
    let text = reply.body.to_string();
    ensure!(
        reply.status == 400 || reply.status == 422,
        "status {}: {text}",
        reply.status
    );
    ensure!(
        text.contains("name") && text.contains("vcpus"),
        "not named: {text}"
    );
    Ok(())
}

fn a_vm_runs(lab: &Lab, api: &Api) -> Result<()> {
    let spec = json!({"name": "marker", "memory_mib": 64, "firmware": "bios"});
    let says = |console: &mut ConsoleSocket| console.wait_for(guest::MARKER, minutes(5));
    let id = made(lab, api, guest::marker_image(), spec)?;
    runs(lab, api, &id, says)?;
    let path = format!("/api/v1/vms/{id}/clone");
    let clone = api.post(&path, &json!({"name": "twin"}))?.expect(201)?;
    gone(api, &id)?;
    lab.step("cloned, and the first one deleted");
    let twin = clone["id"].as_str().context("the clone has no id")?;
    runs(lab, api, twin, says)?;
    gone(api, twin)?;
    nothing_is_left(lab, api)
}

/// Uploads a disk image and makes the VM with it.
fn made(lab: &Lab, api: &Api, disk: Vec<u8>, mut spec: Value) -> Result<String> {
    api.put("/api/v1/images/guest.img", disk)?.expect(201)?;
    spec["disks"] = json!([{"image": "guest.img"}]);
    spec["nics"] = json!([{"network": "default"}]);
    let vm = api.post("/api/v1/vms", &spec)?.expect(201)?;
    let host = api.get("/api/v1/host")?.expect(200)?;
    let accelerator = &host["hypervisor"]["accelerator"];
    ensure!(accelerator == "kvm" || accelerator == "tcg", "host: {host}");
    ensure!(vm["accelerator"] == *accelerator, "not as the host: {vm}");
    lab.step("image uploaded, VM created");
    let id = vm["id"].as_str().context("the VM has no id")?;
    Ok(id.to_owned())
}

/// Starts a VM, looks at its console and stops it.
fn runs(
    lab: &Lab,
    api: &Api,
    id: &str,
    look: impl FnOnce(&mut ConsoleSocket) -> Result<()>,
) -> Result<()> {
    let vm = api
        .post(&format!("/api/v1/vms/{id}/start"), &json!({}))?
        .expect(200)?;
    ensure!(vm["state"] == "running", "state after start: {vm}");
    lab.step("VM started");
    let mut console = api.serial_console(id)?;
    look(&mut console)?;
    lab.step("the VM's serial console says its marker");
    drop(console);
    let vm = api
        .post(&format!("/api/v1/vms/{id}/stop"), &json!({}))?
        .expect(200)?;
    ensure!(vm["state"] == "off", "state after stop: {vm}");
    Ok(())
}

fn gone(api: &Api, id: &str) -> Result<()> {
    let path = format!("/api/v1/vms/{id}?disks=true");
    api.delete(&path)?.expect(204).map(drop)
}

fn nothing_is_left(lab: &Lab, api: &Api) -> Result<()> {
    let list = api.get("/api/v1/vms")?.expect(200)?;
    ensure!(list["items"] == json!([]), "left after delete: {list}");
    api.delete("/api/v1/images/guest.img")?.expect(204)?;
    lab.step("VM stopped and deleted");
    Ok(())
}

/// Looks at the packets: QEMU's forwards accept every connection themselves.
fn nothing_else_listens(machine: &mut Machine, api: &Api, packets: &Path) -> Result<()> {
    let mut attempts = Vec::new();
    for port in SCANNED {
        let local = machine.forward_port(port)?;
        attempts.push(std::net::TcpStream::connect(("127.0.0.1", local))?);
    }
    let answers = poll("every port to be asked", minutes(1), || {
        let answers = tcp_answers(packets)?;
        let missing: Vec<_> = SCANNED
            .iter()
            .filter(|port| !answers.contains_key(port))
            .collect();
        Ok(if missing.is_empty() {
            Look::Done(answers)
        } else {
            Look::NotYet(format!("no packet to {missing:?}"))
        })
    })?;
    // The machine answers in order: after a whole request, nothing that was asked before is still open.
    api.get("/healthz")?.expect(200)?;
    drop(answers);
    let open: Vec<u16> = tcp_answers(packets)?
        .into_iter()
        .filter(|(_, answer)| *answer == Answer::Open)
        .map(|(port, _)| port)
        .collect();
    ensure!(open == [8443, 9443], "ports that answered: {open:?}");
    Ok(())
}
