# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Helpers for the checks of the kernel series.

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
# the kernel's sources
: "${KHO_LINUX_SRC:?run these tests with scripts/test-kernel}"
# shellcheck source=lab/common.bash
. "$TOP/lab/common.bash"
# shellcheck source=lab/fetch.bash
. "$TOP/lab/fetch.bash"
# shellcheck source=lab/kernel.bash
. "$TOP/lab/kernel.bash"
# shellcheck source=lab/steps.bash
. "$TOP/lab/steps.bash"

# tell WHAT: shows progress, because these tests take long.
tell() {
	printf '# %s\n' "$*" >&3
}
