//! Storage pools and volumes: the rules on the hypervisor in memory, the effects on libvirt.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use qx_engine::events::EventKind;
use qx_engine::pools::{PoolInUse, PoolOfDisk, PoolWish};
use qx_engine::volumes::{VolumeInUse, VolumeSource, VolumeWish};
use qx_libvirt::Libvirt;
use qx_libvirt::testing::PrivateLibvirtd;
use qx_model::device::DiskLimits;
use qx_model::storage::{DiskFormat, PoolId, PoolKind, PoolSource, PoolState, VolumeRef};

use super::*;

const MIB: u64 = 1 << 20;

fn directory(name: &str) -> PoolWish {
    PoolWish {
        id: PoolId::random(),
        name: name.parse().unwrap(),
        source: PoolSource::Directory,
        path: None,
        autostart: true,
    }
}

fn named(pool: PoolId, name: &str) -> VolumeRef {
    VolumeRef {
        pool,
        name: name.parse().unwrap(),
    }
}

fn of_size(volume: &VolumeRef, size_bytes: u64) -> VolumeWish {
    VolumeWish {
        volume: volume.clone(),
        format: None,
        size_bytes: Some(size_bytes),
        full: false,
        source: VolumeSource::Blank,
    }
}

fn clone_of(source: &VolumeRef, volume: &VolumeRef) -> VolumeWish {
    VolumeWish {
        size_bytes: None,
        source: VolumeSource::Volume(source.clone()),
        ..of_size(volume, 0)
    }
}

fn taken(volume: &VolumeRef) -> DiskSpec {
    DiskSpec {
        size_bytes: None,
        source: DiskSource::Volume(volume.clone()),
        pool: None,
    }
}

