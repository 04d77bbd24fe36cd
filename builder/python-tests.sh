#!/bin/sh
# python-tests.sh [ARGUMENT...]: runs tests/python by pytest, against the daemon that cargo built last, in a network of its
# own: what the daemon is told to do to the network does not reach this machine's.
set -eu
. "$(dirname -- "$0")/lib.sh"

environment=$("$repo/builder/python.sh")
cd "$repo"
# The inner shell expands its own arguments.
# shellcheck disable=SC2016
exec unshare --net --uts sh -eu -c '
    ip link set lo up
    # The host is ready when it has an address.
    ip link add qx0 type veth peer name qx1
    ip address add 192.0.2.1/24 dev qx0
    ip link set qx0 up
    ip link set qx1 up
    exec "$@"
' sh "$environment/bin/python" -B -m pytest -p no:cacheprovider tests/python "$@"
