//! Clones: what is refused on the fake, whose disks are no files, and what is made on QEMU.

use std::process::Command;
use std::sync::Arc;

use qx_engine::Error;
use qx_engine::volumes::{VolumeSource, VolumeWish};
use qx_model::access::Actor;
use qx_model::clone::VmClone;
use qx_model::edit::VmEdit;
use qx_model::storage::{DiskFormat, VolumeRef};
use qx_model::vm::{DiskSource, DiskSpec, Firmware, NicSpec, Vm, VmId, VmSpec};

use crate::real::Real;
use crate::storage::own;
use crate::{Bench, admin, blank, copy_of, spec, viewer};

fn clone_wish(name: &str) -> VmClone {
    VmClone {
        id: VmId::random(),
        name: name.parse().unwrap(),
        description: None,
    }
}

/// Runs a program of QEMU's, which must succeed.
fn qemu(command: &[&str]) {
    let output = Command::new(command[0])
        .args(&command[1..])
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

async fn clone_as(
    actor: &Actor,
    bench: &Bench,
    source: VmId,
    wish: VmClone,
) -> Result<Arc<Vm>, Error> {
    let cloning = bench.engine.vms.begin_clone(actor, source, wish).await?;
    cloning.outcome().await
}

#[tokio::test]
async fn a_clone_is_refused_with_its_reason_and_leaves_nothing() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let source = vms.create(&admin(), spec("source")).await.unwrap().id;
    let clone = async |id, wish| clone_as(&admin(), &bench, id, wish).await;
    let denied = clone_as(&viewer(), &bench, source, clone_wish("a"))
        .await
        .unwrap_err();
    assert!(matches!(denied, Error::Forbidden { .. }), "{denied:?}");
    let absent = clone(VmId::random(), clone_wish("a")).await.unwrap_err();
    assert!(matches!(absent, Error::NotFound { .. }), "{absent:?}");
    let taken = clone(source, clone_wish("source")).await.unwrap_err();
    assert!(matches!(taken, Error::Conflict { .. }), "{taken:?}");
    let long = VmClone {
        description: Some("x".repeat(1025)),
        ..clone_wish("a")
    };
    let broken = clone(source, long).await.unwrap_err();
    assert!(
        matches!(&broken, Error::Invalid(fields) if fields[0].field == "description"),
        "{broken:?}"
    );
    vms.start(&admin(), source).await.unwrap();
    let running = clone(source, clone_wish("a")).await.unwrap_err();
    assert!(
        running.to_string().contains("source is not off"),
        "{running}"
    );
    vms.stop(&admin(), source).await.unwrap();
    // The fake's disk is no file that could be copied.
    let with_disk = VmSpec {
        disks: vec![blank(1 << 20)],
        ..spec("with-disk")
    };
    let with_disk = vms.create(&admin(), with_disk).await.unwrap().id;
    let failed = clone_wish("b");
    clone(with_disk, failed.clone()).await.unwrap_err();
    let listed = vms.list(&admin(), None, 10).await.unwrap().items;
    assert_eq!(listed.len(), 2);

    let again = clone_wish("a");
    let made = clone(source, again.clone()).await.unwrap();
    assert_eq!((made.id, &*made.name), (again.id, "a"));
    // The same wish again is fulfilled; another one with its id is not.
    clone(source, again.clone()).await.unwrap();
    let other = VmClone {
        description: Some("other".into()),
        ..again
    };
    let other = clone(source, other).await.unwrap_err();
    assert!(matches!(other, Error::Conflict { .. }), "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_shares_nothing_with_its_source() {
    let real = Real::new().await;
    let (vms, volumes) = (&real.engine.vms, &real.engine.volumes);
    let pool = own(&real.engine).await.pool.id;
    let raw = VolumeRef {
        pool,
        name: "data".parse().unwrap(),
    };
    let volume = VolumeWish {
        volume: raw.clone(),
        format: Some(DiskFormat::Raw),
        size_bytes: Some(8 << 20),
        full: false,
        source: VolumeSource::Blank,
    };
    volumes.create(&admin(), volume).await.unwrap();
    let taken = DiskSpec {
        size_bytes: None,
        source: DiskSource::Volume(raw),
        pool: None,
    };
    let source = VmSpec {
        disks: vec![copy_of("guest.img"), taken],
        nics: vec![NicSpec::Bridge("br0".parse().unwrap())],
        firmware: Firmware::Uefi,
        ..spec("source")
    };
    let id = vms.create(&admin(), source).await.unwrap().id;
    let tags = VmEdit {
        tags: Some(vec!["web".parse().unwrap()]),
        ..VmEdit::default()
    };
    vms.edit(&admin(), id, None, tags).await.unwrap();
    let source = vms.get(&admin(), id).await.unwrap();
    let files: Vec<_> = source
        .disks
        .iter()
        .filter_map(|disk| disk.path.clone())
        .collect();
    std::fs::write(&files[1], vec![7; 8 << 20]).unwrap();

    let variables = |id: VmId| {
        let path = real.virsh(&["dumpxml", &id.to_string(), "--xpath", "//nvram/text()"]);
        real.libvirtd.file(&path).display().to_string()
    };
    let mark = "write -P 90 0 512";
    qemu(&["qemu-io", "-f", "qcow2", "-c", mark, &variables(id)]);

    let wish = clone_wish("clone");
    let cloning = vms.begin_clone(&admin(), id, wish.clone()).await.unwrap();
    let made = cloning.outcome().await.unwrap();
    let own: Vec<_> = made
        .disks
        .iter()
        .filter_map(|disk| disk.path.clone())
        .collect();
    assert_eq!(own.len(), 2);
    assert!(
        own[0].starts_with(
            real.directory
                .path()
                .join("data/vms")
                .join(wish.id.to_string())
        )
    );
    assert_eq!(own[1].parent(), files[1].parent());
    assert!(std::fs::read(&own[1]).unwrap() == vec![7; 8 << 20]);
    assert_eq!(made.tags, ["web"]);
    assert_ne!(made.nics[0].mac, source.nics[0].mac);
    // Its firmware variables are a copy, in a file that holds snapshots.
    let (old, new) = (variables(id), variables(wish.id));
    assert_ne!(old, new);
    qemu(&[
        "qemu-img", "compare", "-q", "-f", "qcow2", "-F", "qcow2", &old, &new,
    ]);
    // What one writes the other does not see.
    std::fs::write(&own[1], vec![9; 8 << 20]).unwrap();
    assert!(std::fs::read(&files[1]).unwrap() == vec![7; 8 << 20]);
    // What was made for it goes with it; what is the source's stays.
    vms.delete(&admin(), wish.id, true).await.unwrap();
    assert!(own.iter().all(|file| !file.exists()));
    assert!(files.iter().all(|file| file.exists()));

    // A disk that needs another file is refused, and leaves nothing.
    let base = files[0].with_file_name("base.qcow2");
    std::fs::rename(&files[0], &base).unwrap();
    let [base, file] = [&base, &files[0]].map(|path| path.to_str().unwrap());
    qemu(&[
        "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, file,
    ]);
    let failed = clone_wish("failed");
    let failing = vms.begin_clone(&admin(), id, failed.clone()).await.unwrap();
    let refused = failing.outcome().await.unwrap_err();
    assert!(refused.to_string().contains("base.qcow2"), "{refused}");
    let left = std::fs::read_dir(real.directory.path().join("data/vms")).unwrap();
    assert_eq!(left.count(), 1);
    let pool = files[1].parent().unwrap();
    assert_eq!(std::fs::read_dir(pool).unwrap().count(), 1);
}
