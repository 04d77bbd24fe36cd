#!/bin/sh
# build-ui.sh [deps]: builds host-ui/dist, the UI that qx-node serves; with `deps` it only installs the npm
# packages that checks and tests of the UI need. Runs in the build root. Skips what has not changed.
set -eu
. "$(dirname -- "$0")/lib.sh"

in_buildroot || die "run it in the build root: builder/enter.sh builder/build-ui.sh"
cd "$repo/host-ui"
export npm_config_cache="$cache/npm"

# fresh STAMP HASH: whether STAMP says that the step was done for HASH.
fresh() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

install_packages() {
    wanted=$(hash_of package.json package-lock.json .npmrc)
    fresh node_modules/.quantix-packages "$wanted" && return
    step "npm packages of the UI (20 s, more on a cold cache)"
    npm ci --prefer-offline --no-progress --loglevel=error
    printf '%s' "$wanted" >node_modules/.quantix-packages
}

# Names and contents of everything that the bundle is made of.
hash_of_sources() {
    find src public index.html vite.config.ts tsconfig.json package-lock.json -type f ! -name '*.test.*' |
        LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-16
}

build() {
    wanted=$(hash_of_sources)
    [ -e dist/index.html ] && fresh node_modules/.quantix-dist "$wanted" && return
    step "UI (10 s)"
    npm run --silent build -- --logLevel warn
    printf '%s' "$wanted" >node_modules/.quantix-dist
}

install_packages
[ "${1:-}" = deps ] || build
