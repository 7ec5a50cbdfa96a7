#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kexec on arm64: formats of kernels that it judges and loads, and what it refuses.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load ../vm/helpers

IMAGE=/boot/Image

@test "Image, Image.gz and a zboot image are judged and loaded, and what has no promise is refused" {
	local image path
	vm_start --append "kho=on"
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
	vm_kexec
	vm_ok modprobe kho_edu
	vm_ok kho-inspect verify --in --claims
	no_splat
}
