//! An update written to the other slot, beside what `dd` and `sha256sum` take for the same bytes: in one guest, on one
//! disk, in turns, with the programs in memory and nothing of the bytes before each.
//!
//! | | reads | writes | reads back |
//! |---|---|---|---|
//! | `dd`, `sha256sum` | the bundle from `/data` | it, with fsync | all of it, past the cache |
//! | `qx update upload` | the same | its parts, in a file system | the same |

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::bench::plain::{Compared, Figures};
use crate::bench::report::Report;
use crate::bundle::{self, Fault};
use crate::installed::opens;
use crate::lab::Lab;
use crate::machine::Bus;
use crate::ssh::SshKey;

/// MiB of memory that daemon and command line may take beyond what the daemon has when it is idle.
const MEMORY_LIMIT: f64 = 64.0;

/// With `$size`, the bundle's, and `$runs`. Prints a line each: milliseconds of the one, of the other, KiB of the daemon
/// before and at its largest, and of the command line at its largest.
const SCRIPT: &str = r#"
set -eu
now() { read -r up _ </proc/uptime; echo $((10#${up/./} * 10)); }
empty() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    dd if=/dev/null of=/dev/null status=none
    sha256sum </dev/null >/dev/null
    qx update status >/dev/null
}
field() { read -r _ kib _ <<<"$(grep "^$2:" "/proc/$1/status")"; echo "$kib"; }
dd if=/dev/vdb bs=1M iflag=count_bytes count="$size" of=/data/bench.qxu conv=fsync status=none
mib=$((size / 1048576))
node=$(pidof qx-node)
for ((run = 0; run < runs; run++)); do
    empty
    start=$(now)
    dd if=/data/bench.qxu of=/dev/vda3 bs=1M conv=fsync status=none
    dd if=/dev/vda3 bs=1M count=$mib iflag=direct status=none | sha256sum >/dev/null
    plain=$(($(now) - start))
    empty
    idle=$(field "$node" VmRSS)
    # The largest size counts from here on.
    echo 5 >"/proc/$node/clear_refs"
    start=$(now)
    qx update upload /data/bench.qxu >/run/bench.log 2>&1 &
    pid=$!
    # Beside it, so that the end is seen when it comes.
    while size=$(field $pid VmHWM 2>/dev/null) && [ -n "$size" ]; do
        echo "$size"
        sleep 0.5
    done >/run/bench.peaks &
    wait $pid || { cat /run/bench.log >&2; exit 1; }
    update=$(($(now) - start))
    wait
    echo "$plain $update $idle $(field "$node" VmHWM) $(sort -n /run/bench.peaks | tail -n 1)"
done
"#;

/// `disk` holds an installation that `key` opens.
pub(super) fn run(
    lab: &Lab,
    disk: &Path,
    key: &SshKey,
    runs: usize,
    report: &mut Report,
) -> Result<()> {
    lab.step("an update written to a slot, and dd with sha256sum");
    let bundle = bundle::make(lab.dir(), "9.9.9", Fault::None)?;
    let mut machine = lab
        .machine("slot")
        .drive(disk, "raw", Bus::Virtio)
        .drive(&bundle, "raw", Bus::Virtio)
        .start()?;
    let api = opens(&machine)?;
    let size = bundle.metadata().context("the bundle")?.len();
    let printed = key.run(&mut machine, &format!("size={size} runs={runs}\n{SCRIPT}"))?;
    let updates = api.get("/api/v1/updates")?.expect(200)?;
    machine.power_cut();
    ensure!(
        updates["slots"][1]["version"] == "9.9.9",
        "nothing was written: {updates}"
    );
    let figures = Figures::parse(&printed, runs)?;
    let compared = Compared {
        plain: "dd and sha256sum of a bundle",
        ours: "update written to a slot",
        ratio: "update, as a multiple of dd and sha256sum",
    };
    figures.compare(&compared, report)?;
    let beyond = figures.each(|[_, _, idle, node, client]| (node - idle + client) / 1024.0);
    report.add(
        "memory of an update beyond the idle daemon's",
        "MiB",
        beyond,
        Some(MEMORY_LIMIT),
    );
    Ok(())
}
