# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the checks of the kernel series have in common.

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
# what they are made from; the list of sources is not for functions, and this is one
: "${KHO_LINUX_SRC:?run these tests with scripts/test-kernel}"
# shellcheck source=scripts/lib/common.bash
. "$TOP/scripts/lib/common.bash"
# shellcheck source=scripts/lib/fetch.bash
. "$TOP/scripts/lib/fetch.bash"
# shellcheck source=scripts/lib/kernel.bash
. "$TOP/scripts/lib/kernel.bash"
# shellcheck source=scripts/lib/steps.bash
. "$TOP/scripts/lib/steps.bash"

# tell WHAT: on the way, for this takes long.
tell() {
	printf '# %s\n' "$*" >&3
}
