#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The unit of kexec --kho has only the rights that it needs.

bats_require_minimum_version 1.5.0

@test "systemd-analyze security gives kho-preexec.service an exposure of at most 3" {
	local unit=$BATS_TEST_DIRNAME/../../kexec/kho-preexec.service
	command -v systemd-analyze >/dev/null || skip "no systemd here"
	run -0 systemd-analyze security --no-pager --offline=true --threshold=30 "$unit"
	[[ $output == *"Overall exposure level for kho-preexec.service"* ]]
}
