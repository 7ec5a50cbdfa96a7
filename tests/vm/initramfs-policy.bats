#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The policies that end a boot, in real initramfs images: reboot and halt; and faults that must
# not, a tool that is missing or hangs. The policies that let it go on are in
# initramfs-damaged.bats and initramfs-releases.bats.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers
load initramfs-helpers

# boot_spoiled NAME FILE MODE: boots that image with FILE in place of kho-inspect. The word is then "unknown".
boot_spoiled() {
	fetch_image "$1"
	spoil_image "$2" "$3"
	load_fetched -s --kho=require
	vm_mark
	vm_kexec
	[ "$(status_word)" = unknown ]
}

@test "reboot: lost state resets the machine once, and a promise in a boot entry never does" {
	# the boot loader's own command line is that of every boot from the start; somebody has copied
	# a promise into it
	VM_MORE="-action reboot=reset" start_with_images --dracut \
		--append "kho=on rd.kho.policy.fatal=log rd.kho.expect=5,10 rd.kho.policy=reboot"
	[ "$(status_word)" = none ]
	console_lacks 'kho: |resetting the machine'
	[ "$(vm_console | grep -c 'Run /init as init process')" = 1 ]
	vm_ok 'lsmod | grep -q kho_edu || modprobe kho_edu'
	# not the same one: kexec does not hand on what the running kernel was promised
	hop plain-059 -c --kho=off "rd.kho.expect=5,11 rd.kho.policy=reboot"
	# there was a reset, because only a boot from the start has that command line
	vm_run cat /proc/cmdline | grep -q rd.kho.policy.fatal=log
	[ "$(status_word)" = none ]
	vm_expect_console 'kho: fatal K510: 5 records of generation 11 were expected'
	vm_expect_console 'resetting the machine in 5 s'
	[ "$(vm_console | grep -c 'resetting the machine, as rd.kho.policy wants it')" = 1 ]
}

@test "reboot and halt in systemd initramfs images, for damaged content" {
	local name
	VM_MORE="-action reboot=reset" start_with_images
	for name in systemd-106 systemd-112; do
		echo "in $name"
		edu_damaged content
		hop "$name" -s --kho=off "modprobe.blacklist=kho_edu rd.kho.policy.error=reboot"
		vm_expect_console 'kho: error K413'
		vm_expect_console 'resetting the machine in 5 s'
		# reset: no initramfs on this machine's own way to boot, and nothing is handed over
		[ "$(vm_run 'ls /sys/kernel/debug/kho')" = out ]
		vm_ok 'test ! -e /run/initramfs'
	done

	edu_damaged content
	load_image systemd-059 -s --kho=off "modprobe.blacklist=kho_edu rd.kho.policy=halt"
	jump_and_wait 'kho: halted: nothing is started any more'
	vm_wait_console 'System halted' 60
	console_lacks 'guest-agent: up'
}

@test "without the tool, or with one that dies, nothing passes for clean and the boot goes on; halt without systemd" {
	local name
	printf '#!/bin/sh\nkill -SEGV $$\n' >"$BATS_TEST_TMPDIR/dies"
	start_with_images
	vm_ok modprobe kho_edu
	for name in plain-106 systemd-112; do
		boot_spoiled "$name" /dev/null 644
		vm_expect_console 'Warning: kho: .*kho-inspect is missing from this initramfs'
		# to the real system, which has it, nothing is missing
		vm_ok kho-inspect verify --in
	done
	for name in plain-112 systemd-059; do
		boot_spoiled "$name" "$BATS_TEST_TMPDIR/dies" 755
		vm_expect_console 'Warning: kho: .*kho-inspect could not judge anything .status 139.'
	done
	# the boot halts with the findings on the console
	edu_damaged content
	load_image plain-112 -s --kho=off "modprobe.blacklist=kho_edu rd.kho.policy=halt"
	jump_and_wait 'kho: halted: nothing is started any more'
	vm_expect_console 'kho: error K413'
	sleep 5
	console_lacks 'guest-agent: up'
}

@test "panic= of initramfs-tools does not reset a machine that the next boot would not cure" {
	start_with_images
	vm_ok modprobe kho_edu
	fetch_image initramfs-tools
	spoil_image /dev/null 644
	load_fetched -s --kho=off "rd.kho.policy=reboot panic=1"
	jump_and_wait 'kho: halted: nothing is started any more'
	vm_expect_console 'kho-inspect could not judge anything .status 126.; no shell, because panic= forbids one$'
	vm_wait_console 'System halted' 60
	console_lacks 'Rebooting automatically|guest-agent: up'
}
