#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The smaller scratch that kho-inspect proposes suffices.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers

@test "the machine boots with the proposed scratch, and hands state over on both load paths" {
	local proposal
	vm_start --append "kho=on"
	# without the size of the initrd it proposes nothing
	vm_ok 'head -c 1048576 /dev/zero >/tmp/initrd'
	vm_run kho-inspect scratch --json --initrd=/tmp/initrd /boot/bzImage >"$BATS_TEST_TMPDIR/scratch.json"
	[ "$(jq -r .chosen_by "$BATS_TEST_TMPDIR/scratch.json")" = default ]
	proposal=$(jq -r .image.proposal "$BATS_TEST_TMPDIR/scratch.json")
	[[ $proposal == kho_scratch=*M,0,0 ]]
	vm_stop

	vm_start --append "kho=on $proposal"
	vm_run kho-inspect scratch --json >"$BATS_TEST_TMPDIR/smaller.json"
	[ "$(jq .total "$BATS_TEST_TMPDIR/smaller.json")" -lt "$(jq .total "$BATS_TEST_TMPDIR/scratch.json")" ]
	[ "$(jq -r .chosen_by "$BATS_TEST_TMPDIR/smaller.json")" = command-line ]
	vm_ok modprobe kho_edu
	hops -s -c
	[ "$(vm_run kho-inspect scratch --json | jq -r .chosen_by)" = previous-kernel ]
	no_splat
}
