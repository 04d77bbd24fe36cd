#!/bin/sh
# enter.sh COMMAND...: runs a command inside the build root, in this directory, with the checkout, the
# cache, cargo and rustup visible at their own paths. Inside the build root already: just runs it.
set -eu
. "$(dirname -- "$0")/lib.sh"

export CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}"
if in_buildroot; then
    exec "$@"
fi
"$repo/builder/buildroot.sh"

mkdir -p "$CARGO_HOME" "$RUSTUP_HOME"
# No process between: a signal to this one reaches the command.
# The inner shell expands its own arguments.
# shellcheck disable=SC2086,SC2016
exec unshare $namespace sh -eu -c '
    root=$1 repo=$2 cache=$3 dir=$4
    shift 4
    for path in "$repo" "$cache" "$CARGO_HOME" "$RUSTUP_HOME" /tmp; do
        mkdir -p "$root$path"
        mount --bind "$path" "$root$path"
    done
    for path in /proc /sys /dev; do
        mount --rbind "$path" "$root$path"
    done
    mount -t tmpfs tmpfs "$root/run"
    # A copy, because the original is often a link to a file in /run.
    cat /etc/resolv.conf >"$root/run/resolv.conf"
    [ -e "$root/etc/resolv.conf" ] || : >"$root/etc/resolv.conf"
    mount --bind "$root/run/resolv.conf" "$root/etc/resolv.conf"
    # The build machine may trust an authority of its own (a proxy that inspects TLS).
    certificates=/etc/ssl/certs/ca-certificates.crt
    if [ -s "$certificates" ]; then
        mount --bind "$certificates" "$root$certificates"
    fi
    export NODE_EXTRA_CA_CERTS="$certificates"
    export PATH="$CARGO_HOME/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    export LANG=C.UTF-8
    unset LD_LIBRARY_PATH NODE_OPTIONS || true
    exec chroot "$root" sh -c "cd \"\$1\" && shift && exec \"\$@\"" sh "$dir" "$@"
' sh "$buildroot" "$repo" "$cache" "$PWD" "$@"
