//! Storage pools and volumes through the typed client, gRPC and raw requests, on the hypervisor in memory.

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use qx_api::client::Error;
use qx_api::grpc::v1;
use qx_api::grpc::v1::pool_service_client::PoolServiceClient;
use qx_api::grpc::v1::volume_service_client::VolumeServiceClient;
use qx_api::rest::{
    DiskCreate, Pool, PoolCreate, PoolPatch, PoolState, Role, TaskState, VolumeCreate, VolumePatch,
    VolumeRef,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::grpc::{authorized, channel};
use crate::support::{Daemon, ask, eventually, wish};

fn directory(name: &str) -> PoolCreate {
    serde_json::from_value(json!({ "name": name, "type": "directory" })).unwrap()
}

fn volume(name: &str, size_bytes: u64) -> VolumeCreate {
    serde_json::from_value(json!({ "name": name, "format": "raw", "size_bytes": size_bytes }))
        .unwrap()
}

/// The host's own pool.
async fn own(daemon: &Daemon) -> Pool {
    eventually("the host's own pool", async || {
        let pools = daemon.local().pools().await.ok()?;
        pools
            .into_iter()
            .find(|pool| pool.own && pool.state == PoolState::Active)
    })
    .await
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> (u16, String) {
    match answer {
        Err(Error::Refused(problem)) => (problem.status, problem.detail),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pool_and_its_volumes_live_and_die_over_https() {
    let daemon = Daemon::start().await;
    let client = daemon.remote(&daemon.token(Role::Admin).await);
    let pool = client.create_pool(&directory("fast")).await.unwrap();
    assert_eq!((pool.state, pool.autostart), (PoolState::Active, true));
    assert!(pool.capacity_bytes > 0 && pool.makes_volumes && pool.has_files && !pool.own);
    let made = client
        .create_volume(pool.id, &volume("a.img", 1 << 20))
        .await
        .unwrap();
    assert_eq!((made.capacity_bytes, &*made.format), (1 << 20, "raw"));
    let clone: VolumeCreate = serde_json::from_value(json!({
        "name": "b.img",
        "format": "raw",
        "source": { "volume": { "pool": pool.id, "name": "a.img" } },
    }))
    .unwrap();
    let task = client.begin_create_volume(pool.id, &clone).await.unwrap();
    assert_eq!(
        (&*task.operation, &*task.target.kind),
        ("volume_create", "volume")
    );
    eventually("the clone", async || {
        let task = client.task(task.id).await.unwrap();
        assert_ne!(task.state, TaskState::Failed, "{task:?}");
        (task.state == TaskState::Done).then_some(())
    })
    .await;
    let larger = VolumePatch {
        size_bytes: 2 << 20,
        shrink: false,
    };
    let grown = client
        .patch_volume(pool.id, "b.img", &larger)
        .await
        .unwrap();
    assert_eq!(grown.capacity_bytes, 2 << 20);
    let smaller = VolumePatch {
        size_bytes: 1 << 20,
        shrink: false,
    };
    let (status, detail) = refused(client.patch_volume(pool.id, "b.img", &smaller).await);
    assert!(status == 422 && detail.contains("shrink"), "{detail}");

    let mut vm = wish("web");
    vm.disks = vec![DiskCreate {
        size_bytes: None,
        image: None,
        pool: None,
        volume: Some(VolumeRef {
            pool: pool.id,
            name: "a.img".into(),
        }),
    }];
    let vm = client.create_vm(&vm).await.unwrap();
    assert_eq!(
        client.volume(pool.id, "a.img").await.unwrap().used_by[0].name,
        "web"
    );
    let (status, detail) = refused(client.delete_volume(pool.id, "a.img").await);
    assert!(status == 409 && detail.contains("the VM web"), "{detail}");
    client.delete_vm(vm.id, true).await.unwrap();
    assert_eq!(client.volumes(pool.id).await.unwrap().len(), 2);
    client.delete_volume(pool.id, "a.img").await.unwrap();
    assert_eq!(refused(client.volume(pool.id, "a.img").await).0, 404);
    let patch = PoolPatch { autostart: false };
    assert!(!client.patch_pool(pool.id, &patch).await.unwrap().autostart);
    client.refresh_pool(pool.id).await.unwrap();
    assert_eq!(
        client.stop_pool(pool.id).await.unwrap().state,
        PoolState::Inactive
    );
    assert_eq!(refused(client.volumes(pool.id).await).0, 409);
    assert_eq!(
        client.start_pool(pool.id).await.unwrap().state,
        PoolState::Active
    );
    client.delete_pool(pool.id).await.unwrap();
    assert_eq!(refused(client.pool(pool.id).await).0, 404);
    client.pool_disks().await.unwrap();
}

#[tokio::test]
async fn a_volume_is_uploaded_and_downloaded_whole_and_in_parts() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let pool = own(&daemon).await.id;
    let content: Vec<u8> = (0..3_000_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    let digest = hex::encode(Sha256::digest(&content));
    let pieces = || {
        let pieces: Vec<_> = content
            .chunks(100_000)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        stream::iter(pieces)
    };
    let length = content.len() as u64;
    let wrong = "00".repeat(32);
    let sent = client
        .upload_volume((pool, "a.img"), None, (length, Some(&wrong)), pieces())
        .await;
    assert_eq!(refused(sent).0, 422);
    assert_eq!(client.volumes(pool).await.unwrap(), []);
    let sent = client
        .upload_volume((pool, "a.img"), None, (length, Some(&digest)), pieces())
        .await;
    assert_eq!(sent.unwrap().capacity_bytes, length);
    let again = client
        .upload_volume((pool, "a.img"), None, (length, None), pieces())
        .await;
    assert_eq!(refused(again).0, 409);

    let (size, bytes) = client.download_volume(pool, "a.img").await.unwrap();
    let got: Vec<Bytes> = bytes.try_collect().await.unwrap();
    assert!(size == length && got.concat() == content);
    let path = format!("/api/v1/pools/{pool}/volumes/a.img/content");
    for (range, part) in [
        ("bytes=0-0", &content[..1]),
        ("bytes=1000-300000", &content[1000..=300_000]),
        ("bytes=-5", &content[content.len() - 5..]),
    ] {
        let answer = daemon
            .send_local(ask("GET", &path).with("range", range))
            .await;
        assert_eq!(answer.status, 206, "{range}");
        assert!(answer.body == part, "{range}");
        assert_eq!(answer.header("content-length"), part.len().to_string());
        assert!(answer.header("content-range").ends_with("/3000000"));
    }
    let whole = daemon.send_local(ask("GET", &path)).await;
    assert_eq!(
        (whole.status, whole.header("accept-ranges")),
        (200, "bytes")
    );
    assert_eq!(
        whole.header("content-disposition"),
        "attachment; filename=\"a.img\""
    );
    let beyond = daemon
        .send_local(ask("GET", &path).with("range", "bytes=3000000-"))
        .await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, "bytes */3000000")
    );
    beyond.problem();
}

#[tokio::test]
async fn a_name_or_a_path_never_leads_out_of_a_pool() {
    let daemon = Daemon::start().await;
    let pool = own(&daemon).await.id;
    for name in [
        "..",
        "..%2Fx",
        "%2e%2e%2fx",
        "%2Fetc%2Fpasswd",
        "a%2Fb",
        ".hidden",
        "-rf",
        "a%00b",
        "a%0Ab",
        "%ff",
        "a%20b",
    ] {
        let path = format!("/api/v1/pools/{pool}/volumes/{name}");
        let content = format!("{path}/content");
        for (method, path) in [
            ("GET", &path),
            ("DELETE", &path),
            ("GET", &content),
            ("PUT", &content),
        ] {
            let answer = daemon.send_local(ask(method, path).body("x")).await;
            assert!(
                matches!(answer.status, 404 | 405 | 422),
                "{method} {path}: {answer:?}"
            );
            answer.problem();
        }
    }
    let volumes = format!("/api/v1/pools/{pool}/volumes");
    for name in ["../x", "/etc/passwd", ".x", "a/b", "a\u{0}", "a:b", ""] {
        let body = json!({ "name": name, "size_bytes": 512 }).to_string();
        let answer = daemon.send_local(ask("POST", &volumes).json(body)).await;
        assert_eq!(
            (answer.status, &*answer.problem().errors[0].field),
            (422, "name"),
            "{name:?}"
        );
    }
    for path in [
        "/etc",
        "/data/../etc",
        "relative",
        "/mnt/../etc",
        "/srv/a\nb",
        "/quantix/x",
    ] {
        let body = json!({ "name": "p", "type": "directory", "path": path }).to_string();
        let answer = daemon
            .send_local(ask("POST", "/api/v1/pools").json(body))
            .await;
        assert_eq!(
            (answer.status, &*answer.problem().errors[0].field),
            (422, "path"),
            "{path:?}"
        );
    }
    for (body, field) in [
        (json!({ "name": "p", "type": "nfs" }), "nfs"),
        (
            json!({ "name": "p", "type": "directory", "nfs": { "host": "a", "export": "/b" } }),
            "nfs",
        ),
        (
            json!({ "name": "p", "type": "nfs", "nfs": { "host": "-oro", "export": "/b" } }),
            "nfs.host",
        ),
        (
            json!({ "name": "p", "type": "nfs", "nfs": { "host": "a", "export": "/b'/>" } }),
            "nfs.export",
        ),
        (
            json!({ "name": "p", "type": "iscsi", "iscsi": { "host": "a", "target": "x" } }),
            "iscsi.target",
        ),
        (
            json!({ "name": "p", "type": "lvm", "lvm": { "group": "../x" } }),
            "lvm.group",
        ),
        (json!({ "name": "p", "type": "disk" }), "type"),
        (json!({ "name": "p/", "type": "directory" }), "name"),
        (
            json!({ "name": "p", "type": "directory", "size": 1 }),
            "size",
        ),
    ] {
        let answer = daemon
            .send_local(ask("POST", "/api/v1/pools").json(body.to_string()))
            .await;
        assert_eq!(
            (answer.status, &*answer.problem().errors[0].field),
            (422, field),
            "{body}"
        );
    }
    assert_eq!(daemon.local().pools().await.unwrap().len(), 1);
    assert_eq!(daemon.local().volumes(pool).await.unwrap(), []);
}

#[tokio::test]
async fn machines_have_the_same_over_grpc() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Admin).await;
    let channel = channel(&daemon).await;
    let mut pools = PoolServiceClient::new(channel.clone());
    let mut volumes = VolumeServiceClient::new(channel);
    let wish = v1::CreatePoolRequest {
        name: "fast".into(),
        r#type: v1::PoolType::Directory.into(),
        ..Default::default()
    };
    let pool = pools
        .create(authorized(&token, wish))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(pool.state(), v1::PoolState::Active);
    let volume = Some(v1::VolumeRef {
        pool: pool.id.clone(),
        name: "a.img".into(),
    });
    let wish = v1::CreateVolumeRequest {
        volume: volume.clone(),
        size_bytes: Some(1 << 20),
        ..Default::default()
    };
    let made = volumes
        .create(authorized(&token, wish))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((&*made.format, made.capacity_bytes), ("qcow2", 1 << 20));
    let wish = v1::ResizeVolumeRequest {
        volume: volume.clone(),
        size_bytes: 2 << 20,
        shrink: false,
    };
    let grown = volumes
        .resize(authorized(&token, wish))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(grown.capacity_bytes, 2 << 20);
    let list = v1::ListVolumesRequest {
        pool: pool.id.clone(),
    };
    let listed = volumes
        .list(authorized(&token, list))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.volumes, [grown]);
    let delete = v1::DeleteVolumeRequest { volume };
    volumes.delete(authorized(&token, delete)).await.unwrap();
    let stop = v1::StopPoolRequest {
        id: pool.id.clone(),
    };
    let stopped = pools
        .stop(authorized(&token, stop))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(stopped.state(), v1::PoolState::Inactive);
    let format = v1::FormatPoolRequest {
        name: "big".into(),
        disk: "/dev/none".into(),
        ..Default::default()
    };
    let refused = pools.format(authorized(&token, format)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    let delete = v1::DeletePoolRequest { id: pool.id };
    pools.delete(authorized(&token, delete)).await.unwrap();
    let left = pools
        .list(authorized(&token, v1::ListPoolsRequest {}))
        .await;
    assert!(
        left.unwrap()
            .into_inner()
            .pools
            .iter()
            .all(|pool| pool.name != "fast")
    );
}
