//! Backups, and what a host that is not installed says to restores and resets. What a restart makes of them is
//! tested in `qx_host`.

use qx_api::rest::{HostBackup, HostReset, ResetScope, Role};

use crate::support::{Daemon, ask};

#[tokio::test]
async fn a_backup_is_encrypted_unless_the_caller_says_otherwise() {
    let daemon = Daemon::start().await;
    for (body, field) in [
        ("{}", "passphrase"),
        (r#"{"passphrase":"short"}"#, "passphrase"),
        (
            r#"{"passphrase":"correct horse 42","unencrypted":true}"#,
            "unencrypted",
        ),
    ] {
        let answer = daemon
            .send_local(ask("POST", "/api/v1/host/backup").json(body))
            .await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
    let sealed = HostBackup {
        passphrase: Some("correct horse 42".into()),
        unencrypted: false,
    };
    let sealed = daemon.local().back_up_host(&sealed).await.unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
    let open = ask("POST", "/api/v1/host/backup").json(r#"{"unencrypted":true}"#);
    let open = daemon.send_local(open).await;
    assert!(open.body.starts_with(b"backup.json\0"));
    let name = open.header("content-disposition");
    assert!(name.starts_with("attachment; filename=") && name.ends_with(".tar\""));
}

#[tokio::test]
async fn a_restore_says_what_is_wrong_and_needs_an_installed_host() {
    let daemon = Daemon::start().await;
    let wish = HostBackup {
        passphrase: Some("correct horse ä 42".into()),
        unencrypted: false,
    };
    let backup = daemon.local().back_up_host(&wish).await.unwrap();
    let path = "/api/v1/host/restore";
    for (path, header, field) in [
        (path, None, "passphrase"),
        (path, Some("correct%20house%2042"), "passphrase"),
        (path, Some("%ff"), "Backup-Passphrase"),
        (
            "/api/v1/host/restore?skip_network=perhaps",
            None,
            "skip_network",
        ),
        ("/api/v1/host/restore?skip=true", None, "skip"),
    ] {
        let mut request = ask("POST", path).body(backup.clone());
        if let Some(header) = header {
            request = request.with("backup-passphrase", header);
        }
        let answer = daemon.send_local(request).await;
        assert_eq!(answer.status, 422, "{path} {header:?}: {answer:?}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
    let right = ask("POST", path)
        .with("backup-passphrase", "correct%20horse%20%C3%A4%2042")
        .body(backup);
    let answer = daemon.send_local(right).await;
    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(answer.problem().detail.contains("needs an installed host"));
}

#[tokio::test]
async fn a_machine_that_is_not_ours_is_not_switched_off() {
    let daemon = Daemon::start().await;
    for action in ["reboot", "shutdown"] {
        let body = format!(r#"{{"action":"{action}"}}"#);
        let answer = daemon
            .send_local(ask("POST", "/api/v1/host/power").json(body))
            .await;
        assert_eq!(answer.status, 409, "{answer:?}");
        assert!(answer.problem().detail.contains("not run on a host"));
    }
    let sleep = ask("POST", "/api/v1/host/power").json(r#"{"action":"sleep"}"#);
    assert_eq!(daemon.send_local(sleep).await.status, 422);
}

#[tokio::test]
async fn a_reset_takes_the_hosts_name_and_an_installed_host() {
    let daemon = Daemon::start().await;
    let client = daemon.remote(&daemon.token(Role::Admin).await);
    let hostname = client.host().await.unwrap().hostname;
    for (confirm, reason) in [
        (format!("not-{hostname}"), "must be the name of this host"),
        (hostname, "needs an installed host"),
    ] {
        let wish = HostReset {
            scope: ResetScope::Everything,
            confirm,
        };
        let error = client.reset_host(&wish).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(!daemon.files.path().join("state/reset.json").exists());
}
