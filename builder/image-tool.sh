#!/bin/sh
# image-tool.sh ARGUMENT...: runs qx-image, built first if need be.
set -eu
. "$(dirname -- "$0")/lib.sh"

env -u SOURCE_DATE_EPOCH cargo build --manifest-path "$repo/Cargo.toml" --locked --release --quiet -p qx-image
exec "${CARGO_TARGET_DIR:-$repo/target}/release/qx-image" "$@"
