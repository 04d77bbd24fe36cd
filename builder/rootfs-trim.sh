#!/bin/sh
# rootfs-trim.sh BASE TARBALL: unpacks BASE, takes away what the host does not need, writes TARBALL (and
# TARBALL.products/ with vmlinuz and microcode.cpio).
set -eu
. "$(dirname -- "$0")/lib.sh"

base=$1 tarball=$2
profile=$repo/profiles/quantix
root=$cache/trim.$$
products=$tarball.products
trap 'rm -rf --one-file-system "$root"' EXIT
rm -rf "$products"
mkdir -p "$root" "$products"
tar -xpf "$base" -C "$root" --numeric-owner --exclude='./dev/*'

cd "$root"
sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$profile/remove.conf" >"$products/remove"
while read -r kind name; do
    [ "$kind" = package ] || continue
    list=var/lib/dpkg/info/$name.list
    [ -e "$list" ] || list=var/lib/dpkg/info/$name:amd64.list
    [ -e "$list" ] || die "remove.conf: package $name is not installed"
    # Merged /usr: a package's /bin/x is /usr/bin/x.
    sed 's,^/,,' "$list" | while read -r path; do
        if [ -L "$path" ] || [ -f "$path" ]; then
            rm "$path"
        fi
    done
done <"$products/remove"
while read -r kind pattern; do
    [ "$kind" = path ] || continue
    # shellcheck disable=SC2086
    ls -d -- $pattern >/dev/null 2>&1 || die "remove.conf: $pattern matches nothing"
    # shellcheck disable=SC2086
    rm -rf --one-file-system -- $pattern
done <"$products/remove"
rm "$products/remove"
"$repo/builder/rootfs-kernel.sh" "$root" "$products"
cd "$root"
mkdir -p var/cache/libvirt var/lib/misc

# busybox stands in for every command that is now missing.
chroot . busybox --list-full | while read -r applet; do
    name=${applet##*/}
    case $name in dpkg* | rpm*) continue ;; esac
    if ! [ -e "usr/bin/$name" ] && ! [ -e "usr/sbin/$name" ]; then
        case $applet in
        sbin/* | usr/sbin/*) ln -sf ../bin/busybox "usr/sbin/$name" ;;
        *) ln -sf busybox "usr/bin/$name" ;;
        esac
    fi
done

# Every start of a service asks whether its script is one of sysvinit's. None is.
sed -i 's/^lsbh=.(lsb2rcconf .*/lsbh=/' usr/lib/rc/sh/openrc-run.sh
grep -q '^lsbh=$' usr/lib/rc/sh/openrc-run.sh || die "openrc-run.sh no longer calls lsb2rcconf"

"$repo/builder/rootfs-libraries.sh" "$root"
# Log-in rules that name a module we don't have.
sed -n 's/.*[[:space:]]\(pam_[a-z0-9_]*\.so\).*/\1/p' etc/pam.d/* | sort -u | while read -r module; do
    [ -e "usr/lib/x86_64-linux-gnu/security/$module" ] || sed -i "/[[:space:]]$module/d" etc/pam.d/*
done
# Nothing in the image asks for more rights than its user has; sudo and the like don't exist.
find . -xdev -type f -perm /6000 -exec chmod ug-s {} +
find usr etc -xdev -type d -empty -delete
# A link may lead to another one that falls away.
dangling=1
while [ "$dangling" -gt 0 ]; do
    dangling=$(find . -xdev -type l | while read -r link; do
        target=$(readlink "$link")
        case $target in
        /run/* | /proc/* | /dev/* | ../run* | ../proc/*) continue ;;
        /*) target=.$target ;;
        *) target=${link%/*}/$target ;;
        esac
        [ -e "$target" ] || [ -L "$target" ] || { rm "$link"; echo "$link"; }
    done | wc -l)
done
rm -f etc/machine-id var/lib/dbus/machine-id etc/*- etc/.pwd.lock etc/hostname etc/resolv.conf
find var/log var/tmp tmp run -mindepth 1 -delete 2>/dev/null || true
tar -cf "$tarball.new" --sort=name --numeric-owner --xattrs --exclude='./dev/*' .
mv "$tarball.new" "$tarball"
