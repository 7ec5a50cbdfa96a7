#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kho-report: what goes to the journal and to node_exporter.
#
# shellcheck disable=SC2317 # functions are called by name
# shellcheck disable=SC2016 # what stands in single quotes is for another shell
# shellcheck disable=SC2030,SC2031,SC2034 # what a test sets is for that test

bats_require_minimum_version 1.5.0
load dracut-helpers

# what a running system may have as /bin/sh; busybox prefers its own logger
shells=(bash dash)

K413=$(finding K413 error "content changed")
K501=$(finding K501 warning "record 2 has not been claimed")

# SHELL: as the service runs it, with a logger that keeps each entry.
run_report() {
	command_in_box logger '[ "$*" = --journald ] || exit 1
[ ! -e "$BOX/no-journal" ] || exit 1
cat >> "$BOX/journal"; echo >> "$BOX/journal"'
	: > "$BOX/journal"
	# shellcheck disable=SC2086 # "busybox sh" is two words
	KHO_LIB=$KHO_MODULE/kho-lib.sh KHO_RUN=$BOX/run/initramfs/kho KHO_TEXTFILE=${textfile:-} PATH="$BOX/bin:$PATH" \
		run $1 "${KHO_MODULE%/50kho}/kho-report.in"
}

# boot SHELL: the two checks, with what was handed over.
boot() {
	hand_over
	run_hooks "$1" kho-verify.sh kho-claims.sh
}

entries() { # FIELD: its values, an entry each
	sed -n "s/^$1=//p" "$BOX/journal"
}

@test "a clean boot is one entry, for information" {
	clean() {
		boot "$1"
		run_report "$1"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		[ "$(entries KHO_STATUS)" = clean ]
		[ "$(entries PRIORITY)" = 6 ]
		[ "$(entries SYSLOG_IDENTIFIER)" = kho-report ]
		[[ $(entries MESSAGE) == "KHO: clean 0 fatal"* ]]
		[[ $(entries MESSAGE_ID) =~ ^[0-9a-f]{32}$ ]]
	}
	in_every_shell clean
}

@test "each finding is an entry with its rule, once, from either check" {
	findings() {
		inspect_says 1 "$(report "$K413")"
		claims_say 1 "$(report "$K413" "$K501")"
		boot "$1"
		run_report "$1"
		[ "$status" -eq 0 ]
		[ "$(entries KHO_RULE | tr '\n' ' ')" = "K413 K501 " ]
		[ "$(entries KHO_SEVERITY | tr '\n' ' ')" = "error warning " ]
		[ "$(entries KHO_STAGE | tr '\n' ' ')" = "incoming claims " ]
		[ "$(entries PRIORITY | tr '\n' ' ')" = "3 3 4 " ]
		[ "$(entries KHO_ADDRESS | sort -u)" = 0x1000 ]
		[ -z "$(entries KHO_RECORD_ID)" ]
		[ "$(entries MESSAGE | sed -n 2p)" = "KHO: error K413: content changed" ]
		[ "$(entries MESSAGE_ID | sort -u | wc -l)" -eq 2 ]
	}
	in_every_shell findings
}

@test "a journal gets the worst thousand findings of a check, and is told of the rest" {
	thousands() {
		inspect_says 1 "$(report "$(finding K203 warning w)" "$K413" \
			| jq '.findings += [range(1200) as $i | .findings[0] + {record_id: $i}] | .summary.warning += 1200')"
		boot "$1"
		run_report "$1"
		[ "$status" -eq 0 ]
		[ "$(entries KHO_RULE | wc -l)" -eq 1000 ]
		[ "$(entries KHO_RULE | sed q)" = K413 ]
		entries MESSAGE | grep -q '^KHO: 202 more findings are in .*/report.json$'
		[ "$(entries KHO_RECORD_ID | sed -n 2p)" = 1 ]
	}
	new_box
	thousands dash
}

@test "text from damaged memory cannot add fields or entries" {
	hostile() {
		inspect_says 1 "$(report "$(finding K404 error "$(printf 'a\nPRIORITY=0\nMESSAGE=\033[2Jfine')")")"
		boot "$1"
		run_report "$1"
		[ "$(entries PRIORITY | tr '\n' ' ')" = "3 3 " ]
		run ! grep -q '^MESSAGE=.*fine$' <(grep -v '^MESSAGE=KHO: ' "$BOX/journal")
		run ! env LC_ALL=C grep -q '[^ -~]' "$BOX/journal"
	}
	in_every_shell hostile
}

@test "a journal that cannot be reached still gets the text" {
	no_journal() {
		inspect_says 1 "$(report "$K413")"
		boot "$1"
		touch "$BOX/no-journal"
		run_report "$1"
		[[ $output == *"<3>KHO: error error K413"* ]]
		[[ $output == *"<3>KHO: error K413: content changed"* ]]
	}
	in_every_shell no_journal
}

@test "a report that is cut is told, and is a failure" {
	cut_off() {
		boot "$1"
		echo '{' > "$BOX/run/initramfs/kho/report.json"
		run_report "$1"
		[ "$status" -eq 1 ]
		[[ $output == *"report.json is not complete"* ]]
	}
	in_every_shell cut_off
}

@test "without a status there is nothing to report, and that is a failure" {
	new_box
	run_report dash
	[ "$status" -eq 1 ]
	[[ $output == *"booted with the dracut module kho?"* ]]
}

@test "the textfile is written where it is configured, whole, for everybody to read" {
	textfile() {
		textfile=$BOX/kho.prom
		inspect_says 1 "$(report "$K413")"
		boot "$1"
		inspect_says 1 'kho_verify_ok{side="incoming"} 0'
		rm -f "$BOX/claims.out"
		run_report "$1"
		[ "$status" -eq 0 ]
		called "kho-inspect verify --in --claims --skip-content --prometheus"
		grep -qx 'kho_verify_ok{side="incoming"} 0' "$BOX/kho.prom"
		grep -qx 'kho_boot_status{status="error"} 1' "$BOX/kho.prom"
		[ "$(stat -c %a "$BOX/kho.prom")" = 644 ]
		[ -z "$(find "$BOX" -name 'kho.prom.*')" ]
		textfile=$BOX/nowhere/kho.prom
		run_report "$1"
		[ "$status" -eq 1 ]
		[[ $output == *"cannot write $BOX/nowhere/kho.prom"* ]]
	}
	in_every_shell textfile
}

@test "a boot without state asks kho-inspect nothing for the textfile" {
	cold() {
		textfile=$BOX/kho.prom
		run_hooks "$1" kho-verify.sh
		run_report "$1"
		not_called kho-inspect
		grep -qx 'kho_boot_status{status="none"} 1' "$BOX/kho.prom"
	}
	in_every_shell cold
}

@test "shellcheck has nothing to say" {
	cd "${KHO_MODULE%/dracut-module/50kho}"
	shellcheck -x dracut-module/kho-report.in
}

@test "the manual names every field of an entry, and its MESSAGE_IDs are right" {
	local manual=${KHO_TESTS%/tests/unit}/man/kho-boot.7 word
	for word in KHO_STATUS KHO_REPORT KHO_RULE KHO_SEVERITY KHO_UNEVALUATED KHO_STAGE KHO_RECORD_ID KHO_ADDRESS \
		KHO_TEXTFILE kho_boot_status $(sed -n 's/^KHO_[A-Z]*_ID=//p' "${KHO_MODULE%/50kho}/kho-report.in"); do
		grep -q -F -- "$word" "$manual"
	done
}
