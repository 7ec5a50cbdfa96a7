#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The files that the series touches compile for arm64, with the architecture's own configuration.

bats_require_minimum_version 1.5.0
load helpers

OPTIONS=(KEXEC_FILE KEXEC_HANDOVER KEXEC_HANDOVER_DEBUG KEXEC_HANDOVER_DEBUGFS LIVEUPDATE DMA_LIVEUPDATE SAMPLES)
MODULES=(KUNIT DMA_LIVEUPDATE_KUNIT_TEST SAMPLE_KHO_EDU)

setup() {
	steps_paths
	steps_prepare
	steps_at "${#STEPS_PATCHES[@]}"
	STEPS_OBJ=$STEPS_DIR/arm64
	MAKE=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
}

@test "defconfig with handover: the files that the series touches compile without a warning" {
	local option file log=$BATS_TEST_TMPDIR/log objects=()
	mkdir -p "$STEPS_OBJ"
	steps_make "$log" "${MAKE[@]}" defconfig
	for option in "${OPTIONS[@]}"; do
		"$STEPS_TREE/scripts/config" --file "$STEPS_OBJ/.config" -e "$option"
	done
	for option in "${MODULES[@]}"; do
		"$STEPS_TREE/scripts/config" --file "$STEPS_OBJ/.config" -m "$option"
	done
	steps_make "$log" "${MAKE[@]}" olddefconfig
	for option in "${OPTIONS[@]}"; do
		grep -qx "CONFIG_$option=y" "$STEPS_OBJ/.config"
	done
	for option in "${MODULES[@]}"; do
		grep -qx "CONFIG_$option=m" "$STEPS_OBJ/.config"
	done

	while read -r file; do
		[[ $file == arch/* ]] || objects+=("${file%.c}.o")
	done < <(steps_sources 0)
	tell "for arm64: ${objects[*]}, and all of kernel/dma and kernel/liveupdate"
	steps_make "$log" "${MAKE[@]}" W=1 kernel/dma/ kernel/liveupdate/ "${objects[@]}"
	# the files contain older code too, so check only messages about names of the series
	run ! grep -iE '(liveupdate|kexec_handover|kho|dma_alloc)[^ ]*: ?.*warning:' "$log"
	run ! grep -E 'error:' "$log"
	for file in kernel/dma/liveupdate.o samples/kho/kho_edu.o; do
		file "$STEPS_OBJ/$file" | grep -q 'ARM aarch64'
	done
}
