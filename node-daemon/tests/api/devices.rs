//! Disks, NICs and the CD drive through the typed client and raw HTTP, on the hypervisor in memory.

use qx_api::client::Error;
use qx_api::rest::{Cdrom, DiskAttach, DiskLimits, DiskPatch, NicAttach, NicLimits, NicPatch};

use crate::support::{Daemon, ask};

fn disk(size_bytes: u64) -> DiskAttach {
    DiskAttach {
        size_bytes: Some(size_bytes),
        image: None,
        pool: None,
        volume: None,
        limits: DiskLimits::default(),
    }
}

#[tokio::test]
async fn a_disk_is_plugged_in_grown_limited_and_unplugged() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let id = daemon.vm("web").await.id;
    client.start_vm(id).await.unwrap();
    let vm = client.attach_disk(id, &disk(1 << 20)).await.unwrap();
    assert_eq!(vm.disks[0].target, "vda");
    assert_eq!(vm.disks[0].size_bytes, Some(1 << 20));
    let limits = DiskLimits {
        read_iops: 100,
        ..DiskLimits::default()
    };
    let patch = DiskPatch {
        size_bytes: Some(2 << 20),
        limits: Some(limits),
    };
    let vm = client.patch_disk(id, "vda", &patch).await.unwrap();
    assert_eq!(vm.disks[0].size_bytes, Some(2 << 20));
    assert_eq!(vm.disks[0].limits, limits);
    let smaller = DiskPatch {
        size_bytes: Some(1 << 20),
        limits: None,
    };
    let refused = client.patch_disk(id, "vda", &smaller).await;
    let Err(Error::Refused(problem)) = refused else {
        panic!("a disk shrank")
    };
    assert_eq!(
        (problem.status, &*problem.errors[0].field),
        (422, "size_bytes")
    );
    daemon.fake.hold("vda");
    let refused = client.detach_disk(id, "vda", true).await;
    assert!(
        matches!(refused, Err(Error::Refused(problem)) if problem.detail.contains("not let vda go"))
    );
    assert_eq!(daemon.fake.disks().len(), 1);
    client.stop_vm(id).await.unwrap();
    let vm = client.detach_disk(id, "vda", true).await.unwrap();
    assert!(vm.disks.is_empty());
    assert!(daemon.fake.disks().is_empty());
    let gone = client.detach_disk(id, "vda", true).await;
    assert!(matches!(gone, Err(Error::Refused(problem)) if problem.status == 404));
}

#[tokio::test]
async fn a_disk_that_is_kept_is_never_overwritten() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let id = daemon.vm("web").await.id;
    client.attach_disk(id, &disk(1 << 20)).await.unwrap();
    client.attach_disk(id, &disk(2 << 20)).await.unwrap();
    client.detach_disk(id, "vda", false).await.unwrap();
    assert_eq!(daemon.fake.disks().len(), 2);
    let vm = client.vm(id).await.unwrap();
    assert_eq!(vm.disks[0].size_bytes, Some(2 << 20));
}

#[tokio::test]
async fn a_nic_is_plugged_in_limited_and_unplugged() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let id = daemon.vm("web").await.id;
    let wish = NicAttach {
        network: None,
        bridge: Some("br0".into()),
        limits: NicLimits::default(),
    };
    let vm = client.attach_nic(id, &wish).await.unwrap();
    assert_eq!(vm.nics[0].source, "br0");
    let mac = vm.nics[0].mac.clone();
    let limits = NicLimits {
        receive_kbytes_sec: 1000,
        send_kbytes_sec: 0,
    };
    let patch = NicPatch { limits };
    let vm = client.patch_nic(id, &mac, &patch).await.unwrap();
    assert_eq!(vm.nics[0].limits, limits);
    assert!(client.detach_nic(id, &mac).await.unwrap().nics.is_empty());
}

#[tokio::test]
async fn a_cd_of_the_library_is_inserted_and_ejected() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let id = daemon.vm("web").await.id;
    let upload = ask("PUT", "/api/v1/images/a.iso").body(vec![1; 4096]);
    assert_eq!(daemon.send_local(upload).await.status, 201);
    let mut wish = Cdrom {
        image: Some("a.iso".into()),
        force: false,
    };
    let vm = client.set_cdrom(id, &wish).await.unwrap();
    let path = vm.disks[0].path.as_deref().unwrap();
    assert!(
        vm.disks[0].cdrom && path.ends_with("/images/a.iso"),
        "{path}"
    );
    let used = client.delete_image("a.iso").await;
    assert!(matches!(used, Err(Error::Refused(problem)) if problem.status == 409));
    wish.image = None;
    assert_eq!(
        client.set_cdrom(id, &wish).await.unwrap().disks[0].path,
        None
    );
    client.delete_image("a.iso").await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_device_is_named() {
    let daemon = Daemon::start().await;
    let id = daemon.vm("web").await.id;
    for (method, path, body, field) in [
        ("POST", "disks", r"{}", "size_bytes"),
        ("POST", "disks", r#"{"size_bytes":513}"#, "size_bytes"),
        ("POST", "disks", r#"{"image":"../x"}"#, "image"),
        ("POST", "disks", r#"{"image":"none.img"}"#, "image"),
        (
            "POST",
            "disks",
            r#"{"size_bytes":512,"limits":{"iops":1}}"#,
            "limits.iops",
        ),
        ("POST", "nics", r"{}", "network"),
        ("POST", "nics", r#"{"network":"a","bridge":"b"}"#, "network"),
        ("POST", "nics", r#"{"bridge":"br0;x"}"#, "bridge"),
        (
            "POST",
            "nics",
            r#"{"bridge":"br0","limits":{"send_kbytes_sec":99999999999}}"#,
            "limits.send_kbytes_sec",
        ),
        ("PUT", "cdrom", r#"{"image":"/etc/passwd"}"#, "image"),
        ("PUT", "cdrom", r#"{"image":"none.iso"}"#, "image"),
        ("PATCH", "disks/v-a", r"{}", "target"),
        ("PATCH", "nics/52:54", r#"{"limits":{}}"#, "mac"),
    ] {
        let path = format!("/api/v1/vms/{id}/{path}");
        let answer = daemon.send_local(ask(method, &path).json(body)).await;
        assert_eq!(answer.status, 422, "{method} {path} {body}: {answer:?}");
        assert_eq!(answer.problem().errors[0].field, field, "{path} {body}");
    }
    assert!(daemon.fake.disks().is_empty());
}
