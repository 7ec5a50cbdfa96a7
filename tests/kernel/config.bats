#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole series with smaller configurations: everything builds and links, and users of the
# interface still compile.

bats_require_minimum_version 1.5.0
load helpers

setup_file() {
	steps_paths
	steps_prepare
}

setup() {
	steps_paths
	steps_at "${#STEPS_PATCHES[@]}"
}

# build_api ARGUMENT...: builds the module that calls every function, without a warning.
build_api() {
	local log=$BATS_TEST_TMPDIR/log
	cp -r "$BATS_TEST_DIRNAME/api" "$BATS_TEST_TMPDIR/api"
	steps_make "$log" "$@" M="$BATS_TEST_TMPDIR/api" modules
	run ! grep 'warning:' "$log"
	[ -s "$BATS_TEST_TMPDIR/api/api.ko" ]
}

# build_without OPTION...: builds kernel, modules, and a module that calls every function.
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
	build_api KBUILD_MODPOST_WARN=
}

@test "without DMA_LIVEUPDATE" {
	build_without DMA_LIVEUPDATE SAMPLE_KHO_EDU SAMPLE_KHO_NIC DMA_LIVEUPDATE_KUNIT_TEST
}

@test "without KEXEC_HANDOVER" {
	build_without KEXEC_HANDOVER KEXEC_HANDOVER_DEBUG KEXEC_HANDOVER_DEBUGFS LIVEUPDATE LIVEUPDATE_MEMFD \
		DMA_LIVEUPDATE SAMPLE_KHO_EDU SAMPLE_KHO_NIC DMA_LIVEUPDATE_KUNIT_TEST
}

# only this architecture lacks DMA
@test "without any DMA: in user-mode Linux the interface compiles" {
	local log=$BATS_TEST_TMPDIR/log
	STEPS_OBJ=$STEPS_DIR/um
	mkdir -p "$STEPS_OBJ"
	printf 'CONFIG_%s=y\n' 64BIT MODULES >"$STEPS_DIR/um.config"
	steps_make "$log" ARCH=um KCONFIG_ALLCONFIG="$STEPS_DIR/um.config" allnoconfig
	grep -qx 'CONFIG_NO_DMA=y' "$STEPS_OBJ/.config"
	steps_make "$log" ARCH=um modules_prepare
	# no kernel is built, and the module needs no symbol of one
	build_api ARCH=um KBUILD_MODPOST_WARN=1
	run -0 nm -u "$BATS_TEST_TMPDIR/api/api.ko"
	[ -z "$output" ]
}
