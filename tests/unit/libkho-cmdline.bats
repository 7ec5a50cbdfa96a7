#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernel command lines, read as the kernel reads them.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

@test "a command line is split as the kernel splits it" {
	run -0 "$KHO_BUILDDIR/tests/unit/test-cmdline"
	[ -z "$output" ]
}

@test "crashkernel= is read as the kernel reads it" {
	run -0 "$KHO_BUILDDIR/tests/unit/test-crashkernel"
	[ -z "$output" ]
}

@test "an option of a kernel configuration is a line of its own" {
	run -0 "$KHO_BUILDDIR/tests/unit/test-kconfig"
	[ -z "$output" ]
}

@test "K605, K607 to K610: what a target's command line does to the state, and what fits scratch" {
	run -0 "$KHO_BUILDDIR/tests/unit/test-target-cmdline" "$fixtures"/v4-{,stock-}outgoing.khosnap
	[ -z "$output" ]
}
