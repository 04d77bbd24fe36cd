//! Backups, restores and resets, up to the restart.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use qx_engine::host::{HostState, Protection};
use qx_host::backup::Maker;
use qx_host::pending::{RestoreOptions, Scope};
use qx_host::power::{PowerAction, PowerError};

use super::*;

const BOOT: &str = r#"{"mode":"slot","slot":"A","version":"1.2.3","build_id":"00112233aabbccdd",
    "key_id":"8899aabbccddeeff","source":"/dev/no-such-disk2","copy_ms":1,"copy_bytes":1,"watchdog":null,
    "config":"partition","data":"partition","warnings":[]}"#;

/// Restarts that were asked for, of all tests.
static RESTARTS: AtomicUsize = AtomicUsize::new(0);

fn count(action: PowerAction) -> Result<(), PowerError> {
    assert_eq!(action, PowerAction::Reboot);
    RESTARTS.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

async fn installed() -> (Bench, HostState) {
    let bench = Bench::new().await;
    for name in ["run", "state"] {
        fs::create_dir_all(bench.data.path().join(name)).unwrap();
    }
    fs::write(bench.data.path().join("run/boot.json"), BOOT).unwrap();
    let host = bench.engine.host.clone().with_switch(count);
    (bench, host)
}

fn maker() -> Maker {
    Maker {
        hostname: "qx1".to_owned(),
        version: "1.2.3".to_owned(),
    }
}

async fn send(
    host: &HostState,
    bytes: &[u8],
    passphrase: Option<&str>,
) -> Result<qx_engine::host::Restored, Error> {
    let pieces = stream::iter([Ok(Bytes::copy_from_slice(bytes))]);
    let passphrase = passphrase.map(str::to_owned);
    let options = RestoreOptions::default();
    host.restore(&admin(), pieces, passphrase, options).await
}

#[tokio::test]
async fn a_backup_goes_back_only_whole_with_its_passphrase_and_by_a_restart() {
    let (bench, host) = installed().await;
    let protection = Protection::Passphrase("correct horse 42".to_owned());
    let file = host.backup(&admin(), protection, maker()).await.unwrap();
    assert!(file.name.starts_with("qx1-2") && file.name.ends_with(".tar.age"));

    let staged = bench.data.path().join("state/restore");
    for (passphrase, reason) in [
        (None, "needs the passphrase"),
        (Some("correct house 42"), "passphrase is wrong"),
        (Some("short"), "12 to 256"),
    ] {
        let error = send(&host, &file.bytes, passphrase).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(matches!(error, Error::Invalid(_)) && !staged.exists());
    }
    let restored = send(&host, &file.bytes, Some("correct horse 42"))
        .await
        .unwrap();
    assert_eq!(
        (restored.made_by.as_str(), restored.version.as_str()),
        ("qx1", "1.2.3")
    );
    assert!(restored.signed_by.starts_with("SHA256:"));
    assert!(staged.exists() && RESTARTS.load(Ordering::SeqCst) > 0);

    let (entries, _) = bench.engine.audit.list(&admin(), None, 10).await.unwrap();
    let done = |name: &str| entries.iter().filter(|e| e.operation == name).count();
    assert_eq!((done("host_backup"), done("host_restore")), (1, 4));
}

#[tokio::test]
async fn a_reset_is_for_admins_who_type_the_hosts_name() {
    let (bench, host) = installed().await;
    let mark = bench.data.path().join("state/reset.json");
    let scope = Scope::Everything;
    let wrong = host.reset(&admin(), scope, "qx2", "qx1").await.unwrap_err();
    assert!(wrong.to_string().contains("confirm"), "{wrong}");
    let viewer = host.reset(&viewer(), scope, "qx1", "qx1").await;
    assert!(matches!(viewer, Err(Error::Forbidden { .. })));
    assert!(!mark.exists());
    host.reset(&admin(), scope, "qx1", "qx1").await.unwrap();
    assert!(fs::read_to_string(mark).unwrap().contains("everything"));
}

/// The power actions that were asked for, of the test below.
static ASKED: Mutex<Vec<PowerAction>> = Mutex::new(Vec::new());

fn note(action: PowerAction) -> Result<(), PowerError> {
    ASKED.lock().unwrap().push(action);
    Ok(())
}

#[tokio::test]
async fn only_an_admin_switches_a_host_off_and_only_one_that_is_ours() {
    let (bench, _) = installed().await;
    let host = bench.engine.host.clone().with_switch(note);
    let refused = host.power(&viewer(), PowerAction::Off).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    host.power(&admin(), PowerAction::Off).await.unwrap();
    host.power(&admin(), PowerAction::Reboot).await.unwrap();
    fs::remove_file(bench.data.path().join("run/boot.json")).unwrap();
    let refused = host.power(&admin(), PowerAction::Off).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused}");
    assert_eq!(
        *ASKED.lock().unwrap(),
        [PowerAction::Off, PowerAction::Reboot]
    );
}

#[tokio::test]
async fn a_host_without_an_installation_is_not_changed() {
    let bench = Bench::new().await;
    let host = bench.engine.host.clone().with_switch(count);
    let refused = host
        .reset(&admin(), Scope::Everything, "qx1", "qx1")
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused}");
}
