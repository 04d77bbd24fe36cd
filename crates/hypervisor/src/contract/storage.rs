//! What every implementation must do with storage pools and volumes.

use std::path::PathBuf;

use qx_model::storage::{
    DiskFormat, Pool, PoolId, PoolKind, PoolSource, PoolSpec, PoolState, VolumeRef, VolumeSpec,
};

use super::{Guests, Subject};
use crate::Error;

const MIB: u64 = 1 << 20;

impl Subject<'_> {
    pub(super) fn pool_life(&self) {
        let hypervisor = self.hypervisor;
        let spec = self.pool_wish("cp-life");
        let id = spec.id;
        hypervisor.define_pool(&spec, true).unwrap();
        let observe = || -> Pool { hypervisor.pool(id).unwrap() };
        let made = observe();
        assert_eq!((made.id, &*made.name), (id, "cp-life"));
        assert_eq!(made.kind, PoolKind::Directory);
        assert_eq!((made.state, made.autostart), (PoolState::Inactive, true));
        assert_eq!(made.target.as_ref(), Some(&spec.target));
        assert_eq!(made.on_disk, self.guests != Guests::None);
        assert!(hypervisor.pools().unwrap().iter().any(|pool| pool.id == id));
        let wrong = |answer: crate::Result<()>| {
            assert!(
                matches!(answer, Err(Error::WrongState { .. })),
                "{answer:?}"
            );
        };
        wrong(hypervisor.stop_pool(id));
        hypervisor.start_pool(id).unwrap();
        assert_eq!(observe().state, PoolState::Active);
        assert!(observe().capacity_bytes > 0);
        wrong(hypervisor.start_pool(id));
        wrong(hypervisor.undefine_pool(id));
        hypervisor.refresh_pool(id).unwrap();
        hypervisor.set_pool_autostart(id, false).unwrap();
        assert!(!observe().autostart);
        hypervisor.stop_pool(id).unwrap();
        assert_eq!(observe().state, PoolState::Inactive);
        hypervisor.undefine_pool(id).unwrap();
        let gone = hypervisor.pool(id);
        assert!(
            matches!(gone, Err(Error::NoSuchPool(told)) if told == id),
            "{gone:?}"
        );
        // What is in it stays.
        assert!(self.guests == Guests::None || spec.target.is_dir());
    }

    pub(super) fn pools_unique_and_missing(&self) {
        let hypervisor = self.hypervisor;
        let spec = self.pool_wish("cp-unique");
        hypervisor.define_pool(&spec, true).unwrap();
        let same_name = PoolSpec {
            id: PoolId::random(),
            target: self.data.join("cp-elsewhere"),
            ..spec.clone()
        };
        let mut same_id = self.pool_wish("cp-unique-too");
        same_id.id = spec.id;
        for taken in [&spec, &same_name, &same_id] {
            let refused = hypervisor.define_pool(taken, false);
            assert!(matches!(refused, Err(Error::Exists { .. })), "{refused:?}");
        }
        hypervisor.undefine_pool(spec.id).unwrap();
        let id = PoolId::random();
        let volume = VolumeRef {
            pool: id,
            name: "none".parse().unwrap(),
        };
        let answers = [
            ("pool", hypervisor.pool(id).map(drop)),
            ("autostart", hypervisor.set_pool_autostart(id, true)),
            ("undefine", hypervisor.undefine_pool(id)),
            ("start", hypervisor.start_pool(id)),
            ("stop", hypervisor.stop_pool(id)),
            ("refresh", hypervisor.refresh_pool(id)),
            ("volumes", hypervisor.volumes(id).map(drop)),
            ("volume", hypervisor.volume(&volume).map(drop)),
            ("delete", hypervisor.delete_volume(&volume)),
            ("resize", hypervisor.resize_volume(&volume, MIB, false)),
        ];
        for (call, answer) in answers {
            assert!(
                matches!(answer, Err(Error::NoSuchPool(told)) if told == id),
                "{call}: {answer:?}"
            );
        }
    }

    pub(super) fn volume_life(&self) {
        let hypervisor = self.hypervisor;
        let pool = self.pool_wish("cp-volumes");
        hypervisor.define_pool(&pool, true).unwrap();
        hypervisor.start_pool(pool.id).unwrap();
        for (format, full) in [
            (DiskFormat::Qcow2, false),
            (DiskFormat::Raw, false),
            (DiskFormat::Raw, true),
        ] {
            self.one_volume(pool.id, format, full);
        }
        hypervisor.stop_pool(pool.id).unwrap();
        hypervisor.undefine_pool(pool.id).unwrap();
    }

    fn one_volume(&self, pool: PoolId, format: DiskFormat, full: bool) {
        let hypervisor = self.hypervisor;
        let name = format!("v-{}-{full}", format.name());
        let volume = VolumeRef {
            pool,
            name: name.parse().unwrap(),
        };
        let missing = hypervisor.volume(&volume);
        assert!(
            matches!(missing, Err(Error::NoSuchVolume { .. })),
            "{missing:?}"
        );
        let spec = VolumeSpec {
            volume: volume.clone(),
            format,
            capacity_bytes: 8 * MIB,
            full,
        };
        hypervisor.create_volume(&spec).unwrap();
        let again = hypervisor.create_volume(&spec);
        assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
        let made = hypervisor.volume(&volume).unwrap();
        assert_eq!((&*made.name, made.capacity_bytes), (&*name, 8 * MIB));
        assert_eq!((made.block, made.backing), (false, None));
        if self.guests != Guests::None {
            assert_eq!(made.format, format.name());
        }
        if self.guests == Guests::Real {
            let takes_all = made.allocation_bytes >= 8 * MIB;
            assert_eq!(takes_all, full, "{} bytes are taken", made.allocation_bytes);
        }
        let listed = hypervisor.volumes(pool).unwrap();
        assert!(listed.iter().any(|known| known.name == name), "{listed:?}");
        let bytes = || hypervisor.volume(&volume).unwrap().capacity_bytes;
        let larger = hypervisor.resize_volume(&volume, 16 * MIB, false);
        if self.guests == Guests::None {
            // libvirt's test driver has no such call.
            let known = matches!(larger, Err(Error::Unsupported { .. }));
            assert!(known && bytes() == 8 * MIB, "{larger:?}");
        } else {
            larger.unwrap();
            assert_eq!(bytes(), 16 * MIB);
            hypervisor
                .resize_volume(&volume, 8 * MIB, false)
                .unwrap_err();
            assert_eq!(bytes(), 16 * MIB);
            hypervisor.resize_volume(&volume, 8 * MIB, true).unwrap();
            assert_eq!(bytes(), 8 * MIB);
        }
        hypervisor.delete_volume(&volume).unwrap();
        let gone = hypervisor.delete_volume(&volume);
        assert!(matches!(gone, Err(Error::NoSuchVolume { .. })), "{gone:?}");
        assert!(!made.path.exists());
    }

    fn pool_wish(&self, name: &str) -> PoolSpec {
        let target: PathBuf = self.data.join(name);
        PoolSpec {
            id: PoolId::random(),
            name: name.parse().unwrap(),
            target,
            source: PoolSource::Directory,
            autostart: true,
        }
    }
}
