//! Networks through the typed client and raw requests, on the hypervisor in memory.

use qx_api::client::Error;
use qx_api::rest::{NetworkCreate, NetworkPatch, NicCreate, Role};
use serde_json::{Value, json};

use crate::support::{Daemon, ask, wish};

fn lab() -> Value {
    json!({
        "name": "lab",
        "mode": "nat",
        "ipv4": {
            "address": "192.168.100.1/24",
            "dhcp": {
                "start": "192.168.100.10",
                "end": "192.168.100.99",
                "reservations": [
                    { "mac": "52:54:00:12:34:56", "address": "192.168.100.200", "name": "printer" },
                ],
            },
        },
    })
}

#[tokio::test]
async fn a_network_lives_and_dies_over_https() {
    let daemon = Daemon::start().await;
    let client = daemon.remote(&daemon.token(Role::Admin).await);
    let wish_of_network: NetworkCreate = serde_json::from_value(lab()).unwrap();
    let made = client.create_network(&wish_of_network).await.unwrap();
    assert!(made.active && made.autostart);
    assert_eq!(made.ipv4, wish_of_network.ipv4);
    assert_eq!(client.network(made.id).await.unwrap(), made);
    let mut vm = wish("web");
    vm.nics = vec![NicCreate::Network("lab".into())];
    let vm = client.create_vm(&vm).await.unwrap();
    let listed = client.networks().await.unwrap();
    assert_eq!((listed.len(), &*listed[0].used_by[0].name), (1, "web"));
    let Err(Error::Refused(problem)) = client.delete_network(made.id).await else {
        panic!("it was deleted")
    };
    assert_eq!(problem.status, 409);
    assert!(problem.detail.contains("used by: web"), "{problem:?}");
    let patch = NetworkPatch {
        autostart: Some(false),
        ..NetworkPatch::default()
    };
    let revision = Some(made.revision.as_str());
    let edited = client.patch_network(made.id, revision, &patch).await;
    assert!(!edited.unwrap().autostart);
    let Err(Error::Refused(problem)) = client.patch_network(made.id, revision, &patch).await else {
        panic!("it was changed")
    };
    assert_eq!(problem.status, 412);
    client.delete_vm(vm.id, false).await.unwrap();
    assert!(!client.stop_network(made.id).await.unwrap().active);
    assert!(client.start_network(made.id).await.unwrap().active);
    client.delete_network(made.id).await.unwrap();
    assert_eq!(client.networks().await.unwrap(), []);
    let path = format!("/api/v1/networks/{}", made.id);
    assert_eq!(daemon.send_local(ask("GET", &path)).await.status, 404);
}

#[tokio::test]
async fn text_that_would_end_a_line_or_an_element_is_refused_in_every_field() {
    let daemon = Daemon::start().await;
    let fields = [
        ("/name", "name"),
        ("/ipv4/address", "ipv4.address"),
        ("/ipv4/dhcp/start", "ipv4.dhcp.start"),
        ("/ipv4/dhcp/end", "ipv4.dhcp.end"),
        (
            "/ipv4/dhcp/reservations/0/mac",
            "ipv4.dhcp.reservations[0].mac",
        ),
        (
            "/ipv4/dhcp/reservations/0/address",
            "ipv4.dhcp.reservations[0].address",
        ),
        (
            "/ipv4/dhcp/reservations/0/name",
            "ipv4.dhcp.reservations[0].name",
        ),
    ];
    for (pointer, field) in fields {
        for evil in [
            "\ndhcp-script=/x",
            "'/><forward mode='open'/>",
            "\0",
            "\u{2028}",
        ] {
            let mut body = lab();
            let place = body.pointer_mut(pointer).unwrap();
            *place = format!("{}{evil}", place.as_str().unwrap()).into();
            let request = ask("POST", "/api/v1/networks").json(body.to_string());
            let answer = daemon.send_local(request).await;
            assert_eq!(answer.status, 422, "{body}");
            assert_eq!(answer.problem().errors[0].field, field, "{body}");
        }
    }
    let bridged = json!({ "name": "b", "mode": "bridge", "bridge": "br0\nx" });
    let request = ask("POST", "/api/v1/networks").json(bridged.to_string());
    let answer = daemon.send_local(request).await;
    assert_eq!(answer.problem().errors[0].field, "bridge");
    assert_eq!(daemon.local().networks().await.unwrap(), []);
}

#[tokio::test]
async fn an_operator_sees_networks_and_changes_none() {
    let daemon = Daemon::start().await;
    let client = daemon.remote(&daemon.token(Role::Operator).await);
    client.networks().await.unwrap();
    client.bridges().await.unwrap();
    let wish: NetworkCreate = serde_json::from_value(lab()).unwrap();
    let Err(Error::Refused(problem)) = client.create_network(&wish).await else {
        panic!("it was made")
    };
    assert_eq!(problem.status, 403);
}
