#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The cleanup hook: what drivers have claimed by the time the root is switched.
#
# shellcheck disable=SC2317 # functions are called by name

bats_require_minimum_version 1.5.0
load dracut-helpers

UNCLAIMED=$(finding K501 warning "record 2 has not been claimed")
REFUSED=$(finding K502 error "record 3 was refused")
CHANGED=$(finding K413 error "content changed")

@test "nothing handed over: nothing is done" {
	cold() {
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is none
		not_called kho-inspect
		[ "$(grep -c '^mount' "$BOX/calls")" -eq 1 ]
	}
	in_every_shell cold
}

@test "the check runs with --claims and without the promise and the contents" {
	options() {
		hand_over
		cmdline rd.kho.expect=3,17
		run_hooks "$1" kho-verify.sh kho-claims.sh
		grep '^kho-inspect' "$BOX/calls" | diff - <(printf '%s\n' \
			"kho-inspect verify --in --json --expect=3,17" \
			"kho-inspect verify --in --json --claims --skip-content")
		[ "$(grep -c '^umount' "$BOX/calls")" -eq 2 ]
	}
	in_every_shell options
}

@test "everything claimed: clean, both moments in one line" {
	claimed() {
		hand_over
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is clean "; claims: clean: 0 unclaimed, 0 refused"
		[ "$(wc -l < "$BOX/run/initramfs/kho/status")" -eq 1 ]
		[ -s "$BOX/run/initramfs/kho/claims.json" ]
		grep -q '^<6>kho: claims: clean: ' "$BOX/kmsg"
	}
	in_every_shell claimed
}

@test "unclaimed allocations make a clean boot a warning" {
	unclaimed() {
		hand_over
		claims_say 0 "$(report "$UNCLAIMED")"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is warning "claims: warning: 1 unclaimed, 0 refused"
		called "warn kho: warning K501: record 2 has not been claimed"
	}
	in_every_shell unclaimed
}

@test "a refused allocation is an error, and opens the shell" {
	refused() {
		hand_over
		cmdline rd.kho.policy=shell
		claims_say 1 "$(report "$UNCLAIMED" "$REFUSED")"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is error "claims: error: 1 unclaimed, 1 refused"
		called "emergency_shell -n kho kho: claims: error"
		called "status in the shell: error 0 fatal, 0 errors"
	}
	in_every_shell refused
}

@test "claims never make a bad boot better, nor tell the same finding twice" {
	bad() {
		hand_over
		cmdline rd.kho.policy=shell
		inspect_says 1 "$(report "$CHANGED")"
		claims_say 1 "$(report "$CHANGED")"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is error "claims: clean: 0 unclaimed"
		[ "$(grep -c 'warn kho: error K413' "$BOX/calls")" -eq 1 ]
		[ "$(grep -c emergency_shell "$BOX/calls")" -eq 1 ]
	}
	in_every_shell bad
}

@test "a finding that is only there at the second moment counts" {
	later() {
		hand_over
		inspect_says 0 "$(report)"
		claims_say 1 "$(report "$(finding K404 fatal "list is broken")")"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is fatal "claims: fatal: 0 unclaimed"
		called "warn kho: fatal K404: list is broken"
	}
	in_every_shell later
}

@test "claims that cannot be judged are unknown" {
	cannot() {
		hand_over
		claims_say 0 ""
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is unknown "claims: unknown: "
		new_box again
		hand_over
		claims_say 1 "$(report "$(finding K501 warning "fates are not readable" true)")"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is unknown "claims: unknown: 0 unclaimed"
	}
	in_every_shell cannot
}

@test "where the state was absent, nobody can claim: not checked again" {
	absent() {
		cmdline rd.kho.expect=3,17
		inspect_says 1 "$(report "$(finding K510 fatal "were expected")")"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is absent
		not_called "--claims"
	}
	in_every_shell absent
}
