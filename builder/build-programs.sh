#!/bin/sh
# build-programs.sh NAME...: release builds of our programs into output/programs. qx-init is linked
# statically: it runs before there is a root file system.
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$repo"

programs=$output/programs
mkdir -p "$programs"
# Paths of the build machine must not get into the programs.
flags="--remap-path-prefix=$repo=/quantix-os --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
target=${CARGO_TARGET_DIR:-$repo/target}
[ $# -gt 0 ] || set -- qx qx-node qx-console qx-config qx-install qx-trial qx-init

dynamic='' static=''
for name in "$@"; do
    case $name in
    qx-init) static="$static --bin $name" ;;
    *) dynamic="$dynamic --bin $name" ;;
    esac
done
# Both at once: at the end of each only one CPU is busy.
pid=
if [ -n "$static" ]; then
    step "Boot program:$static (usually 1 min the first time)"
    # shellcheck disable=SC2086
    RUSTFLAGS="$flags -C target-feature=+crt-static" CARGO_TARGET_DIR=$target-static \
        cargo build --locked --release --quiet --target x86_64-unknown-linux-gnu --package qx-init $static &
    pid=$!
fi
if [ -n "$dynamic" ]; then
    step "Programs:$dynamic (usually 9 min the first time)"
    # shellcheck disable=SC2086
    RUSTFLAGS=$flags CARGO_TARGET_DIR=$target cargo build --locked --release --quiet $dynamic
fi
[ -z "$pid" ] || wait "$pid"
for name in "$@"; do
    case $name in
    qx-init) from=$target-static/x86_64-unknown-linux-gnu/release/$name ;;
    *) from=$target/release/$name ;;
    esac
    cmp -s "$from" "$programs/$name" || install -m 755 "$from" "$programs/$name"
done
