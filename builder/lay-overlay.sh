#!/bin/sh
# lay-overlay.sh ROOT: turns an unpacked Debian root into a Quantix-OS root as far as its services are
# concerned: our files over Debian's, links to what persists, OpenRC's dependencies computed in advance.
set -eu
. "$(dirname -- "$0")/lib.sh"

root=${1:?usage: lay-overlay.sh ROOT}
[ -x "$root/usr/sbin/openrc" ] || die "$root is not a root with OpenRC in it"

# Debian's scripts for the daemons would be started, slowly, besides ours.
rm -rf "$root/etc/init.d" "$root"/etc/rc?.d "$root/etc/runlevels" "$root/etc/conf.d"

# persist LINK TARGET: LINK becomes a link to TARGET, which early (overlay/usr/lib/quantix) makes at boot.
persist() {
    rm -rf "${root:?}$1"
    mkdir -p "$(dirname -- "$root$1")"
    ln -s "$2" "$root$1"
}
seed=$root/usr/share/quantix/libvirt
mkdir -p "$seed/nwfilter"
if [ -d "$root/etc/libvirt/nwfilter" ] && [ ! -L "$root/etc/libvirt/nwfilter" ]; then
    cp -R "$root/etc/libvirt/nwfilter/." "$seed/nwfilter/"
fi
for name in qemu storage secrets nwfilter; do
    persist "/etc/libvirt/$name" "/quantix/libvirt/$name"
done
for name in nvram snapshot checkpoint; do
    persist "/var/lib/libvirt/qemu/$name" "/quantix/libvirt/$name"
done
persist /var/lib/libvirt/swtpm /quantix/libvirt/swtpm
for name in save dump; do
    persist "/var/lib/libvirt/qemu/$name" "/data/libvirt/$name"
done
persist /var/lib/libvirt/dnsmasq /data/libvirt/dnsmasq
persist /var/lib/chrony /data/chrony
persist /etc/iscsi/initiatorname.iscsi /quantix/iscsi/initiatorname.iscsi
persist /var/log /data/log
# Other packages hang scripts on interfaces here; nothing would run them.
rm -rf "$root/etc/network"

tar -C "$repo/overlay" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf - . |
    tar -C "$root" --numeric-owner -xpf -

# Links are made here: not every copy of a checkout keeps them.
sed 's/#.*//; /^[[:space:]]*$/d' "$repo/profiles/quantix/services.conf" | while read -r level service; do
    [ -x "$root/etc/init.d/$service" ] || die "services.conf: overlay/etc/init.d has no $service"
    mkdir -p "$root/etc/runlevels/$level"
    ln -s "/etc/init.d/$service" "$root/etc/runlevels/$level/$service"
done
mkdir -p "$seed/qemu/networks/autostart"
ln -s ../default.xml "$seed/qemu/networks/autostart/default.xml"

# Written by qx-config and by DHCP.
rm -f "$root/etc/resolv.conf"
mkdir -p "$root/etc/nftables.d" "$root/etc/ssh/sshd_config.d" "$root/etc/inittab.d"

# Control groups belong to libvirt; with this file OpenRC forks six times for each service to make its own.
rm -f "$root/usr/lib/rc/sh/rc-cgroup.sh"

# OpenRC copies this cache to /run/openrc at boot and trusts it while no script is newer.
cache_dir=$root/usr/lib/rc/cache
rm -rf "$cache_dir" "$root/run/openrc"
mkdir -p "$cache_dir" "$root/run/openrc"
chroot "$root" /usr/sbin/rc-update --update >/dev/null
[ -s "$root/run/openrc/deptree" ] || die "OpenRC wrote no dependency tree: look at overlay/etc/init.d"
cp "$root/run/openrc/deptree" "$root/run/openrc/depconfig" "$cache_dir/" 2>/dev/null || :
echo sysinit >"$cache_dir/softlevel"
rm -rf "$root/run/openrc"

"$repo/builder/warm-libvirt.sh" "$root"
