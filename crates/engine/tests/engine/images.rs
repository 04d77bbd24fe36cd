//! The image library.

use qx_model::vm::ImageFormat;
use sha2::{Digest, Sha256};

use super::*;

fn files(bench: &Bench, directory: &str) -> usize {
    std::fs::read_dir(bench.data.path().join(directory))
        .unwrap()
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_listed_replaced_and_deleted() {
    let bench = Bench::new().await;
    let images = &bench.engine.images;
    upload(&bench.engine, "disk.img", &[1; 10_000])
        .await
        .unwrap();
    upload(&bench.engine, "disk.img", &[2; 20_000])
        .await
        .unwrap();
    let listed = images.list(&viewer()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].size_bytes, listed[0].format),
        (20_000, ImageFormat::Raw)
    );
    images
        .delete(&admin(), &"disk.img".parse().unwrap())
        .await
        .unwrap();
    let gone = images.delete(&admin(), &"disk.img".parse().unwrap()).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    assert_eq!((files(&bench, "images"), files(&bench, "uploads")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_or_cut_off_never_reaches_the_library() {
    let bench = Bench::new().await;
    let name = || "disk.img".parse().unwrap();
    let images = &bench.engine.images;
    let piece = || Ok(Bytes::from_static(b"some content"));

    let right = Sha256::digest(b"some content").into();
    images
        .upload(&admin(), name(), stream::iter([piece()]), None, Some(right))
        .await
        .unwrap();
    images.delete(&admin(), &name()).await.unwrap();

    let wrong = images
        .upload(
            &admin(),
            name(),
            stream::iter([piece()]),
            None,
            Some([0; 32]),
        )
        .await;
    assert!(matches!(wrong, Err(Error::Invalid(_))), "{wrong:?}");
    let cut = stream::iter([piece(), Err(std::io::ErrorKind::ConnectionReset.into())]);
    let cut = images.upload(&admin(), name(), cut, None, None).await;
    assert!(matches!(cut, Err(Error::Invalid(_))), "{cut:?}");
    let mut backed = vec![0; 512];
    backed[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    backed[15] = 200;
    backed[30] = 1;
    let backed = upload(&bench.engine, "disk.img", &backed).await;
    assert!(backed.unwrap_err().to_string().contains("backing file"));
    assert_eq!((files(&bench, "images"), files(&bench, "uploads")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_upload_leaves_nothing() {
    let bench = Bench::new().await;
    let endless = stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Some((Ok(Bytes::from_static(b"more")), ()))
    });
    let actor = admin();
    let upload = bench
        .engine
        .images
        .upload(&actor, "x".parse().unwrap(), endless, None, None);
    assert!(
        tokio::time::timeout(Duration::from_millis(50), upload)
            .await
            .is_err()
    );
    eventually("the file to go", async || files(&bench, "uploads") == 0).await;
    assert_eq!(files(&bench, "images"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_in_a_drive_stays_as_it_is() {
    let bench = Bench::new().await;
    let mut disc = vec![0; 0x8800];
    disc[0x8001..0x8006].copy_from_slice(b"CD001");
    upload(&bench.engine, "disc.iso", &disc).await.unwrap();
    let mut wish = spec("web1");
    wish.cdrom = Some("disc.iso".parse().unwrap());
    let id = wish.id;
    bench.engine.vms.create(&admin(), wish).await.unwrap();
    let name = "disc.iso".parse().unwrap();
    let deleted = bench.engine.images.delete(&admin(), &name).await;
    assert!(
        matches!(deleted, Err(Error::Conflict { .. })),
        "{deleted:?}"
    );
    let replaced = upload(&bench.engine, "disc.iso", &disc).await;
    assert!(
        matches!(replaced, Err(Error::Conflict { .. })),
        "{replaced:?}"
    );
    bench.engine.vms.delete(&admin(), id, true).await.unwrap();
    bench.engine.images.delete(&admin(), &name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_may_look_but_not_touch() {
    let bench = Bench::new().await;
    let name = || "disk.img".parse().unwrap();
    assert!(bench.engine.images.list(&viewer()).await.is_ok());
    let nothing = stream::iter(Vec::<std::io::Result<Bytes>>::new());
    let upload = bench
        .engine
        .images
        .upload(&viewer(), name(), nothing, None, None)
        .await;
    assert!(matches!(upload, Err(Error::Forbidden { .. })), "{upload:?}");
    let delete = bench.engine.images.delete(&viewer(), &name()).await;
    assert!(matches!(delete, Err(Error::Forbidden { .. })), "{delete:?}");
}
