//! `qx-config network` on this machine's kernel, in namespaces of its own: veth pairs stand for cards, their other
//! ends for the switch. Needs root. The build machine's kernel may lack VLAN filtering, VLANs and bonds: those are
//! in `network_plan.rs` and in the image's tests.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use qx_host::network::{InForce, Ipv4Method};

/// A network namespace, alive as long as its first process, which ends with the test.
struct Machine {
    first: Child,
    dir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let first = Command::new("unshare")
            .args(["--net", "--", "sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut machine = Self {
            first,
            dir: tempfile::tempdir().unwrap(),
        };
        // Its line says that it is in its namespace.
        let mut line = [0];
        let out = machine.first.stdout.as_mut().unwrap();
        std::io::Read::read_exact(out, &mut line).unwrap();
        for name in ["root/etc", "state", "run", "sys/class/net"] {
            fs::create_dir_all(machine.at(name)).unwrap();
        }
        machine
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a program in the namespace; returns what it prints.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let done = Command::new("nsenter")
            .args(["--net", "--target", &self.first.id().to_string(), "--"])
            .arg(program)
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn ip(&self, line: &str) -> String {
        self.run("ip", &line.split(' ').collect::<Vec<_>>())
    }

    /// A veth pair: `name` looks like a card, `name` with `-far` is its cable's other end.
    fn card(&self, name: &str, index: u32) {
        let mac = format!("52:54:00:00:00:{index:02x}");
        self.ip(&format!(
            "link add {name} address {mac} type veth peer name {name}-far"
        ));
        self.ip(&format!("link set dev {name}-far up"));
        let dir = self.at("sys/class/net").join(name);
        fs::create_dir_all(dir.join("device")).unwrap();
        for (file, text) in [
            ("ifindex", index.to_string()),
            ("address", mac),
            ("carrier", "1".into()),
        ] {
            fs::write(dir.join(file), text).unwrap();
        }
    }

    fn configure(&self, management: &str) -> InForce {
        let text = format!("version = 1\n[network.management]\n{management}");
        fs::write(self.at("state/config.toml"), text).unwrap();
        self.bring_up()
    }

    fn bring_up(&self) -> InForce {
        let path = |name: &str| self.at(name).display().to_string();
        let (state, run, root, sys) = (path("state"), path("run"), path("root"), path("sys"));
        let places = [
            "--state-dir",
            &state,
            "--run-dir",
            &run,
            "network",
            "--root",
            &root,
        ];
        let places = [&places[..], &["--sys", &sys]].concat();
        self.run(env!("CARGO_BIN_EXE_qx-config"), &places);
        InForce::read(Path::new(&run)).unwrap()
    }

    fn index(&self, name: &str) -> String {
        let text = self.ip(&format!("-o link show dev {name}"));
        text.split(':').next().unwrap().to_owned()
    }

    fn addresses(&self, name: &str) -> Vec<String> {
        let text = self.ip(&format!("-o address show dev {name} scope global"));
        let word = |line: &str| line.split_whitespace().nth(3).unwrap().to_owned();
        text.lines().map(word).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.first.kill();
        let _ = self.first.wait();
    }
}

/// What only a kernel with VLAN filtering can do is a problem that is told, and nothing else is.
fn only_without_vlans(problems: &[String]) {
    let others: Vec<&String> = problems
        .iter()
        .filter(|text| !text.contains("vlan"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

const FIXED: &str = "interfaces = [\"ens3\"]\n\
    ipv4 = { method = \"static\", address = \"10.0.2.15/24\", gateway = \"10.0.2.2\" }\n\
    ipv6 = { method = \"static\", address = \"2001:db8::15/64\", gateway = \"2001:db8::1\" }\n\
    dns = [\"10.0.2.3\"]\n";

#[test]
fn a_fixed_network_comes_up_and_a_second_run_changes_nothing() {
    let machine = Machine::new();
    machine.card("ens3", 3);
    let in_force = machine.configure(FIXED);
    only_without_vlans(&in_force.problems);
    assert_eq!(
        (in_force.interface.as_str(), in_force.ipv4),
        ("br0", Ipv4Method::Static)
    );
    assert_eq!(
        machine.addresses("br0"),
        ["10.0.2.15/24", "2001:db8::15/64"]
    );
    assert_eq!(machine.addresses("ens3"), Vec::<String>::new());
    let routes = || machine.ip("route show default") + &machine.ip("-6 route show default");
    let before = routes();
    assert!(before.contains("via 10.0.2.2 dev br0"), "{before}");
    assert!(before.contains("via 2001:db8::1 dev br0"), "{before}");
    assert!(machine.ip("link show dev lo").contains("LOOPBACK,UP"));
    assert!(machine.ip("link show master br0").contains(": ens3@"));
    let resolver = fs::read_to_string(machine.at("root/etc/resolv.conf")).unwrap();
    assert_eq!(resolver, "nameserver 10.0.2.3\n");

    let stamps = machine.ip("-s -details -json address show dev br0");
    only_without_vlans(&machine.bring_up().problems);
    assert_eq!(routes(), before);
    let mac = |text: &str| text.split("\"address\":\"").nth(1).unwrap()[..17].to_owned();
    assert_eq!(mac(&stamps), "52:54:00:00:00:03");
    assert_eq!(mac(&machine.ip("-json address show dev br0")), mac(&stamps));
}

#[test]
fn a_vm_stays_on_the_bridge_through_a_change_and_back() {
    let machine = Machine::new();
    machine.card("ens3", 3);
    machine.card("ens4", 4);
    machine.configure(FIXED);
    machine.ip("tuntap add dev vnet0 mode tap");
    machine.ip("link set dev vnet0 master br0 up");
    let (bridge, tap) = (machine.index("br0"), machine.index("vnet0"));
    let other = "interfaces = [\"ens4\"]\nipv6 = { method = \"none\" }\n\
        ipv4 = { method = \"static\", address = \"192.0.2.7/24\", gateway = \"192.0.2.1\" }\n";
    only_without_vlans(&machine.configure(other).problems);
    let on_bridge = || machine.ip("-br link show master br0");
    assert!(
        on_bridge().contains("ens4") && !on_bridge().contains("ens3"),
        "{}",
        on_bridge()
    );
    assert_eq!(machine.addresses("br0"), ["192.0.2.7/24"]);
    assert!(
        machine
            .ip("route show default")
            .contains("via 192.0.2.1 dev br0")
    );
    assert_eq!(machine.ip("-6 address show dev br0"), "");
    assert!(!machine.at("root/etc/resolv.conf").exists());
    assert!(on_bridge().contains("vnet0"), "{}", on_bridge());

    only_without_vlans(&machine.configure(FIXED).problems);
    assert_eq!(
        machine.addresses("br0"),
        ["10.0.2.15/24", "2001:db8::15/64"]
    );
    assert!(
        on_bridge().contains("ens3") && on_bridge().contains("vnet0"),
        "{}",
        on_bridge()
    );
    assert!(machine.ip("link show dev vnet0").contains(",UP"));
    assert_eq!(
        (machine.index("br0"), machine.index("vnet0")),
        (bridge, tap)
    );
}

#[test]
fn a_missing_card_is_a_problem_in_the_status_until_it_is_there() {
    let machine = Machine::new();
    let status = "{\"source\":\"current\",\"generation\":1,\"problems\":[\"another\"]}";
    fs::write(machine.at("run/config-status.json"), status).unwrap();
    let in_force = machine.configure("interfaces = [\"ens3\"]\n");
    assert!(
        in_force
            .problems
            .contains(&"network card ens3 is not in this machine".to_owned())
    );
    assert_eq!(in_force.dhcp, None);
    let told = || fs::read_to_string(machine.at("run/config-status.json")).unwrap();
    assert!(
        told().contains("another") && told().contains("is not in this machine"),
        "{}",
        told()
    );
    machine.card("ens3", 3);
    let late = machine.configure(FIXED);
    assert!(!told().contains("is not in this machine"), "{late:?}");
    assert!(told().contains("another"), "{}", told());
    assert_eq!(
        machine.addresses("br0"),
        ["10.0.2.15/24", "2001:db8::15/64"]
    );
}

#[test]
fn without_the_client_there_is_a_network_and_a_problem() {
    assert!(
        !Path::new("/usr/sbin/dhcpcd").exists(),
        "the build root has a DHCP client now: test with it"
    );
    let machine = Machine::new();
    machine.card("ens3", 3);
    let in_force = machine.configure("interfaces = [\"ens3\"]\n");
    let last = in_force.problems.last().unwrap();
    assert!(
        last.starts_with("DHCP does not start: cannot run /usr/sbin/dhcpcd"),
        "{last}"
    );
    assert!(machine.ip("link show dev br0").contains(",UP"));
    let switch = |name: &str| machine.run("cat", &[&format!("/proc/sys/net/ipv6/conf/{name}")]);
    assert_eq!(switch("br0/accept_ra"), "2\n");
    assert_eq!(switch("ens3/disable_ipv6"), "1\n");
}
