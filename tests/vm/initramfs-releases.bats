#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Initramfs images that dracut 059, 106 and 112 made, with systemd and without, and one of
# initramfs-tools. A
# machine goes from one to the next by kexec, so that each gets what a real kernel
# handed over.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load helpers
load initramfs-helpers

@test "the module adds at most 250 KiB to an initramfs" {
	local kind with without
	for kind in plain systemd; do
		with=$(stat -L -c %s "$VM_IMAGES/$kind-059.img")
		without=$(stat -L -c %s "$VM_IMAGES/$kind-without-059.img")
		echo "# $kind initramfs: $((without / 1024)) KiB, with the module $(((with - without) / 1024)) KiB more" >&3
		((with > without))
		((with - without <= 250 * 1024))
	done
}

@test "dracut --list-modules has the module, in every release" {
	local name
	for name in "${DRACUT_IMAGES[@]}"; do
		grep -qx kho "$VM_IMAGES/$name.img.modules"
	done
}

@test "good state is clean in every initramfs, before the driver has it, and all is claimed or told" {
	local name
	start_with_images --dracut --append "kho=on" -- "${EVERY_IMAGE[@]}"
	[ "$(vm_run cat /run/initramfs/kho/status)" = "none nothing was handed over" ]
	[ "$(vm_run 'ls /run/initramfs/kho')" = status ]
	console_lacks 'kho: '
	vm_ok 'lsmod | grep -q kho_edu || modprobe kho_edu'
	for name in "${EVERY_IMAGE[@]}"; do
		echo "in $name"
		hop "$name" -s --kho=require
		[ "$(status_word)" = clean ]
		vm_run cat /run/initramfs/kho/status | grep -q 'claims: clean: 0 unclaimed, 0 refused$'
		vm_run cat /run/initramfs/kho/report.json | jq -e '.summary.status == 0 and .summary.records == 5'
		[ "$(vm_run 'ls /run/initramfs/kho')" = "$(printf '%s\n' claims.json findings findings.claims report.json status)" ]
		vm_run dmesg | awk '/kho: incoming state: clean/ { seen = 1 } /kho_edu/ { exit !seen }'
		vm_run dmesg | awk '/restored 5 of 5 buffers/ { seen = 1 } /kho: claims/ { exit !seen }'
	done
	no_splat

	# a cold boot of the other tool is as silent
	hop initramfs-tools -c --kho=off
	[ "$(vm_run cat /run/initramfs/kho/status)" = "none nothing was handed over" ]
	console_lacks 'kho: '
	vm_ok 'lsmod | grep -q kho_edu || modprobe kho_edu'

	# the same without the driver: asked for by class, and the boot goes on
	load_image systemd-059 -s --kho=require "modprobe.blacklist=kho_edu rd.kho.policy.unclaimed=shell"
	jump_and_wait 'kho: warning K501'
	wait_for_shell systemd-059
	vm_type 'sed "s/^/shell:/" /run/initramfs/kho/status'
	vm_wait_console '^shell:warning .*claims: warning: 5 unclaimed' 30
	vm_type exit
	vm_wait_ready 120
	[ "$(status_word)" = warning ]
	hop plain-106 -s --kho=require "modprobe.blacklist=kho_edu"
	[ "$(status_word)" = warning ]
	vm_expect_console 'Warning: kho: warning K501'
}

@test "lost state is noticed in every initramfs, with what was promised and what the kernel said" {
	local name expect
	start_with_images "${EVERY_IMAGE[@]}"
	vm_ok modprobe kho_edu
	for name in "${EVERY_IMAGE[@]}"; do
		echo "in $name"
		expect=$(vm_run kho-inspect show --json | jq -r '"\(.dma.records),\(.dma.generation)"')
		[[ $expect == 5,* ]]
		# this is what upstream's kexec does; the promise is all that stays
		hop "$name" -c --kho=off "rd.kho.expect=$expect"
		[ "$(vm_run 'ls /sys/kernel/debug/kho')" = out ]
		[ "$(status_word)" = absent ]
		vm_run cat /run/initramfs/kho/report.json | jq -e '.findings[0].rule == "K510" and .findings[0].severity == "fatal"'
		vm_run cat /run/initramfs/kho/status | grep -q "5 records of generation ${expect#*,} were expected.*; the kernel"
		vm_expect_console "Warning: kho: fatal K510: 5 records of generation ${expect#*,} were expected"
	done

	# for the log only: the console has what the kernel shows of its log, and no more
	hop plain-059 -c --kho=off "rd.kho.expect=5,10 rd.kho.policy=log quiet"
	[ "$(status_word)" = absent ]
	vm_run dmesg | grep -q 'kho: .*absent'
	console_lacks 'Warning: .*K510'
	hop plain-059 -c --kho=off "rd.kho.expect=5,10 rd.kho=0"
	[ "$(status_word)" = off ]
	console_lacks 'K510'
}
