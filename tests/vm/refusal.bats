#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kho-inspect finds damaged state, and kexec loads nothing that would lose state.

bats_require_minimum_version 1.5.0
load helpers

# refused RULE COMMAND: checks that kexec refuses with the rule, and that the loaded kernel stays.
refused() {
	local rule=$1 loaded output status=0
	shift
	loaded=$(vm_run cat /sys/kernel/kexec_loaded)
	output=$(vm_run "$@") || status=$?
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"$rule "* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = "$loaded" ]
}

@test "verify finds a record with a wrong checksum, kexec refuses, and the next kernel keeps it" {
	vm_start --append "kho=on"
	edu_damaged crc
	run -1 vm_run kho-inspect verify
	[[ $output == *"error    K405"* ]]

	refused K405 'kexec -l -s /boot/bzImage --reuse-cmdline'
	refused K405 'kexec -l -c /boot/bzImage --reuse-cmdline'
	refused K405 'kexec -l /boot/bzImage --reuse-cmdline'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]

	# with --kho=off the kernel hands over the state as it is
	vm_ok kexec -l -s --kho=off /boot/bzImage --reuse-cmdline
	vm_kexec 'kexec -e --kho=off'
	run -1 vm_run kho-inspect verify --in
	[[ $output == *"error    K405"* ]]
	vm_ok modprobe kho_edu
	vm_run dmesg | grep -q 'wrong checksum'
	vm_run dmesg | grep -q 'restored only 4 of 5 buffers'
	no_splat
}

@test "kexec refuses sealed content that changed" {
	vm_start --append "kho=on"
	edu_damaged content
	run -1 vm_run kho-inspect verify
	[[ $output == *"error    K413"* ]]
	refused K413 'kexec -l -s /boot/bzImage --reuse-cmdline'
}

@test "kexec refuses a record that points outside RAM" {
	vm_start --append "kho=on"
	edu_damaged outside
	run -1 vm_run kho-inspect verify
	[[ $output == *"fatal    K406"* ]]
	refused K406 'kexec -l -c /boot/bzImage --reuse-cmdline'
}

@test "kexec -e checks again, and refuses state that was damaged after the load" {
	vm_start --append "kho=on"
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	edu_damaged crc
	refused K405 'kexec -e'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
}

@test "kexec refuses a target or a command line that would lose the state" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	refused K605 'kexec -l -s /boot/bzImage --command-line="console=ttyS0"'
	refused K605 'kexec -l -c /boot/bzImage --command-line="console=ttyS0 kho=off"'
	run -3 vm_run 'head -c 1000000 /dev/urandom >/tmp/junk; kexec -l -s /tmp/junk --reuse-cmdline'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
	# no option makes a kernel of it
	[[ $output == *"refused, nothing changed."* && $output != *"--kho=off"* ]]
}

@test "with too little scratch, the message names the parameter and the size" {
	vm_start --append "kho=on kho_scratch=8M,8M,8M"
	vm_ok modprobe kho_edu
	run -3 vm_run 'kexec -l -c /boot/bzImage --reuse-cmdline'
	[[ $output == *"kho_scratch="* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
}
