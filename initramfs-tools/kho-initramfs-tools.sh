#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The functions that kho-lib.sh needs, by means of initramfs-tools.

# log_warning_msg is silent with "quiet", and findings are not
kho_say() {
	echo "Warning: kho: $1"
}

# It honours panic=, and comes back when the operator leaves the shell.
kho_shell() {
	# shellcheck source=/dev/null
	. /scripts/functions
	panic "Warning: kho: $1"
}

# shellcheck source=/dev/null
. /lib/kho-lib.sh
