#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What leaves the programs: text, documents and files.

bats_require_minimum_version 1.5.0

setup() {
	: "${KHO_BUILDDIR:?set KHO_BUILDDIR to the build folder}"
}

@test "text is UTF-8 without control characters, and nothing of it is lost" {
	"$KHO_BUILDDIR/tests/unit/test-text"
}
