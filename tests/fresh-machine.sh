#!/bin/sh
# fresh-machine.sh bookworm|trixie [VERB...]: runs tests/verbs.sh with this commit on a machine that has only
# git, make, curl and ca-certificates: a new Debian root, entered with namespaces of its own. Rust comes
# from this machine's rustup directories, as it would from rustup. Needs root and mmdebstrap. SOAK_MINUTES,
# PROPTEST_CASES, QX_FUZZ_EXAMPLES, QX_FUZZ_CASES, POWER_BOOTS and POWER_KILLS count there too.
set -eu

suite=$1
shift
repo=$(git -C "$(dirname -- "$0")" rev-parse --show-toplevel)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/quantix-fresh-$suite.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

mmdebstrap --quiet --variant=minbase --include=git,make,curl,ca-certificates "$suite" "$work/root" \
    "deb http://deb.debian.org/debian $suite main"
git clone --quiet "$repo" "$work/root/src"

# The inner shell expands its own arguments.
# shellcheck disable=SC2016
unshare --mount --pid --fork --kill-child --propagation private sh -eu -c '
    root=$1
    shift
    # The root of a machine is a mount point, so this one must be one too.
    mount --bind "$root" "$root"
    for path in /dev /sys; do
        mount --rbind "$path" "$root$path"
    done
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/run"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    certificates=/etc/ssl/certs/ca-certificates.crt
    mount --bind "$certificates" "$root$certificates"
    for path in "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}"; do
        mkdir -p "$root/root/${path##*/}"
        mount --bind "$path" "$root/root/${path##*/}"
    done
    exec chroot "$root" env -i HOME=/root TERM=dumb PATH=/root/.cargo/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HTTPS_PORT="${HTTPS_PORT:-18443}" GRPC_PORT="${GRPC_PORT:-19443}" \
        ${SOAK_MINUTES:+SOAK_MINUTES="$SOAK_MINUTES"} ${PROPTEST_CASES:+PROPTEST_CASES="$PROPTEST_CASES"} \
        ${QX_FUZZ_EXAMPLES:+QX_FUZZ_EXAMPLES="$QX_FUZZ_EXAMPLES"} ${QX_FUZZ_CASES:+QX_FUZZ_CASES="$QX_FUZZ_CASES"} \
        ${POWER_BOOTS:+POWER_BOOTS="$POWER_BOOTS"} ${POWER_KILLS:+POWER_KILLS="$POWER_KILLS"} \
        /src/tests/verbs.sh "$@"
' sh "$work/root" "$@"

du -sh --one-file-system "$work/root/src" "$work/root/root/.cache/quantix-os"
