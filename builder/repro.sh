#!/bin/sh
# make repro: builds the image twice from nothing (packages, programs and UI included) with the same
# keys, and compares every file that it makes, byte for byte.
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$repo"

work=$repo/target/repro
rm -rf --one-file-system "$work"
mkdir -p "$work"
if [ -z "${QUANTIX_SIGNING_KEY:-}${QUANTIX_KEYRING:-}" ]; then
    QUANTIX_SIGNING_KEY=$(QUANTIX_OUTPUT=$work builder/signing-key.sh key)
    QUANTIX_KEYRING=$(QUANTIX_OUTPUT=$work builder/signing-key.sh trust)
fi
export QUANTIX_SIGNING_KEY QUANTIX_KEYRING

for turn in first second; do
    step "Build $turn of 2, from nothing (usually 15 min)"
    # shellcheck disable=SC2030
    (
        export QUANTIX_CACHE="$work/cache-$turn" QUANTIX_OUTPUT="$work/$turn" CARGO_TARGET_DIR="$work/target"
        rm -rf --one-file-system "$work/target" "$work/target-static" host-ui/dist
        builder/build-programs.sh
        builder/build-ui.sh
        builder/build-rootfs.sh
        builder/build-squashfs.sh
        builder/build-initramfs.sh
        builder/build-iso.sh
    )
    rm -rf --one-file-system "$work/cache-$turn" "$work/target" "$work/target-static"
done

passed=0 failed=0
cd "$work/first"
for file in *.iso *.qxu vmlinuz initramfs.img rootfs.squashfs sbom.spdx.json SHA256SUMS; do
    if cmp "$file" "../second/$file"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -ge 7 ]
