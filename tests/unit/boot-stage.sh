# SPDX-License-Identifier: GPL-2.0-or-later
# One moment of a boot: kho-lib.sh in a machine below $BOX, with the two functions that an
# initramfs brings, recorded. Run by the bats files as SHELL boot-stage.sh STAGE...
# Sourced hooks must come back: the last line proves it.
#
# shellcheck shell=sh disable=SC3043
# shellcheck disable=SC2034 # what kho-lib.sh reads

: "${BOX:?}" "${KHO_TESTS:?}"

record() { printf '%s\n' "$*" >> "$BOX/calls"; }
kho_say() { record "say $*"; }
kho_shell() { record "shell $*"; }

# Replaces the commands that would stop the machine. A machine that stops does not come back to
# the hook, and that is as it should be.
stop_machine() {
	record "$*"
	[ ! -e "$BOX/unstoppable" ] || return 1
	record "came back"
	exit 0
}
systemctl() { stop_machine "systemctl $*"; }
reboot() { stop_machine "reboot $*"; }
halt() { stop_machine "halt $*"; }

# shellcheck source=tests/unit/boot-lib.sh
. "$KHO_TESTS/boot-lib.sh"
kho_sysrq=$BOX/sysrq
kho_pause=0

for stage; do
	kho_check "$stage"
done
record "came back"
