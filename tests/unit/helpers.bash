# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # for the tests
# Paths of the unit tests: programs in the build folder, and files of the sources.

: "${KHO_BUILDDIR:?set KHO_BUILDDIR to the build folder}"
inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect
damage=$KHO_BUILDDIR/lab/kho-damage
top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
lab=$top/lab
fixtures=$top/tests/fixtures

# Skips the test in the tree of a tarball: only a checkout has the list of the files that git tracks, and the scripts
# that fetch sources and build stages.
needs_checkout() {
	[[ -e $top/.git ]] || skip "not a git checkout"
}

# libkdumpfile (0.5.1 to 0.5.6) leaks some memory when it closes a compressed dump.
allow_leaks() {
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
}
