#!/bin/sh
# test.sh quick|full|qemu|soak|soak-power: runs the tests of that size. Each step names how long it usually takes on
# two cores; the runners' own closing lines are printed.
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$repo"

unit() {
    step "Rust tests: unit, contract, API, libvirt (usually 8 min the first time, 2 min after)"
    cargo test --locked --no-fail-fast --workspace --exclude qx-e2e --exclude qx-image-tests
    # Root of a user namespace has no loop devices.
    if grep -q '^ *0 *0 *4294967295$' /proc/self/uid_map; then
        step "Tests on loop devices"
        cargo test --locked --package qx-host --lib -- --ignored real_devices
        cargo test --locked --package qx-engine --test engine -- --ignored real_devices
    fi
    step "Clients in Python: gRPC by reflection, and generated requests (usually 2 min)"
    builder/python-tests.sh
    step "Host UI tests: Vitest, then Chromium against a running daemon (usually 2 min)"
    (cd host-ui && npm test && npm run e2e)
    step "Image tests (usually 1 min)"
    cargo test --locked --package qx-image-tests
}

# A machine that boots keeps one CPU busy: two at a time.
side_by_side=2

qemu() {
    step "End-to-end tests: the ISO in QEMU (usually 20 min)"
    cargo test --locked --no-fail-fast --package qx-e2e -- --test-threads=$side_by_side
}

slow() {
    step "Slow end-to-end tests (an hour, when they ran one by one)"
    cargo test --locked --no-fail-fast --package qx-e2e -- --test-threads=$side_by_side --ignored --skip soak_
    cargo test --locked --package qx-engine --test engine -- --ignored real_cloud_init
}

case $1 in
# Not joined by &&, which would switch set -e off inside them.
quick)
    unit
    qemu
    ;;
full)
    unit
    qemu
    slow
    ;;
qemu) qemu ;;
soak)
    step "Property tests, 100,000 cases each (usually 30 min; PROPTEST_CASES changes the number)"
    PROPTEST_CASES=${PROPTEST_CASES:-100000} cargo test --locked --release --workspace --exclude qx-e2e --exclude qx-image-tests
    step "Generated requests, 100,000 and more (long; QX_FUZZ_EXAMPLES and QX_FUZZ_CASES change the number)"
    cargo build --locked --package qx-node
    QX_FUZZ_SEED=${QX_FUZZ_SEED:-$(date +%s)} QX_FUZZ_EXAMPLES=${QX_FUZZ_EXAMPLES:-1500} \
        QX_FUZZ_CASES=${QX_FUZZ_CASES:-100000} builder/python-tests.sh
    step "Soak tests: three times SOAK_MINUTES (60)"
    cargo test --locked --no-fail-fast --package qx-e2e -- --test-threads=1 --ignored soak_
    ;;
soak-power)
    step "Power cuts after every write, ${POWER_BOOTS:-300} real starts (POWER_BOOTS) and ${POWER_KILLS:-100} kills (POWER_KILLS): hours"
    cargo test --locked --no-fail-fast --package qx-power-tests -- --test-threads=1 --ignored --nocapture soak_
    ;;
*) die "test.sh takes quick, full, qemu, soak or soak-power, not '$1'" ;;
esac
