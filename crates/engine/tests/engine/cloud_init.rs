//! The CD that tells a guest who it is: there with the VM, gone with it, and a clone's own.

use std::fs;
use std::path::PathBuf;

use qx_engine::Error;
use qx_model::clone::VmClone;
use qx_model::cloud_init::{CloudInit, Password};
use qx_model::vm::{VmId, VmSpec};

use crate::{Bench, admin, blank, spec};

impl Bench {
    fn disc(&self, id: VmId) -> PathBuf {
        let directory = self.data.path().join("vms").join(id.to_string());
        directory.join("cloud-init.iso")
    }
}

fn wish(name: &str, password: &str) -> VmSpec {
    let cloud_init = CloudInit {
        password: Some(Password(password.into())),
        ..CloudInit::default()
    };
    VmSpec {
        cloud_init: Some(cloud_init),
        ..spec(name)
    }
}

/// Whether a file has this text anywhere.
fn says(path: &PathBuf, text: &str) -> bool {
    let content = fs::read(path).unwrap();
    content
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn a_vm_has_its_cd_as_long_as_it_is_there() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let wish = wish("web", "correct horse");
    let vm = vms.create(&admin(), wish.clone()).await.unwrap();
    let disc = bench.disc(vm.id);
    assert!(says(&disc, &vm.id.to_string()));
    assert!(!says(&disc, "correct horse"));
    let drive = vm.disks.iter().find(|disk| disk.cdrom).unwrap();
    assert_eq!(drive.path.as_ref(), Some(&disc));
    // The very same wish is fulfilled already; another password makes it another wish.
    vms.create(&admin(), wish.clone()).await.unwrap();
    let other = VmSpec {
        cloud_init: Some(CloudInit {
            password: Some(Password("battery staple".into())),
            ..CloudInit::default()
        }),
        ..wish
    };
    let refused = vms.create(&admin(), other).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused:?}");

    let clone = VmClone {
        id: VmId::random(),
        name: "web-2".parse().unwrap(),
        description: None,
    };
    let cloning = vms.begin_clone(&admin(), vm.id, clone.clone()).await;
    let cloned = cloning.unwrap().outcome().await.unwrap();
    let own = bench.disc(clone.id);
    assert!(
        cloned
            .disks
            .iter()
            .any(|disk| disk.path.as_ref() == Some(&own))
    );
    assert!(says(&own, "web-2") && says(&own, &clone.id.to_string()));
    assert!(!says(&own, &vm.id.to_string()));

    // Kept disks do not keep it.
    vms.delete(&admin(), vm.id, false).await.unwrap();
    assert!(!disc.exists() && own.exists());
    vms.delete(&admin(), clone.id, true).await.unwrap();
    assert!(!own.parent().unwrap().exists());
}

#[tokio::test]
async fn what_another_vm_left_is_not_touched() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let wish = VmSpec {
        disks: vec![blank(1 << 20)],
        ..wish("web", "correct horse")
    };
    let disc = bench.disc(wish.id);
    fs::create_dir_all(disc.parent().unwrap()).unwrap();
    fs::write(&disc, "another's").unwrap();
    vms.create(&admin(), wish).await.unwrap_err();
    assert_eq!(fs::read_to_string(&disc).unwrap(), "another's");
    assert!(bench.fake.disks().is_empty());
    assert!(vms.list(&admin(), None, 1).await.unwrap().items.is_empty());
}
