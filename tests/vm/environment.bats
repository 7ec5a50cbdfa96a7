#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# If a kernel shows nothing of KHO, the tools say why and what to do. Without KHO, kexec works as
# before.

bats_require_minimum_version 1.5.0
load helpers

# cannot_tell PATTERN COMMAND: checks for status 2 and one line that matches.
cannot_tell() {
	local pattern=$1
	shift
	run -2 vm_run "$@"
	[ "$(wc -l <<<"$output")" = 1 ]
	[[ $output =~ $pattern ]]
}

@test "with KHO off, kho-inspect says so, and kexec loads and jumps as before, and hands on no promise" {
	# somebody has copied one into the boot entry
	vm_start --append "kho=off rd.kho.expect=5,10"
	cannot_tell 'KHO is off.*kho=on' kho-inspect show
	cannot_tell 'KHO is off.*kho=on' kho-inspect verify
	run -0 vm_run kexec -l -s /boot/bzImage --reuse-cmdline
	[ -z "$output" ]
	run -0 vm_run kexec -l -c /boot/bzImage --reuse-cmdline
	[ -z "$output" ]
	run -3 vm_run kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	[[ $output == *"KHO is off"* ]]
	vm_kexec
	[ "$(vm_run 'grep -c rd.kho.expect /proc/cmdline || true')" = 0 ]
}

@test "no debugfs, no kcore, no permission: one line with the remedy" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	cannot_tell 'permission|Permission|root' 'su -s /bin/sh nobody -c "kho-inspect list"'
	vm_ok umount /sys/kernel/debug
	cannot_tell 'debugfs is not mounted.*mount -t debugfs' kho-inspect list
	# kexec still reads KHO's files, through a debugfs of its own
	run -3 vm_run 'kexec -l -c /boot/bzImage --command-line=console=ttyS0'
	[[ $output == *K605* ]]
	vm_ok kexec -l -c --kho=require /boot/bzImage --reuse-cmdline
	vm_run 'grep -c debugfs /proc/mounts || true' | grep -qx 0
	vm_ok mount -t debugfs debugfs /sys/kernel/debug
	vm_ok 'mkdir -p /tmp/empty && mount --bind /tmp/empty /tmp/empty'
	cannot_tell 'there is no /tmp/empty/proc/kcore' \
		'mkdir -p /tmp/empty/sys/kernel/debug/kho/out; kho-inspect list --sysroot /tmp/empty'
}

@test "nothing was handed over: not an error, unless something was expected" {
	vm_start --append "kho=on"
	run -0 vm_run kho-inspect verify --in
	[[ $output == "Nothing to verify"* ]]
	run -1 vm_run kho-inspect verify --in --expect=5,10
	[[ $output == *"fatal    K510"* ]]
	cannot_tell 'without a handover' kho-inspect list --in
}

@test "as root, output to devices, FIFOs and links does not replace them" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	vm_ok kho-inspect snapshot -o /dev/null
	vm_ok kho-inspect extract 2 -o /dev/null
	vm_ok test -c /dev/null
	[ "$(vm_run 'ln -s /proc/self/fd/1 /tmp/stdout; kho-inspect extract 2 -o /tmp/stdout 2>/dev/null | wc -c')" = 4096 ]
	vm_ok test -L /tmp/stdout
	vm_ok 'mkfifo /tmp/fifo; cat /tmp/fifo >/tmp/through & kho-inspect extract 2 -o /tmp/fifo && wait && test -p /tmp/fifo'
	[ "$(vm_run 'stat -c %s /tmp/through')" = 4096 ]
	vm_ok 'echo old >/tmp/file; ln -s file /tmp/link; kho-inspect snapshot -o /tmp/link && test -L /tmp/link'
	vm_ok kho-inspect verify --core /tmp/file --ignore K413
}
