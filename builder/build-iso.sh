#!/bin/sh
# Makes output/quantix-os-VERSION-x86_64.iso (a disc and a stick in one, UEFI with Secure Boot), the update
# bundle output/quantix-os-VERSION.qxu and output/SHA256SUMS from the kernel, initramfs and squashfs.
set -eu
. "$(dirname -- "$0")/lib.sh"

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$repo/Cargo.toml")
channel=${QUANTIX_CHANNEL:-dev}
iso=$output/quantix-os-$version-x86_64.iso
bundle=$output/quantix-os-$version.qxu
loader=$("$repo/builder/boot-loader.sh")
key=$("$repo/builder/signing-key.sh" key)
trust=$("$repo/builder/signing-key.sh" trust)
# Rises with every commit. What hosts never go back below, and until when it may be installed as an update.
sequence=${QUANTIX_SEQUENCE:-$SOURCE_DATE_EPOCH}
floor=${QUANTIX_FLOOR:-0}
expires=${QUANTIX_EXPIRES:-}
for part in vmlinuz initramfs.img rootfs.squashfs; do
    [ -s "$output/$part" ] || die "output/$part is missing: run 'make squashfs initramfs' first"
done

# Paths without spaces, so that they are several words.
# shellcheck disable=SC2086
inputs=$(sha256sum "$0" "$repo/grub/grub.cfg" "$key" "$trust/keyring.json" "$output/vmlinuz" "$output/initramfs.img" \
    "$output/rootfs.squashfs" $loader && echo "$version $channel $SOURCE_DATE_EPOCH $sequence $floor $expires")
if [ -e "$iso" ] && [ -e "$bundle" ] && [ -e "$output/SHA256SUMS" ] &&
    [ "$(cat "$output/iso.inputs" 2>/dev/null)" = "$inputs" ]; then
    exit 0
fi
step "ISO and update bundle (usually 10 s)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
slot=$tree/quantix
mkdir -p "$slot/id" "$tree/EFI/debian" "$work/efi"
ln "$output/vmlinuz" "$output/initramfs.img" "$output/rootfs.squashfs" "$slot" 2>/dev/null ||
    cp "$output/vmlinuz" "$output/initramfs.img" "$output/rootfs.squashfs" "$slot"
build_id=$("$repo/builder/image-tool.sh" sign --slot "$slot" --key "$key" --release "$version" --channel "$channel" \
    --sequence "$sequence" --floor "$floor" ${expires:+--expires "$expires"})
"$repo/builder/image-tool.sh" verify --slot "$slot" --keys "$trust" >/dev/null
: >"$slot/id/$build_id"

# Debian's signed GRUB reads /EFI/debian/grub.cfg of the partition or disc that it was started from.
sed "s/@VERSION@/$version/g; s/@BUILD_ID@/$build_id/g" "$repo/grub/grub.cfg" >"$tree/EFI/debian/grub.cfg"

# The EFI partition: the signed chain shim, GRUB, MOK manager. FAT in whole clusters, and room for the tables.
for file in $loader; do
    cp "$file" "$work/efi/$(basename "$file" .signed)"
done
mv "$work/efi/shimx64.efi" "$work/efi/BOOTX64.EFI"
find "$work" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
kib=$(($(du -k --apparent-size -c "$work"/efi/* | sed -n 's/\ttotal$//p') + 256))
mkfs.vfat --invariant -F 12 -s 8 -n QX-EFI -i "$(printf %s "$build_id" | cut -c1-8)" -C "$work/efi.img" \
    $((kib / 4 * 4)) >/dev/null
export MTOOLS_SKIP_CHECK=1
mmd -i "$work/efi.img" ::/EFI ::/EFI/BOOT ::/EFI/debian
mcopy -m -i "$work/efi.img" "$work/efi/BOOTX64.EFI" "$work/efi/grubx64.efi" "$work/efi/mmx64.efi" ::/EFI/BOOT/
mcopy -m -i "$work/efi.img" "$tree/EFI/debian/grub.cfg" ::/EFI/debian/

# SOURCE_DATE_EPOCH makes xorriso take every date and the GPT's ids from it.
SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH xorriso -as mkisofs -quiet -iso-level 3 -r -V QUANTIX_OS -o "$work/new.iso" \
    -append_partition 2 C12A7328-F81F-11D2-BA4B-00A0C93EC93B "$work/efi.img" -appended_part_as_gpt \
    -c boot.catalog --efi-boot --interval:appended_partition_2:all:: -no-emul-boot "$tree" 2>"$work/log" ||
    { cat "$work/log" >&2; die "xorriso failed"; }

# The parts that a reader must trust come first.
tar --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644 --mtime="@$SOURCE_DATE_EPOCH" \
    -cf "$work/new.qxu" -C "$trust" keyring.json keyring.sig \
    -C "$slot" manifest.json manifest.sig vmlinuz initramfs.img rootfs.squashfs
rm -f "$output"/quantix-os-*.iso "$output"/quantix-os-*.qxu
mv "$work/new.iso" "$iso"
mv "$work/new.qxu" "$bundle"
cp "$slot/manifest.json" "$slot/manifest.sig" "$output/"
cd "$output"
sha256sum quantix-os-*.iso quantix-os-*.qxu vmlinuz initramfs.img rootfs.squashfs >"$work/sums"
[ ! -e sbom.spdx.json ] || sha256sum sbom.spdx.json >>"$work/sums"
mv "$work/sums" SHA256SUMS
printf '%s\n' "$inputs" >"$output/iso.inputs"
step "$(basename "$iso"): $(($(stat -c %s "$iso") / 1048576)) MiB, build $build_id"
