#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A network card receives while an arm64 kernel is replaced, as in tests/vm/live.bats.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load ../vm/helpers

# shellcheck source=lab/live.bash
. "$BATS_TEST_DIRNAME/../../lab/live.bash"

setup() {
	LIVE_DIR=$BATS_TEST_TMPDIR
}

teardown() {
	[[ ${BATS_TEST_COMPLETED:-} ]] || vm_fail "the test failed" || true
	touch "$LIVE_DIR/stop"
	vm_stop
}

# Checks that the receiver got all numbers from NEXT on, once and in order. Sets NEXT to the next number.
expect_all() {
	local report
	report=$(nic_quiet)
	[[ $report == "first=$NEXT "*" duplicates=0 missing=0 unordered=0" ]] ||
		vm_fail "expected all from number $NEXT on: $report" || return
	NEXT=$(($(live_field last "$report") + 1))
}

@test "three kexecs lose no packet, on either load path" {
	local path count
	NEXT=0
	nic_machine addr=1e.0
	nic_up
	sender_start 50
	nic_flows
	for path in -s -c -s; do
		[ "$(vm_run kho-inspect list | grep -c "^ *[0-9]* *pci:$NIC_SLOT .* kept  *live$")" = 2 ]
		vm_ok kexec -l "$path" --kho=require "/boot/${VM_KERNEL##*/}" --reuse-cmdline
		expect_all
		vm_mark
		vm_kexec
		vm_expect_console 'kexec: KHO: eth0 stays up'
		vm_files
		# before a driver is loaded, which sets it in any case
		[ "$(nic_masters "$NIC_SLOT")" = 1 ]
		nic_up
		sleep 2
		count=$(nic_landed)
		((count >= 50)) || vm_fail "only $count packets landed"
		printf '# %d packets landed while no kernel was there to see them (%s)\n' "$count" "$path" >&3
	done
	sender_stop
	sleep 1
	expect_all
	[ "$NEXT" = "$(live_field sent "$(cat "$LIVE_DIR/sent")")" ]
	[ "$(vm_run cat /sys/class/net/eth0/statistics/rx_missed_errors)" = 0 ]
	no_splat
}
