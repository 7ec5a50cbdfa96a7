#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A network card receives while an arm64 kernel is replaced, as in tests/vm/live.bats.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/vm/live-helpers.bash
. "$BATS_TEST_DIRNAME/../vm/live-helpers.bash"

@test "three kexecs lose no packet, on either load path" {
	nic_machine addr=1e.0
	nic_generations -s -c -s
}
