#!/bin/sh
# make check: everything that judges the source without running the product.
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$repo"

step "cargo fmt"
cargo fmt --all --check
step "clippy (usually 4 min the first time)"
cargo clippy --locked --workspace --all-targets -- -D warnings
step "rustdoc"
RUSTDOCFLAGS='-D warnings' cargo doc --locked --quiet --workspace --no-deps
step "cargo deny: licences, bans, sources"
deny=$cache/tools/bin/cargo-deny
if ! [ -x "$deny" ]; then
    step "cargo deny itself (usually 2 min, once a machine)"
    CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$cache/tools/target cargo install --quiet --locked --debug --root "$cache/tools" cargo-deny@0.20.2
    rm -rf "$cache/tools/target"
fi
"$deny" --locked --log-level error check bans licenses sources
step "dependency edges, OpenAPI and proto drift"
cargo test --locked --quiet --package qx-architecture-tests
cargo test --locked --quiet --package qx-api drift
step "shellcheck"
git ls-files -z -- '*.sh' .ci/run | xargs -0 shellcheck -x
git ls-files -z -- overlay/etc/init.d overlay/usr/lib/quantix | xargs -0 -r shellcheck -s sh
step "Host UI: types, lint, generated client"
builder/build-ui.sh
(cd host-ui && npm run check)
