//! Uploads into the image library.

use bytes::Bytes;
use futures_util::stream;
use qx_api::rest::ImageFormat;
use sha2::{Digest, Sha256};

use crate::support::{Daemon, ask};

#[tokio::test]
async fn an_upload_appears_whole_and_can_be_removed() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let content = vec![7_u8; 3 << 20];
    let digest = hex::encode(Sha256::digest(&content));
    let pieces: Vec<_> = content
        .chunks(100_000)
        .map(|c| Ok(Bytes::copy_from_slice(c)))
        .collect();
    let image = client
        .upload_image(
            "disk.img",
            content.len() as u64,
            Some(&digest),
            stream::iter(pieces),
        )
        .await
        .unwrap();
    assert_eq!(
        (image.size_bytes, image.format),
        (3 << 20, ImageFormat::Raw)
    );
    assert_eq!(client.images().await.unwrap(), [image]);
    client.delete_image("disk.img").await.unwrap();
    assert!(client.images().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_name_never_leads_out_of_the_library() {
    let daemon = Daemon::start().await;
    let before = tree(&daemon);
    for name in [
        "..",
        ".",
        "..%2Fx",
        "%2e%2e%2fx",
        "%2Fetc%2Fpasswd",
        "a%2Fb",
        "..%5Cx",
        ".hidden",
        "-rf",
        "a%00b",
        "a%0Ab",
        "%ff",
        "a%20b",
        "%E2%80%AEgpj",
        "a..%2f..%2fb",
    ] {
        let path = format!("/api/v1/images/{name}");
        for method in ["PUT", "DELETE"] {
            let answer = daemon.send_local(ask(method, &path).body("x")).await;
            assert!(
                matches!(answer.status, 404 | 405 | 422),
                "{method} {name}: {answer:?}"
            );
            answer.problem();
        }
    }
    let long = format!("/api/v1/images/{}", "a".repeat(129));
    assert_eq!(
        daemon.send_local(ask("PUT", &long).body("x")).await.status,
        422
    );
    assert_eq!(tree(&daemon), before, "something was written");
}

#[tokio::test]
async fn a_wrong_checksum_leaves_nothing_behind() {
    let daemon = Daemon::start().await;
    let before = tree(&daemon);
    let wrong = "00".repeat(32);
    let put = || ask("PUT", "/api/v1/images/a.iso").body(vec![1_u8; 1 << 20]);
    let answer = daemon
        .send_local(put().with("x-checksum-sha256", &wrong))
        .await;
    assert!(matches!(answer.status, 409 | 422), "{answer:?}");
    answer.problem();
    let answer = daemon
        .send_local(put().with("x-checksum-sha256", "abc"))
        .await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.problem().errors[0].field, "X-Checksum-SHA256");
    assert_eq!(tree(&daemon), before);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_behind() {
    let daemon = Daemon::start().await;
    let before = tree(&daemon);
    let pieces = vec![
        Ok(Bytes::from(vec![1_u8; 100_000])),
        Err(std::io::Error::other("the cable was pulled")),
    ];
    let sent = daemon
        .local()
        .upload_image("a.iso", 1 << 20, None, stream::iter(pieces))
        .await;
    assert!(sent.is_err());
    crate::support::eventually("the rest is cleaned up", async || {
        (tree(&daemon) == before).then_some(())
    })
    .await;
}

/// Every file below the data directory but the database.
fn tree(daemon: &Daemon) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![daemon.files.path().join("data")];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let text = path.display().to_string();
            if path.is_dir() {
                left.push(path);
            }
            if !text.contains("quantix.db") {
                found.push(text);
            }
        }
    }
    found.sort();
    found
}
