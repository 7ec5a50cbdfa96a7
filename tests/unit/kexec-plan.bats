#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Decisions and notes of kexec --kho, without a kernel.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

@test "command line, placement and setup_data are correct" {
	run -0 "$KHO_BUILDDIR/tests/unit/test-kexec-plan"
	[ -z "$output" ]
}

@test "the box that reads images answers, and kills a reader that exceeds its limits" {
	run -0 "$KHO_BUILDDIR/tests/unit/test-kexec-box"
	[ -z "$output" ]
}

@test "the note of a load is correct after each way in which load, unload and kill can end" {
	cd "$BATS_TEST_TMPDIR"
	run -0 "$KHO_BUILDDIR/tests/unit/test-kexec-note"
	[ -z "$output" ]
}
