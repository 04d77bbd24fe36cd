#!/bin/sh
# rootfs-base.sh TARBALL: the packages of the profile, installed, as a tarball; beside it TARBALL.packages:
# name, version, architecture, source, its version and licences of each, tab separated, for lock and SBOM.
set -eu
. "$(dirname -- "$0")/lib.sh"

tarball=$1
profile=$repo/profiles/quantix
listed() { sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$profile/packages.conf"; }
include=$(listed | grep -v '^!' | paste -sd, -)
alone=$(listed | sed -n 's/^!//p' | paste -sd' ' -)
export alone profile

# Fixed account numbers before any package asks for one, and no initramfs of Debian's making.
# shellcheck disable=SC2016
prepare='
    while read -r kind name id group home; do
        case $kind in
        group) grep -q "^$name:" "$1/etc/group" || echo "$name:x:$id:" >>"$1/etc/group" ;;
        user) echo "$name:x:$id:$group::$home:/usr/sbin/nologin" >>"$1/etc/passwd"
            echo "$name:!:::::::" >>"$1/etc/shadow" ;;
        esac
    done <"$profile/users.conf"
    mkdir -p "$1/etc/initramfs-tools" "$1/etc/apt/apt.conf.d"
    echo "update_initramfs=no" >"$1/etc/initramfs-tools/update-initramfs.conf"'
# Packages marked "!" are unpacked without what they depend on.
# shellcheck disable=SC2016
unpack='
    mkdir "$1/var/cache/alone"
    cd "$1/var/cache/alone"
    APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq download $alone
    dpkg --root="$1" --force-depends --unpack ./*.deb
    rm -r "$1/var/cache/alone"'
# shellcheck disable=SC2016
record='
    chroot "$1" dpkg-query --show --showformat "\${Package}\t\${Version}\t\${Architecture}\t\${source:Package}\t\${source:Version}\n" |
        LC_ALL=C sort | while IFS= read -r line; do
            copyright=$1/usr/share/doc/${line%%	*}/copyright
            licences=
            if [ -e "$copyright" ]; then
                licences=$(sed -n "s/^License: *//p" "$copyright" | LC_ALL=C sort -u | paste -sd, -)
            fi
            printf "%s\t%s\n" "$line" "$licences"
        done >"$packages"'
packages=$tarball.packages
export packages

components="main contrib non-free non-free-firmware"
mmdebstrap --variant=essential --mode="${QUANTIX_MMDEBSTRAP_MODE:-root}" --format=tar \
    --skip=check/chrooted-apt \
    --aptopt='Acquire::Languages "none"' \
    --aptopt='Acquire::Retries "5"' \
    --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt='force-confold' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --include="$include" \
    --essential-hook="$prepare" --customize-hook="$unpack" --customize-hook="$record" \
    trixie "$tarball.new" \
    "deb http://deb.debian.org/debian trixie $components" \
    "deb http://deb.debian.org/debian trixie-updates $components" \
    "deb http://deb.debian.org/debian-security trixie-security $components"
mv "$tarball.new" "$tarball"
