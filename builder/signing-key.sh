#!/bin/sh
# signing-key.sh: prints the path of the key that signs this build. QUANTIX_SIGNING_KEY names the key of
# a release; other builds get a key of their own, made once and never part of the repository.
set -eu
. "$(dirname -- "$0")/lib.sh"

if [ -n "${QUANTIX_SIGNING_KEY:-}" ]; then
    [ -r "$QUANTIX_SIGNING_KEY" ] || die "QUANTIX_SIGNING_KEY: cannot read $QUANTIX_SIGNING_KEY"
    printf '%s\n' "$QUANTIX_SIGNING_KEY"
    exit 0
fi
key=$output/keys/dev.key
if [ ! -e "$key" ]; then
    mkdir -p "$output/keys"
    "$repo/builder/image-tool.sh" keygen --private "$key" --public "$output/keys/dev.pub"
fi
printf '%s\n' "$key"
