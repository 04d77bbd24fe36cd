//! An installation beside what `dd` and `sha256sum` take for the same bytes: in one guest, on one disk, in turns, with
//! the programs in memory and nothing of the bytes before each.
//!
//! | | reads | writes | reads back |
//! |---|---|---|---|
//! | `dd`, `sha256sum` | all parts from the medium, then from the disk | twice, with fsync | twice, past the cache |
//! | `qx-install` | the same | the same, in file systems, and the rest of an installation | the same |

use std::path::PathBuf;

use anyhow::Result;

use crate::bench::plain::{Compared, Figures};
use crate::bench::report::Report;
use crate::image::Image;
use crate::installed::{blank, opens};
use crate::lab::Lab;
use crate::machine::Bus;
use crate::seed;
use crate::ssh::SshKey;

/// MiB of memory that `qx-install` may take.
const MEMORY_LIMIT: f64 = 64.0;
const DISK: u64 = 4 << 30;

/// With `$runs`. Prints a line each: milliseconds of the one, of the other, and KiB of the installer at its largest.
const SCRIPT: &str = r#"
set -eu
now() { read -r up _ </proc/uptime; echo $((10#${up/./} * 10)); }
empty() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    dd if=/dev/null of=/dev/null status=none
    sha256sum </dev/null >/dev/null
    qx-install check /run/answer.toml >/dev/null
}
mkdir -p /run/bench
parts="/run/bench/quantix/vmlinuz /run/bench/quantix/initramfs.img /run/bench/quantix/rootfs.squashfs"
for ((run = 0; run < runs; run++)); do
    mount -o ro /dev/sr0 /run/bench
    mib=$(($(cat $parts | wc -c) / 1048576 + 1))
    empty
    start=$(now)
    cat $parts | dd of=/dev/vda bs=1M iflag=fullblock conv=fsync status=none
    dd if=/dev/vda of=/dev/vda bs=1M count=$mib seek=512 conv=fsync status=none
    dd if=/dev/vda bs=1M count=$mib iflag=direct status=none | sha256sum >/dev/null
    dd if=/dev/vda bs=1M count=$mib skip=512 iflag=direct status=none | sha256sum >/dev/null
    plain=$(($(now) - start))
    umount /run/bench
    dd if=/dev/zero of=/dev/vda bs=1M count=1 conv=fsync status=none
    empty
    start=$(now)
    qx-install by-hand /run/answer.toml >/run/bench.log 2>&1 &
    pid=$!
    # Beside it, so that the end is seen when it comes.
    while size=$(grep VmHWM: /proc/$pid/status 2>/dev/null); do
        echo "${size//[!0-9]/}"
        sleep 0.5
    done >/run/bench.peaks &
    wait $pid || { cat /run/bench.log >&2; exit 1; }
    install=$(($(now) - start))
    wait
    echo "$plain $install $(sort -n /run/bench.peaks | tail -n 1)"
done
"#;

/// The disk that was installed on, and what opens it.
pub(super) fn run(
    lab: &Lab,
    image: &Image,
    runs: usize,
    report: &mut Report,
) -> Result<(PathBuf, SshKey)> {
    lab.step("an installation, and dd with sha256sum");
    let key = SshKey::make(lab.dir())?;
    let rest = format!(
        "[system]\nhostname = \"qx-bench\"\nroot_password = \"correct horse 42\"\n{}",
        key.table()?
    );
    let disk = blank(&lab.dir().join("bench.img"), DISK)?;
    let mut machine = lab
        .machine("install")
        .cd(image.iso())
        .drive(&disk, "raw", Bus::Virtio)
        .usb_stick(&seed::volume(lab.dir(), &format!("version = 1\n{rest}"))?)
        .start()?;
    opens(&machine)?;
    let answer = format!("version = 1\n[install]\ndisk = \"/dev/vda\"\nwipe = true\n{rest}");
    let command = format!("cat >/run/answer.toml <<'END'\n{answer}\nEND\nruns={runs}\n{SCRIPT}");
    let printed = key.run(&mut machine, &command)?;
    machine.power_cut();
    let figures = Figures::parse(&printed, runs)?;
    let compared = Compared {
        plain: "dd and sha256sum of two slots",
        ours: "installation",
        ratio: "installation, as a multiple of dd and sha256sum",
    };
    figures.compare(&compared, report)?;
    report.add(
        "memory of qx-install at its largest",
        "MiB",
        figures.each(|[_, _, peak]| peak / 1024.0),
        Some(MEMORY_LIMIT),
    );
    Ok((disk, key))
}
