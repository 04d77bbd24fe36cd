//! The host's own network as it goes over the wire; and a real one, in a namespace, changed by a daemon of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use qx_api::client::Client;
use qx_api::grpc::v1;
use qx_api::grpc::v1::host_network_service_client::HostNetworkServiceClient;
use qx_api::rest::{
    HostIpv4Method, HostNetwork, HostNetworkChange, ManagementNetwork, NetworkUndone, Role,
};
use tempfile::TempDir;
use tonic::Code;

use crate::grpc::{authorized, channel};
use crate::support::{Daemon, ask, eventually};

const PATH: &str = "/api/v1/host/network";

#[tokio::test]
async fn what_is_wrong_with_a_network_is_said_field_by_field() {
    let daemon = Daemon::start().await;
    for (network, field) in [
        (
            r#"{"interfaces":["auto"],"ipv4":{"method":"static"},"ipv6":{"method":"auto"}}"#,
            "network.ipv4.address",
        ),
        (
            r#"{"interfaces":["a b"],"ipv4":{"method":"dhcp"},"ipv6":{"method":"auto"}}"#,
            "network.interfaces[0]",
        ),
        (
            r#"{"interfaces":["auto"],"vlan":0,"ipv4":{"method":"dhcp"},"ipv6":{"method":"auto"}}"#,
            "network.vlan",
        ),
        (
            r#"{"interfaces":["auto"],"ipv4":{"method":"dhcp","gateway":"192.0.2.1"},"ipv6":{"method":"auto"}}"#,
            "network.ipv4.gateway",
        ),
        (
            r#"{"interfaces":["auto"],"ipv4":{"method":"none"},"ipv6":{"method":"auto"},"dns":["ns"]}"#,
            "network.dns[0]",
        ),
        (
            r#"{"interfaces":["auto"],"ipv4":{"method":"none"},"ipv6":{"method":"auto"},"mtu":9000}"#,
            "network.mtu",
        ),
        (
            r#"{"interfaces":[],"ipv4":{"method":"none"},"ipv6":{"method":"auto"}}"#,
            "network.interfaces",
        ),
    ] {
        let body = format!(r#"{{"network":{network}}}"#);
        let answer = daemon.send_local(ask("PUT", PATH).json(body)).await;
        assert_eq!(answer.status, 422, "{network}: {answer:?}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
}

#[tokio::test]
async fn a_daemon_on_a_foreign_machine_shows_the_network_and_leaves_it_alone() {
    let daemon = Daemon::start().await;
    let answer = daemon.send_local(ask("GET", PATH)).await;
    let network: HostNetwork = answer.json();
    assert_eq!(answer.header("etag"), format!("\"{}\"", network.revision));
    assert_eq!(network.configured.interfaces, ["auto"]);
    assert_eq!((network.in_force, network.trial), (None, None));
    let change = HostNetworkChange {
        network: network.configured,
        confirm_within_s: 60,
    };
    let refused = daemon
        .local()
        .put_host_network(None, &change)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("does not run on a host"),
        "{refused}"
    );
    for path in ["confirm", "undo"] {
        let path = format!("{PATH}/{path}");
        let answer = daemon.send_local(ask("POST", &path)).await;
        assert_eq!(answer.status, 409, "{answer:?}");
    }
}

#[tokio::test]
async fn the_network_over_grpc_is_the_one_over_rest() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Admin).await;
    let mut client = HostNetworkServiceClient::new(channel(&daemon).await);
    let request = authorized(&token, v1::GetHostNetworkRequest {});
    let network = client.get(request).await.unwrap().into_inner();
    let rest = daemon.local().host_network().await.unwrap();
    assert_eq!(network.revision, rest.revision);
    let configured = network.configured.unwrap();
    assert_eq!(configured.ipv4.unwrap().method(), v1::HostIpv4Method::Dhcp);
    let nothing = v1::SetHostNetworkRequest::default();
    let refused = client.set(authorized(&token, nothing)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let confirm = v1::ConfirmHostNetworkRequest {};
    let refused = client
        .confirm(authorized(&token, confirm))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
}

/// What `qx-init` leaves on a live boot.
const BOOT: &str = r#"{"mode":"live","slot":null,"version":"1.2.3","build_id":"00112233aabbccdd",
    "key_id":"8899aabbccddeeff","source":"/dev/no-such-disk","copy_ms":1,"copy_bytes":1,"watchdog":null,
    "config":"ram","data":"ram","warnings":[]}"#;

/// Makes a card and its cable, shows it as one, and becomes the daemon. `$1` is the directory, `$2` the daemon.
const INIT: &str = r#"
set -eu
mount --make-rprivate / 2>/dev/null || :
mount -t tmpfs tmpfs /run
ip link add ens3 address 52:54:00:00:00:03 type veth peer name far
ip link set dev far up
mkdir -p "$1/net/ens3/device"
echo 3 >"$1/net/ens3/ifindex"
echo 52:54:00:00:00:03 >"$1/net/ens3/address"
echo 1 >"$1/net/ens3/carrier"
mount -t sysfs sysfs /sys
mount --bind "$1/net" /sys/class/net
: >"$1/resolv.conf"
mount --bind "$1/resolv.conf" /etc/resolv.conf
exec "$2" --hypervisor test:///default --https 127.0.0.1:0 --grpc 127.0.0.1:0 --socket "$1/node.sock" \
    --state-dir "$1/state" --data-dir "$1/data" --ui-dir "$1/ui" --run-dir "$1/run" --shadow "$1/shadow"
"#;

