#!/bin/sh
# make bench: figures of this build beside the peer's, in one run. Medians and ratios; results also go to
# output/bench.json.
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$repo"

step "Benchmarks (usually 20 min; the reference image is built once)"
cargo run --locked --release --package qx-e2e --bin qx-bench
