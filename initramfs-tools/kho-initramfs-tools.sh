# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The functions that kho-lib.sh needs, by means of initramfs-tools.

# log_warning_msg is silent with "quiet", and findings are not
kho_say() {
	echo "Warning: kho: $1"
}

# Returns when the operator leaves the shell. With panic=, initramfs-tools opens none and resets the
# machine, which may find the same again, and again.
kho_shell() {
	# shellcheck disable=SC2154 # initramfs-tools' init exports it
	if [ -n "${panic-}" ]; then
		kho_act halt "${1%. Leave the shell*}; no shell, because panic= forbids one"
		return
	fi
	# shellcheck source=/dev/null
	. /scripts/functions
	panic "Warning: kho: $1"
}

# shellcheck source=/dev/null
. /lib/kho-lib.sh
