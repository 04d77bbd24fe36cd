//! Agents in guests that really run: Debian's kernel with Debian's qemu-guest-agent as nearly its only program,
//! and the same kernel with programs in its place that mean no good.

use std::fs;
use std::path::Path;
use std::process::Command;

use qx_hypervisor::AgentFault;
use qx_model::guest::ExecSpec;
use qx_model::vm::PowerState;

use super::real::Real;
use super::*;

/// A kernel that is emulated on a machine which does other things boots in minutes; alone, in seconds.
const BOOT: Duration = Duration::from_secs(900);

/// Makes `vmlinuz` and `initrd` of the build root's packages in the present directory.
const PACK: &str = r#"
set -eu
kernel=$(ls /boot/vmlinuz-*-cloud-amd64 | tail -n 1)
version=${kernel#/boot/vmlinuz-}
mkdir -p root/bin root/dev root/proc root/sys root/run root/tmp root/etc root/sbin root/usr/sbin root/modules
cp /usr/bin/busybox root/bin/busybox
cp /usr/sbin/qemu-ga root/usr/sbin/qemu-ga
ldd /usr/sbin/qemu-ga | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "root${library%/*}"
    cp -L "$library" "root$library"
done
number=100
modprobe --show-depends --all --set-version "$version" virtio_pci virtio_console | awk '!seen[$0]++' |
    while read -r kind file _; do
        [ "$kind" = insmod ] || continue
        number=$((number + 1))
        case $file in
            *.xz) xz -dc "$file" ;;
            *) cat "$file" ;;
        esac >"root/modules/$number.ko"
    done
mv init root/init
printf '#!/bin/busybox sh\nexec /bin/busybox poweroff -f\n' >root/sbin/shutdown
chmod 755 root/init root/sbin/shutdown
mknod -m 600 root/dev/console c 5 1
(cd root && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >initrd
cp "$kernel" vmlinuz
chmod 644 vmlinuz initrd
"#;

/// The guest's first program. `agent=` on the kernel's command line says what answers on the channel.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /modules/*.ko; do [ -e "$module" ] && insmod "$module"; done
hostname guest1
echo 'root:x:0:0:root:/:/bin/sh' >/etc/passwd
for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name")" = org.qemu.guest_agent.0 ] && device=/dev/${port##*/}
done
case $(cat /proc/cmdline) in
*agent=real*)
    qemu-ga --method=virtio-serial --path="$device" --statedir=/run
    ;;
*agent=silent*)
    # Open, and no more.
    sleep 100000 <>"$device"
    ;;
*agent=endless*)
    exec 3<>"$device"
    read -r question <&3
    # One answer without an end.
    printf '{"return":"' >&3
    yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | tr -d '\n' >&3
    ;;
*agent=liar*)
    # It says that it is there, and answers anything else with nonsense.
    exec 3<>"$device"
    while read -r question <&3; do
        case $question in
        *guest-sync*)
            id=${question##*id\":}
            printf '{"return":%s}\n' "${id%%[!0-9]*}" >&3
            ;;
        *guest-ping*) printf '{"return":[1,"two"]}\n' >&3 ;;
        *guest-info*) printf 'no JSON at all\n' >&3 ;;
        *guest-network*)
            deep=$(yes '[' | head -n 5000 | tr -d '\n')
            printf '{"return":%s\n' "$deep" >&3
            ;;
        *) printf '{"error":{"class":"GenericError","desc":"\\u001b[2J no"}}\n' >&3 ;;
        esac
    done
    ;;
esac
while :; do sleep 1000; done
"#;

/// Kernel and initrd, made once for all VMs of a test.
fn pack(directory: &Path) {
    fs::create_dir(directory).unwrap();
    fs::write(directory.join("init"), INIT).unwrap();
    let packed = Command::new("sh")
        .args(["-c", PACK])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(packed.status.success(), "{packed:?}");
}

