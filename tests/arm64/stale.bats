#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The device tree of a kernel that was handed state names that state. What upstream's kexec makes of it,
# and ours.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load ../vm/helpers

IMAGE=/boot/Image

# generation_after_handover: this kernel was handed state, and has preserved something of its own.
generation_after_handover() {
	vm_ok modprobe kho_edu
	kexec_to -s
	vm_ok modprobe kho_edu
	vm_ok 'test -e /proc/device-tree/chosen/linux,kho-fdt'
}

@test "upstream's kexec -l -c after a handover: the next kernel follows the tree of two kernels ago and dies" {
	local fdt=$BATS_TEST_TMPDIR/fdt line
	vm_start --append "kho=on"

	# ours does not pass the properties on
	generation_after_handover
	vm_ok kexec -l -c --kho=off "$IMAGE" --reuse-cmdline
	vm_kexec 'kexec -e --kho=off'
	vm_ok 'test -e /proc/device-tree/chosen/linux,booted-from-kexec && test ! -e /proc/device-tree/chosen/linux,kho-fdt'
	no_splat

	# nor does the device tree without them let upstream's lead anybody astray
	generation_after_handover
	vm_run base64 /sys/firmware/fdt | base64 -d >"$fdt"
	fdtput -d "$fdt" /chosen linux,kho-fdt linux,kho-scratch
	vm_ok "echo $(base64 -w 0 "$fdt") | base64 -d >/tmp/fdt"
	vm_ok kexec-stock -l -c --dtb=/tmp/fdt "$IMAGE" --command-line="$VM_CMDLINE ro kho=on"
	vm_kexec 'kexec-stock -e'
	vm_ok 'test ! -e /proc/device-tree/chosen/linux,kho-fdt'
	no_splat

	# with them it dies before it has a console: earlycon shows how
	generation_after_handover
	line="$VM_CMDLINE ro kho=on earlycon=pl011,0x9000000 keep_bootcon"
	vm_ok kexec-stock -l -c "$IMAGE" --command-line="$line"
	vm_mark
	vm_run 'kexec-stock -e >/dev/console 2>&1 &'
	vm_wait_console 'KHO: found kexec handover data' 60
	vm_wait_console 'Kernel panic' 60
	console_lacks 'guest-agent: up'
}
