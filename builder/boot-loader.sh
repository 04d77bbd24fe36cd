#!/bin/sh
# boot-loader.sh: prints the paths of Debian's signed boot programs, one a line: shim, GRUB and the manager of
# machine owner keys.
set -eu

printf '%s\n' /usr/lib/shim/shimx64.efi.signed /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed \
    /usr/lib/shim/mmx64.efi.signed
