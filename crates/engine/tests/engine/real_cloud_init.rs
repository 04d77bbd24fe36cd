//! cloud-init in a guest that really runs: Debian, as far as a cloud image has it, set up by the CD that the VM got.
//! Minutes under emulation, so a slow case.

use std::fs;
use std::process::Command;

use qx_model::clone::VmClone;
use qx_model::cloud_init::{CloudInit, GuestNic, Password};
use qx_model::vm::NicSpec;

use super::real::Real;
use super::real_guests::{run, until_it_listens};
use super::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqBsSFkLZ1KdDgVbwNJdcCwDw4L2xWKkrC3yVvyuOlB me@laptop";

/// Makes `debian.img`, `vmlinuz` and `initrd.img` in the present directory.
const BUILD: &str = r#"
set -eu
mmdebstrap --quiet --variant=minbase \
    --include=linux-image-cloud-amd64,initramfs-tools,e2fsprogs,systemd-sysv,udev,iproute2,netplan.io,openssh-server,sudo,qemu-guest-agent,cloud-init \
    --customize-hook='rm -f "$1"/etc/ssh/ssh_host_*; : >"$1/etc/machine-id"' \
    --customize-hook='echo "/dev/vda / ext4 defaults 0 1" >"$1/etc/fstab"' \
    --customize-hook='echo localhost >"$1/etc/hostname"' \
    --customize-hook='chroot "$1" systemctl enable systemd-networkd' \
    trixie root "deb http://deb.debian.org/debian trixie main"
cp root/boot/vmlinuz-* vmlinuz
cp root/boot/initrd.img-* initrd.img
mke2fs -q -t ext4 -d root debian.img 2G
rm -rf --one-file-system root
chmod 644 vmlinuz initrd.img
"#;

/// Boots it, and waits until cloud-init is done, which must have nothing to complain about.
async fn set_up(real: &Real, id: VmId) {
    real.engine.vms.start(&admin(), id).await.unwrap();
    until_it_listens(real, id).await;
    let deadline = Instant::now() + Duration::from_secs(900);
    // cloud-init's own program for this is a Python of seconds under emulation.
    let result = loop {
        let result = told(real, id, "cat /run/cloud-init/result.json || :").await;
        if result.starts_with('{') {
            break result;
        }
        assert!(
            Instant::now() < deadline,
            "cloud-init is not done: {result}"
        );
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    let words: String = result.split_whitespace().collect();
    if !words.contains(r#""errors":[]"#) {
        let log = told(
            real,
            id,
            "grep -B2 -A20 -i 'warn\\|traceback' /var/log/cloud-init.log",
        )
        .await;
        panic!("{result}\n{log}");
    }
    assert!(words.contains("DataSourceNoCloud[seed=/dev/sr"), "{result}");
}

async fn told(real: &Real, id: VmId, command: &str) -> String {
    let command = format!("PATH=/usr/sbin:/usr/bin:/sbin:/bin; {command}");
    let (code, said) = run(real, id, &command, "").await;
    assert_eq!(code, Some(0), "{command}: {said}");
    said.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds a Debian and boots it twice: minutes"]
async fn real_cloud_init_sets_a_guest_up_and_its_clone_anew() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let directory = real.directory.path();
    let built = Command::new("sh")
        .args(["-c", BUILD])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    fs::rename(
        directory.join("debian.img"),
        directory.join("data/images/debian.img"),
    )
    .unwrap();
    let wish = VmSpec {
        memory_mib: 768,
        disks: vec![copy_of("debian.img")],
        nics: vec![NicSpec::Bridge("br0".parse().unwrap())],
        cloud_init: Some(CloudInit {
            hostname: Some("web.example.com".into()),
            user: Some("ops".into()),
            password: Some(Password("correct horse".into())),
            ssh_keys: vec![KEY.into()],
            user_data: None,
            network: vec![GuestNic {
                addresses: vec!["192.0.2.5/24".into(), "2001:db8::5/64".into()],
                gateways: vec!["192.0.2.1".into()],
                dns: vec!["192.0.2.53".into()],
            }],
        }),
        ..spec("web")
    };
    let id = vms.create(&admin(), wish).await.unwrap().id;
    let xml = real.virsh(&["dumpxml", "--inactive", "web"]);
    let boot = format!(
        "<kernel>{0}/vmlinuz</kernel><initrd>{0}/initrd.img</initrd>\
         <cmdline>root=/dev/vda rw console=ttyS0 no_timer_check</cmdline></os>",
        directory.display()
    );
    let file = directory.join("web.xml");
    fs::write(&file, xml.replacen("</os>", &boot, 1)).unwrap();
    real.virsh(&["define", file.to_str().unwrap()]);

    set_up(&real, id).await;
    let told = async |id, command: &str| told(&real, id, command).await;
    assert_eq!(told(id, "cloud-id").await, "nocloud");
    assert_eq!(
        told(id, "cat /var/lib/cloud/data/instance-id").await,
        id.to_string()
    );
    assert_eq!(told(id, "hostname -f").await, "web.example.com");
    assert_eq!(told(id, "cat ~ops/.ssh/authorized_keys").await, KEY);
    let shadow = told(id, "getent shadow ops").await;
    let salt = id.0.as_bytes()[..12].try_into().unwrap();
    let hash = qx_host::accounts::guest_hash("correct horse", salt).unwrap();
    assert_eq!(shadow.split(':').nth(1), Some(&*hash));
    let addresses = told(id, "ip -o address show eth0").await;
    assert!(
        addresses.contains("192.0.2.5/24") && addresses.contains("2001:db8::5/64"),
        "{addresses}"
    );
    assert!(told(id, "ip route").await.contains("default via 192.0.2.1"));
    assert!(
        told(id, "cat /run/systemd/network/*eth0*")
            .await
            .contains("192.0.2.53")
    );
    let fingerprint = "cat /etc/ssh/ssh_host_ed25519_key.pub";
    let host_key = told(id, fingerprint).await;
    let down = vms.begin_guest_power(&admin(), id, false).await.unwrap();
    down.outcome().await.unwrap();
    eventually("the guest's end", async || {
        real.virsh(&["domstate", "web"]) == "shut off"
    })
    .await;

    let clone = VmClone {
        id: VmId::random(),
        name: "web-2".parse().unwrap(),
        description: None,
    };
    let cloning = vms.begin_clone(&admin(), id, clone.clone()).await.unwrap();
    cloning.outcome().await.unwrap();
    set_up(&real, clone.id).await;
    let instance = told(clone.id, "cat /var/lib/cloud/data/instance-id").await;
    assert_eq!(instance, clone.id.to_string());
    assert_eq!(told(clone.id, "hostname").await, "web-2");
    assert_eq!(told(clone.id, "cat ~ops/.ssh/authorized_keys").await, KEY);
    assert_ne!(told(clone.id, fingerprint).await, host_key);
    let addresses = told(clone.id, "ip -o address").await;
    assert!(!addresses.contains("192.0.2.5"), "{addresses}");
}
