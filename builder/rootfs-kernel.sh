#!/bin/sh
# rootfs-kernel.sh ROOT PRODUCTS: cuts kernel modules, firmware and CPU microcode in ROOT to what the profile
# asks for; puts vmlinuz and microcode.cpio into PRODUCTS.
set -eu
. "$(dirname -- "$0")/lib.sh"

root=$1 products=$2
profile=$repo/profiles/quantix
version=$(basename "$root"/usr/lib/modules/*)
modules=$root/usr/lib/modules/$version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lines() { sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$profile/$1"; }

mv "$root/boot/vmlinuz-$version" "$products/vmlinuz"

cd "$modules"
lines kernel-modules.conf | while read -r pattern; do
    # shellcheck disable=SC2086
    find kernel/$pattern kernel/$pattern.ko.xz -name '*.ko.xz' 2>/dev/null >"$work/found" || true
    [ -s "$work/found" ] || die "kernel-modules.conf: $pattern matches nothing in Linux $version"
    cat "$work/found"
done >"$work/wanted"
# modules.dep names everything that a module needs, however far down.
awk 'NR == FNR { wanted[$1] = 1; next }
     { name = $1; sub(/:$/, "", name) }
     name in wanted { $1 = name; for (i = 1; i <= NF; i++) print $i }' "$work/wanted" modules.dep |
    LC_ALL=C sort -u >"$work/kept"
find kernel -name '*.ko.xz' | LC_ALL=C sort | comm -23 - "$work/kept" | xargs rm
find kernel -type d -empty -delete
# Uncompressed: squashfs packs a megabyte of similar modules better than each one by itself.
find kernel -name '*.ko.xz' -print0 | xargs -0 -P2 -n64 unxz
depmod -b "$root" "$version"

mv "$root/usr/lib/firmware" "$work/all"
mkdir "$root/usr/lib/firmware"
cd "$work/all"
{
    find "$modules/kernel" -name '*.ko' -print0 | xargs -0 modinfo -F firmware
    lines firmware.conf | sed -n 's/^keep //p'
} | LC_ALL=C sort -u | while read -r pattern; do
    if lines firmware.conf | sed -n 's/^absent \([^ ]*\).*/\1/p' | grep -qxF -- "$pattern"; then
        continue
    fi
    # shellcheck disable=SC2086
    for file in $pattern; do
        while [ -L "$file" ]; do
            cp -a --parents "$file" "$root/usr/lib/firmware"
            file=$(realpath -s --relative-to=. "$(dirname "$file")/$(readlink "$file")")
        done
        if [ -e "$file" ]; then
            cp -a --parents "$file" "$root/usr/lib/firmware"
        fi
    done
done

mkdir -p "$work/cpio/kernel/x86/microcode"
lines microcode.conf | while read -r vendor pattern; do
    # shellcheck disable=SC2086
    ls "$work"/all/$pattern >"$work/found" || die "microcode.conf: $pattern matches nothing"
    # Several CPUs share one file.
    xargs sha256sum <"$work/found" | LC_ALL=C sort -k2 | awk '!seen[$1]++ { print $2 }' |
        xargs cat >>"$work/cpio/kernel/x86/microcode/$vendor.bin"
done
cd "$work/cpio"
# Not the commit's time: the archive is kept in the cache across commits.
find . -exec touch -h -d @0 {} +
find . -mindepth 1 | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0 >"$products/microcode.cpio"
