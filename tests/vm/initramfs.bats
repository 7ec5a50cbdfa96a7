#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The check in an initramfs that dracut made, before udev loads any driver.

bats_require_minimum_version 1.5.0
load helpers

status_word() {
	vm_run cat /run/initramfs/kho/status | awk '{ print $1; exit }'
}

@test "state that came back is verified before the driver has it, and the report is kept" {
	vm_start --dracut --append "kho=on"
	[ "$(status_word)" = none ]
	vm_ok 'lsmod | grep -q kho_edu || modprobe kho_edu'
	vm_ok kexec -l -s --kho=require /boot/bzImage --initrd=/boot/initramfs.img --reuse-cmdline
	vm_kexec
	[ "$(status_word)" = clean ]
	vm_run cat /run/initramfs/kho/report.json | jq -e '.summary.status == 0 and .summary.records == 5'
	# in the kernel's log the verdict comes before the driver's first line
	vm_run dmesg | awk '/kho: .*clean/ { seen = 1 } /kho_edu/ { exit !seen }'
	vm_run dmesg | grep -q 'restored 5 of 5 buffers'
}

@test "stock behaviour loses the state, and the next initramfs notices" {
	vm_start --dracut --append "kho=on"
	vm_ok 'lsmod | grep -q kho_edu || modprobe kho_edu'
	local expect
	expect=$(vm_run kho-inspect show --json | jq -r '"\(.dma.records),\(.dma.generation)"')
	[[ $expect == 5,* ]]
	# --kho=off -c is what upstream does
	vm_ok kexec -l -c --kho=off /boot/bzImage --initrd=/boot/initramfs.img --reuse-cmdline --append="rd.kho.expect=$expect"
	vm_kexec 'kexec -e --kho=off'
	[ "$(vm_run 'ls /sys/kernel/debug/kho')" = out ]
	[ "$(status_word)" = absent ]
	vm_run cat /run/initramfs/kho/report.json | jq -e '.findings[0].rule == "K510"'
	vm_expect_console 'KHO.*absent|kho.*absent|K510'
}

@test "rd.kho.policy=shell stops the boot with the findings on the console" {
	vm_start --no-wait --dracut --append "kho=on rd.kho.expect=5,10 rd.kho.policy=shell"
	vm_wait_console 'K510' 60
	vm_wait_console 'emergency|Press Enter for maintenance|kho:/#|sh-' 30
	console_lacks 'guest-agent: up'
}

@test "rd.kho.policy=log boots without a word on the console, and reports all the same" {
	vm_start --dracut --append "kho=on rd.kho.expect=5,10 rd.kho.policy=log quiet"
	[ "$(status_word)" = absent ]
	vm_run dmesg | grep -q 'kho: .*absent'
	console_lacks 'dracut Warning: .*K510'
}

@test "rd.kho=0 turns the check off" {
	vm_start --dracut --append "kho=on rd.kho=0 rd.kho.expect=5,10"
	[[ $(status_word) != absent ]]
	console_lacks 'K510'
}
