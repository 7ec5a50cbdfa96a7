#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut module: check in early boot what Kexec HandOver (KHO) handed over.
# shellcheck disable=SC2154 # dracut sources this file and sets moddir, initdir and the like

# called by dracut. The same for host-only images: what the running kernel hands over
# says nothing about what the next one is handed. dracut tells which binary is missing.
check() {
	# a crash kernel owns none of this memory: only when it is asked for
	[ -z "${IN_KDUMP-}" ] || return 255
	require_binaries kho-inspect || return 1
}

depends() { echo base; }

# kho_install_unit UNIT TARGET: the target of the initramfs that starts it.
kho_install_unit() {
	inst_simple "$moddir/$1" "$systemdsystemunitdir/$1"
	$SYSTEMCTL -q --root "$initdir" add-wants "$2" "$1"
}

# called by dracut
install() {
	inst_multiple kho-inspect mkdir mv rm sleep
	inst_simple "$moddir/kho-lib.sh" /lib/kho-lib.sh
	inst_simple "$moddir/kho-dracut.sh" /lib/kho-dracut.sh

	if dracut_module_included systemd; then
		kho_install_unit kho-verify.service sysinit.target
		kho_install_unit kho-claims.service initrd.target
		return 0
	fi

	# Before udevd starts, the first in its row: other hooks may load drivers.
	inst_hook pre-udev 00 "$moddir/kho-verify.sh"
	# As late as can be: what drivers have claimed by the time the root is switched.
	inst_hook cleanup 90 "$moddir/kho-claims.sh"
}
