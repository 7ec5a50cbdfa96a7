#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole series on configurations that have less: everything builds and links, and
# code that uses the interface still compiles.

bats_require_minimum_version 1.5.0
load helpers

setup() {
	steps_paths
	steps_prepare
	steps_at "${#STEPS_PATCHES[@]}"
}

# build_without OPTION...: kernel, modules, and a module that calls every function.
build_without() {
	local option log=$BATS_TEST_TMPDIR/log
	steps_config | grep -Ev "^CONFIG_($(IFS='|' && printf '%s' "$*"))=" >"$STEPS_DIR/less.config"
	mkdir -p "$STEPS_OBJ"
	steps_make "$log" KCONFIG_ALLCONFIG="$STEPS_DIR/less.config" allnoconfig
	for option; do
		run ! grep "^CONFIG_$option=" "$STEPS_OBJ/.config"
	done
	steps_make "$log" W=0 bzImage modules
	run ! grep 'warning:' "$log"
	cp -r "$BATS_TEST_DIRNAME/api" "$BATS_TEST_TMPDIR/api"
	steps_make "$log" M="$BATS_TEST_TMPDIR/api" KBUILD_MODPOST_WARN= modules
	run ! grep 'warning:' "$log"
	[ -s "$BATS_TEST_TMPDIR/api/api.ko" ]
}

@test "without DMA_LIVEUPDATE" {
	build_without DMA_LIVEUPDATE SAMPLE_KHO_EDU DMA_LIVEUPDATE_KUNIT_TEST
}

@test "without KEXEC_HANDOVER" {
	build_without KEXEC_HANDOVER KEXEC_HANDOVER_DEBUG KEXEC_HANDOVER_DEBUGFS LIVEUPDATE LIVEUPDATE_MEMFD \
		DMA_LIVEUPDATE SAMPLE_KHO_EDU DMA_LIVEUPDATE_KUNIT_TEST
}
