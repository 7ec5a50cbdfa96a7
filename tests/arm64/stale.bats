#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The device tree of a kernel that was handed state names that state. What upstream's kexec makes of it,
# and ours.

# shellcheck disable=SC2016 # the shell in the machine expands it

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

	# upstream's kexec does no harm either if the device tree lacks the properties
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

# crash_kernel_of KEXEC: loads a crash kernel with KEXEC after a handover. Sets CRASH, its memory.
crash_kernel_of() {
	vm_start --append "kho=on crashkernel=128M"
	vm_ok modprobe kho_edu
	# libkho does not judge on arm64 whether there is room for it again, which only warns
	vm_run kexec -l -s --kho=require "$IMAGE" --reuse-cmdline 2>&1 | grep -q 'K608 warning: not judged: '
	vm_kexec
	vm_ok modprobe kho_edu
	vm_ok 'test -e /proc/device-tree/chosen/linux,kho-fdt'
	CRASH=$(vm_run cat /proc/iomem | sed -n 's/^ *\([0-9a-f]*\)-\([0-9a-f]*\) : Crash kernel$/0x\1 0x\2/p')
	vm_ok "$1" -p -c "$IMAGE" --command-line="$VM_CMDLINE ro kho=on earlycon=pl011,0x9000000"
	vm_mark
}

# Prints the first memory that a kernel allocates and prints the address of: the area for CMA.
first_allocation() {
	vm_console | sed -n 's/.*cma: Reserved .* at \(0x[0-9a-f]*\)$/\1/p'
}

@test "upstream's kexec -p after a handover: the crash kernel allocates outside its own memory and dies" {
	local area
	crash_kernel_of kexec-stock
	vm_run '(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &'
	vm_wait_console 'KHO: found kexec handover data' 60
	vm_wait_console 'kho_memory_init_early' 60
	vm_wait_console 'Kernel panic - not syncing: Attempted to kill the idle task' 60
	area=$(first_allocation)
	((area < ${CRASH% *} || area > ${CRASH#* }))
	console_lacks 'guest-agent: up'
}

@test "our kexec -p after a handover: the crash kernel comes up, and allocates from its own memory" {
	local area
	crash_kernel_of kexec
	vm_kexec '{ echo c >/proc/sysrq-trigger; }'
	vm_ok test -e /proc/vmcore
	vm_ok test ! -e /proc/device-tree/chosen/linux,kho-fdt
	console_lacks 'KHO: found kexec handover data'
	area=$(first_allocation)
	((area >= ${CRASH% *} && area <= ${CRASH#* }))
}
