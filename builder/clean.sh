#!/bin/sh
# Removes what builds made in this checkout. The caches (build root, packages) are another directory.
set -eu
. "$(dirname -- "$0")/lib.sh"

# An ordinary user's builds left files of several users. Without newuidmap there was no build.
if [ "$(id -u)" != 0 ] && command -v newuidmap >/dev/null; then
    # shellcheck disable=SC2086
    exec unshare $namespace "$0"
fi
for made in output target target-static host-ui/dist host-ui/node_modules; do
    rm -rf --one-file-system "${repo:?}/$made"
done
printf 'left in place: %s (remove it to free its space; the next build downloads it again)\n' "$cache"
