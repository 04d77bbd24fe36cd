#!/bin/sh
# Makes output/sbom.spdx.json: every Debian package, Rust crate and npm package that the image is made of.
# Of Cargo.lock, that is what our programs are linked from; the rest is tests' and tools'.
set -eu
. "$(dirname -- "$0")/lib.sh"

[ -s "$output/packages.list" ] || die "output/packages.list is missing: run builder/build-rootfs.sh first"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$repo/Cargo.toml")
crates=$output/crates.list
(cd "$repo" && cargo tree --locked --edges normal --prefix none --format '{p}' \
    --package qx-node --package qx --package qx-console --package qx-host --package qx-install --package qx-trial \
    --package qx-init) |
    LC_ALL=C sort -u >"$crates"
"$repo/builder/image-tool.sh" sbom --debian "$output/packages.list" --cargo-lock "$repo/Cargo.lock" \
    --cargo-tree "$crates" \
    --npm-lock "$repo/host-ui/package-lock.json" --release "$version" \
    --created "$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)" --out "$output/sbom.spdx.json"
