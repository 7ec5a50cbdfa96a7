#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What stops a boot, in real initramfs images: each policy, and a tool that is
# missing or does not come back.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load helpers
load initramfs-helpers

# jump_and_wait REGEX: for boots that do not end with a machine that takes commands.
jump_and_wait() {
	vm_run 'kexec -e --kho=off >/dev/console 2>&1 &'
	vm_wait_console "$1" 120
}

# with_tool FILE MODE: the image of the tests with another kho-inspect in it.
with_tool() {
	local dir=$BATS_TEST_TMPDIR/tool
	mkdir -p "$dir/usr/bin"
	cp "$1" "$dir/usr/bin/kho-inspect"
	chmod "$2" "$dir/usr/bin/kho-inspect"
	cp "$VM_INITRAMFS" "$BATS_TEST_TMPDIR/initramfs.img"
	# the kernel unpacks what follows over what was there
	(cd "$dir" && find usr | cpio -o -H newc --quiet | gzip) >>"$BATS_TEST_TMPDIR/initramfs.img"
	VM_INITRAMFS=$BATS_TEST_TMPDIR/initramfs.img
}

@test "reboot: lost state resets the machine once; the same finding on the next boot does not" {
	# what is on the boot loader's own command line would be found on every boot
	VM_MORE="-action reboot=reset" start_with_images --dracut --append "kho=on rd.kho.policy.fatal=log" -- plain-059
	[ "$(status_word)" = none ]
	vm_ok 'lsmod | grep -q kho_edu || modprobe kho_edu'
	load_image plain-059 -c --kho=off "rd.kho.expect=5,10 rd.kho.policy=reboot"
	vm_kexec 'kexec -e --kho=off'
	# through the reset, for only a boot from the start has that command line
	vm_run cat /proc/cmdline | grep -q rd.kho.policy.fatal=log
	[ "$(status_word)" = none ]
	vm_expect_console 'kho: fatal K510: 5 records of generation 10 were expected'
	vm_expect_console 'resetting the machine in 5 s'
	[ "$(vm_console | grep -c 'resetting the machine, as rd.kho.policy wants it')" = 1 ]
}

@test "reboot: a promise on the boot loader's command line opens a shell instead, on every boot" {
	vm_start --no-wait --dracut --append "kho=on rd.kho.expect=5,10 rd.kho.policy=reboot" \
		--qemu "-action reboot=reset"
	vm_wait_console 'No reboot: kexec has not handed this kernel anything' 90
	vm_wait_console '# $' 60
	console_lacks 'resetting the machine'
	vm_type exit
	vm_wait_ready 90
	[ "$(status_word)" = absent ]
	# it has booted once: no reset in between
	[ "$(vm_console | grep -c 'Run /init as init process')" = 1 ]
}

@test "reboot and halt in systemd initramfs images, for damaged content" {
	VM_MORE="-action reboot=reset" start_with_images systemd-106 systemd-059
	vm_ok modprobe kho_edu damage=content
	load_image systemd-106 -s --kho=off "modprobe.blacklist=kho_edu rd.kho.policy.error=reboot"
	vm_kexec 'kexec -e --kho=off'
	vm_expect_console 'kho: error K413'
	vm_expect_console 'resetting the machine in 5 s'
	# reset: no initramfs on this machine's own way to boot, and nothing is handed over
	[ "$(vm_run 'ls /sys/kernel/debug/kho')" = out ]
	vm_ok 'test ! -e /run/initramfs'

	vm_ok modprobe kho_edu damage=content
	load_image systemd-059 -s --kho=off "modprobe.blacklist=kho_edu rd.kho.policy=halt"
	jump_and_wait 'kho: halted: nothing is started any more'
	vm_wait_console 'System halted' 60
	[ "$(vm_console | grep -c 'guest-agent: up')" = 2 ]
}

@test "halt without systemd: the boot stands still with the findings on the console" {
	start_with_images plain-112
	vm_ok modprobe kho_edu damage=content
	load_image plain-112 -s --kho=off "modprobe.blacklist=kho_edu rd.kho.policy=halt"
	jump_and_wait 'kho: halted: nothing is started any more'
	vm_expect_console 'kho: error K413'
	sleep 5
	[ "$(vm_console | grep -c 'guest-agent: up')" = 1 ]
}

@test "shell for unclaimed allocations only, in a systemd initramfs, and the boot goes on" {
	start_with_images systemd-059
	vm_ok modprobe kho_edu
	load_image systemd-059 -s --kho=require "modprobe.blacklist=kho_edu rd.kho.policy.unclaimed=shell"
	vm_run 'kexec -e >/dev/console 2>&1 &'
	vm_wait_console 'kho: warning K501' 120
	vm_wait_console 'Press Enter for maintenance' 90
	vm_type ''
	vm_wait_console '# $' 30
	vm_type 'cat /run/initramfs/kho/status'
	vm_wait_console '^warning .*claims: warning: 5 unclaimed' 30
	vm_type exit
	vm_wait_ready 120
	[ "$(status_word)" = warning ]
}

@test "an initramfs without the tool says so, and does not pass for clean" {
	with_tool /dev/null 644
	vm_start --dracut --append "kho=on"
	[ "$(status_word)" = unknown ]
	vm_expect_console 'kho-inspect is missing from this initramfs'
}

@test "a tool that hangs does not hang the boot" {
	printf '#!/bin/sh\nexec sleep 10000\n' >"$BATS_TEST_TMPDIR/hangs"
	with_tool "$BATS_TEST_TMPDIR/hangs" 755
	vm_start --dracut --append "kho=on rd.kho.expect=5,10 rd.kho.timeout=3"
	[ "$(status_word)" = unknown ]
	vm_expect_console 'kho-inspect did not finish within 3 s'
	[ -z "$(vm_run 'ps | grep "[s]leep 10000"')" ]
}
