use std::cell::Cell;
use std::collections::BTreeMap;

use super::*;
use crate::backup::{self, Maker, Passphrase};
use crate::config::{Config, Ipv4, Store};
use crate::identity;

const BOOT: &str = r#"{"mode":"slot","slot":"A","version":"1.2.3","build_id":"00112233aabbccdd",
    "key_id":"8899aabbccddeeff","source":"/dev/no-such-disk2","copy_ms":1,"copy_bytes":1,"watchdog":null,
    "config":"partition","data":"partition","warnings":[]}"#;
const STATIC: &str = "version = 1\n[system]\nhostname = \"old\"\n[network.management]\n\
    ipv4 = { method = \"static\", address = \"192.0.2.10/24\", gateway = \"192.0.2.1\" }\n";

/// An installed host with a VM.
struct Host {
    dir: tempfile::TempDir,
    places: Places,
}

impl Host {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let places = Places {
            state: at("quantix"),
            data: at("data"),
            run: at("run"),
            keys: at("keys"),
        };
        let host = Self { dir, places };
        for name in ["quantix", "data/vms/1", "data/libvirt/save", "run", "keys"] {
            fs::create_dir_all(host.dir.path().join(name)).unwrap();
        }
        host.write("run/boot.json", BOOT);
        host.write("quantix/config.toml", config);
        let _ = Store::new(&host.places.state).load();
        identity::ensure(&host.places.state).unwrap();
        host.write("quantix/tls/key.pem", "-----BEGIN PRIVATE KEY-----\n");
        host.write("quantix/tls/cert.pem", "-----BEGIN CERTIFICATE-----\n");
        host.write("quantix/update.json", "{}");
        host.write("quantix/trust/ratchet.json", r#"{"0011223344556677":5}"#);
        host.write("quantix/libvirt/qemu/vm.xml", "<domain/>");
        host.write("quantix/libvirt/nvram/vm.fd", "nvram");
        host.write("quantix/libvirt/secrets/s.xml", "<secret/>");
        let links = host.places.state.join("libvirt/qemu/autostart");
        fs::create_dir(&links).unwrap();
        std::os::unix::fs::symlink("/etc/libvirt/qemu/vm.xml", links.join("vm.xml")).unwrap();
        host.write("data/vms/1/disk0.qcow2", "disk");
        host.write("data/libvirt/save/vm.save", "memory");
        host.write("data/quantix.db", "tokens");
        host
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Every file and link below a directory of this host, by its path.
    fn files(&self, below: &str) -> BTreeMap<String, String> {
        let root = self.dir.path().join(below);
        let mut found = BTreeMap::new();
        let mut todo = vec![root.clone()];
        while let Some(dir) = todo.pop() {
            for entry in fs::read_dir(dir).into_iter().flatten() {
                let path = entry.unwrap().path();
                let facts = fs::symlink_metadata(&path).unwrap();
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                if facts.is_dir() {
                    todo.push(path);
                } else if facts.is_symlink() {
                    found.insert(name, fs::read_link(&path).unwrap().display().to_string());
                } else {
                    found.insert(
                        name,
                        String::from_utf8_lossy(&fs::read(&path).unwrap()).into(),
                    );
                }
            }
        }
        found
    }

    fn boot(&self) -> Result<Outcome, PendingError> {
        carry_out(&self.places, &|| self.renew(), &mut |_| Ok(()))
    }

    /// What making a file system comes to.
    fn renew(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.places.data)?;
        fs::create_dir(&self.places.data)
    }

    fn config(&self) -> Config {
        Store::new(&self.places.state).peek().config
    }

    fn back_up(&self) -> Vec<u8> {
        let maker = Maker {
            hostname: "old".to_owned(),
            version: "1.2.3".to_owned(),
        };
        backup::create(&self.places.state, maker, None).unwrap()
    }

    fn opened(&self) -> Backup {
        backup::open(self.back_up(), None).unwrap()
    }
}

/// Boots with the power cut before the step `at`; whether there was such a step.
fn cut(host: &Host, at: usize) -> bool {
    let steps = Cell::new(0);
    let outcome = carry_out(&host.places, &|| host.renew(), &mut |_| {
        steps.set(steps.get() + 1);
        if steps.get() > at {
            Err(io::Error::other("power cut"))
        } else {
            Ok(())
        }
    });
    outcome.is_err()
}

