#!/bin/sh
# Makes output/initramfs.img: qx-init, the recovery busybox, the recovery key and keyring, and the kernel modules of
# mkinitfs.conf taken from the trimmed root. CPU microcode goes in front, where the kernel looks for it.
set -eu
. "$(dirname -- "$0")/lib.sh"

profile=$repo/profiles/quantix
root=$output/rootfs
init=$output/programs/qx-init
busybox=$(command -v busybox)
[ -d "$root/usr/lib/modules" ] || die "$root is missing: run 'make squashfs' first"
[ -x "$init" ] || die "$init is missing: run 'make console-tui' first"
release=$(basename "$root"/usr/lib/modules/*)
modules=$root/usr/lib/modules/$release
trust=$("$repo/builder/signing-key.sh" trust)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir -p "$tree/bin" "$tree/etc/quantix/keys" "$tree/usr/lib/modules/$release"

microcode=$output/microcode.cpio
[ -e "$microcode" ] || microcode=/dev/null
inputs=$({
    echo "$SOURCE_DATE_EPOCH"
    find "$modules/kernel" -type f -name '*.ko' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | cat - "$0" "$profile/mkinitfs.conf" "$init" "$busybox" "$trust/recovery.pub" "$trust/keyring.json" \
    "$trust/keyring.sig" "$microcode" | sha256sum)
if [ -e "$output/initramfs.img" ] && [ "$(cat "$output/initramfs.inputs" 2>/dev/null)" = "$inputs" ]; then
    exit 0
fi
step "Initial RAM file system: qx-init and the boot's kernel modules (usually 10 s)"

install -m 755 "$init" "$tree/init"
install -m 755 "$busybox" "$tree/bin/busybox"
install -m 644 -t "$tree/etc/quantix/keys" "$trust/recovery.pub" "$trust/keyring.json" "$trust/keyring.sig"
sed 's/#.*//; /^[[:space:]]*$/d' "$profile/mkinitfs.conf" >"$tree/etc/quantix/modules"

# needed PATTERN: the files of the listed modules of these classes and of all that they need; modules.dep
# names that, however far down. The kernel spells - as _.
needed() {
    awk -v classes="$1" 'NR == FNR { if ($1 ~ classes) wanted[$2] = 1; next }
        { path = $1; sub(/:$/, "", path); name = path; sub(/.*\//, "", name); sub(/\.ko.*/, "", name)
          gsub(/-/, "_", name) }
        name in wanted { delete wanted[name]; $1 = path; for (i = 1; i <= NF; i++) print $i }
        END { for (name in wanted) { print "error: mkinitfs.conf: no module " name > "/dev/stderr"; bad = 1 }
              exit bad }' "$tree/etc/quantix/modules" "$modules/modules.dep" >"$work/found" ||
        die "the trimmed root lacks modules of the initramfs: see kernel-modules.conf"
    LC_ALL=C sort -u "$work/found"
}
needed . >"$work/all"
needed '^(first|always|slot|softdog|watchdog|direct|hardware)$' >"$work/common"
(cd "$modules" && xargs cp --parents -t "$tree/usr/lib/modules/$release" <"$work/all")
cp "$modules"/modules.order "$modules"/modules.builtin* "$tree/usr/lib/modules/$release/"
# Rare modules stay packed until a machine needs them: unpacking the archive is part of every boot.
(cd "$tree/usr/lib/modules/$release" && comm -23 "$work/all" "$work/common" | xargs xz -T1 -9 --check=crc32)
ln -s usr/lib "$tree/lib"
depmod -b "$tree" "$release"
cd "$tree/usr/lib/modules/$release"
find . -maxdepth 1 -type f ! -name modules.dep ! -name modules.alias -delete

cd "$tree"
find . -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
find . -mindepth 1 | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0 |
    zstd -q -19 -T1 >"$work/main.cpio.zst"
cat "$microcode" "$work/main.cpio.zst" >"$work/initramfs.img"
mv "$work/initramfs.img" "$output/initramfs.img"
printf '%s\n' "$inputs" >"$output/initramfs.inputs"
