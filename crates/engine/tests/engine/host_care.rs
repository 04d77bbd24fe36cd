//! Services, the certificate and the support bundle.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::Command;

use flate2::read::GzDecoder;
use qx_engine::services::Services;
use qx_host::service::{OpenRc, Service, State};
use qx_host::support::Part;

use super::*;

const BOOT: &str = r#"{"mode":"live","slot":null,"version":"1.2.3","build_id":"00112233aabbccdd",
    "key_id":"8899aabbccddeeff","source":"/dev/no-such-disk","copy_ms":1,"copy_bytes":1,"watchdog":null,
    "config":"ram","data":"ram","warnings":[]}"#;

/// Services of an OpenRC that keeps what runs as files, and of which chronyd never starts.
fn services(bench: &Bench) -> Services {
    let directory = bench.data.path();
    let program = directory.join("rc-service");
    let script = r#"#!/bin/sh
cd "$(dirname "$0")"
case "$2 $3" in
*' status') [ -e "up-$2" ] || exit 3 ;;
'chronyd restart') echo no clock >&2; exit 1 ;;
*' restart') echo "$2" >>restarted; : >"up-$2" ;;
esac
"#;
    // Another process writes it, so that no fork of this one holds it open.
    let written = Command::new("/bin/sh")
        .args(["-c", r#"printf %s "$2" >"$1" && chmod +x "$1""#, "sh"])
        .arg(&program)
        .arg(script)
        .status();
    assert!(written.unwrap().success());
    bench.engine.services.clone().with_openrc(OpenRc {
        program,
        failed: directory.join("failed"),
    })
}

#[tokio::test]
async fn services_are_listed_and_restarted_and_one_that_does_not_start_says_why() {
    let bench = Bench::new().await;
    let services = services(&bench);
    fs::write(bench.data.path().join("up-qx-node"), "").unwrap();
    let listed = services.list(&viewer()).await.unwrap();
    let expected = Service::ALL.map(|service| match service {
        Service::Node => (service, State::Running),
        other => (other, State::Stopped),
    });
    assert_eq!(listed, expected);

    let done = services.restart(&admin(), "libvirtd").await.unwrap();
    assert_eq!(done, (Service::Hypervisor, State::Running));
    let restarted = || fs::read_to_string(bench.data.path().join("restarted")).unwrap();
    assert_eq!(restarted(), "libvirtd\n");

    let failed = services.restart(&admin(), "chronyd").await.unwrap_err();
    assert!(failed.to_string().contains("no clock"), "{failed}");
    let off = services.restart(&admin(), "sshd").await.unwrap_err();
    assert!(matches!(off, Error::Conflict { .. }), "{off}");
    let none = services.restart(&admin(), "../sshd").await.unwrap_err();
    assert!(matches!(none, Error::NotFound { .. }), "{none}");
    let refused = services.restart(&viewer(), "libvirtd").await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    assert_eq!(restarted(), "libvirtd\n");
}

#[tokio::test]
async fn the_daemon_ends_by_itself_only_where_something_starts_it_again() {
    let bench = Bench::new().await;
    let services = services(&bench);
    let ended = async || {
        tokio::time::timeout(Duration::from_millis(50), services.ending())
            .await
            .is_ok()
    };
    let refused = services.restart(&admin(), "qx-node").await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused}");
    assert!(!ended().await);
    fs::create_dir_all(bench.data.path().join("run")).unwrap();
    fs::write(bench.data.path().join("run/boot.json"), BOOT).unwrap();
    let done = services.restart(&admin(), "qx-node").await.unwrap();
    assert_eq!(done, (Service::Node, State::Stopping));
    assert!(ended().await);
}