/// A copy of a host as another one. Files get owners and times anew.
fn copy_of(host: &Host, config: &str) -> Host {
    let other = Host::new(config);
    for dir in ["quantix", "data"] {
        fs::remove_dir_all(other.dir.path().join(dir)).unwrap();
    }
    let status = std::process::Command::new("cp")
        .arg("-a")
        .args([&host.places.state, &host.places.data])
        .arg(other.dir.path())
        .status();
    assert!(status.unwrap().success());
    other
}

#[test]
fn a_reset_of_the_configuration_leaves_no_setting_and_keeps_what_vms_need() {
    let host = Host::new(STATIC);
    assert!(matches!(host.config().management.ipv4, Ipv4::Static { .. }));
    request_reset(&host.places, Scope::Configuration).unwrap();
    assert_eq!(host.boot().unwrap(), Outcome::Reset(Scope::Configuration));

    assert_eq!(
        host.config(),
        Config::default(),
        "the static IP is gone too"
    );
    let left: Vec<String> = host.files("quantix").into_keys().collect();
    assert_eq!(left, ["trust/ratchet.json"], "no key, no password, no mark");
    let data = host.files("data");
    let kept: Vec<&str> = data.keys().map(String::as_str).collect();
    let expected = [
        "before-reset/libvirt/nvram/vm.fd",
        "before-reset/libvirt/qemu/vm.xml",
        "before-reset/quantix.db",
        "libvirt/save/vm.save",
        "vms/1/disk0.qcow2",
    ];
    assert_eq!(kept, expected, "neither secrets nor links that start VMs");
    assert_eq!(host.boot().unwrap(), Outcome::Nothing);
}

#[test]
fn a_reset_of_everything_leaves_an_empty_data_partition() {
    let host = Host::new(STATIC);
    request_reset(&host.places, Scope::Everything).unwrap();
    assert_eq!(host.boot().unwrap(), Outcome::Reset(Scope::Everything));
    assert!(host.files("data").is_empty());
    assert_eq!(host.config(), Config::default());
    assert!(!host.places.state.join("ssh").exists());
}

#[test]
fn a_power_cut_at_any_step_of_a_reset_ends_in_the_same_host() {
    for scope in [Scope::Configuration, Scope::Everything] {
        let whole = Host::new(STATIC);
        request_reset(&whole.places, scope).unwrap();
        whole.boot().unwrap();
        let mut cuts = 0;
        while {
            let host = Host::new(STATIC);
            request_reset(&host.places, scope).unwrap();
            let fired = cut(&host, cuts);
            if fired {
                assert!(reset::is_marked(&host.places.state), "step {cuts}");
                host.boot().unwrap();
            }
            for dir in ["quantix", "data"] {
                assert_eq!(host.files(dir), whole.files(dir), "{scope:?}, step {cuts}");
            }
            fired
        } {
            cuts += 1;
        }
        assert!(cuts > 5, "only {cuts} cuts");
    }
}

#[test]
fn a_data_partition_that_cannot_be_made_anew_keeps_the_mark_and_is_told() {
    let host = Host::new(STATIC);
    request_reset(&host.places, Scope::Everything).unwrap();
    // No such disk: the real thing fails.
    let error = at_boot(&host.places, |_| {}).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot make the data partition anew: "),
        "{error}"
    );
    assert!(reset::is_marked(&host.places.state));
    let told = problem(&host.places.run).unwrap();
    assert!(told.contains("it is tried again at every start"), "{told}");
}

