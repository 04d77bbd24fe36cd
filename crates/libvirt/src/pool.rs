//! Pool and volume XML: a wish becomes a definition, and any pool or volume, ours or not, becomes what people see.
//! Elements as libvirt's `formatstorage` documentation defines them.

use std::path::PathBuf;

use qx_model::storage::{
    DiskFormat, Pool, PoolId, PoolKind, PoolSource, PoolSpec, PoolState, Volume, VolumeSpec,
};

use crate::xml::Element;

/// Where udev names a file system by its unique id.
const BY_UUID: &str = "/dev/disk/by-uuid/";

/// What libvirt tells about a pool beside its definition.
pub(crate) struct Facts {
    pub(crate) id: PoolId,
    pub(crate) active: bool,
    pub(crate) autostart: bool,
    /// Capacity, allocation and what is available, in bytes.
    pub(crate) bytes: [u64; 3],
    /// Its files are on this machine, and not the test driver's.
    pub(crate) real: bool,
}

/// The definition of a new pool.
pub(crate) fn define(spec: &PoolSpec) -> Element {
    let path = |element: &str, path: &str| Element::new(element).with("path", path);
    let name = |element: &str, name: &str| Element::new(element).with("name", name);
    let format = |kind: &str| Element::new("format").with("type", kind);
    let source = Element::new("source");
    let (kind, source) = match &spec.source {
        PoolSource::Directory => ("dir", None),
        PoolSource::Disk { filesystem } => {
            let device = format!("{BY_UUID}{filesystem}");
            let source = source.holding(path("device", &device));
            ("fs", Some(source.holding(format("xfs"))))
        }
        PoolSource::Nfs { host, export } => {
            let source = source
                .holding(name("host", host))
                .holding(path("dir", export));
            ("netfs", Some(source.holding(format("nfs"))))
        }
        PoolSource::Lvm { group, devices } => {
            let mut source = source;
            for device in devices {
                source.push(path("device", &device.to_string_lossy()));
            }
            let source = source.holding(Element::new("name").saying(group.as_str()));
            ("logical", Some(source.holding(format("lvm2"))))
        }
        PoolSource::Iscsi {
            host,
            port,
            target,
            initiator,
        } => {
            let mut portal = name("host", host);
            if let Some(port) = port {
                portal.set("port", port.to_string());
            }
            let mut source = source.holding(portal).holding(path("device", target));
            if let Some(initiator) = initiator {
                source.push(Element::new("initiator").holding(name("iqn", initiator)));
            }
            ("iscsi", Some(source))
        }
    };
    let mut target =
        Element::new("target").holding(Element::new("path").saying(spec.target.to_string_lossy()));
    if spec.source.kind().has_files() {
        // QEMU runs as another user and opens its files by name.
        let mode = Element::new("mode").saying("0711");
        target.push(Element::new("permissions").holding(mode));
    }
    let mut pool = Element::new("pool")
        .with("type", kind)
        .holding(Element::new("name").saying(spec.name.as_str()))
        .holding(Element::new("uuid").saying(spec.id.to_string()));
    source.into_iter().for_each(|source| pool.push(source));
    pool.holding(target)
}

/// What people see of a pool.
pub(crate) fn observe(pool: &Element, facts: Facts) -> Pool {
    let kind = kind(pool);
    let target = pool.child("target").and_then(|target| target.child("path"));
    let target = target.map(Element::text).filter(|path| !path.is_empty());
    let [capacity_bytes, allocation_bytes, available_bytes] = facts.bytes;
    Pool {
        id: facts.id,
        name: pool.child("name").map(Element::text).unwrap_or_default(),
        kind,
        state: match facts.active {
            true => PoolState::Active,
            false => PoolState::Inactive,
        },
        problem: None,
        autostart: facts.autostart,
        capacity_bytes,
        allocation_bytes,
        available_bytes,
        target: target.map(PathBuf::from),
        source: source(pool, kind),
        on_disk: facts.real && kind.has_files(),
    }
}

pub(crate) fn kind(pool: &Element) -> PoolKind {
    match pool.attribute("type") {
        Some("dir") => PoolKind::Directory,
        Some("fs") => PoolKind::Disk,
        Some("netfs") => PoolKind::Nfs,
        Some("logical") => PoolKind::Lvm,
        Some("iscsi") => PoolKind::Iscsi,
        _ => PoolKind::Other,
    }
}

