#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The cost of reading a state, for any input.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

@test "work grows like n log n and memory like n, whatever shape the input has" {
	# at each strstr(), the sanitizer measures the rest of the string: most of the time of this test. Other tests check
	# these calls.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:intercept_strstr=0 "$KHO_BUILDDIR/tests/unit/test-growth" "$BATS_TEST_TMPDIR"
}

@test "memory that runs out is an error, and never a finding" {
	local dump=$BATS_TEST_TMPDIR/dump root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/proc" "$root/sys/kernel/debug"
	echo kho=on >"$root/proc/cmdline"
	printf 'CONFIG_KEXEC_HANDOVER=y\n# CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT is not set\n' | gzip >"$root/proc/config.gz"
	# libkho searches it for the root
	"$KHO_BUILDDIR/tests/bench/bench-dump" --memory 3 --whole 30 "$dump"
	"$KHO_BUILDDIR/tests/unit/test-nomem" "$root" "$fixtures"/*.khosnap "$dump"
}
