#!/bin/sh
# rootfs-ours.sh ROOT VERSION: lays our programs, the overlay, the UI and the branding over ROOT.
set -eu
. "$(dirname -- "$0")/lib.sh"

root=$1 version=$2
programs=$output/programs

"$repo/builder/lay-overlay.sh" "$root"
install -D -m 755 -t "$root/usr/bin" "$programs/qx"
install -D -m 755 -t "$root/usr/sbin" "$programs/qx-node" "$programs/qx-console" "$programs/qx-config" \
    "$programs/qx-install" "$programs/qx-trial"
mkdir -p "$root/usr/share/quantix/ui" "$root/usr/share/quantix/branding"
cp -R "$repo/host-ui/dist/." "$root/usr/share/quantix/ui/"
install -m 644 -t "$root/usr/share/quantix/branding" "$repo"/branding/*
install -m 644 "$repo/branding/issue" "$root/etc/issue"

# What an installation puts on a disk's EFI partition, and who may sign updates.
boot=$root/usr/lib/quantix/boot
mkdir -p "$boot" "$root/usr/lib/quantix/keys"
"$repo/builder/boot-loader.sh" | while read -r file; do
    install -m 644 "$file" "$boot/$(basename "$file" .signed)"
done
install -m 644 "$repo/grub/disk.cfg" "$boot/grub.cfg"
trust=$("$repo/builder/signing-key.sh" trust)
install -m 644 -t "$root/usr/lib/quantix/keys" "$trust/recovery.pub" "$trust/keyring.json" "$trust/keyring.sig"

cat >"$root/usr/lib/os-release" <<END
NAME="Quantix-OS"
ID=quantix-os
ID_LIKE=debian
VERSION_ID=$version
PRETTY_NAME="Quantix-OS $version"
END
ln -sf ../usr/lib/os-release "$root/etc/os-release"
# Where boot and the services hang what is not part of the image.
mkdir -p "$root/quantix" "$root/data" "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp" "$root/var/tmp"
chmod 1777 "$root/tmp" "$root/var/tmp"
ln -sf /proc/self/mounts "$root/etc/mtab"

# What git can't keep: who may read. A checkout has 644 or 755 and the umask of whoever made it.
find "$root/etc" "$root/usr" -xdev ! -type l -perm /022 -exec chmod go-w {} +
chown 0:42 "$root/etc/shadow" "$root/etc/gshadow"
chmod 640 "$root/etc/shadow" "$root/etc/gshadow"
chmod 700 "$root/root"

ldconfig -r "$root"
rm -f "$root/var/cache/ldconfig/aux-cache"
chroot "$root" udevadm hwdb --update --usr 2>/dev/null
rm -rf "$root/usr/lib/udev/hwdb.d"
release=$(basename "$root"/usr/lib/modules/*)
depmod -b "$root" "$release"
# A hint for initramfs builders. The kernel asks for crc32c itself where none is there, and qx-init has loaded the fast
# one where the processor has it: a second module costs the boot 20 ms of virtual time.
sed -i '/^softdep libcrc32c /d' "$root/usr/lib/modules/$release/modules.softdep"