/// As people write it.
fn source(pool: &Element, kind: PoolKind) -> Option<String> {
    let source = pool.child("source")?;
    let of = |child: &str, attribute: &str| {
        let child = source.child(child)?;
        child.attribute(attribute).map(str::to_owned)
    };
    match kind {
        PoolKind::Directory | PoolKind::Other => None,
        PoolKind::Disk => of("device", "path"),
        PoolKind::Nfs => Some(format!("{}:{}", of("host", "name")?, of("dir", "path")?)),
        PoolKind::Lvm => source.child("name").map(Element::text),
        PoolKind::Iscsi => {
            let host = of("host", "name")?;
            let port = of("host", "port").map(|port| format!(":{port}"));
            let target = of("device", "path")?;
            Some(format!("{host}{} {target}", port.unwrap_or_default()))
        }
    }
}

/// The definition of a new volume.
pub(crate) fn define_volume(spec: &VolumeSpec, kind: PoolKind) -> Element {
    let size = |name: &str, bytes: u64| {
        Element::new(name)
            .with("unit", "bytes")
            .saying(bytes.to_string())
    };
    let allocation = if spec.full || kind == PoolKind::Lvm {
        // Thin volumes of LVM would need a pool of their own.
        spec.capacity_bytes
    } else {
        0
    };
    let mut target = Element::new("target");
    if kind != PoolKind::Lvm {
        target.push(Element::new("format").with("type", spec.format.name()));
    }
    Element::new("volume")
        .holding(Element::new("name").saying(spec.volume.name.as_str()))
        .holding(size("capacity", spec.capacity_bytes))
        .holding(size("allocation", allocation))
        .holding(target)
}

