#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# rd.kho.policy: who is told, and when a shell opens.
#
# shellcheck disable=SC2317 # functions are called by name

bats_require_minimum_version 1.5.0
load dracut-helpers

bad_boot() { # SHELL [ARGUMENT]
	hand_over
	cmdline "${2:-}"
	inspect_says 1 "$(report "$(finding K413 error "content changed")")"
	run_hooks "$1" kho-verify.sh
	status_is error
}

@test "log: the kernel log and the report only" {
	log() {
		bad_boot "$1" rd.kho.policy=log
		kmsg_is '<3>kho: incoming state: error: *'
		not_called warn
		not_called emergency_shell
	}
	in_every_shell log
}

@test "warn is the default: the console too, and no shell" {
	by_default() {
		bad_boot "$1"
		called "warn kho: error K413: content changed"
		not_called emergency_shell
		bad_boot "$1" rd.kho.policy=warn
		not_called emergency_shell
	}
	in_every_shell by_default
}

@test "shell: opens once, after the findings, with debugfs still mounted" {
	shell_policy() {
		bad_boot "$1" rd.kho.policy=shell
		called "emergency_shell -n kho kho: incoming state: error:"
		[ "$(grep -c emergency_shell "$BOX/calls")" -eq 1 ]
		called "status in the shell: error error K413"
		grep -E '^(warn kho: error|emergency_shell|umount)' "$BOX/calls" | cut -d' ' -f1 \
			| diff - <(printf '%s\n' warn emergency_shell umount)
	}
	in_every_shell shell_policy
}

@test "shell: opens for what is unknown or absent as well" {
	for_unknown() {
		hand_over
		cmdline rd.kho.policy=shell
		inspect_says 2 "" "no permission"
		run_hooks "$1" kho-verify.sh
		called "emergency_shell -n kho kho: incoming state: unknown:"

		new_box absent
		cmdline rd.kho.policy=shell rd.kho.expect=3,17
		inspect_says 1 "$(report "$(finding K510 fatal "were expected")")"
		run_hooks "$1" kho-verify.sh
		called "emergency_shell -n kho kho: incoming state: absent:"
	}
	in_every_shell for_unknown
}

@test "shell: does not open when all is well" {
	well() {
		hand_over
		cmdline rd.kho.policy=shell
		run_hooks "$1" kho-verify.sh
		status_is clean
		not_called emergency_shell
	}
	in_every_shell well
}

@test "reboot and halt are told to be missing, and stop the boot in a shell" {
	reserved() {
		local policy
		for policy in reboot halt; do
			new_box again
			bad_boot "$1" "rd.kho.policy=$policy"
			called "warn kho: rd.kho.policy=$policy is not supported yet: taken as shell"
			called emergency_shell
		done
	}
	in_every_shell reserved
}

@test "an unknown policy is told and taken as warn" {
	unknown() {
		bad_boot "$1" rd.kho.policy=shel
		called "warn kho: rd.kho.policy=shel is not one of log, warn, shell: taken as warn"
		called "warn kho: error K413"
		not_called emergency_shell
	}
	in_every_shell unknown
}
