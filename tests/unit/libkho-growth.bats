#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The cost of reading a state, for any input.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

@test "work grows like n log n and memory like n, whatever shape the input has" {
	"$KHO_BUILDDIR/tests/unit/test-growth" "$BATS_TEST_TMPDIR"
}

@test "memory that runs out is an error, and never a finding" {
	local dump=$BATS_TEST_TMPDIR/dump
	# libkho searches it for the root
	"$KHO_BUILDDIR/tests/bench/bench-dump" --memory 3 --whole 30 "$dump"
	"$KHO_BUILDDIR/tests/unit/test-nomem" "$fixtures"/*.khosnap "$dump"
}
