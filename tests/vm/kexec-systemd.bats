#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# systemctl kexec in Debian 13 with its own systemd: a kexec that would lose state stops before the
# machine goes down.

bats_require_minimum_version 1.5.0
load helpers

lab=$BATS_TEST_DIRNAME/../../lab
ram=$BATS_TEST_TMPDIR/ram

setup_file() {
	make -s -C "$VM_BUILD" lab/kho-damage
}

# Starts a machine with Debian, and with the disk of the other tests for its kernel.
start_debian() {
	local kernels=$VM_DISK
	export VM_BOOT_TIMEOUT=240
	VM_DISK=$VM_IMAGES/release-root.img vm_start --mem 1G --append "kho=on rw" \
		--qemu "-drive file=$kernels,format=raw,if=virtio,snapshot=on -machine memory-backend=ram \
			-object memory-backend-file,id=ram,size=1G,mem-path=$ram,share=on"
	vm_ok 'systemctl is-system-running --wait; mount -o ro /dev/vdb /mnt'
	vm_ok modprobe kho_edu
}

@test "the jump waits for kho-preexec.service, and requires it" {
	local before
	start_debian
	vm_ok systemd-analyze verify --man=no kho-preexec.service
	vm_run systemctl show -p Requires --value systemd-kexec.service | grep -w kho-preexec.service
	vm_run systemctl show -p After --value systemd-kexec.service | grep -w kho-preexec.service
	vm_run systemctl show -p Before --value kho-preexec.service | grep -w umount.target

	before=$(records)
	vm_ok kexec -l -s --kho=require /mnt/boot/bzImage --reuse-cmdline
	vm_kexec 'systemctl kexec; sleep 600'
	[ "$(records --in)" = "$before" ]
	vm_run cat /proc/1/comm | grep -x systemd
}

@test "kho-preexec.service stops systemctl kexec for damaged state, and the machine stays up" {
	start_debian
	vm_ok kexec -l -s --kho=require /mnt/boot/bzImage --reuse-cmdline
	vm_ok kho-inspect snapshot -o /tmp/snapshot
	vm_run 'gzip -c /tmp/snapshot | base64' | base64 -d | gunzip >"$BATS_TEST_TMPDIR/sound"
	"$VM_BUILD/lab/kho-damage" record-crc "$BATS_TEST_TMPDIR/sound" "$BATS_TEST_TMPDIR/damaged"
	"$lab/poke-guest" "$ram" "$BATS_TEST_TMPDIR/sound" "$BATS_TEST_TMPDIR/damaged"

	# systemd stops the agent during the shutdown, and starts it again without a jump
	vm_kexec 'systemctl kexec; sleep 600'
	vm_expect_console 'K405'
	vm_expect_console 'no jump: the machine goes on'
	[ "$(vm_console | grep -c 'Linux version')" = 1 ]
	vm_ok 'systemctl is-failed kho-preexec.service'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]

	# with repaired state, it jumps
	"$lab/poke-guest" "$ram" "$BATS_TEST_TMPDIR/damaged" "$BATS_TEST_TMPDIR/sound"
	vm_kexec 'systemctl kexec; sleep 600'
	vm_ok kho-inspect verify --in
}