/// What people see of a volume; `None` for what can't be a disk: directories, what is hidden.
pub(crate) fn observe_volume(volume: &Element) -> Option<Volume> {
    let block = match volume.attribute("type") {
        None | Some("file") => false,
        Some("block") => true,
        Some(_) => return None,
    };
    let name = volume.child("name").map(Element::text)?;
    if name.starts_with('.') {
        return None;
    }
    let bytes = |name: &str| -> u64 {
        let text = volume.child(name).map(Element::text);
        text.and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    let target = volume.child("target");
    let format = target
        .and_then(|target| target.child("format"))
        .and_then(|format| format.attribute("type"));
    let backing = volume.child("backingStore");
    let backing = backing.and_then(|backing| backing.child("path"));
    Some(Volume {
        path: target?.child("path").map(Element::text)?.into(),
        name,
        block,
        // Of LVM and iSCSI nothing is said: their bytes are the disk's.
        format: format.unwrap_or(DiskFormat::Raw.name()).to_owned(),
        capacity_bytes: bytes("capacity"),
        allocation_bytes: bytes("allocation"),
        backing: backing.map(Element::text).filter(|path| !path.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use qx_model::storage::VolumeRef;

    use super::*;

    fn spec(name: &str, target: &str, source: PoolSource) -> PoolSpec {
        PoolSpec {
            id: PoolId(uuid::Uuid::nil()),
            name: name.parse().unwrap(),
            target: target.into(),
            source,
            autostart: true,
        }
    }

    const START: &str = "<name>p</name><uuid>00000000-0000-0000-0000-000000000000</uuid>";
    const MODE: &str = "<permissions><mode>0711</mode></permissions>";

    fn seen(xml: &Element) -> Pool {
        let facts = Facts {
            id: PoolId(uuid::Uuid::nil()),
            active: true,
            autostart: false,
            bytes: [3, 1, 2],
            real: true,
        };
        observe(xml, facts)
    }

    /// The whole definition of each kind: libvirt of the build machine has no driver for LVM and iSCSI.
    #[test]
    fn each_kind_of_pool_is_defined_as_libvirt_wants_it_and_read_back() {
        let cases = [
            (
                spec("p", "/data/pools/p", PoolSource::Directory),
                format!(
                    "<pool type=\"dir\">{START}<target><path>/data/pools/p</path>{MODE}</target></pool>"
                ),
                None,
            ),
            (
                spec(
                    "p",
                    "/mnt/pools/p",
                    PoolSource::Disk {
                        filesystem: uuid::Uuid::max(),
                    },
                ),
                format!(
                    "<pool type=\"fs\">{START}<source>\
                     <device path=\"/dev/disk/by-uuid/ffffffff-ffff-ffff-ffff-ffffffffffff\"/>\
                     <format type=\"xfs\"/></source><target><path>/mnt/pools/p</path>{MODE}</target></pool>"
                ),
                Some("/dev/disk/by-uuid/ffffffff-ffff-ffff-ffff-ffffffffffff"),
            ),
            (
                spec(
                    "p",
                    "/mnt/pools/p",
                    PoolSource::Nfs {
                        host: "nas".into(),
                        export: "/export/vms".into(),
                    },
                ),
                format!(
                    "<pool type=\"netfs\">{START}<source><host name=\"nas\"/><dir path=\"/export/vms\"/>\
                     <format type=\"nfs\"/></source><target><path>/mnt/pools/p</path>{MODE}</target></pool>"
                ),
                Some("nas:/export/vms"),
            ),
            (
                spec(
                    "p",
                    "/dev/vg0",
                    PoolSource::Lvm {
                        group: "vg0".into(),
                        devices: vec!["/dev/sdb".into()],
                    },
                ),
                format!(
                    "<pool type=\"logical\">{START}<source><device path=\"/dev/sdb\"/><name>vg0</name>\
                     <format type=\"lvm2\"/></source><target><path>/dev/vg0</path></target></pool>"
                ),
                Some("vg0"),
            ),
            (
                spec(
                    "p",
                    "/dev/disk/by-path",
                    PoolSource::Iscsi {
                        host: "san".into(),
                        port: Some(3261),
                        target: "iqn.2026-01.org.example:a".into(),
                        initiator: Some("iqn.2026-01.org.example:b".into()),
                    },
                ),
                format!(
                    "<pool type=\"iscsi\">{START}<source><host name=\"san\" port=\"3261\"/>\
                     <device path=\"iqn.2026-01.org.example:a\"/>\
                     <initiator><iqn name=\"iqn.2026-01.org.example:b\"/></initiator></source>\
                     <target><path>/dev/disk/by-path</path></target></pool>"
                ),
                Some("san:3261 iqn.2026-01.org.example:a"),
            ),
        ];
        for (wish, xml, source) in cases {
            let defined = define(&wish);
            assert_eq!(defined.to_string(), xml);
            let pool = seen(&defined);
            assert_eq!(
                (pool.kind, pool.source.as_deref()),
                (wish.source.kind(), source)
            );
            assert_eq!(
                (pool.name, pool.target),
                (wish.name.to_string(), Some(wish.target))
            );
            assert_eq!(pool.on_disk, wish.source.kind().has_files());
        }
    }

    #[test]
    fn a_pool_that_others_defined_is_shown_as_it_is() {
        let xml = "<pool type='rbd'><name>a &amp; b</name><source><name>x</name></source></pool>";
        let pool = seen(&Element::parse(xml).unwrap());
        assert_eq!((pool.kind, &*pool.name), (PoolKind::Other, "a & b"));
        assert_eq!(
            (pool.target, pool.source, pool.on_disk),
            (None, None, false)
        );
        assert_eq!(pool.capacity_bytes, 3);
    }

    #[test]
    fn a_volume_of_lvm_takes_all_of_its_space_and_has_no_format() {
        let wish = VolumeSpec {
            volume: VolumeRef {
                pool: PoolId(uuid::Uuid::nil()),
                name: "disk".parse().unwrap(),
            },
            format: DiskFormat::Raw,
            capacity_bytes: 4096,
            full: false,
        };
        let sizes = |allocation: u64| {
            format!(
                "<volume><name>disk</name><capacity unit=\"bytes\">4096</capacity>\
                 <allocation unit=\"bytes\">{allocation}</allocation>"
            )
        };
        let lvm = define_volume(&wish, PoolKind::Lvm).to_string();
        assert_eq!(lvm, format!("{}<target/></volume>", sizes(4096)));
        let file = define_volume(&wish, PoolKind::Directory).to_string();
        assert_eq!(
            file,
            format!(
                "{}<target><format type=\"raw\"/></target></volume>",
                sizes(0)
            )
        );
    }

    #[test]
    fn volumes_are_read_with_what_they_need_and_what_is_no_disk_is_left_out() {
        let read = |text: &str| observe_volume(&Element::parse(text).unwrap());
        let qcow2 = "<volume type='file'><name>a.qcow2</name><key>k</key><capacity unit='bytes'>10</capacity>
            <allocation unit='bytes'>4</allocation><physical unit='bytes'>4</physical>
            <target><path>/p/a.qcow2</path><format type='qcow2'/></target>
            <backingStore><path>/etc/shadow</path><format type='raw'/></backingStore></volume>";
        let volume = read(qcow2).unwrap();
        assert_eq!(
            (
                &*volume.format,
                volume.capacity_bytes,
                volume.allocation_bytes
            ),
            ("qcow2", 10, 4)
        );
        assert_eq!(volume.backing.as_deref(), Some("/etc/shadow"));
        let lun = "<volume type='block'><name>unit:0:0:1</name><capacity unit='bytes'>10</capacity>
            <target><path>/dev/disk/by-path/x</path></target></volume>";
        let volume = read(lun).unwrap();
        assert!(volume.block && volume.format == "raw" && volume.backing.is_none());
        assert_eq!(read("<volume type='dir'><name>d</name></volume>"), None);
        let hidden = qcow2.replace("<name>a", "<name>.a");
        assert_eq!(read(&hidden), None);
    }
}
