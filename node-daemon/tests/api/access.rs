//! Who may do what: the whole matrix, tokens, and the record of it.

use qx_api::client::{Client, Error, Trust};
use qx_api::endpoints::{ALL, Access, Endpoint, Input, Output};
use qx_api::rest::{AuditEntry, Role, TokenCreate};
use qx_model::access as model;

use crate::support::{Answer, Daemon, PASSWORD, ask, eventually, wish};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Calls an endpoint with a body that gets past the parser, on things that don't exist.
async fn call(daemon: &Daemon, endpoint: &Endpoint, headers: &[(&str, &str)]) -> Answer {
    let mut path = endpoint
        .path
        .replace("{id}", NOBODY)
        .replace("{name}", "none.iso")
        .replace("{volume}", "none.qcow2")
        .replace("{service}", "none")
        .replace("{target}", "vda")
        .replace("{pid}", "1")
        .replace("{mac}", "52:54:00:00:00:00");
    if let Access::Ticket(_) = endpoint.access {
        path.push_str("?ticket=x");
    }
    let mut request = ask(endpoint.method.as_str(), &path);
    for (name, value) in headers {
        request = request.with(name, value);
    }
    let request = match endpoint.input {
        Input::None => request,
        Input::Json("LoginRequest") => request.json(r#"{"username":"root","password":"x"}"#),
        Input::Json("UserCreate") => {
            request.json(r#"{"name":"made","password":"12345678","role":"viewer"}"#)
        }
        Input::Json("UserPatch") => request.json(r#"{"role":"viewer"}"#),
        Input::Json("PasswordChange") => {
            request.json(r#"{"current_password":"x","new_password":"12345678"}"#)
        }
        Input::Json("TokenCreate") => request.json(r#"{"name":"t","role":"viewer"}"#),
        Input::Json("VmCreate") => request.json(r#"{"name":"made"}"#),
        Input::Json("VmClone") => request.json(r#"{"name":"copied"}"#),
        Input::Json("VmPatch" | "DiskPatch" | "Cdrom") => request.json("{}"),
        Input::Json("DiskAttach") => request.json(r#"{"size_bytes":512}"#),
        Input::Json("NicAttach") => request.json(r#"{"network":"default"}"#),
        Input::Json("NicPatch") => request.json(r#"{"limits":{}}"#),
        Input::Json("NetworkCreate") => request.json(r#"{"name":"made","mode":"isolated"}"#),
        Input::Json("NetworkPatch") => request.json(r#"{"autostart":false}"#),
        Input::Json("PoolCreate") => request.json(r#"{"name":"made","type":"directory"}"#),
        Input::Json("PoolFormat") => request.json(r#"{"name":"made","disk":"/dev/none"}"#),
        Input::Json("PoolPatch") => request.json(r#"{"autostart":false}"#),
        Input::Json("VolumeCreate") => request.json(r#"{"name":"made","size_bytes":512}"#),
        Input::Json("VolumePatch") => request.json(r#"{"size_bytes":512}"#),
        Input::Json("SnapshotCreate") => request.json(r#"{"name":"a","memory":false}"#),
        Input::Json("SnapshotRevert") => request.json("{}"),
        Input::Json("ConsoleRequest") => request.json(r#"{"type":"serial"}"#),
        Input::Json("GuestExec") => request.json(r#"{"path":"true"}"#),
        Input::Json("GuestFileWrite") => request.json(r#"{"path":"/a","data":""}"#),
        Input::Json("GuestFreeze" | "GuestTime") => request.json("{}"),
        Input::Json("GuestPassword") => request.json(r#"{"username":"a","password":"b"}"#),
        Input::Json("UpdateStart") => request.json(r#"{"restart":true}"#),
        Input::Json("HostConfigPatch") => request.json(r#"{"hostname":"made"}"#),
        Input::Json("HostNetworkChange") => request.json(
            r#"{"network":{"interfaces":["auto"],"ipv4":{"method":"dhcp"},"ipv6":{"method":"auto"}}}"#,
        ),
        Input::Json("HostBackup") => request.json(r#"{"unencrypted":true}"#),
        Input::Json("HostCertificatePut") => request.json(r#"{"certificate":"","key":""}"#),
        Input::Json("HostPower") => request.json(r#"{"action":"reboot"}"#),
        Input::Json("HostReset") => request.json(r#"{"scope":"everything","confirm":"x"}"#),
        Input::Json(other) => panic!("no body for {other}: add one"),
        Input::Bytes => request.body(vec![0_u8; 512]),
    };
    // An event stream has no end.
    if let Output::Events(_) = endpoint.output {
        return daemon
            .send(request.with("upgrade", "h2c").with("range", "none"))
            .await;
    }
    daemon.send(request).await
}

#[tokio::test]
async fn nobody_gets_in_without_credentials() {
    let daemon = Daemon::start().await;
    for endpoint in ALL
        .iter()
        .filter(|endpoint| endpoint.access != Access::Public)
    {
        let wrong_token = [("authorization", "Bearer qxt_0123")];
        let wrong_cookie = [("cookie", "__Host-qx_session=0123")];
        for headers in [&[][..], &wrong_token[..], &wrong_cookie[..]] {
            let answer = call(&daemon, endpoint, headers).await;
            assert_eq!(answer.status, 401, "{} let {headers:?} in", endpoint.id);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            answer.problem();
        }
    }
    assert!(daemon.local().vms().await.unwrap().is_empty());
}

#[tokio::test]
async fn each_role_may_do_exactly_what_the_table_says() {
    let daemon = Daemon::start().await;
    let roles = [Role::Viewer, Role::Operator, Role::Admin];
    let mut refused = 0;
    for role in roles {
        let bearer = format!("Bearer {}", daemon.token(role).await);
        for endpoint in ALL {
            let Access::Requires(operation) = endpoint.access else {
                continue;
            };
            let allowed = model::Role::from(role) >= operation.required_role();
            if allowed && matches!(endpoint.output, Output::Events(_)) {
                // Its stream has no end; crate::streams follows it.
                continue;
            }
            let answer = call(&daemon, endpoint, &[("authorization", &bearer)]).await;
            if allowed {
                assert!(
                    !matches!(answer.status, 401 | 403),
                    "{} refused {role:?}",
                    endpoint.id
                );
            } else {
                assert_eq!(answer.status, 403, "{} let {role:?} in", endpoint.id);
                answer.problem();
                refused += 1;
            }
        }
    }
    assert!(
        refused >= 12,
        "only {refused} refusals: the matrix is not what it was"
    );
}

#[tokio::test]
async fn a_viewer_does_not_learn_what_exists() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("secret").await;
    let bearer = format!("Bearer {}", daemon.token(Role::Viewer).await);
    let mut answers = Vec::new();
    for id in [vm.id.to_string(), NOBODY.to_owned()] {
        let path = format!("/api/v1/vms/{id}/start");
        let answer = daemon
            .send(ask("POST", &path).with("authorization", &bearer))
            .await;
        answers.push((answer.status, answer.problem().detail));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_refusal_comes_before_the_body_is_looked_at() {
    let daemon = Daemon::start().await;
    let bearer = format!("Bearer {}", daemon.token(Role::Viewer).await);
    let request = ask("POST", "/api/v1/vms")
        .with("authorization", &bearer)
        .json("nonsense");
    assert_eq!(daemon.send(request).await.status, 403);
}

#[tokio::test]
async fn a_token_works_until_it_is_revoked_and_its_secret_is_stored_nowhere() {
    let daemon = Daemon::start().await;
    let wish = TokenCreate {
        name: "ci".into(),
        role: Role::Admin,
        expires_in_s: Some(3600),
    };
    let made = daemon.local().create_token(&wish).await.unwrap();
    let remote = daemon.remote(&made.token);
    let listed = remote.tokens().await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, "ci"));
    assert_eq!(listed[0].created_by, "root");
    assert!(listed[0].expires_at.is_some() && listed[0].last_used_at.is_some());
    remote.delete_token(made.id).await.unwrap();
    assert!(
        remote
            .tokens()
            .await
            .unwrap_err()
            .to_string()
            .contains("token")
    );
    assert!(daemon.local().delete_token(made.id).await.is_err());
    let secret = made.token.as_bytes();
    for entry in std::fs::read_dir(daemon.files.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let content = std::fs::read(&path).unwrap();
            let found = content.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "the secret is in {}", path.display());
        }
    }
}

#[tokio::test]
async fn a_token_with_wrong_fields_is_refused_by_name() {
    let daemon = Daemon::start().await;
    for (body, field) in [
        (r#"{"name":"","role":"viewer"}"#, "name"),
        (r#"{"name":"a\nb","role":"viewer"}"#, "name"),
        (r#"{"name":"a","role":"owner"}"#, "role"),
        (
            r#"{"name":"a","role":"viewer","expires_in_s":5}"#,
            "expires_in_s",
        ),
    ] {
        let answer = daemon
            .send_local(ask("POST", "/api/v1/tokens").json(body))
            .await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
}

#[tokio::test]
async fn every_change_and_every_refusal_is_recorded() {
    let daemon = Daemon::start().await;
    let operator = daemon.remote(&daemon.token(Role::Operator).await);
    let vm = operator.create_vm(&wish("a")).await.unwrap();
    operator.start_vm(vm.id).await.unwrap();
    assert!(
        operator.delete_vm(vm.id, true).await.is_err(),
        "a running VM was deleted"
    );
    operator.stop_vm(vm.id).await.unwrap();
    operator.delete_vm(vm.id, true).await.unwrap();
    daemon.try_login("root", "wrong").await;
    daemon.login().await;
    let entries = daemon.local().audit(100).await.unwrap().items;
    let lines: Vec<(&str, &str)> = entries
        .iter()
        .rev()
        .map(|e| (e.operation.as_str(), e.outcome.as_str()))
        .collect();
    let expected = [
        ("token_manage", "ok"),
        ("vm_create", "ok"),
        ("vm_start", "ok"),
        ("vm_delete", lines[3].1),
        ("vm_stop", "ok"),
        ("vm_delete", "ok"),
        ("session_create", "user name or password is wrong"),
        ("session_create", "ok"),
    ];
    assert_eq!(lines, expected);
    assert_ne!(lines[3].1, "ok");
    let start: &AuditEntry = &entries[entries.len() - 3];
    assert_eq!(
        (start.actor.as_str(), start.origin.as_str()),
        ("token:Operator", "127.0.0.1")
    );
    assert_eq!(start.target, vm.id.to_string());
    assert_eq!(entries.last().unwrap().origin, "local");
}

#[tokio::test]
async fn the_audit_log_comes_in_pages() {
    let daemon = Daemon::start().await;
    for _ in 0..5 {
        daemon.token(Role::Viewer).await;
    }
    let first: qx_api::rest::AuditPage = daemon
        .send_local(ask("GET", "/api/v1/audit?limit=2"))
        .await
        .json();
    let cursor = first.next.clone().unwrap();
    let path = format!("/api/v1/audit?limit=2&cursor={cursor}");
    let second: qx_api::rest::AuditPage = daemon.send_local(ask("GET", &path)).await.json();
    let ids: Vec<u64> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|entry| entry.id)
        .collect();
    assert_eq!(ids, [5, 4, 3, 2]);
}

#[tokio::test]
async fn tokens_survive_a_restart_and_sessions_do_not() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Viewer).await;
    let browser = daemon.login().await;
    let (node, files) = (daemon.node, daemon.files);
    node.stop().await.unwrap();
    let daemon = Daemon::again(files).await;
    assert!(daemon.remote(&token).vms().await.is_ok());
    let asked = ask("GET", "/api/v1/session").with("cookie", &browser.cookie);
    assert_eq!(daemon.send(asked).await.status, 401);
    eventually("the audit log is read back", async || {
        (daemon.local().audit(10).await.unwrap().items.len() == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_logs_in_acts_and_logs_out() {
    let daemon = Daemon::start().await;
    let trust = Trust::Fingerprint(daemon.node.fingerprint());
    let nobody = Client::https(&daemon.url(), trust).unwrap();
    let Err(Error::Refused(problem)) = nobody.clone().log_in("root", "wrong").await else {
        panic!("a wrong password was taken")
    };
    assert_eq!(problem.status, 401);
    let client = nobody.log_in("root", PASSWORD).await.unwrap();
    let wish = TokenCreate {
        name: "ci".into(),
        role: Role::Operator,
        expires_in_s: None,
    };
    client.create_token(&wish).await.unwrap();
    let vm = client.create_vm(&crate::support::wish("a")).await.unwrap();
    client.start_vm(vm.id).await.unwrap();
    client.serial_console(vm.id).await.unwrap();
    client.log_out().await.unwrap();
    let Err(Error::Refused(problem)) = client.vms().await else {
        panic!("the session lives on")
    };
    assert_eq!(problem.status, 401);
}