#[tokio::test]
async fn another_certificate_is_served_at_once_and_by_the_next_daemon() {
    let bench = Bench::new().await;
    let certificate = &bench.engine.certificate;
    let mut served = certificate.watch();
    let first = certificate.fingerprint();
    let made = certificate.regenerate(&admin()).await.unwrap();
    assert_ne!(made.fingerprint, first);
    served.changed().await.unwrap();
    let now = served.borrow().certificate.clone();
    assert_eq!((&now, &certificate.get(&viewer()).unwrap()), (&made, &made));

    let refused = certificate.regenerate(&viewer()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    let broken = certificate
        .replace(&admin(), String::new(), String::new())
        .await;
    let Err(Error::Invalid(fields)) = broken else {
        panic!("nothing was taken as a certificate")
    };
    assert_eq!(fields.len(), 2);
    assert_eq!(certificate.fingerprint(), made.fingerprint);

    let again = engine(Arc::new(Fake::default()), bench.data.path()).await;
    assert_eq!(again.certificate.fingerprint(), made.fingerprint);
}

#[tokio::test]
async fn a_certificate_that_can_not_be_read_is_kept_aside_and_made_anew() {
    let bench = Bench::new().await;
    let first = bench.engine.certificate.fingerprint();
    let tls = bench.data.path().join("state/tls");
    fs::write(tls.join("key.pem"), "nonsense").unwrap();
    let again = engine(Arc::new(Fake::default()), bench.data.path()).await;
    assert_ne!(again.certificate.fingerprint(), first);
    let kept = fs::read_to_string(tls.join("key.pem.unusable")).unwrap();
    assert_eq!(kept, "nonsense");
    assert!(tls.join("cert.pem.unusable").exists());
}

/// Files of a bundle, by their paths without the directory.
fn unpacked(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    let files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let (_, path) = path.split_once('/').unwrap();
        let path = path.to_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (path, text)
    });
    files.collect()
}

#[tokio::test]
async fn a_support_bundle_has_logs_and_documents_and_no_secret() {
    let bench = Bench::new().await;
    let path = |name: &str| bench.data.path().join(name);
    let key = fs::read_to_string(path("state/tls/key.pem")).unwrap();
    let hash =
        "$6$saltsalt$DLp8rqDDHzc62TRLuxE5lcA2jU4ooYgB5qhgj93CCSodCdlvlztlsC7G9KOBGply41pz2hdr1";
    for directory in ["log", "run"] {
        fs::create_dir_all(path(directory)).unwrap();
    }
    let said = format!("it began\npassword=hunter2 {hash}\n{key}it went on\n");
    fs::write(path("log/messages"), said).unwrap();
    fs::write(path("run/boot.json"), BOOT).unwrap();

    let documents = async || {
        vec![Part {
            path: "api/host.json".to_owned(),
            text: r#"{"hostname":"qx1","token":"qxt_00112233445566"}"#.to_owned(),
        }]
    };
    let support = &bench.engine.support;
    let refused = support.bundle(&viewer(), "qx1", documents()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    let bundle = support.bundle(&admin(), "qx1", documents()).await.unwrap();
    assert!(bundle.name.starts_with("qx1-support-2") && bundle.name.ends_with(".tar.gz"));
    let files = unpacked(&bundle.bytes);
    let log = &files["logs/system.log"];
    assert!(
        log.starts_with("it began\n") && log.ends_with("it went on\n"),
        "{log}"
    );
    assert!(files["api/host.json"].contains("qx1"));
    assert_eq!(files["run/boot.json"], BOOT);
    assert!(files["proc/meminfo"].contains("MemTotal"));
    assert!(files["about.txt"].contains("Support bundle of qx1"));
    let secret = key.lines().nth(1).unwrap();
    for (path, text) in &files {
        for secret in [secret, "hunter2", hash, "qxt_0011"] {
            assert!(!text.contains(secret), "{path} has {secret}");
        }
    }

    let (entries, _) = bench.engine.audit.list(&admin(), None, 10).await.unwrap();
    let taken = entries
        .iter()
        .filter(|e| e.operation == "host_support_bundle");
    assert_eq!(taken.count(), 2);
}
