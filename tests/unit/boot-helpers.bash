# SPDX-License-Identifier: GPL-2.0-or-later
# A box with a machine in it, for the tests of what runs in an initramfs.
#
# shellcheck shell=bash
# shellcheck disable=SC2016 # what stands in single quotes is for another shell

# The hooks must work in every shell that an initramfs may have.
shells=(bash dash "busybox sh")

KHO_TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KHO_TOP=${KHO_TESTS%/tests/unit}
export KHO_TESTS KHO_MODULE=$KHO_TOP/dracut-module/50kho

new_box() {
	export BOX=$BATS_TEST_TMPDIR/${1:-box}
	rm -rf "$BOX"
	mkdir -p "$BOX/bin" "$BOX/run/initramfs/kho"
	: > "$BOX/cmdline"
	: > "$BOX/kmsg"
	: > "$BOX/calls"
	: > "$BOX/sysrq"
}

# kho-inspect boot-check: exit status, and the lines that it prints.
check_says() { # STATUS [LINE...]
	echo "$1" > "$BOX/status"
	shift
	: > "$BOX/said"
	[ $# -eq 0 ] || printf '%s\n' "$@" > "$BOX/said"
	printf '#!/bin/sh\n%s\n' 'echo "kho-inspect $*" >> "$BOX/calls"; cat "$BOX/said"; exit "$(cat "$BOX/status")"' \
		> "$BOX/bin/kho-inspect"
	chmod +x "$BOX/bin/kho-inspect"
}

status_file_is() { # LINE
	[ "$(cat "$BOX/run/initramfs/kho/status")" = "$1" ] || fail_with "status: $(cat "$BOX/run/initramfs/kho/status")"
}

cmdline() { printf '%s\n' "$*" > "$BOX/cmdline"; }

run_stages() { # SHELL STAGE...
	local shell=$1
	shift
	# shellcheck disable=SC2086 # "busybox sh" is two words
	PATH="$BOX/bin:$PATH" $shell "$KHO_TESTS/boot-stage.sh" "$@"
	grep -qx 'came back' "$BOX/calls" || fail_with "the hook did not return"
}

fail_with() {
	printf '%s\n' "$*" >&2
	printf -- '--- calls\n%s\n--- kmsg\n%s\n' "$(cat "$BOX/calls")" "$(cat "$BOX/kmsg")" >&2
	return 1
}

# The calls, each in its place, and no other.
calls_are() { # LINE...
	printf '%s\n' "$@" "came back" | diff - "$BOX/calls" || fail_with "other calls"
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
