#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kexec on arm64: formats of kernels that it judges and loads, and what it refuses.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load ../vm/helpers

IMAGE=/boot/Image

@test "Image, Image.gz, a zboot image and a UKI are judged and loaded, and what has no promise is refused" {
	local image path files=$BATS_TEST_TMPDIR/files
	mkdir "$files"
	"$BATS_TEST_DIRNAME/../../lab/kernel_image.py" uki "$files/uki" "$VM_KERNEL"
	vm_start --append "kho=on" --files "$files"
	vm_files
	vm_ok modprobe kho_edu
	for image in Image Image.gz vmlinuz.efi; do
		[ "$(vm_run kho-inspect check-target --json "/boot/$image" | jq -r '.target.format, .target.page_size' | xargs)" = "Image 4096" ]
		for path in -s -c; do
			vm_ok kexec -l "$path" --kho=require "/boot/$image" --reuse-cmdline
			[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
		done
	done
	# a command line that was not judged would come from the device tree
	run -3 vm_run kexec -l -c --kho=require "$IMAGE"
	[[ $output == *K605* || $output == *K703* ]]
	# bits 1 and 2 of the flags in the header: pages of 64 KiB
	vm_ok "cp $IMAGE /tmp/64k && printf '\\016' | dd of=/tmp/64k bs=1 seek=24 conv=notrunc 2>/dev/null"
	run -1 vm_run kho-inspect check-target /tmp/64k
	[[ $output == *"fatal    K606"* ]]
	for path in -s -c; do
		run -3 vm_run kexec -l "$path" --kho=require /tmp/64k --reuse-cmdline
		[[ $output == *K606* ]]
	done

	[ "$(vm_run kho-inspect check-target --json /tmp/uki | jq -r '.target.format, .target.page_size' | xargs)" = "UKI (Image) 4096" ]
	run -3 vm_run kexec -l -c --kho=require /tmp/uki --reuse-cmdline
	[[ $output == *"K703"*"only kexec_file_load takes a UKI"* ]]
	vm_ok kexec -l -s --kho=require /tmp/uki --reuse-cmdline
	vm_kexec
	vm_ok modprobe kho_edu
	vm_ok kho-inspect verify --in --claims
	no_splat
}
