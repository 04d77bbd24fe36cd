#!/bin/sh
# warm-libvirt.sh ROOT: asks ROOT's QEMU what it can do, as libvirt would at the first question, and keeps
# the answer in the image. It is true for a host without KVM; where KVM works libvirt asks again, which is
# fast there. libvirt believes the answer while QEMU and libvirt have the times that it names: a mark
# stands for them here, `early` puts in what they are in the running image.
set -eu
. "$(dirname -- "$0")/lib.sh"

root=${1:?usage: warm-libvirt.sh ROOT}
target=$root/usr/share/quantix/libvirt-capabilities
work=/tmp/libvirt-capabilities

# A /dev without KVM, so that the build machine's does not show.
mount -t tmpfs tmpfs "$root/dev"
mount --bind /proc "$root/proc"
# libvirt also leaves a secret in /run, by which its parts know each other.
trap 'rm -rf "$root$work" "$root/run/libvirt"; umount "$root/proc"; umount --recursive "$root/dev"' EXIT
for device in null zero random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -p "$root$work"
chroot "$root" virsh --quiet --connect "qemu:///embed?root=$work" domcapabilities --virttype qemu >/dev/null ||
    die "QEMU in $root does not start"

rm -rf "$target"
mkdir -p "$target"
for file in "$root$work"/cache/qemu/capabilities/*.xml; do
    sed -E 's,<(qemuctime|qemumoddirmtime|selfctime)>[0-9]+<,<\1>@TIME@<,' "$file" >"$target/${file##*/}"
done
