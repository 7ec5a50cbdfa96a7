#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel that was handed damaged state: its initramfs has to notice, and to do
# about it what the policy says.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load helpers

# The operator insisted on a load with content that changed after it was sealed.
# OPTION goes to the next kernel's command line.
load_with_damage() {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu damage=content
	vm_ok kexec -l -s --kho=off /boot/bzImage --initrd=/boot/initramfs.img \
		--reuse-cmdline --append="modprobe.blacklist=kho_edu $1"
}

@test "policy warn: the finding is on the console and in the report, and the boot goes on" {
	load_with_damage rd.kho.policy=warn
	vm_kexec 'kexec -e --kho=off'
	vm_run cat /run/initramfs/kho/status | grep -q '^error '
	vm_run cat /run/initramfs/kho/report.json | jq -e '[.findings[].rule] | index("K413") != null'
	vm_expect_console 'dracut Warning: kho: .*K413'
	vm_ok 'dmesg | grep "kho: incoming state: error"'
}

@test "policy shell: an operator is asked, and the boot goes on when they are done" {
	load_with_damage rd.kho.policy=shell
	vm_run 'kexec -e --kho=off >/dev/console 2>&1 &'
	vm_wait_console 'dracut Warning: kho: .*K413' 90
	vm_wait_console '# $' 60
	vm_type 'echo operator-$((6 * 7))'
	vm_wait_console '^operator-42$' 30
	vm_type exit
	vm_wait_ready 90
	vm_run cat /run/initramfs/kho/status | grep -q '^error '
}
