#!/bin/sh
# reference-image.sh DIRECTORY: what the boot benchmark compares with, built once: Debian 13 as installed by
# default (systemd, ifupdown's successor networkd for a quick DHCP), libvirt and cockpit with its VM pages.
# Leaves disk.ext4, vmlinuz and initrd.img there. Root's password is "reference".
set -eu
. "$(dirname -- "$0")/lib.sh"

directory=$1
done=$directory/made-by-$(hash_of "$0")
if [ -e "$done" ]; then
    exit 0
fi
step "Reference image: Debian 13 with systemd, libvirt and cockpit (usually 5 min, 2.5 GB)"
rm -rf --one-file-system "$directory"
mkdir -p "$directory/root"
# shellcheck disable=SC2016
customize='
    echo reference >"$1/etc/hostname"
    echo "root:reference" | chroot "$1" chpasswd
    : >"$1/etc/cockpit/disallowed-users"
    printf "[Match]\nName=en* eth*\n[Network]\nDHCP=ipv4\n" >"$1/etc/systemd/network/lan.network"
    echo "/dev/vda / ext4 rw,noatime 0 1" >"$1/etc/fstab"
    chroot "$1" systemctl --quiet enable systemd-networkd.service cockpit.socket libvirtd.service
    chroot "$1" systemctl --quiet mask systemd-networkd-wait-online.service'
mmdebstrap --variant=important --mode="${QUANTIX_MMDEBSTRAP_MODE:-root}" --format=directory \
    --skip=check/chrooted-apt \
    --aptopt='Acquire::Languages "none"' \
    --aptopt='Acquire::Retries "5"' \
    --aptopt='Apt::Install-Recommends "false"' \
    --include=systemd-sysv,systemd-resolved,dbus,linux-image-amd64,initramfs-tools,zstd \
    --include=libvirt-daemon-system,qemu-system-x86,ovmf,cockpit,cockpit-machines,libvirt-dbus \
    --customize-hook="$customize" \
    trixie "$directory/root" \
    "deb http://deb.debian.org/debian trixie main" \
    "deb http://deb.debian.org/debian trixie-updates main" \
    "deb http://deb.debian.org/debian-security trixie-security main"
cp "$directory"/root/boot/vmlinuz-* "$directory/vmlinuz"
cp "$directory"/root/boot/initrd.img-* "$directory/initrd.img"
truncate -s 4G "$directory/disk.ext4"
mke2fs -q -t ext4 -d "$directory/root" "$directory/disk.ext4"
rm -rf --one-file-system "$directory/root"
: >"$done"
