//! Updates on a machine without slots: what needs none of them. The rest is an end-to-end test.

use qx_api::rest::{Role, UpdateStart, Updates};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Daemon, ask};

const MEDIUM: &str = r#"{"mode":"live","slot":null,"version":"0.1.0","build_id":"00112233aabbccdd",
    "key_id":"8899aabbccddeeff","source":"/dev/sr0","copy_ms":1,"copy_bytes":1,"watchdog":null,
    "config":"ram","data":"ram","warnings":[]}"#;

#[tokio::test]
async fn a_host_that_cannot_be_updated_says_why() {
    let daemon = Daemon::start().await;
    let updates = daemon.local().updates().await.unwrap();
    assert!(updates.unavailable.unwrap().contains("no slots"));
    assert!(updates.slots.is_empty());

    std::fs::write(daemon.files.path().join("run/boot.json"), MEDIUM).unwrap();
    let updates: Updates = daemon
        .send_local(ask("GET", "/api/v1/updates"))
        .await
        .json();
    assert!(updates.unavailable.unwrap().contains("from a medium"));
    assert_eq!((updates.transfer, updates.last), (None, None));
}

#[tokio::test]
async fn what_needs_slots_is_a_conflict_and_says_what_to_do() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let start = UpdateStart { restart: true };
    let errors = [
        client.apply_update(&start).await.unwrap_err(),
        client.roll_back_update(&start).await.unwrap_err(),
        client.confirm_update().await.unwrap_err(),
        client.reinstall_update().await.unwrap_err(),
        client.discard_update().await.unwrap_err(),
        client.check_update().await.unwrap_err(),
        client.fetch_update().await.unwrap_err(),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(text.contains("no slots"), "{text}");
        assert!(text.contains("need an installed host"), "{text}");
    }
    let upload = ask("PUT", "/api/v1/updates/upload").body(vec![0_u8; 4096]);
    let answer = daemon.send_local(upload).await;
    assert_eq!(answer.status, 409);
    assert!(answer.problem().detail.contains("no slots"));
}

#[tokio::test]
async fn a_wrong_offset_or_body_is_named() {
    let daemon = Daemon::start().await;
    for offset in ["-1", "1.5", "x", "99999999999999999999"] {
        let upload = ask("PUT", "/api/v1/updates/upload").with("upload-offset", offset);
        let answer = daemon.send_local(upload).await;
        assert_eq!(answer.status, 422, "{offset}");
        assert_eq!(answer.problem().errors[0].field, "Upload-Offset");
    }
    for (body, field) in [("{}", "restart"), (r#"{"restart":true,"at":1}"#, "at")] {
        let apply = ask("POST", "/api/v1/updates/apply").json(body);
        let answer = daemon.send_local(apply).await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
}

/// Over HTTP/1.1 most callers listen only when they have sent everything.
#[tokio::test]
async fn who_sends_a_lot_is_told_why_it_is_refused() {
    const LENGTH: usize = 64 << 20;
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Admin).await;
    let wrong = "0".repeat(64);
    for path in ["/api/v1/updates/upload", "/api/v1/images/text.iso"] {
        let mut stream = daemon.tls(daemon.node.https().port(), b"http/1.1").await;
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             X-Checksum-SHA256: {wrong}\r\nContent-Length: {LENGTH}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; LENGTH]).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let refused = ["HTTP/1.1 409 ", "HTTP/1.1 422 "];
        assert!(
            refused.iter().any(|line| answer.starts_with(line)),
            "{path}: {answer}"
        );
        assert!(answer.contains("request_id"), "{path}: {answer}");
    }
}