#[test]
fn a_mark_of_a_later_release_is_left_alone() {
    let host = Host::new(STATIC);
    host.write("quantix/reset.json", r#"{"format":2,"scope":"half"}"#);
    let before = host.files("quantix");
    assert!(matches!(host.boot(), Err(PendingError::Mark { .. })));
    assert_eq!(host.files("quantix"), before);
}

#[test]
fn only_an_installed_host_that_keeps_its_configuration_is_changed() {
    let host = Host::new(STATIC);
    let refused = |boot: &str| {
        host.write("run/boot.json", boot);
        let backup = host.opened();
        let restore = request_restore(&host.places, &backup, RestoreOptions::default());
        let reset = request_reset(&host.places, Scope::Everything);
        assert!(restore.is_err() && !reset::is_marked(&host.places.state));
        reset.unwrap_err()
    };
    let live = BOOT.replace("slot\",\"slot\":\"A\"", "live\",\"slot\":null");
    assert!(matches!(
        refused(&live),
        PendingError::NotInstalled(NotInstalled::Live)
    ));
    let in_memory = BOOT.replace(r#""config":"partition""#, r#""config":"ram""#);
    assert!(matches!(refused(&in_memory), PendingError::NotKept));
    assert!(matches!(
        refused("{}"),
        PendingError::NotInstalled(NotInstalled::Foreign)
    ));
}

#[test]
fn a_trial_is_not_disturbed() {
    let mut env = BootEnv::installed("quiet".parse().unwrap());
    assert!(!is_on_trial(&env));
    env.make_pending(qx_slots::SlotName::B).unwrap();
    assert!(is_on_trial(&env));
}

#[test]
fn a_backup_brings_everything_back_on_another_machine_but_what_is_the_machines_own() {
    let old = Host::new(STATIC);
    let new = Host::new("version = 1\n");
    fs::remove_dir_all(new.places.state.join("libvirt")).unwrap();
    let own = new.files("quantix");
    let staged = request_restore(&new.places, &old.opened(), RestoreOptions::default()).unwrap();
    assert_eq!(staged.hostname, "old");
    assert!(staged.notes[0].contains("machine id"), "{:?}", staged.notes);
    assert_eq!(
        new.config(),
        Config::default(),
        "nothing changes before the restart"
    );
    assert_eq!(new.boot().unwrap(), Outcome::Restored);

    let (is, was) = (new.files("quantix"), old.files("quantix"));
    for name in [
        "ssh/ssh_host_ed25519_key",
        "ssh/ssh_host_ed25519_key.pub",
        "tls/key.pem",
        "libvirt/qemu/vm.xml",
        "libvirt/qemu/autostart/vm.xml",
        "libvirt/secrets/s.xml",
        "libvirt/nvram/vm.fd",
    ] {
        assert_eq!(is[name], was[name], "{name}");
    }
    for name in ["machine-id", "iscsi/initiatorname.iscsi"] {
        assert_eq!(is[name], own[name], "{name}");
    }
    let aside = "before-restore/ssh/ssh_host_ed25519_key";
    assert_eq!(is[aside], own["ssh/ssh_host_ed25519_key"]);
    assert_eq!(new.config(), old.config());
    assert_eq!(new.boot().unwrap(), Outcome::Nothing);
}

#[test]
fn the_same_machine_gets_its_identity_back_and_a_kept_network_stays() {
    let old = Host::new(STATIC);
    let new = Host::new("version = 1\n[network.management]\nvlan = 7\n");
    let network = new.config().management;
    let options = RestoreOptions {
        skip_network: true,
        same_machine: true,
    };
    request_restore(&new.places, &old.opened(), options).unwrap();
    new.boot().unwrap();
    let (is, was) = (new.files("quantix"), old.files("quantix"));
    for name in ["machine-id", "iscsi/initiatorname.iscsi"] {
        assert_eq!(is[name], was[name], "{name}");
    }
    assert_eq!(new.config().management, network);
    assert_eq!(new.config().system.hostname, old.config().system.hostname);
}

#[test]
fn a_power_cut_at_any_step_of_a_restore_ends_in_the_same_host() {
    let old = Host::new(STATIC);
    let (backup, target) = (old.opened(), Host::new("version = 1\n"));
    let options = RestoreOptions {
        skip_network: false,
        same_machine: true,
    };
    request_restore(&target.places, &backup, options).unwrap();
    let whole = copy_of(&target, "version = 1\n");
    whole.boot().unwrap();
    // A cut behind the save and before its mark makes one generation more; what counts is what is in force.
    let shown = |host: &Host| {
        let mut files = host.files("quantix");
        files.retain(|name, _| !name.starts_with("config.d/"));
        files
    };
    let mut cuts = 0;
    loop {
        let host = copy_of(&target, "version = 1\n");
        if !cut(&host, cuts) {
            break;
        }
        // A boot that could not finish goes on, and makes what it misses.
        fs::create_dir_all(host.places.state.join("libvirt/storage")).unwrap();
        host.boot().unwrap();
        assert_eq!(shown(&host), shown(&whole), "step {cuts}");
        cuts += 1;
    }
    assert!(cuts > 10, "only {cuts} cuts");
}

#[test]
fn a_restore_that_was_not_complete_when_the_power_failed_changes_nothing() {
    let host = Host::new(STATIC);
    let before = host.files("quantix");
    host.write("quantix/restore.new/config.toml", "version = 1\n");
    host.write(
        "quantix/restore.new/files/ssh/ssh_host_ed25519_key",
        "another",
    );
    assert_eq!(host.boot().unwrap(), Outcome::Nothing);
    fs::remove_dir_all(host.places.state.join("restore.new")).unwrap();
    assert_eq!(host.files("quantix"), before);
}

#[test]
fn a_reset_overrules_a_restore() {
    let host = Host::new(STATIC);
    let backup = host.opened();
    request_restore(&host.places, &backup, RestoreOptions::default()).unwrap();
    request_reset(&host.places, Scope::Configuration).unwrap();
    let again = request_restore(&host.places, &backup, RestoreOptions::default());
    assert!(matches!(again, Err(PendingError::ResetAsked)));
    assert_eq!(host.boot().unwrap(), Outcome::Reset(Scope::Configuration));
    assert_eq!(host.boot().unwrap(), Outcome::Nothing);
    assert_eq!(host.config(), Config::default());
}

#[test]
fn floors_of_the_other_host_are_taken_over_and_none_is_lowered() {
    let (old, new) = (Host::new(STATIC), Host::new("version = 1\n"));
    old.write(
        "quantix/trust/ratchet.json",
        r#"{"0011223344556677":3,"8899aabbccddeeff":9}"#,
    );
    request_restore(&new.places, &old.opened(), RestoreOptions::default()).unwrap();
    let floors = crate::update::floors(&new.places.state).unwrap();
    let expected = qx_slots::Floors::from_bytes(br#"{"0011223344556677":5,"8899aabbccddeeff":9}"#);
    assert_eq!(floors, expected.unwrap());
}

#[test]
fn an_encrypted_backup_tells_nothing_and_opens_with_its_passphrase_alone() {
    let host = Host::new(STATIC);
    let maker = Maker {
        hostname: "old".to_owned(),
        version: "1".to_owned(),
    };
    let right: Passphrase = "correct horse 42".parse().unwrap();
    let sealed = backup::create(&host.places.state, maker, Some(&right)).unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("192.0.2.10"));
    backup::open(sealed.clone(), Some(&right)).unwrap();
    let refused = backup::open(sealed, None).unwrap_err().to_string();
    assert!(refused.contains("needs the passphrase"), "{refused}");
    let plain = backup::open(host.back_up(), Some(&right)).unwrap_err();
    assert!(plain.to_string().contains("not encrypted"), "{plain}");
}

#[test]
fn no_byte_of_a_backup_can_be_changed_unnoticed() {
    let host = Host::new(STATIC);
    let good = host.back_up();
    backup::open(good.clone(), None).unwrap();
    // The signature's check starts a program, so not each byte: a prime step visits all blocks.
    for position in (0..good.len()).step_by(241) {
        let mut changed = good.clone();
        changed[position] ^= 0x20;
        assert!(backup::open(changed, None).is_err(), "byte {position}");
    }
    for length in [0, 100, 511, 512, 5000, good.len() - 512, good.len() - 1] {
        assert!(
            backup::open(good[..length].to_vec(), None).is_err(),
            "{length}"
        );
    }
    let longer = [good.as_slice(), &[0; 512]].concat();
    assert!(backup::open(longer, None).is_err());
    let foreign = backup::open(vec![0_u8; 4096], None)
        .unwrap_err()
        .to_string();
    assert!(foreign.contains("no configuration backup"), "{foreign}");
}

#[test]
fn a_configuration_that_this_release_does_not_read_is_refused_before_anything_is_written() {
    let host = Host::new(STATIC);
    host.write("quantix/machine-id", "not an id\n");
    let error = backup::open(host.back_up(), None).unwrap_err().to_string();
    assert_eq!(error, "machine-id in the backup is not a machine id");
}
