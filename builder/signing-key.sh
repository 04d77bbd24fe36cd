#!/bin/sh
# signing-key.sh key|trust: prints the path of the key that signs this build, or the directory with recovery.pub,
# keyring.json and keyring.sig that the image carries. A release brings both in QUANTIX_SIGNING_KEY and
# QUANTIX_KEYRING; other builds get keys of their own, made once and never part of the repository.
set -eu
. "$(dirname -- "$0")/lib.sh"

keys=$output/keys
what=${1:-}

# answer KEY TRUST: prints what was asked for, and ends.
answer() {
    case $what in
    key) printf '%s\n' "$1" ;;
    trust) printf '%s\n' "$2" ;;
    *) die "signing-key.sh takes key or trust, not '$what'" ;;
    esac
    exit 0
}

if [ -n "${QUANTIX_SIGNING_KEY:-}${QUANTIX_KEYRING:-}" ]; then
    [ -r "${QUANTIX_SIGNING_KEY:-}" ] || die "QUANTIX_SIGNING_KEY: cannot read '${QUANTIX_SIGNING_KEY:-}'"
    for file in recovery.pub keyring.json keyring.sig; do
        [ -r "${QUANTIX_KEYRING:-}/$file" ] || die "QUANTIX_KEYRING: cannot read '${QUANTIX_KEYRING:-}/$file'"
    done
    answer "$QUANTIX_SIGNING_KEY" "$QUANTIX_KEYRING"
fi

mkdir -p "$keys"
for name in dev recovery; do
    if [ ! -e "$keys/$name.key" ]; then
        "$repo/builder/image-tool.sh" keygen --private "$keys/$name.key" --public "$keys/$name.pub"
        rm -rf "$keys/trust"
    fi
done
if [ ! -e "$keys/trust/keyring.sig" ]; then
    "$repo/builder/image-tool.sh" keyring --recovery "$keys/recovery.key" --version 1 --key "$keys/dev.pub" \
        --out "$keys/trust" >&2
fi
answer "$keys/dev.key" "$keys/trust"
