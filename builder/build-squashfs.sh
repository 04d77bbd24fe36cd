#!/bin/sh
# Packs output/rootfs/ into output/rootfs.squashfs (same directory and same commit, same bytes) and writes the
# bill of materials for it.
set -eu
. "$(dirname -- "$0")/lib.sh"
alone rootfs

target=$output/rootfs.squashfs
"$repo/builder/build-sbom.sh"
[ -e "$output/rootfs.key" ] || die "output/rootfs is missing or unfinished: run builder/build-rootfs.sh first"
key=$(printf '%s' "$SOURCE_DATE_EPOCH" | cat - "$output/rootfs.key" "$0" | sha256sum | cut -c1-16)
if [ -e "$target" ] && [ "$(cat "$output/squashfs.key" 2>/dev/null)" = "$key" ]; then
    exit 0
fi
step "Squashfs (usually 1 min)"
rm -f "$output/squashfs.key" "$target.new"
# Every time stamp is the commit's. mksquashfs takes it from its options or from the environment, not both.
time=$SOURCE_DATE_EPOCH
env -u SOURCE_DATE_EPOCH mksquashfs "$output/rootfs" "$target.new" -noappend -quiet -no-progress -no-exports -no-xattrs \
    -comp zstd -Xcompression-level 19 -b 128K -mkfs-time "$time" -all-time "$time" -processors 2
mv "$target.new" "$target"
echo "$key" >"$output/squashfs.key"
