# SPDX-License-Identifier: GPL-2.0-or-later
# A box with a machine in it, for the tests of the dracut module.
#
# shellcheck shell=bash
# shellcheck disable=SC2016 # what stands in single quotes is for another shell
# shellcheck disable=SC2119,SC2120 # a report without findings has no arguments

# The hooks must work in every shell that an initramfs may have.
shells=(bash dash "busybox sh")

KHO_TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export KHO_MODULE=${KHO_TESTS%/tests/unit}/dracut-module/50kho

# A machine that booted cold, with debugfs to be mounted and kho-inspect at hand.
new_box() {
	export BOX=$BATS_TEST_TMPDIR/${1:-box}
	rm -rf "$BOX"
	mkdir -p "$BOX/bin" "$BOX/debug"
	: > "$BOX/cmdline"
	: > "$BOX/kmsg"
	: > "$BOX/calls"
	: > "$BOX/sysrq"
	echo 176 > "$BOX/bootloader"
	echo '[    0.000000] Linux version 7.3.4' > "$BOX/dmesg"
	command_in_box mount 'echo "mount $*" >> "$BOX/calls"; [ ! -e "$BOX/no-debugfs" ] || exit 32
touch "$BOX/mounted"; [ ! -e "$BOX/state" ] || mkdir -p "$BOX/debug/kho/in"'
	command_in_box umount 'echo "umount $*" >> "$BOX/calls"; rm -rf "$BOX/mounted" "$BOX/debug/kho"'
	command_in_box dmesg '[ ! -e "$BOX/no-dmesg" ] || exit 1; cat "$BOX/dmesg"'
	inspect_says 0 "$(report)"
}

command_in_box() { # NAME BODY
	printf '#!/bin/sh\n%s\n' "$2" > "$BOX/bin/$1"
	chmod +x "$BOX/bin/$1"
}

# kho-inspect's exit status and standard output, at the first check and unless
# claims_say, at the second.
inspect_says() { # STATUS OUTPUT [STDERR]
	printf '%s\n' "$2" > "$BOX/inspect.out"
	printf '%s' "${3:-}" > "$BOX/inspect.err"
	echo "$1" > "$BOX/inspect.status"
	command_in_box kho-inspect 'echo "kho-inspect $*" >> "$BOX/calls"
[ "$1" != snapshot ] || { while [ "$1" != -o ]; do shift; done; echo snapshot > "$2"; exit 0; }
which=inspect
case "$*" in *--claims*) [ ! -e "$BOX/claims.out" ] || which=claims ;; esac
cat "$BOX/$which.out"
cat "$BOX/$which.err" >&2
exit "$(cat "$BOX/$which.status")"'
}

claims_say() { # STATUS OUTPUT
	printf '%s\n' "$2" > "$BOX/claims.out"
	: > "$BOX/claims.err"
	echo "$1" > "$BOX/claims.status"
}

finding() { # RULE SEVERITY MESSAGE [UNEVALUATED]
	jq -n --arg rule "$1" --arg severity "$2" --arg message "$3" \
		--argjson unevaluated "${4:-false}" \
		'{rule: $rule, severity: $severity, unevaluated: $unevaluated, addr: "0x1000",
		  record_id: null, title: "T", message: $message, remedy: "R"}'
}

# A document as kho-inspect verify --json prints it, counts from the findings.
report() { # FINDING...
	printf '%s\n' "$@" | jq -s '
		map(select(. != null)) as $f
		| def count($s): [$f[] | select(.severity == $s and ((.unevaluated and $s != "info") | not))] | length;
		{kho_inspect: {version: "0", command: "verify"}, state: null, findings: $f,
		 summary: {info: count("info"), warning: count("warning"), error: count("error"),
			   fatal: count("fatal"),
			   unevaluated: ([$f[] | select(.unevaluated and .severity != "info")] | length),
			   records: 3, pages: 20, ranges: 5, status: 0}}'
}

# The previous kernel left something, and this one took it.
hand_over() {
	touch "$BOX/state"
	started_by_kexec
}

# What x86_64 shows when kexec started this kernel with a hand-over.
started_by_kexec() {
	mkdir -p "$BOX/boot_params/setup_data/0"
	echo 0x20f > "$BOX/boot_params/version"
	echo 0xa > "$BOX/boot_params/setup_data/0/type"
	echo 208 > "$BOX/bootloader"
}

cmdline() { printf '%s\n' "$@" > "$BOX/cmdline"; }

run_hooks() { # SHELL HOOK...
	local shell=$1
	shift
	# shellcheck disable=SC2086 # "busybox sh" is two words
	PATH="$BOX/bin:$PATH" $shell "$KHO_TESTS/dracut-stage.sh" "$@"
	grep -qx 'came back' "$BOX/calls" || fail_with "the hook did not return"
}

fail_with() {
	printf '%s\n' "$*" >&2
	printf -- '--- calls\n%s\n--- kmsg\n%s\n' "$(cat "$BOX/calls")" "$(cat "$BOX/kmsg")" >&2
	return 1
}

status_is() { # WORD [TEXT]: the first word, and text that is somewhere in the line
	local line
	line=$(cat "$BOX/run/initramfs/kho/status") || fail_with "no status file" || return 1
	[ "${line%% *}" = "$1" ] || fail_with "status: $line" || return 1
	[[ $line == *"${2:-}"* ]] || fail_with "status lacks '$2': $line"
}

called() { # TEXT: a call that begins so
	grep -q -F -- "$1" "$BOX/calls" || fail_with "not called: $1"
}

not_called() {
	! grep -q -F -- "$1" "$BOX/calls" || fail_with "called: $1"
}

kmsg_is() { # PATTERN of the only line
	[ "$(wc -l < "$BOX/kmsg")" -eq 1 ] || fail_with "not one line in the kernel log" || return 1
	# shellcheck disable=SC2053 # a pattern
	[[ $(cat "$BOX/kmsg") == $1 ]] || fail_with "kernel log does not match: $1"
}

# Each test runs whole in each shell; when one fails, the last "in" names the shell.
# No || here: it would switch off errexit in the test, and with it all checks but the last.
in_every_shell() { # FUNCTION: gets the shell
	local shell
	for shell in "${shells[@]}"; do
		echo "in $shell"
		new_box "${shell%% *}"
		"$1" "$shell"
	done
}
