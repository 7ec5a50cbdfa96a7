#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The virtual machines themselves: a failure in one must fail the test.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers

@test "output of any bytes and any length arrives whole, and so does the exit status" {
	vm_start
	run -7 vm_run 'echo out; echo err >&2; exit 7'
	[ "$output" = $'out\nerr' ]
	vm_run 'seq 1 20000' | cmp - <(seq 1 20000)
	vm_run 'head -c 100000 /dev/zero | tr "\0" "\377"' | cmp - <(head -c 100000 /dev/zero | tr '\0' '\377')
	run -0 vm_run echo 'several words' '$HOME' "it's"
	[ "$output" = "several words \$HOME it's" ]
}

@test "a command that fails in the machine fails the test, and shows the end of the console" {
	vm_start
	run -1 vm_ok false
	[[ $output == *"failed with status 1 in the machine: false"* ]]
	[[ $output == *"the end of the console"* ]]

	# as a test of its own, which bats must report as failed
	printf '%s\n' "BATS_TEST_DIRNAME=$BATS_TEST_DIRNAME" "load $BATS_TEST_DIRNAME/helpers" \
		'@test "fails" { vm_start; vm_ok false; true; }' >"$BATS_TEST_TMPDIR/failing.bats"
	run -1 bats --formatter tap "$BATS_TEST_TMPDIR/failing.bats"
	[[ ${lines[1]} == "not ok 1 fails" ]]
}

@test "the test notices a dead machine before any time limit, and leaves no process" {
	vm_start
	local pid=$VM_PID
	run -1 vm_kexec 'poweroff -f'
	[[ $output == *"the machine is gone"* ]]
	vm_stop
	VM_PID=$pid run -1 vm_alive

	vm_start
	pid=$VM_PID
	VM_PID=$pid run -0 vm_alive
	vm_stop
	VM_PID=$pid run -1 vm_alive
}

@test "the test shows where a machine that hangs is" {
	vm_start
	VM_BOOT_TIMEOUT=3 run -1 vm_kexec 'sleep 60'
	[ "$(grep -Ec '^processor [01]: RIP=f{8}[0-9a-f]{8} RFL=[0-9a-f]{8} .*HLT=[01]; on its stack: f{8}' <<<"$output")" = 2 ]
	[[ $output == *"the next kernel did not come up after: sleep 60"* ]]
}

@test "a machine does not see what another one wrote to the disk" {
	vm_start --append rw
	vm_ok 'mount -o remount,rw / && echo here >/root/left-behind && sync'
	vm_stop
	vm_start
	vm_ok '[ ! -e /root/left-behind ]'
}
