#!/bin/sh
# verbs.sh [VERB...]: runs the verbs of `make help`, or those named, in this checkout and looks at what each
# did. A verb that this script does not know is a failure. tests/fresh-machine.sh runs it on a machine with
# nothing installed. All verbs take hours: soak alone is three times SOAK_MINUTES.
set -eu
cd "$(dirname -- "$0")/.."

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# present FILE...: the files are there and not empty.
present() {
    for file; do
        [ -s "$file" ] || die "$file is missing or empty"
    done
}

run_and_stop() {
    log=$(mktemp)
    make run </dev/null >"$log" 2>&1 &
    pid=$!
    left=3600
    until grep -q 'log in as root with the one-time password' "$log"; do
        if [ "$left" = 0 ] || ! kill -0 "$pid" 2>/dev/null; then
            cat "$log"
            die "make run did not become ready"
        fi
        left=$((left - 1))
        sleep 1
    done
    curl --silent --show-error --fail --insecure "https://127.0.0.1:${HTTPS_PORT:-8443}/readyz" >/dev/null ||
        die "make run said that the host is ready, but /readyz did not"
    kill -TERM "$pid"
    # make ends by the signal itself, after its command has.
    wait "$pid" || [ $? = 143 ] || { cat "$log"; die "make run did not stop cleanly"; }
    grep -q 'Quantix-OS is off' "$log" || die "make run did not say that the machine is off"
    rm "$log"
}

# log VERB: runs it, keeps what it prints, and shows it.
log() {
    said=$(mktemp)
    make "$1" >"$said" 2>&1 || { cat "$said"; die "make $1 failed"; }
    cat "$said"
}

# The shell ignores set -e in here, because the caller asks for the outcome: every step says so itself.
verb() {
    case $1 in
    help) make help >/dev/null ;;
    deps) make deps ;;
    node-daemon) make node-daemon && present output/programs/qx-node output/programs/qx ;;
    console-tui) make console-tui && present output/programs/qx-console output/programs/qx-config ;;
    host-ui) make host-ui && present host-ui/dist/index.html ;;
    squashfs) make squashfs && present output/rootfs.squashfs ;;
    initramfs) make initramfs && present output/initramfs.img ;;
    iso)
        make iso || die "make iso failed"
        present output/vmlinuz output/initramfs.img output/rootfs.squashfs output/sbom.spdx.json \
            output/quantix-os-*.iso output/quantix-os-*.qxu
        (cd output && sha256sum --check --quiet SHA256SUMS)
        ;;
    run) run_and_stop ;;
    check) make check ;;
    test | test-full | test-qemu) log "$1" && grep -q 'test result: ok' "$said" ;;
    repro) log repro && grep -q ', 0 failed$' "$said" ;;
    bench) make bench && present output/bench.json ;;
    soak | soak-power) log "$1" && grep -q 'test result: ok' "$said" ;;
    clean) make clean && [ ! -e output ] && [ ! -e target ] && [ ! -e host-ui/dist ] ;;
    *) die "make help names '$1', which tests/verbs.sh does not know" ;;
    esac
}

# clean comes last, whatever its place in the list.
[ $# -gt 0 ] || {
    listed=$(make help | awk '$1 == "make" && $2 != "clean" { print $2 }')
    # shellcheck disable=SC2086
    set -- $listed clean
}
passed=0
for name; do
    start=$(date +%s)
    (verb "$name") || { printf '%s passed, 1 failed: make %s\n' "$passed" "$name"; exit 1; }
    passed=$((passed + 1))
    printf 'make %s: %s s\n' "$name" "$(($(date +%s) - start))"
done
printf '%s passed, 0 failed\n' "$passed"
