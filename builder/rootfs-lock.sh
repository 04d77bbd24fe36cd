#!/bin/sh
# rootfs-lock.sh LIST: records the versions of the packages in LIST in builder/packages.lock; with
# QUANTIX_LOCKED=1 it compares instead, and fails naming each package that differs.
set -eu
. "$(dirname -- "$0")/lib.sh"

lock=$repo/builder/packages.lock
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
    echo "# Debian packages of the image: name=version. Written by the build; QUANTIX_LOCKED=1 holds it to these."
    cut -f1,2 "$1" | sed 's/	/=/'
} >"$work/now"
if [ "${QUANTIX_LOCKED:-0}" = 1 ]; then
    if ! diff "$lock" "$work/now" >"$work/differences"; then
        sed -n 's/^</  locked:/p; s/^>/  now:   /p' "$work/differences" >&2
        die "the archive's packages are not those of builder/packages.lock: build without QUANTIX_LOCKED=1 and commit the new lock"
    fi
elif ! cmp -s "$work/now" "$lock"; then
    cp "$work/now" "$lock"
fi
