#!/bin/sh
# Makes the trixie build root if this commit's does not exist yet. Idempotent.
set -eu
. "$(dirname -- "$0")/lib.sh"

npm_version=11.19.1
npm_sha512=cedb312b1b7f92421a02cfb68b4194e88f8346651dacd6acc5364a25ef5309d4a32b19616a1ff8aff865e7280c0fa5c0835a99f5cd93368991e2a80ec9da75d2

if in_buildroot || [ -e "$buildroot/etc/quantix-buildroot" ]; then
    exit 0
fi
# shellcheck disable=SC2086
[ "$(id -u)" = 0 ] || exec unshare $namespace "$0"
step "Build root: Debian trixie with compilers, QEMU and image tools (usually 1-3 min, 1.5 GB)"
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing: run 'make deps' first"

mkdir -p "$cache"
new=$buildroot.new
rm -rf --one-file-system "$new"
include=$(sed 's/#.*//; /^[[:space:]]*$/d' "$repo/builder/buildroot-packages.conf" | paste -sd, -)
components="main contrib non-free non-free-firmware"
mmdebstrap --variant=apt --mode=root --format=directory --skip=check/chrooted-apt \
    --aptopt='Acquire::Languages "none"' \
    --aptopt='Acquire::Retries "5"' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include="$include" trixie "$new" \
    "deb http://deb.debian.org/debian trixie $components" \
    "deb http://deb.debian.org/debian trixie-updates $components" \
    "deb http://deb.debian.org/debian-security trixie-security $components"

step "Build root: npm $npm_version (Debian's npm is too old for the UI's build tools)"
tarball=$cache/npm-$npm_version.tgz
[ -e "$tarball" ] || curl -fsS --retry 5 -o "$tarball" "https://registry.npmjs.org/npm/-/npm-$npm_version.tgz"
echo "$npm_sha512  $tarball" | sha512sum -c - >/dev/null || die "npm-$npm_version.tgz has the wrong checksum: remove $tarball and try again"
mkdir -p "$new/usr/lib/node_modules/npm"
tar -xzf "$tarball" -C "$new/usr/lib/node_modules/npm" --strip-components=1 --no-same-owner
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$new/usr/bin/npm"
ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$new/usr/bin/npx"
: >"$new/etc/quantix-buildroot"
mv "$new" "$buildroot"
