#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Initramfs images that dracut 059, 106 and 112 made, with systemd and without. A
# machine goes from one to the next by kexec, so that each gets what a real kernel
# handed over; damage is made in the machine before the first hop.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load helpers
load initramfs-helpers

@test "the module adds at most 1.5 MiB to an initramfs" {
	local kind with without
	for kind in plain systemd; do
		with=$(stat -L -c %s "$VM_IMAGES/$kind-059.img")
		without=$(stat -L -c %s "$VM_IMAGES/$kind-without-059.img")
		echo "# $kind initramfs: $((without / 1024)) KiB, with the module $(((with - without) / 1024)) KiB more" >&3
		((with > without))
		((with - without <= 1536 * 1024))
	done
}

@test "dracut --list-modules has the module, in every release" {
	local name
	for name in systemd-059 plain-106 plain-112; do
		grep -qx kho "$VM_IMAGES/$name.img.modules"
	done
}

@test "good state is clean in every initramfs, before the driver has it, and all is claimed" {
	local name
	start_with_images systemd-059 plain-106 plain-112 systemd-106 systemd-112
	vm_ok modprobe kho_edu
	for name in "${IMAGES[@]}"; do
		hop "$name" -s --kho=require
		[ "$(status_word)" = clean ]
		vm_run cat /run/initramfs/kho/status | grep -q 'claims: clean: 0 unclaimed, 0 refused$'
		vm_run cat /run/initramfs/kho/report.json | jq -e '.summary.status == 0 and .summary.records == 5'
		[ "$(vm_run 'ls /run/initramfs/kho')" = "$(printf '%s\n' claims.json report.json status)" ]
		vm_run dmesg | awk '/kho: incoming state: clean/ { seen = 1 } /kho_edu/ { exit !seen }'
		vm_run dmesg | awk '/restored 5 of 5 buffers/ { seen = 1 } /kho: claims/ { exit !seen }'
	done
	no_splat
}

@test "sealed content that changed is an error in every initramfs, with a snapshot for elsewhere" {
	local name
	start_with_images systemd-059 plain-106 systemd-112
	vm_ok modprobe kho_edu damage=content
	for name in "${IMAGES[@]}"; do
		hop "$name" -s --kho=off modprobe.blacklist=kho_edu
		[ "$(status_word)" = error ]
		vm_run cat /run/initramfs/kho/report.json | jq -e '[.findings[].rule] | index("K413") != null'
		vm_expect_console 'Warning: kho: error K413'
		vm_ok 'dmesg | grep "kho: incoming state: error"'
		# contents are not in it, and nothing else is wrong
		vm_ok kho-inspect verify --in --core /run/initramfs/kho/snapshot.khosnap --skip-content
		[ "$(vm_run 'stat -c %a /run/initramfs/kho/snapshot.khosnap')" = 600 ]
		vm_run 'kho-inspect list --in --core /run/initramfs/kho/snapshot.khosnap | grep -c pci:' | grep -qx 5
	done
}

@test "lost state is noticed in every initramfs, with what was promised" {
	local name
	start_with_images systemd-106 plain-112 systemd-059
	vm_ok modprobe kho_edu
	for name in "${IMAGES[@]}"; do
		# the first hop loses the state as upstream does, and the promise stays
		hop "$name" -c --kho=off rd.kho.expect=5,10
		[ "$(status_word)" = absent ]
		vm_run cat /run/initramfs/kho/report.json | jq -e '.findings[0].rule == "K510" and .findings[0].severity == "fatal"'
		vm_run cat /run/initramfs/kho/status | grep -q '5 records of generation 10 were expected.*the kernel'
	done
}

@test "a damaged record, and allocations that nobody claims, on one machine" {
	start_with_images plain-059 systemd-059
	vm_ok modprobe kho_edu damage=crc
	hop plain-059 -s --kho=off "modprobe.blacklist=kho_edu rd.kho.policy.unclaimed=log"
	[ "$(status_word)" = error ]
	vm_run cat /run/initramfs/kho/report.json | jq -e '[.findings[].rule] | index("K405") != null'
	vm_run cat /run/initramfs/kho/claims.json | jq -e '[.findings[].rule] | index("K501") != null'
	vm_run cat /run/initramfs/kho/status | grep -q 'claims: warning: [45] unclaimed'
	vm_expect_console 'Warning: kho: error K405'
	console_lacks 'Warning: kho: .*K501'
	hop systemd-059 -s --kho=off "modprobe.blacklist=kho_edu rd.kho.policy.unclaimed=warn"
	vm_expect_console 'Warning: kho: warning K501'
}
