# SPDX-License-Identifier: GPL-2.0-or-later
# What one moment of a boot looks like to a hook: dracut-lib's functions, recorded,
# and a machine below $BOX. Run by the bats files as
#   SHELL dracut-stage.sh HOOK...
# and sourced hooks must come back: the last line proves it.
#
# shellcheck shell=sh disable=SC3043
# shellcheck disable=SC2034 # what kho-lib.sh reads

: "${BOX:?}" "${KHO_MODULE:?}"

record() { printf '%s\n' "$*" >> "$BOX/calls"; }
warn() { record "warn $*"; }
info() { record "info $*"; }
emergency_shell() {
	record "emergency_shell $*"
	record "status in the shell: $(cat "$kho_run/status")"
}
ismounted() { [ -e "$BOX/mounted" ]; }
isdigit() { case $1 in *[!0-9]* | "") return 1 ;; esac; }

# What would stop the machine that the tests run on. A machine that stops does not
# come back to the hook, and that is as it should be.
stop_machine() {
	record "$*"
	[ ! -e "$BOX/unstoppable" ] || return 1
	record "came back"
	exit 0
}
systemctl() { stop_machine "systemctl $*"; }
reboot() { stop_machine "reboot $*"; }
halt() { stop_machine "halt $*"; }
poweroff() { stop_machine "poweroff $*"; }

# A busybox may prefer its own applets to what is on PATH, but not to functions.
mount() { "$BOX/bin/mount" "$@"; }
umount() { "$BOX/bin/umount" "$@"; }
dmesg() { "$BOX/bin/dmesg"; }

# The command line is the file cmdline, one argument a line; the last one counts.
getarg() {
	local line value='' found=1
	while IFS= read -r line; do
		case $line in "$1"*) value=${line#"$1"} found=0 ;; esac
	done < "$BOX/cmdline"
	[ "$found" -eq 0 ] || return 1
	printf '%s\n' "$value"
}

getargbool() {
	local value
	value=$(getarg "$2=") || value=$1
	case $value in 0 | no | off) return 1 ;; esac
	return 0
}

# shellcheck source=/dev/null
. "$KHO_MODULE/kho-lib.sh"
kho_run=$BOX/run/initramfs/kho
kho_debugfs=$BOX/debug
kho_boot_params=$BOX/boot_params
kho_chosen=$BOX/chosen
kho_vmcore=$BOX/vmcore
kho_kmsg=$BOX/kmsg
kho_cmdline=$BOX/cmdline
kho_cmdline_etc=$BOX/etc-cmdline
kho_bootloader=$BOX/bootloader
kho_sysrq=$BOX/sysrq
kho_pause=0

for hook; do
	# shellcheck source=/dev/null
	. "$KHO_MODULE/$hook"
done
record "came back"
