# Shared by the builder's scripts: where things are, and how steps are announced. Sourced, not run.
# shellcheck shell=sh disable=SC2034

repo=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${QUANTIX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/quantix-os}
output=${QUANTIX_OUTPUT:-$repo/output}

# step TEXT: one line that says what runs now and, for long ones, how long it usually takes.
step() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# hash_of FILE...: one short hash over the content of files, for cache keys.
hash_of() { cat "$@" | sha256sum | cut -c1-16; }

# The build root is named after what defines it, so that a change makes a new one.
buildroot=$cache/buildroot-$(hash_of "$repo/builder/buildroot-packages.conf" "$repo/builder/buildroot.sh")
in_buildroot() { [ -e /etc/quantix-buildroot ]; }

# Options of unshare: mounts of its own and, for an ordinary user, a user namespace in which they are root and
# have the users of /etc/subuid. Every file of the build root is made and used with this one mapping.
namespace="--mount --propagation private"
[ "$(id -u)" = 0 ] || namespace="$namespace --user --map-root-user --map-auto"

# Every time stamp in the image: the commit's, so that the same commit gives the same bits. Only what makes
# the image exports it: cargo compiles every crate with C in it anew when it changes.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git -c safe.directory="$repo" -C "$repo" log -1 --format=%ct 2>/dev/null || echo 1767225600)
fi

# alone NAME: waits until no other build works on the same product of this checkout.
alone() {
    mkdir -p "$output"
    exec 9>"$output/.$1.lock"
    flock -n 9 || { step "Waiting for another build of $1"; flock 9; }
}
