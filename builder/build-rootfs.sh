#!/bin/sh
# Makes output/rootfs/ (the root file system, as a directory), output/vmlinuz, output/microcode.cpio and
# output/packages.list in three stages: packages, trimmed, ours on top. The first two are kept in the cache
# under a hash of what they are made from; a stage whose inputs did not change costs nothing.
set -eu
. "$(dirname -- "$0")/lib.sh"
alone rootfs
cd "$repo"
export SOURCE_DATE_EPOCH

profile=$repo/profiles/quantix
target=$output/rootfs
programs=$output/programs
mkdir -p "$cache" "$output"

stage() { printf '%s/%s-%s.tar' "$cache" "$1" "$2"; }
# forget STAGE: what earlier versions of this stage left in the cache.
forget() { rm -rf "$cache/$1"-*.tar "$cache/$1"-*.tar.*; }

packages_key=$(hash_of "$profile/packages.conf" "$profile/users.conf" builder/rootfs-base.sh)
base=$(stage base "$packages_key")
if ! [ -e "$base" ]; then
    step "Root, stage 1 of 3: Debian packages (usually 2 min)"
    forget base
    builder/rootfs-base.sh "$base"
fi
cp "$base.packages" "$output/packages.list"
builder/rootfs-lock.sh "$output/packages.list"

trimmed_key=$(printf '%s' "$packages_key" | cat - "$base.packages" "$profile"/*.conf builder/rootfs-trim.sh \
    builder/rootfs-kernel.sh builder/rootfs-libraries.sh | sha256sum | cut -c1-16)
trimmed=$(stage trimmed "$trimmed_key")
if ! [ -e "$trimmed" ]; then
    step "Root, stage 2 of 3: cutting packages, modules, firmware and libraries (usually 1 min)"
    forget trimmed
    builder/rootfs-trim.sh "$base" "$trimmed"
fi
cp "$trimmed.products/vmlinuz" "$trimmed.products/microcode.cpio" "$output/"

for program in qx qx-node qx-console qx-config qx-install qx-trial; do
    [ -x "$programs/$program" ] || die "output/programs/$program is missing: run 'make node-daemon console-tui'"
done
[ -s host-ui/dist/index.html ] || die "host-ui/dist is missing: run 'make host-ui'"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
trust=$(builder/signing-key.sh trust)
# Content, mode and links of everything that goes on top.
set -- overlay branding grub host-ui/dist "$programs" builder/build-rootfs.sh builder/rootfs-ours.sh \
    builder/lay-overlay.sh builder/warm-libvirt.sh
ours_key=$({
    echo "$trimmed_key $version"
    builder/boot-loader.sh | xargs sha256sum "$trust/recovery.pub" "$trust/keyring.json" "$trust/keyring.sig"
    find "$@" \( -type f -o -type l \) -printf '%M %p %l\n' | LC_ALL=C sort
    find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -c1-16)
if [ -d "$target" ] && [ "$(cat "$output/rootfs.key" 2>/dev/null)" = "$ours_key" ]; then
    exit 0
fi
step "Root, stage 3 of 3: our programs, overlay and UI"
rm -f "$output/rootfs.key"
rm -rf --one-file-system "$target.new"
mkdir -p "$target.new"
tar -xpf "$trimmed" -C "$target.new" --numeric-owner --xattrs
builder/rootfs-ours.sh "$target.new" "$version"
rm -rf --one-file-system "$target"
mv "$target.new" "$target"
echo "$ours_key" >"$output/rootfs.key"