/// A VM of ours that boots the packed kernel, running.
async fn booted(real: &Real, agent: &str) -> VmId {
    let packed = real.directory.path().join("packed");
    if !packed.exists() {
        pack(&packed);
    }
    let mut wish = spec(agent);
    wish.memory_mib = 256;
    let id = wish.id;
    real.engine.vms.create(&admin(), wish).await.unwrap();
    let xml = real.virsh(&["dumpxml", "--inactive", agent]);
    let boot = format!(
        "<kernel>{0}/vmlinuz</kernel><initrd>{0}/initrd</initrd><cmdline>console=ttyS0 no_timer_check agent={agent}</cmdline></os>",
        packed.display()
    );
    let file = real.directory.path().join(format!("{agent}.xml"));
    fs::write(&file, xml.replacen("</os>", &boot, 1)).unwrap();
    real.virsh(&["define", file.to_str().unwrap()]);
    real.engine.vms.start(&admin(), id).await.unwrap();
    id
}

/// Waits until something has opened the guest's end of the channel.
pub(super) async fn until_it_listens(real: &Real, id: VmId) {
    let deadline = Instant::now() + BOOT;
    let connected = "name='org.qemu.guest_agent.0' state='connected'";
    while !real
        .virsh(&["dumpxml", &id.to_string()])
        .contains(connected)
    {
        assert!(Instant::now() < deadline, "the guest did not boot");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(super) async fn run(real: &Real, id: VmId, script: &str, input: &str) -> (Option<i64>, String) {
    let vms = &real.engine.vms;
    let wish = ExecSpec {
        path: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        env: vec!["PATH=/bin".into(), "WHO=me".into()],
        input: input.into(),
    };
    let pid = vms.exec_in_guest(&admin(), id, wish).await.unwrap();
    let deadline = Instant::now() + BOOT;
    loop {
        let status = vms.exec_status(&admin(), id, pid).await.unwrap();
        if status.exited {
            let both = [status.stdout, status.stderr].concat();
            return (status.exit_code, String::from_utf8(both).unwrap());
        }
        assert!(Instant::now() < deadline, "{script} does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_does_all_that_it_is_asked() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let id = booted(&real, "real").await;
    until_it_listens(&real, id).await;
    vms.ping_guest(&viewer(), id).await.unwrap();
    let guest = vms.guest(&viewer(), id).await.unwrap();
    assert_eq!(guest.hostname.as_deref(), Some("guest1"));
    assert!(guest.agent_version.starts_with("10."), "{guest:?}");
    assert!(guest.commands.iter().any(|name| name == "guest-exec"));
    assert_eq!(guest.time_zone.unwrap().offset_s, 0);
    assert_eq!((guest.users, guest.frozen), (Some(Vec::new()), Some(false)));

    let (code, said) = run(&real, id, "cat; echo $WHO >&2; exit 7", "typed ").await;
    assert_eq!((code, said.as_str()), (Some(7), "typed me\n"));

    // Down and up again: the guest's own word for it.
    run(&real, id, "ifconfig lo 127.0.0.1 up", "").await;
    let interfaces = vms.guest_interfaces(&viewer(), id).await.unwrap();
    let lo = interfaces.iter().find(|one| one.name == "lo").unwrap();
    assert_eq!(lo.addresses[0].address.to_string(), "127.0.0.1");
    vms.guest_filesystems(&viewer(), id).await.unwrap();

    // Larger than the agent gives or takes at once, with every byte.
    let file: Vec<u8> = (0..200_000_u32)
        .map(|at| at.to_le_bytes()[at as usize % 3])
        .collect();
    let path = || "/tmp/a file".to_owned();
    vms.write_guest_file(&admin(), id, path(), file.clone(), false)
        .await
        .unwrap();
    vms.write_guest_file(&admin(), id, path(), b"end".to_vec(), true)
        .await
        .unwrap();
    let (_, size) = run(&real, id, "wc -c <'/tmp/a file'", "").await;
    assert_eq!(size.trim(), "200003");
    let piece = vms.read_guest_file(&admin(), id, path(), 0, None).await;
    let piece = piece.unwrap();
    assert!(piece.eof && piece.data == [&file[..], b"end"].concat());
    let piece = vms
        .read_guest_file(&admin(), id, path(), 199_999, Some(2))
        .await;
    assert_eq!(piece.unwrap().data, [file[199_999], b'e']);
    let missing = vms
        .read_guest_file(&admin(), id, "/no".into(), 0, None)
        .await;
    let missing = missing.unwrap_err().told().detail;
    assert!(missing.contains("No such file"), "{missing}");

    let noon = 1_893_456_000_000_000_000;
    vms.set_guest_time(&admin(), id, Some(noon))
        .await
        .unwrap_or_else(|error| {
            // Its clock is set; there is no program that would set that of the board.
            assert!(error.told().detail.contains("hwclock"), "{error}");
        });
    let (_, now) = run(&real, id, "date +%Y", "").await;
    assert_eq!(now.trim(), "2030");

    // What it can't do is its own no, and the next question is answered.
    let trim = vms.begin_trim_guest(&admin(), id).await.unwrap();
    drop(trim.outcome().await);
    // Its only file system is in memory, which can't be frozen.
    let frozen = vms.freeze_guest(&admin(), id, Vec::new()).await.unwrap();
    let thawed = vms.thaw_guest(&admin(), id).await.unwrap();
    assert_eq!((frozen, thawed), (0, 0));
    vms.ping_guest(&viewer(), id).await.unwrap();

    let down = vms.begin_guest_power(&admin(), id, false).await.unwrap();
    down.outcome().await.unwrap();
    eventually("the guest's end", async || {
        real.virsh(&["domstate", &id.to_string()]) == "shut off"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_that_mean_no_good_cost_their_own_answer_and_nothing_else() {
    let real = Real::new().await;
    let vms = &real.engine.vms;
    let mut guests = Vec::new();
    for agent in ["silent", "endless", "liar"] {
        guests.push(booted(&real, agent).await);
    }
    for id in &guests {
        until_it_listens(&real, *id).await;
    }
    let [silent, endless, liar] = guests[..] else {
        unreachable!("three were started")
    };
    let fault = async |id| match vms.ping_guest(&viewer(), id).await {
        Err(Error::Agent { fault, .. }) => fault,
        other => panic!("{other:?}"),
    };
    let third = fault(liar).await;
    // At once; they wait for what never comes.
    let (first, second, ()) = tokio::join!(fault(silent), fault(endless), async {
        // Meanwhile a VM is what it always was.
        let vm = vms
            .power(&admin(), silent, qx_model::vm::PowerAction::Pause)
            .await;
        assert_eq!(vm.unwrap().state, PowerState::Paused);
    });
    assert_eq!(first, AgentFault::Silent);
    assert!(!matches!(second, AgentFault::Refused(_)), "{second:?}");
    assert!(matches!(third, AgentFault::Garbled(_)), "{third:?}");

    // While the endless one keeps a small machine busy, an emulated guest may take longer than an agent is given.
    let deadline = Instant::now() + PATIENCE;
    let refused = loop {
        let refused = vms.guest_filesystems(&viewer(), liar).await.unwrap_err();
        let fault = match &refused {
            Error::Agent { fault, .. } => Some(fault),
            _ => None,
        };
        if fault != Some(&AgentFault::Silent) || Instant::now() >= deadline {
            break refused.told().detail;
        }
    };
    assert!(
        refused.contains("said no") && !refused.contains('\u{1b}'),
        "{refused}"
    );
    vms.guest_interfaces(&viewer(), liar).await.unwrap_err();
    vms.guest(&viewer(), liar).await.unwrap_err();

    for id in guests {
        assert_eq!(vms.stop(&admin(), id).await.unwrap().state, PowerState::Off);
    }
    assert_eq!(real.virsh(&["list", "--name"]), "");
}