/// A host with a network of its own.
struct Host {
    daemon: Child,
    files: TempDir,
}

impl Host {
    fn start(files: TempDir) -> Self {
        let daemon = Command::new("unshare")
            .args(["--net", "--mount", "--propagation", "unchanged", "--"])
            .args(["sh", "-c", INIT, "sh"])
            .arg(files.path())
            .arg(env!("CARGO_BIN_EXE_qx-node"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { daemon, files }
    }

    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        for name in ["state", "data", "run"] {
            std::fs::create_dir(files.path().join(name)).unwrap();
        }
        std::fs::write(files.path().join("shadow"), "root:*:20000::::::\n").unwrap();
        std::fs::write(files.path().join("run/boot.json"), BOOT).unwrap();
        Self::start(files)
    }

    fn client(&self) -> Client {
        Client::unix(self.files.path().join("node.sock"))
    }

    /// The network once `wanted` says yes.
    async fn until(&self, what: &str, wanted: impl Fn(&HostNetwork) -> bool) -> HostNetwork {
        eventually(what, async || {
            let network = self.client().host_network().await.ok()?;
            wanted(&network).then_some(network)
        })
        .await
    }

    fn ip(&self, line: &str) -> String {
        let id = self.daemon.id().to_string();
        let done = Command::new("nsenter")
            .args(["--net", "--target", &id, "--", "ip"])
            .args(line.split(' '))
            .output()
            .unwrap();
        assert!(done.status.success(), "{line}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn fixed(address: &str, gateway: &str) -> HostNetworkChange {
    let json = serde_json::json!({
        "network": {
            "interfaces": ["ens3"],
            "ipv4": {"method": "static", "address": address, "gateway": gateway},
            "ipv6": {"method": "none"},
        },
        "confirm_within_s": 10,
    });
    serde_json::from_value(json).unwrap()
}

fn is_in_force(network: &HostNetwork) -> bool {
    network.trial.as_ref().is_some_and(|trial| trial.in_force)
}

#[tokio::test]
async fn a_real_network_changes_is_kept_and_the_next_one_is_undone_and_a_vm_stays_on_the_bridge() {
    let host = Host::new();
    host.until("the daemon answers", |_| true).await;
    let first = fixed("192.0.2.7/24", "192.0.2.1");
    host.client().put_host_network(None, &first).await.unwrap();
    let tried = host
        .until("the first change is in force", is_in_force)
        .await;
    assert_eq!(tried.differs, ["interfaces", "ipv4", "ipv6"]);
    assert!(host.ip("-br address show dev br0").contains("192.0.2.7/24"));
    host.ip("tuntap add dev vnet0 mode tap");
    host.ip("link set dev vnet0 master br0 up");
    let kept = host.client().confirm_host_network().await.unwrap();
    assert_eq!(kept.configured, first.network);
    assert_eq!((kept.differs.len(), kept.trial), (0, None));
    let stored = std::fs::read_to_string(host.files.path().join("state/config.toml")).unwrap();
    assert!(stored.contains("192.0.2.7/24"), "{stored}");

    let wrong = fixed("198.51.100.9/24", "198.51.100.1");
    host.client().put_host_network(None, &wrong).await.unwrap();
    host.until("the second change is in force", is_in_force)
        .await;
    let addresses = host.ip("-br address show dev br0");
    assert!(
        addresses.contains("198.51.100.9/24") && !addresses.contains("192.0.2.7"),
        "{addresses}"
    );
    assert_eq!(
        stored,
        std::fs::read_to_string(host.files.path().join("state/config.toml")).unwrap()
    );
    let undone = host
        .until("nobody confirms it, so it is undone", |network| {
            network.trial.is_none()
        })
        .await;
    assert_eq!(undone.undone, Some(NetworkUndone::TimeIsUp));
    assert_eq!(undone.in_force.as_ref(), Some(&undone.configured));
    let addresses = host.ip("-br address show dev br0");
    assert!(
        addresses.contains("192.0.2.7/24") && !addresses.contains("198.51.100.9"),
        "{addresses}"
    );
    assert!(
        host.ip("route show default")
            .contains("via 192.0.2.1 dev br0")
    );
    let bridge = host.ip("-br link show master br0");
    assert!(
        bridge.contains("vnet0") && bridge.contains("ens3"),
        "{bridge}"
    );
}

#[tokio::test]
async fn a_daemon_that_is_killed_on_trial_is_followed_by_one_that_undoes_it() {
    let mut host = Host::new();
    host.until("the daemon answers", |_| true).await;
    let change = fixed("192.0.2.7/24", "192.0.2.1");
    host.client().put_host_network(None, &change).await.unwrap();
    let tried = host.until("the change is in force", is_in_force).await;
    assert_eq!(tried.configured.ipv4.method, HostIpv4Method::Dhcp);
    host.daemon.kill().unwrap();
    host.daemon.wait().unwrap();
    // Its namespace is gone with it; the next one begins with an empty network and the notes of this boot.
    std::fs::remove_file(host.files.path().join("node.sock")).unwrap();
    let files = std::mem::replace(&mut host.files, tempfile::tempdir().unwrap());
    let next = Host::start(files);
    let undone = next
        .until("the next daemon undoes it", |network| {
            network.trial.is_none()
        })
        .await;
    assert_eq!(undone.undone, Some(NetworkUndone::TimeIsUp));
    let configured: &ManagementNetwork = &undone.configured;
    assert_eq!(undone.in_force.as_ref(), Some(configured));
    assert!(Path::new(&next.files.path().join("run/network-trial.json")).exists());
}
