//! The image library.

use qx_model::vm::ImageFormat;
use sha2::{Digest, Sha256};

use super::*;

/// Of a file with this hash.
fn hashed(sha256: [u8; 32]) -> Announced {
    Announced {
        sha256: Some(sha256),
        ..Announced::default()
    }
}

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
        .upload(&admin(), name(), stream::iter([piece()]), hashed(right))
        .await
        .unwrap();
    images.delete(&admin(), &name()).await.unwrap();

    let wrong = images
        .upload(&admin(), name(), stream::iter([piece()]), hashed([0; 32]))
        .await;
    assert!(matches!(wrong, Err(Error::Invalid(_))), "{wrong:?}");
    let cut = stream::iter([piece(), Err(std::io::ErrorKind::ConnectionReset.into())]);
    let cut = images
        .upload(&admin(), name(), cut, Announced::default())
        .await;
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
    let actor = admin();
    let upload = bench.engine.images.upload(
        &actor,
        "x".parse().unwrap(),
        endless(),
        Announced::default(),
    );
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
        .upload(&viewer(), name(), nothing, Announced::default())
        .await;
    assert!(matches!(upload, Err(Error::Forbidden { .. })), "{upload:?}");
    let delete = bench.engine.images.delete(&viewer(), &name()).await;
    assert!(matches!(delete, Err(Error::Forbidden { .. })), "{delete:?}");
}

/// A body without an end, a little every millisecond.
fn endless() -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send {
    stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Some((Ok(Bytes::from_static(b"more")), ()))
    })
}

/// A body that breaks off.
fn broken(
    content: &[u8],
) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + use<> {
    let cut = Err(std::io::ErrorKind::ConnectionReset.into());
    stream::iter([Ok(Bytes::copy_from_slice(content)), cut])
}

fn whole(
    content: &[u8],
) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + use<> {
    stream::iter([Ok(Bytes::copy_from_slice(content))])
}

fn announced(offset: u64, size: usize) -> Announced {
    Announced {
        offset,
        size: Some(size as u64),
        sha256: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_broke_off_goes_on_where_it_was_also_after_a_restart() {
    let bench = Bench::new().await;
    let name = || "disk.img".parse().unwrap();
    let content: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
    let images = &bench.engine.images;
    let begun = announced(0, content.len());
    let cut = images
        .upload(&admin(), name(), broken(&content[..15_000]), begun)
        .await;
    assert!(matches!(cut, Err(Error::Invalid(_))), "{cut:?}");
    assert!(images.list(&viewer()).await.unwrap().is_empty());

    let again = engine(Arc::new(Fake::default()), bench.data.path()).await;
    let images = &again.images;
    let parts = images.partial(&viewer()).await.unwrap();
    let (part, under_way) = &parts[0];
    assert_eq!((part.received_bytes, part.total_bytes), (15_000, 40_000));
    assert_eq!((part.tail_bytes, *under_way), (15_000, false));
    assert_eq!(part.tail_sha256[..], Sha256::digest(&content[..15_000])[..]);

    for (offset, size) in [(14_999, 25_001), (15_001, 24_999), (15_000, 1)] {
        let wrong = images
            .upload(
                &admin(),
                name(),
                whole(&content[15_000..]),
                announced(offset, size),
            )
            .await;
        assert!(matches!(wrong, Err(Error::Conflict { .. })), "{wrong:?}");
    }
    // Broken off once more, and the hash is of all of it.
    let rest = announced(15_000, 25_000);
    let cut = images
        .upload(&admin(), name(), broken(&content[15_000..20_000]), rest)
        .await;
    assert!(matches!(cut, Err(Error::Invalid(_))), "{cut:?}");
    let rest = Announced {
        sha256: Some(Sha256::digest(&content).into()),
        ..announced(20_000, 20_000)
    };
    let stored = images
        .upload(&admin(), name(), whole(&content[20_000..]), rest)
        .await
        .unwrap();
    assert_eq!(stored.size_bytes, 40_000);
    let kept = std::fs::read(bench.data.path().join("images/disk.img")).unwrap();
    assert!(kept == content);
    assert!(images.partial(&viewer()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_forgotten_when_it_is_wrong_given_up_or_begun_anew() {
    let bench = Bench::new().await;
    let images = &bench.engine.images;
    let name = || "disk.img".parse().unwrap();
    let parts = async || images.partial(&viewer()).await.unwrap().len();
    let cut = async |size: usize| {
        images
            .upload(&admin(), name(), broken(b"some"), announced(0, size))
            .await
            .unwrap_err();
    };
    cut(100).await;
    cut(200).await;
    assert_eq!(parts().await, 1, "another size is another file");

    let wrong = Announced {
        sha256: Some([0; 32]),
        ..announced(4, 196)
    };
    let refused = images
        .upload(&admin(), name(), whole(&[0; 196]), wrong)
        .await;
    assert!(refused.unwrap_err().to_string().contains("SHA-256"));
    assert_eq!(parts().await, 0);

    cut(100).await;
    let refused = images.forget_partial(&viewer(), name()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    images.forget_partial(&admin(), name()).await.unwrap();
    let none = images.forget_partial(&admin(), name()).await;
    assert!(matches!(none, Err(Error::NotFound { .. })), "{none:?}");
    assert_eq!(files(&bench, "uploads"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_uploaded_by_one_at_a_time_and_a_cancelled_upload_leaves_nothing() {
    let bench = Bench::new().await;
    let images = bench.engine.images.clone();
    let name = || "disk.img".parse().unwrap();
    let first = tokio::spawn({
        let images = images.clone();
        async move {
            images
                .upload(&admin(), name(), endless(), announced(0, 1 << 30))
                .await
        }
    });
    eventually("the first to begin", async || {
        let parts = images.partial(&viewer()).await.unwrap();
        parts.first().is_some_and(|(_, under_way)| *under_way)
    })
    .await;
    let second = images
        .upload(&admin(), name(), whole(b"x"), announced(0, 1))
        .await;
    assert!(matches!(second, Err(Error::Conflict { .. })), "{second:?}");
    let held = images.forget_partial(&admin(), name()).await;
    assert!(matches!(held, Err(Error::Conflict { .. })), "{held:?}");
    let tasks = bench.engine.tasks.list(&viewer(), None, 10).await.unwrap();
    let task = tasks
        .items
        .iter()
        .find(|task| task.ended_at.is_none())
        .unwrap();
    bench.engine.tasks.cancel(&admin(), task.id).await.unwrap();
    let ended = first.await.unwrap();
    assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
    assert_eq!(files(&bench, "uploads"), 0);
    images
        .upload(&admin(), name(), whole(b"x"), announced(0, 1))
        .await
        .unwrap();
}
