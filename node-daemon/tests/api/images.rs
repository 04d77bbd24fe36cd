//! Uploads into the image library.

use bytes::Bytes;
use futures_util::stream;
use qx_api::rest::ImageFormat;
use sha2::{Digest, Sha256};

use crate::support::{Daemon, ask, eventually};

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
            (0, content.len() as u64),
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

#[tokio::test]
async fn an_upload_that_broke_off_is_told_of_and_gone_on_with() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let content: Vec<u8> = (0..500_000_u32).flat_map(u32::to_le_bytes).collect();
    let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let pieces = [Ok(Bytes::copy_from_slice(&content[..1_500_000])), Err(cut)];
    let whole = (0, content.len() as u64);
    client
        .upload_image("disk.img", whole, None, stream::iter(pieces))
        .await
        .unwrap_err();
    let part = eventually("the upload to break off", async || {
        let parts = client.image_uploads().await.unwrap();
        parts.into_iter().find(|part| !part.under_way)
    })
    .await;
    assert_eq!(
        (part.name.as_str(), part.total_bytes),
        ("disk.img", 2_000_000)
    );
    let here = usize::try_from(part.received_bytes).unwrap();
    assert!(here <= 1_500_000 && part.tail_bytes == part.received_bytes.min(1 << 20));
    let tail = &content[here - usize::try_from(part.tail_bytes).unwrap()..here];
    assert_eq!(part.tail_sha256, hex::encode(Sha256::digest(tail)));

    let path = "/api/v1/images/disk.img";
    for (offset, status) in [("1", 409), ("-1", 422), ("x", 422)] {
        let request = ask("PUT", path).with("upload-offset", offset).body("x");
        assert_eq!(daemon.send_local(request).await.status, status, "{offset}");
    }
    let rest = [Ok(Bytes::copy_from_slice(&content[here..]))];
    let sizes = (part.received_bytes, 2_000_000 - part.received_bytes);
    let digest = hex::encode(Sha256::digest(&content));
    let image = client
        .upload_image("disk.img", sizes, Some(&digest), stream::iter(rest))
        .await
        .unwrap();
    assert_eq!(image.size_bytes, 2_000_000);
    assert!(client.image_uploads().await.unwrap().is_empty());
    let none = client.delete_image_upload("disk.img").await.unwrap_err();
    assert!(none.to_string().contains("does not exist"), "{none}");
}
