#!/bin/sh
# make run: boots the ISO in QEMU with a scratch disk. qx-run says how to log in.
set -eu
. "$(dirname -- "$0")/lib.sh"

step "Runner (usually 1 min the first time)"
cargo build --quiet --locked --package qx-e2e --bin qx-run
exec "${CARGO_TARGET_DIR:-$repo/target}/debug/qx-run" --https-port "$HTTPS_PORT" --grpc-port "$GRPC_PORT"
