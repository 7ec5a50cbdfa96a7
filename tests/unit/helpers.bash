# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # for the tests
# Paths of the unit tests: programs in the build folder, and files of the sources.

: "${KHO_BUILDDIR:?set KHO_BUILDDIR to the build folder}"
inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect
damage=$KHO_BUILDDIR/lab/kho-damage
top=$BATS_TEST_DIRNAME/../..
lab=$top/lab
fixtures=$top/tests/fixtures
