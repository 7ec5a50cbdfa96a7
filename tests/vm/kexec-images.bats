#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Images other than a plain bzImage, and kernels that do not show where their root FDT is.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers

lab=$BATS_TEST_DIRNAME/../../lab

# refused STATUS RULE COMMAND: checks for the status, for the rule in the message, and that nothing is
# loaded.
refused() {
	local wanted=$1 rule=$2 status=0
	shift 2
	output=$(vm_run "$@") || status=$?
	printf '%s\n' "$output"
	[ "$status" = "$wanted" ]
	[[ $output == *"$rule "* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
}

# load_and_jump ARGUMENT...: loads the image, jumps, and checks that the state arrives.
load_and_jump() {
	local before
	before=$(records)
	[ "$(wc -l <<<"$before")" = 5 ]
	vm_ok kexec -l --kho=require --reuse-cmdline "$@"
	vm_kexec
	[ "$(records --in)" = "$before" ]
	vm_ok kho-inspect verify --in
	[ "$(vm_run 'grep -o rd.kho.expect= /proc/cmdline | wc -l')" = 1 ]
	vm_files
}

@test "a unified kernel image with kexec_file_load, compressed kernels on both paths" {
	local files=$BATS_TEST_TMPDIR/images
	mkdir "$files"
	# an initramfs that leaves a mark and then switches to the root
	mkdir -p "$BATS_TEST_TMPDIR/ramfs"/{bin,proc,dev,newroot}
	cp "$(command -v busybox)" "$BATS_TEST_TMPDIR/ramfs/bin/busybox"
	cat >"$BATS_TEST_TMPDIR/ramfs/init" <<-'END'
		#!/bin/busybox sh
		/bin/busybox mount -t devtmpfs dev /dev
		echo "initrd-of-the-uki ran" >/dev/kmsg
		until /bin/busybox mount -t ext4 -o ro /dev/vda /newroot; do /bin/busybox sleep 1; done
		exec /bin/busybox switch_root /newroot /sbin/init
	END
	chmod +x "$BATS_TEST_TMPDIR/ramfs/init"
	(cd "$BATS_TEST_TMPDIR/ramfs" && find . | cpio -o -H newc --quiet | gzip) >"$BATS_TEST_TMPDIR/initrd"

	"$lab/make-uki" "$files/uki" "$VM_KERNEL" "$BATS_TEST_TMPDIR/initrd"
	"$lab/edit-target" "$VM_KERNEL" "$BATS_TEST_TMPDIR/no-kho" no-kho
	"$lab/make-uki" "$files/uki-no-kho" "$BATS_TEST_TMPDIR/no-kho"
	# a UKI with profiles may have several kernels, and kexec would take the last one
	"$lab/kernel_image.py" uki "$files/uki-two" "$VM_KERNEL" .linux="$BATS_TEST_TMPDIR/no-kho"
	# the choice of initrd and room for it; a UKI in a UKI
	"$lab/kernel_image.py" uki "$files/uki-initrds" "$VM_KERNEL" .initrd="$BATS_TEST_TMPDIR/initrd" .initrd="$BATS_TEST_TMPDIR/initrd"
	"$lab/kernel_image.py" uki "$files/uki-uki" "$files/uki"
	truncate -s 150M "$BATS_TEST_TMPDIR/large"
	"$lab/kernel_image.py" uki "$files/uki-large" "$VM_KERNEL" .initrd="$BATS_TEST_TMPDIR/large"
	cp "$BATS_TEST_TMPDIR/initrd" "$files/initrd"
	gzip -c "$VM_KERNEL" >"$files/bzImage.gz"
	xz --format=lzma -0 -c "$VM_KERNEL" >"$files/bzImage.lzma"
	gzip -c "$BATS_TEST_TMPDIR/no-kho" >"$files/no-kho.gz"
	vm_start --append "kho=on" --files "$files"
	vm_files
	vm_ok modprobe kho_edu

	# kexec judges the kernel inside, and by which path it can load it
	refused 3 K601 'kexec -l -s /tmp/uki-no-kho --reuse-cmdline'
	refused 3 K601 'kexec -l -c /tmp/no-kho.gz --reuse-cmdline'
	refused 3 K706 'kexec -l -s /tmp/uki-two --reuse-cmdline'
	refused 3 K706 'kexec -l -s /tmp/uki-initrds --reuse-cmdline'
	refused 3 K706 'kexec -l -s /tmp/uki-uki --reuse-cmdline'
	# kexec does not use the command line in it
	refused 3 K605 'kexec -l -s --kho=require /tmp/uki --command-line=console=ttyS0'
	[[ $output == *"does not use the command line in the UKI"* ]]
	# without another initrd, kexec loads that of the UKI
	refused 3 K701 'kexec -l -s --kho-dry-run /tmp/uki-large --reuse-cmdline'
	refused 3 K701 'kexec -l -s /tmp/uki-large --reuse-cmdline'
	vm_run kho-inspect scratch /tmp/uki-large >"$BATS_TEST_TMPDIR/scratch" || [ $? = 1 ]
	grep -q 'There is no room' "$BATS_TEST_TMPDIR/scratch"
	vm_ok kexec -l -s --kho-dry-run /tmp/uki-large --initrd=/tmp/initrd --reuse-cmdline
	vm_ok kho-inspect scratch /tmp/uki-large --initrd=/tmp/initrd
	refused 3 K703 'kexec -l -c /tmp/uki --reuse-cmdline'
	[[ $output == *"Use -s"* ]]
	vm_run kho-inspect check-target /tmp/uki | grep -q '^UKI (bzImage) '
	vm_run 'kexec -l -s --kho-dry-run /tmp/uki --reuse-cmdline' | grep -Eq 'the kernel needs [0-9]{8} bytes in one piece, its initrd [0-9]{6}'

	load_and_jump -s /tmp/uki
	vm_run dmesg | grep -q 'initrd-of-the-uki ran'
	load_and_jump -c /tmp/bzImage.gz
	load_and_jump -s /tmp/bzImage.lzma
	vm_ok "modprobe kho_edu $(edu_cookies)"
	vm_run dmesg | grep -q 'restored 5 of 5 buffers that earlier kernels carried over'
	no_splat
}

# Makes debugfs look like without our series: no address of the root FDT.
hide_address() {
	vm_ok 'set -e
		kho=/sys/kernel/debug/kho
		mkdir -p /tmp/kho/out
		cp $kho/out/scratch_phys $kho/out/scratch_len /tmp/kho/out/
		if [ -e $kho/in ]; then
			mkdir /tmp/kho/in
			cp $kho/in/fdt /tmp/kho/in/
		else
			# truncated to the size that it had at boot
			head -c 233 $kho/out/fdt >/tmp/kho/out/fdt
		fi
		mount --bind /tmp/kho $kho
		[ ! -e $kho/out/fdt_phys ]'
}

@test "if a kernel does not show its root FDT, kexec finds it, or refuses and says what to do" {
	local before
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	before=$(records)
	hide_address
	vm_ok kexec -l -c --kho=require /boot/bzImage --reuse-cmdline
	vm_kexec
	[ "$(records --in)" = "$before" ]
	vm_ok kho-inspect verify --in

	# without symbols and without readable memory: unknown
	hide_address
	vm_ok 'mount --bind /dev/null /proc/kallsyms; mount --bind /dev/null /proc/kcore'
	refused 3 K705 'kexec -l -c /boot/bzImage --reuse-cmdline'
	refused 3 K705 'kexec -l -s /boot/bzImage --reuse-cmdline'
	[[ $output == *kcore* ]]
	vm_ok umount /proc/kcore

	# without symbols kexec searches RAM, so the load takes longer
	export VM_RUN_TIMEOUT=300
	vm_ok kexec -l -c --kho=require /boot/bzImage --reuse-cmdline
	vm_kexec
	[ "$(records --in)" = "$before" ]
	no_splat
}