fn conflict<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(Error::Conflict { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn invalid<T: std::fmt::Debug>(answer: Result<T, Error>) -> (String, String) {
    match answer {
        Err(Error::Invalid(fields)) => (fields[0].field.clone(), fields[0].reason.clone()),
        other => panic!("{other:?}"),
    }
}

/// The host's own pool, once it is there.
pub(super) async fn own(engine: &Engine) -> PoolInUse {
    let find = async || {
        let pools = engine.pools.list(&viewer()).await.ok()?;
        let ready = |seen: &PoolInUse| seen.own && seen.pool.state == PoolState::Active;
        pools.into_iter().find(ready)
    };
    eventually("the host's own pool", async || find().await.is_some()).await;
    find().await.unwrap()
}

async fn send(
    engine: &Engine,
    volume: &VolumeRef,
    format: Option<DiskFormat>,
    content: &[u8],
) -> Result<VolumeInUse, Error> {
    let pieces: Vec<_> = content
        .chunks(64 << 10)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let size = Some(content.len() as u64);
    let volumes = &engine.volumes;
    volumes
        .upload(
            &admin(),
            volume.clone(),
            format,
            stream::iter(pieces),
            (size, None),
        )
        .await
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_has_a_pool_of_its_own_that_stays() {
    let bench = Bench::new().await;
    let pools = &bench.engine.pools;
    let own = own(&bench.engine).await;
    assert_eq!(
        (&*own.pool.name, own.pool.kind),
        ("default", PoolKind::Directory)
    );
    assert_eq!(own.pool.target.unwrap(), bench.data.path().join("volumes"));
    assert!(own.pool.capacity_bytes > 0 && own.pool.available_bytes > 0);
    let reason = conflict(pools.delete(&admin(), own.pool.id).await);
    assert_eq!(reason, "default is the host's own storage pool");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_twice_makes_one_pool_and_no_place_is_in_two() {
    let bench = Bench::new().await;
    let pools = &bench.engine.pools;
    let wish = directory("fast");
    let made = pools.create(&admin(), wish.clone()).await.unwrap();
    assert_eq!(made.pool.state, PoolState::Active);
    let again = pools.create(&admin(), wish.clone()).await.unwrap();
    assert_eq!(again.pool.id, made.pool.id);
    conflict(
        pools
            .create(
                &admin(),
                PoolWish {
                    name: "slow".parse().unwrap(),
                    path: Some(bench.data.path().join("pools/slow")),
                    ..wish.clone()
                },
            )
            .await,
    );
    let inside = PoolWish {
        path: Some(bench.data.path().join("pools/fast/inside")),
        ..directory("inside")
    };
    let (field, reason) = invalid(pools.create(&admin(), inside).await);
    assert!(
        field == "path" && reason.contains("the storage pool fast"),
        "{reason}"
    );
    for path in [
        "vms",
        "images",
        "volumes/x",
        "pools/../vms",
        "",
        "pools/fast/..",
    ] {
        let wish = PoolWish {
            path: Some(bench.data.path().join(path)),
            ..directory("elsewhere")
        };
        assert_eq!(
            invalid(pools.create(&admin(), wish).await).0,
            "path",
            "{path:?}"
        );
    }
    let edited = pools.edit(&admin(), made.pool.id, false).await.unwrap();
    assert!(!edited.pool.autostart);
    let stopped = pools.stop(&admin(), made.pool.id).await.unwrap();
    assert_eq!(stopped.pool.state, PoolState::Inactive);
    let reason = conflict(bench.engine.volumes.list(&viewer(), made.pool.id).await);
    assert_eq!(reason, "the storage pool fast is not active");
    pools.delete(&admin(), made.pool.id).await.unwrap();
    assert!(
        bench.data.path().join("pools/fast").is_dir(),
        "what is in it stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_a_vm_has_stays_and_the_vm_is_named() {
    let bench = Bench::new().await;
    let (pools, volumes, vms) = (
        &bench.engine.pools,
        &bench.engine.volumes,
        &bench.engine.vms,
    );
    let pool = pools
        .create(&admin(), directory("fast"))
        .await
        .unwrap()
        .pool
        .id;
    let volume = named(pool, "data.img");
    let wish = VolumeWish {
        format: Some(DiskFormat::Raw),
        ..of_size(&volume, MIB)
    };
    volumes.create(&admin(), wish.clone()).await.unwrap();
    conflict(volumes.create(&admin(), wish).await);
    let mut vm = spec("web");
    vm.disks = vec![taken(&volume)];
    let vm = vms.create(&admin(), vm).await.unwrap();
    assert_eq!(
        volumes.get(&viewer(), &volume).await.unwrap().used_by[0].name,
        "web"
    );
    assert_eq!(
        pools.get(&viewer(), pool).await.unwrap().used_by[0].id,
        vm.id
    );
    let reason = conflict(volumes.delete(&admin(), volume.clone()).await);
    assert!(
        reason.contains("the volume data.img is a disk of the VM web"),
        "{reason}"
    );
    let reason = conflict(pools.delete(&admin(), pool).await);
    assert!(
        reason.ends_with("in the storage pool fast: web"),
        "{reason}"
    );
    let mut other = spec("other");
    other.disks = vec![taken(&volume)];
    let reason = conflict(vms.create(&admin(), other).await);
    assert!(
        reason.contains("is a disk of the VM web already"),
        "{reason}"
    );

    vms.start(&admin(), vm.id).await.unwrap();
    for refused in [
        volumes
            .resize(&admin(), volume.clone(), 2 * MIB, false)
            .await
            .map(drop),
        volumes
            .create(&admin(), clone_of(&volume, &named(pool, "b")))
            .await
            .map(drop),
        volumes.download(&admin(), volume.clone()).await.map(drop),
        pools.stop(&admin(), pool).await.map(drop),
    ] {
        let reason = conflict(refused);
        assert!(reason.contains("web"), "{reason}");
    }
    vms.stop(&admin(), vm.id).await.unwrap();
    // Its disks go with it, but not what was there before.
    vms.delete(&admin(), vm.id, true).await.unwrap();
    volumes.delete(&admin(), volume).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn disks_are_made_in_the_pool_that_was_chosen_and_go_with_their_vm() {
    let bench = Bench::new().await;
    let (pools, vms) = (&bench.engine.pools, &bench.engine.vms);
    let pool = pools
        .create(&admin(), directory("fast"))
        .await
        .unwrap()
        .pool;
    let place = pool.target.unwrap();
    let mut wish = spec("web");
    wish.disks = vec![
        DiskSpec {
            pool: Some(pool.id),
            ..blank(MIB)
        },
        blank(MIB),
    ];
    let id = vms.create(&admin(), wish).await.unwrap().id;
    assert_eq!(files(&place), [format!("{id}-disk0.qcow2")]);
    let more = DiskSpec {
        pool: Some(pool.id),
        ..blank(MIB)
    };
    let vm = vms
        .attach_disk(&admin(), id, more.clone(), DiskLimits::default())
        .await
        .unwrap();
    assert_eq!((vm.disks.len(), files(&place).len()), (3, 2));
    let last = vm.disks.last().unwrap().target.clone();
    vms.detach_disk(&admin(), id, last.clone(), false)
        .await
        .unwrap();
    // The one that was kept is in nobody's way.
    let vm = vms
        .attach_disk(&admin(), id, more, DiskLimits::default())
        .await
        .unwrap();
    assert_eq!((vm.disks.len(), files(&place).len()), (3, 3));
    vms.detach_disk(&admin(), id, last, true).await.unwrap();
    assert_eq!(files(&place).len(), 2);
    vms.delete(&admin(), id, true).await.unwrap();
    assert_eq!(
        files(&place),
        [format!("{id}-disk2.qcow2")],
        "only what it had goes with it"
    );

    // A VM that can't be made leaves nothing.
    let mut wish = spec("web");
    wish.disks = vec![
        DiskSpec {
            pool: Some(pool.id),
            ..blank(MIB)
        },
        blank(MIB),
    ];
    let own = bench
        .data
        .path()
        .join(format!("vms/{}/disk1.qcow2", wish.id));
    let taken = qx_hypervisor::DiskRequest {
        path: own,
        size_bytes: 512,
        source: None,
    };
    bench.fake.create_disk(&taken).unwrap();
    conflict(vms.create(&admin(), wish).await);
    assert_eq!(files(&place).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_whose_directory_is_gone_says_so_and_holds_nobody_up() {
    let bench = Bench::new().await;
    let (pools, volumes) = (&bench.engine.pools, &bench.engine.volumes);
    own(&bench.engine).await;
    let made = pools
        .create(&admin(), directory("fast"))
        .await
        .unwrap()
        .pool;
    let (_, mut live) = bench.engine.events.subscribe(&viewer(), None).unwrap();
    let place = made.target.unwrap();
    let aside = place.with_file_name("aside");
    fs::rename(&place, &aside).unwrap();
    let told = async { while live.recv().await.unwrap().kind != EventKind::PoolsChanged {} };
    tokio::time::timeout(Duration::from_secs(5), told)
        .await
        .unwrap();
    let seen = pools.get(&viewer(), made.id).await.unwrap().pool;
    assert_eq!(seen.state, PoolState::Unavailable);
    let problem = seen.problem.unwrap();
    assert!(problem.ends_with("pools/fast is gone"), "{problem}");
    let refused = volumes.list(&viewer(), made.id).await;
    assert!(
        matches!(refused, Err(Error::Unavailable { .. })),
        "{refused:?}"
    );
    let default = own(&bench.engine).await.pool.id;
    volumes
        .create(&admin(), of_size(&named(default, "a"), MIB))
        .await
        .unwrap();
    fs::rename(&aside, &place).unwrap();
    let seen = pools.get(&viewer(), made.id).await.unwrap().pool;
    assert_eq!((seen.state, seen.problem), (PoolState::Active, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_another_file_never_becomes_a_volume() {
    let bench = Bench::new().await;
    let pool = own(&bench.engine).await.pool;
    let place = pool.target.clone().unwrap();
    let mut backed = vec![0_u8; 1024];
    backed[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    backed[15] = 112;
    backed[24..32].copy_from_slice(&(1_u64 << 30).to_be_bytes());
    backed[100..104].copy_from_slice(&112_u32.to_be_bytes());
    let mut vmdk = vec![0_u8; 1024];
    vmdk[..4].copy_from_slice(b"KDMV");
    for hostile in [
        &backed[..],
        &vmdk,
        b"# Disk DescriptorFile\nRW 1 FLAT \"/etc/shadow\" 0\n",
    ] {
        let (field, _) = invalid(send(&bench.engine, &named(pool.id, "evil"), None, hostile).await);
        assert_eq!(field, "body");
        assert_eq!(files(&place), [""; 0], "something was left behind");
    }
    // What others put there is no VM's either, nor what a link leads to.
    fs::write(place.join("backed.qcow2"), &backed).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", place.join("link")).unwrap();
    for name in ["backed.qcow2", "link"] {
        let volume = named(pool.id, name);
        let mut wish = spec("web");
        wish.disks = vec![taken(&volume)];
        bench.engine.vms.create(&admin(), wish).await.unwrap_err();
        bench
            .engine
            .volumes
            .download(&admin(), volume.clone())
            .await
            .unwrap_err();
        let clone = clone_of(&volume, &named(pool.id, "clone"));
        bench
            .engine
            .volumes
            .create(&admin(), clone)
            .await
            .unwrap_err();
    }
    assert!(!place.join("clone").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_things_are_not_done_to_a_volume_at_once() {
    let bench = Bench::new().await;
    let volumes = &bench.engine.volumes;
    let pool = own(&bench.engine).await.pool.id;
    let volume = named(pool, "a.img");
    let wish = VolumeWish {
        format: Some(DiskFormat::Raw),
        ..of_size(&volume, MIB)
    };
    volumes.create(&admin(), wish).await.unwrap();
    let reading = volumes.download(&admin(), volume.clone()).await.unwrap();
    let reason = conflict(volumes.delete(&admin(), volume.clone()).await);
    assert!(
        reason.starts_with("something else is being done to the volume a.img"),
        "{reason}"
    );
    // Others may read it too.
    volumes
        .create(&admin(), clone_of(&volume, &named(pool, "b.img")))
        .await
        .unwrap();
    drop(reading);
    volumes.delete(&admin(), volume).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_not_there_or_has_a_name_that_is_taken_is_refused_before_anything_is_erased()
{
    let bench = Bench::new().await;
    let own = own(&bench.engine).await;
    let wish = |name: &str| PoolOfDisk {
        id: PoolId::random(),
        name: name.parse().unwrap(),
        disk: "/dev/quantix-none".into(),
        wipe: true,
    };
    let pools = &bench.engine.pools;
    let (field, reason) = invalid(
        pools
            .begin_format(&admin(), wish("fast"))
            .await
            .map(|started| started.task),
    );
    assert!(
        field == "disk" && reason.contains("there is no disk /dev/quantix-none"),
        "{reason}"
    );
    conflict(
        pools
            .begin_format(&admin(), wish(&own.pool.name))
            .await
            .map(|started| started.task),
    );
    for role in [Role::Viewer, Role::Operator] {
        let actor = Actor { role, ..admin() };
        let refused = pools
            .begin_format(&actor, wish("fast"))
            .await
            .map(|started| started.task);
        assert!(
            matches!(refused, Err(Error::Forbidden { .. })),
            "{refused:?}"
        );
    }
}

struct Real {
    engine: Engine,
    directory: TempDir,
    libvirtd: PrivateLibvirtd,
}

impl Real {
    /// With its data on a file system of its own if `data` mounted one.
    async fn at(directory: TempDir) -> Self {
        let libvirtd = PrivateLibvirtd::start(directory.path()).unwrap();
        let libvirt = Arc::new(Libvirt::open(&libvirtd.uri()).unwrap());
        let engine = engine(libvirt, &directory.path().join("data")).await;
        Self {
            engine,
            directory,
            libvirtd,
        }
    }

    async fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap()).await
    }

    fn virsh(&self, arguments: &[&str]) -> String {
        let mut virsh = Command::new("virsh");
        virsh.args(["-q", "-c", &self.libvirtd.uri()]);
        let output = virsh.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn place(&self) -> PathBuf {
        self.directory.path().join("data/volumes")
    }
}

fn qemu_img(arguments: &[&str]) -> String {
    let output = Command::new("qemu-img").args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_and_volumes_are_what_virsh_and_the_disk_see() {
    let real = Real::new().await;
    let (pools, volumes) = (&real.engine.pools, &real.engine.volumes);
    let default = own(&real.engine).await.pool;
    assert!(
        real.virsh(&["pool-info", "default"])
            .contains("Autostart:      yes")
    );
    let made = pools
        .create(&admin(), directory("fast"))
        .await
        .unwrap()
        .pool;
    assert!(
        real.virsh(&["pool-info", "fast"])
            .contains("State:          running")
    );
    for (name, format, full) in [
        ("a.qcow2", DiskFormat::Qcow2, false),
        ("b.img", DiskFormat::Raw, false),
        ("c.img", DiskFormat::Raw, true),
        ("d.qcow2", DiskFormat::Qcow2, true),
    ] {
        let volume = named(made.id, name);
        let wish = VolumeWish {
            format: Some(format),
            full,
            ..of_size(&volume, 8 * MIB)
        };
        let seen = volumes.create(&admin(), wish).await.unwrap().volume;
        assert_eq!(
            (seen.capacity_bytes, &*seen.format),
            (8 * MIB, format.name())
        );
        let taken = fs::metadata(&seen.path).unwrap().blocks() * 512;
        assert_eq!(taken >= 8 * MIB, full, "{name} takes {taken}");
        let seen = volumes
            .resize(&admin(), volume.clone(), 16 * MIB, false)
            .await
            .unwrap();
        let info = real.virsh(&["vol-info", "--bytes", name, "fast"]);
        assert!(info.contains(&format!("{}", 16 * MIB)), "{info}");
        assert_eq!(seen.volume.capacity_bytes, 16 * MIB);
        let (field, reason) = invalid(volumes.resize(&admin(), volume, 8 * MIB, false).await);
        assert!(
            field == "size_bytes" && reason.contains("shrink"),
            "{reason}"
        );
    }
    let smaller = volumes
        .resize(&admin(), named(made.id, "c.img"), 4 * MIB, true)
        .await
        .unwrap();
    assert_eq!(fs::metadata(&smaller.volume.path).unwrap().len(), 4 * MIB);
    assert_eq!(volumes.list(&viewer(), made.id).await.unwrap().len(), 4);
    volumes
        .delete(&admin(), named(made.id, "b.img"))
        .await
        .unwrap();
    assert!(!real.virsh(&["vol-list", "fast"]).contains("b.img"));
    // What others do is seen.
    fs::write(
        made.target.as_ref().unwrap().join("foreign.img"),
        vec![0; 512],
    )
    .unwrap();
    pools.refresh(&admin(), made.id).await.unwrap();
    assert_eq!(volumes.list(&viewer(), made.id).await.unwrap().len(), 4);
    real.virsh(&["pool-destroy", "fast"]);
    eventually("the news", async || {
        // Whoever stopped it: it is to be active, so it is started again.
        pools.get(&viewer(), made.id).await.unwrap().pool.state == PoolState::Active
    })
    .await;
    pools.delete(&admin(), made.id).await.unwrap();
    assert_eq!(real.virsh(&["pool-list", "--all", "--name"]), "default");
    assert_eq!(default.kind, PoolKind::Directory);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_other_formats_become_volumes_that_a_vm_starts_from() {
    let real = Real::new().await;
    let volumes = &real.engine.volumes;
    let pool = own(&real.engine).await.pool.id;
    let raw = real.directory.path().join("guest.img");
    let guest = qx_hypervisor::contract::boot_sector_guest("VOLUME GUEST RUNS\r\n");
    fs::write(&raw, &guest).unwrap();
    for format in ["qcow2", "vmdk", "vdi", "vhdx"] {
        let foreign = real.directory.path().join(format);
        let [from, to] = [&raw, &foreign].map(|path| path.to_str().unwrap());
        qemu_img(&["convert", "-f", "raw", "-O", format, from, to]);
        let volume = named(pool, &format!("{format}.qcow2"));
        let content = fs::read(&foreign).unwrap();
        let made = send(&real.engine, &volume, None, &content)
            .await
            .unwrap()
            .volume;
        assert_eq!(made.format, "qcow2", "{format}");
        qemu_img(&[
            "compare",
            "-f",
            "raw",
            "-F",
            "qcow2",
            from,
            made.path.to_str().unwrap(),
        ]);
    }
    let flat = named(pool, "flat.img");
    let vdi = fs::read(real.directory.path().join("vdi")).unwrap();
    let made = send(&real.engine, &flat, Some(DiskFormat::Raw), &vdi)
        .await
        .unwrap()
        .volume;
    assert!(fs::read(&made.path).unwrap()[..guest.len()] == guest[..]);
    assert_eq!(files(&real.place()).len(), 5);
    for volume in [named(pool, "vmdk.qcow2"), flat] {
        let mut wish = spec("web");
        wish.disks = vec![taken(&volume)];
        let id = real.engine.vms.create(&admin(), wish).await.unwrap().id;
        let mut console = real.engine.vms.open_serial(&admin(), id).await.unwrap();
        real.engine.vms.start(&admin(), id).await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        let mut seen = String::new();
        while !seen.contains("VOLUME GUEST RUNS") {
            assert!(Instant::now() < deadline, "{seen:?}");
            type_in(&console, "\r").await;
            let piece = tokio::time::timeout(Duration::from_secs(1), console.output.recv()).await;
            if let Ok(Some(piece)) = piece {
                seen.push_str(&String::from_utf8_lossy(&piece));
            }
        }
        real.engine.vms.stop(&admin(), id).await.unwrap();
        real.engine.vms.delete(&admin(), id, true).await.unwrap();
        volumes.get(&viewer(), &volume).await.unwrap();
    }
}

/// A file system of its own, in a file, as long as the value lives.
struct Mounted(PathBuf);

impl Mounted {
    fn new(image: &Path, place: &Path, mib: u64, kind: &str) -> Self {
        fs::File::create(image).unwrap().set_len(mib * MIB).unwrap();
        let make = format!("mkfs.{kind}");
        let quiet = if kind == "xfs" { "-q" } else { "-F" };
        for (program, arguments) in [
            (&*make, vec![quiet, image.to_str().unwrap()]),
            (
                "mount",
                vec![
                    "-o",
                    "loop",
                    image.to_str().unwrap(),
                    place.to_str().unwrap(),
                ],
            ),
        ] {
            let done = Command::new(program).args(arguments).output().unwrap();
            assert!(done.status.success(), "{done:?}");
        }
        Self(place.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
async fn real_devices_a_clone_shares_its_blocks_on_xfs_and_one_that_does_not_fit_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (data, small) = (
        root.path().join("data"),
        root.path().join("data/pools/small"),
    );
    fs::create_dir(&data).unwrap();
    let _data = Mounted::new(&root.path().join("data.img"), &data, 400, "xfs");
    fs::create_dir_all(&small).unwrap();
    let _small = Mounted::new(&root.path().join("small.img"), &small, 32, "ext4");
    let real = Real::at(root).await;
    let (pools, volumes) = (&real.engine.pools, &real.engine.volumes);
    let pool = own(&real.engine).await.pool;
    let source = named(pool.id, "a.img");
    let mut content = vec![7_u8; 100 << 20];
    content[0] = 1;
    send(&real.engine, &source, None, &content).await.unwrap();
    let before = pools
        .get(&viewer(), pool.id)
        .await
        .unwrap()
        .pool
        .available_bytes;
    let clone = named(pool.id, "b.img");
    let wish = VolumeWish {
        format: Some(DiskFormat::Raw),
        size_bytes: Some(120 * MIB),
        ..clone_of(&source, &clone)
    };
    let started = volumes.begin_create(&admin(), wish).await.unwrap();
    let task = started.task.id;
    let made = started.outcome().await.unwrap().volume;
    assert_eq!(made.capacity_bytes, 120 * MIB);
    let (_, notes) = real.engine.tasks.get(&viewer(), task).await.unwrap();
    assert!(
        notes
            .iter()
            .any(|note| note.text.contains("blocks are shared")),
        "{notes:?}"
    );
    let after = pools
        .get(&viewer(), pool.id)
        .await
        .unwrap()
        .pool
        .available_bytes;
    assert!(
        before - after < 50 * MIB,
        "{} bytes were taken",
        before - after
    );
    assert!(fs::read(&made.path).unwrap()[..content.len()] == content[..]);

    let tight = PoolWish {
        path: Some(small.clone()),
        ..directory("small")
    };
    let tight = pools.create(&admin(), tight).await.unwrap().pool.id;
    let left = files(&small);
    for format in [DiskFormat::Raw, DiskFormat::Qcow2] {
        let wish = VolumeWish {
            format: Some(format),
            ..clone_of(&source, &named(tight, "c"))
        };
        let full = volumes.create(&admin(), wish).await;
        assert!(matches!(full, Err(Error::NoSpace { .. })), "{full:?}");
        assert_eq!(files(&small), left, "something half-made is left");
        assert_eq!(volumes.list(&viewer(), tight).await.unwrap().len(), 0);
    }
    let full = send(&real.engine, &named(tight, "d"), None, &content).await;
    assert!(matches!(full, Err(Error::NoSpace { .. })), "{full:?}");
    assert_eq!(files(&small), left);
    volumes
        .create(&admin(), of_size(&named(pool.id, "still"), MIB))
        .await
        .unwrap();
}
