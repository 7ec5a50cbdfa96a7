#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A file of its own, because files run in parallel.

bats_require_minimum_version 1.5.0

@test "lintian finds no error and no warning in the Debian packages" {
	: "${KHO_PACKAGES_DIR:?run these tests with scripts/test package}"
	# the packages are not Debian's, so no bug of Debian asks for them
	run -0 lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs \
		"$KHO_PACKAGES_DIR"/*.changes
}
