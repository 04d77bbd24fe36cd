# Quantix-OS: every verb, no logic. What a verb does is in builder/; all of it runs in a trixie build root
# that the first verb makes, so the build machine needs only git, make, curl and ca-certificates.

in = builder/enter.sh
HTTPS_PORT ?= 8443
GRPC_PORT ?= 9443
export HTTPS_PORT GRPC_PORT

.DEFAULT_GOAL := help
.PHONY: help run test test-full check iso squashfs initramfs console-tui node-daemon host-ui \
	test-qemu repro bench soak soak-power deps clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: iso ## build, boot the ISO in QEMU, forward HTTPS_PORT (8443) and GRPC_PORT (9443), console in the terminal
	$(in) builder/run.sh

test: iso ## build everything and run all tests but the slow ones and soak
	$(in) builder/test.sh quick

test-full: iso ## make test, and the slow end-to-end cases
	$(in) builder/test.sh full

check: deps ## formatting, lints, licences, dependency edges, generated files, shell scripts, docs
	$(in) builder/check.sh

iso: squashfs initramfs ## output/quantix-os-VERSION-x86_64.iso, the update bundle, SBOM and checksums
	$(in) builder/build-iso.sh

squashfs: host-ui ## output/rootfs.squashfs, the root file system
	$(in) builder/build-programs.sh
	$(in) builder/build-rootfs.sh
	$(in) builder/build-squashfs.sh

initramfs: squashfs ## output/initramfs.img with qx-init
	$(in) builder/build-initramfs.sh

console-tui: deps ## the console (qx-console), with the host's configuration tool, installer and boot programs
	$(in) builder/build-programs.sh qx-console qx-config qx-install qx-trial qx-init

node-daemon: deps ## the node daemon (qx-node) and its command line (qx)
	$(in) builder/build-programs.sh qx-node qx

host-ui: deps ## the web UI, host-ui/dist
	$(in) builder/build-ui.sh

test-qemu: iso ## only the tests that boot the image in QEMU
	$(in) builder/test.sh qemu

repro: deps ## build the image twice from nothing and compare every file
	$(in) builder/repro.sh

bench: iso ## boot time and memory, side by side with Debian + libvirt + cockpit
	$(in) builder/bench.sh

soak: iso ## hours of random kills, flipped bytes and generated input
	$(in) builder/test.sh soak

soak-power: iso ## cut the power after every write of installation and updates; kill QEMU in real updates
	$(in) builder/test.sh soak-power

deps: ## install what the build needs: apt packages, Rust, the build root
	@builder/deps.sh

clean: ## remove everything that a build made in this checkout (caches in ~/.cache/quantix-os stay)
	builder/clean.sh
