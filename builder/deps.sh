#!/bin/sh
# Installs what the build machine itself needs, asking for root only when something is missing: mmdebstrap
# for the build root, and Rust by rust-toolchain.toml. Idempotent; offline once the caches are warm.
set -eu
. "$(dirname -- "$0")/lib.sh"

if in_buildroot; then
    exit 0
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "these packages are missing: $missing. Run as root: apt-get install $missing"
    fi
}

missing=
for need in mmdebstrap:mmdebstrap unshare:util-linux curl:curl newuidmap:uidmap; do
    command -v "${need%%:*}" >/dev/null || missing="$missing ${need#*:}"
done
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
[ -s /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
if [ -n "$missing" ]; then
    step "apt packages:$missing (usually under a minute)"
    as_root apt-get -qq update
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
fi

PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
if ! command -v rustup >/dev/null; then
    step "Rust, by rustup (usually under a minute)"
    curl --proto '=https' --tlsv1.2 -fsS --retry 3 https://sh.rustup.rs |
        sh -s -- -y --quiet --profile minimal --default-toolchain none
fi
channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$repo/rust-toolchain.toml")
if ! rustup toolchain list | grep -q "^$channel"; then
    step "Rust $channel (usually under a minute)"
    (cd "$repo" && rustup toolchain install)
fi
"$repo/builder/buildroot.sh"
