#!/bin/sh
# rootfs-libraries.sh ROOT: removes shared libraries that no program, plug-in or kept library links to, round
# after round, until nothing more falls away; then fails if something misses a library.
set -eu
. "$(dirname -- "$0")/lib.sh"

root=$1
directory=$root/usr/lib/x86_64-linux-gnu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Opened at run time by name, or linked by our own programs, which come later.
opened='libvirt-qemu.so.0 libc.so.6 libgcc_s.so.1 libnss_* libresolv.so.2 libdevmapper-event-lvm2* libmultipath* libtss2*'

needed() {
    find "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/libexec" -type f \
        \( -perm /111 -o -name '*.so*' \) ! -path '*/modules/*' ! -path '*/firmware/*' -print0 |
        xargs -0 readelf -d 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | LC_ALL=C sort -u
}

is_opened() {
    for pattern in $opened; do
        # shellcheck disable=SC2254
        case $1 in $pattern) return 0 ;; esac
    done
    return 1
}

removed=1
while [ "$removed" -gt 0 ]; do
    removed=0
    needed >"$work/needed"
    find "$directory" -maxdepth 1 -type f -name '*.so*' | LC_ALL=C sort >"$work/files"
    while read -r file; do
        name=$(readelf -d "$file" 2>/dev/null | sed -n 's/.*(SONAME).*\[\(.*\)\]$/\1/p')
        [ -n "$name" ] || name=${file##*/}
        if grep -qxF "$name" "$work/needed" || is_opened "$name"; then
            continue
        fi
        rm "$file"
        removed=$((removed + 1))
    done <"$work/files"
done
find "$directory" -maxdepth 1 -xtype l -delete

needed | while read -r name; do
    [ -e "$directory/$name" ] || [ -e "$root/usr/lib64/$name" ] ||
        [ -n "$(find "$root/usr/lib" -name "$name" -print -quit)" ] || echo "$name"
done >"$work/missing"
if [ -s "$work/missing" ]; then
    die "these libraries are needed but remove.conf took them away: $(paste -sd' ' "$work/missing")"
fi
