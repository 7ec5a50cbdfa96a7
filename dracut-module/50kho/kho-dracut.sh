# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The functions that kho-lib.sh needs, by means of dracut.

# Its hooks have dracut's library already. Units do not: to read it takes longer than a boot
# without state may take, so it is read when there is something to say.
kho_dracut_lib() {
	command -v emergency_shell > /dev/null 2>&1 && return 0
	export DRACUT_SYSTEMD=1
	# shellcheck source=/dev/null
	[ ! -f /dracut-state.sh ] || . /dracut-state.sh 2> /dev/null
	# shellcheck source=/dev/null
	. /lib/dracut-lib.sh
}

kho_say() {
	kho_dracut_lib
	warn "kho: $1"
}

# dracut shows the text itself
kho_shell() {
	kho_dracut_lib
	emergency_shell -n kho "kho: $1"
}

# shellcheck source=/dev/null
. /lib/kho-lib.sh
