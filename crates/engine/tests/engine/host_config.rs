//! Settings of the host, on files of its own.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use qx_engine::host_config::HostConfig;
use qx_host::config::Store;
use qx_host::settings::Patch;
use qx_host::ssh_window;

use super::*;

/// How often services were told, by all tests.
static TOLD: AtomicUsize = AtomicUsize::new(0);

async fn host() -> (Bench, HostConfig) {
    let bench = Bench::new().await;
    for name in ["run", "state", "root/etc", "root/usr/share/zoneinfo/Europe"] {
        fs::create_dir_all(bench.data.path().join(name)).unwrap();
    }
    let root = bench.data.path().join("root");
    fs::write(root.join("etc/shadow"), "root:*:20000::::::\n").unwrap();
    fs::write(root.join("usr/share/zoneinfo/Europe/Berlin"), "").unwrap();
    let config = bench.engine.host_config.clone();
    let config = config.below(&root, || {
        TOLD.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    (bench, config)
}

#[tokio::test]
async fn a_change_is_stored_written_and_told_to_services() {
    let (bench, host) = host().await;
    let seen = host.get(&viewer()).await.unwrap().revision;
    let before = TOLD.load(Ordering::SeqCst);
    let patch = Patch {
        hostname: "qx9".parse().ok(),
        timezone: "Europe/Berlin".parse().ok(),
        ..Patch::default()
    };
    let revisions = Some(vec![seen.clone()]);
    let changed = host
        .change(&admin(), revisions.clone(), patch.clone())
        .await
        .unwrap();
    assert_eq!(changed.config.system.hostname.as_str(), "qx9");
    assert!(TOLD.load(Ordering::SeqCst) > before);
    let name = fs::read_to_string(bench.data.path().join("root/etc/hostname")).unwrap();
    assert_eq!(name, "qx9\n");
    let stored = Store::new(&bench.data.path().join("state")).peek().config;
    assert!(stored == changed.config);
    let stale = host.change(&admin(), revisions, patch).await.unwrap_err();
    assert!(matches!(stale, Error::Stale { .. }), "{stale}");
}

#[tokio::test]
async fn ssh_that_is_on_for_a_while_goes_off_by_itself() {
    let (bench, host) = host().await;
    let on = bench.data.path().join("root/etc/nftables.d/ssh.nft");
    let patch = Patch {
        ssh_for: Some(Duration::from_secs(600)),
        ..Patch::default()
    };
    let changed = host.change(&admin(), None, patch).await.unwrap();
    assert!(!changed.config.ssh.enabled && changed.ssh_left.is_some() && on.exists());
    ssh_window::open(&bench.data.path().join("run"), Duration::from_millis(1)).unwrap();
    eventually("SSH is off", async || !on.exists()).await;
    eventually("that is recorded", async || {
        let (entries, _) = bench.engine.audit.list(&admin(), None, 10).await.unwrap();
        entries
            .iter()
            .any(|entry| entry.outcome.contains("its time is up"))
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_viewers_change_nothing() {
    let (bench, host) = host().await;
    let actor = admin();
    let refused = |patch: Patch| host.change(&actor, None, patch);
    let zone = Patch {
        timezone: "Mars/Olympus".parse().ok(),
        ..Patch::default()
    };
    let error = refused(zone).await.unwrap_err();
    assert!(error.to_string().contains("timezone"), "{error}");
    let long = Patch {
        ssh_for: Some(Duration::from_secs(25 * 3600)),
        ..Patch::default()
    };
    let error = refused(long).await.unwrap_err();
    assert!(error.to_string().contains("ssh.on_for_minutes"), "{error}");
    let both = Patch {
        ssh_for: Some(Duration::from_secs(60)),
        ssh_enabled: Some(false),
        ..Patch::default()
    };
    assert!(refused(both).await.is_err());
    let error = host
        .change(&viewer(), None, Patch::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");
    let foreign = &bench.engine.host_config;
    let error = foreign
        .change(&admin(), None, Patch::default())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("does not run on a host"),
        "{error}"
    );
    assert!(!bench.data.path().join("state/config.toml").exists());
}
