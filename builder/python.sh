#!/bin/sh
# python.sh: makes the virtual environment of tests/python if this commit's does not exist yet, and prints its path.
# python.sh lock: writes tests/python/requirements.txt anew, with the newest versions of what requirements.in names.
# Inside the build root.
set -eu
. "$(dirname -- "$0")/lib.sh"

tests=$repo/tests/python
environment=$cache/python-$(hash_of "$tests/requirements.txt" "$repo/builder/python.sh")

if [ "${1:-}" = lock ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m venv "$work/python"
    "$work/python/bin/pip" install --quiet --dry-run --ignore-installed --only-binary=:all: --report "$work/report.json" \
        --requirement "$tests/requirements.in"
    python3 - "$work/report.json" >"$tests/requirements.txt" <<'END'
import json, sys
for package in sorted(json.load(open(sys.argv[1]))["install"], key=lambda one: one["metadata"]["name"].lower()):
    metadata, hashes = package["metadata"], package["download_info"]["archive_info"]["hashes"]
    print(f"{metadata['name'].lower()}=={metadata['version']} --hash=sha256:{hashes['sha256']}")
END
    exit 0
fi

if [ ! -e "$environment/ready" ]; then
    step "Python packages of the tests (usually under a minute)"
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: \
        --requirement "$tests/requirements.txt" >&2
    : >"$environment/ready"
fi
printf '%s\n' "$environment"
