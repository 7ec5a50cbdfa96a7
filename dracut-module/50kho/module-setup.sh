#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut module: check in early boot what Kexec HandOver (KHO) handed over.
# dracut sources this file and provides moddir, initdir and the inst_* functions.

# called by dracut
check() {
	require_binaries kho-inspect || return 1
	return 0
}

# called by dracut
depends() {
	echo base
	return 0
}

# called by dracut
installkernel() {
	return 0
}

# called by dracut
install() {
	inst_multiple kho-inspect dmesg mkdir mount mv rm sed umount

	# shellcheck disable=SC2154 # moddir is dracut's
	inst_simple "$moddir/kho-lib.sh" /lib/kho-lib.sh

	# Before udevd starts, the first in its row: other hooks may load drivers.
	inst_hook pre-udev 00 "$moddir/kho-verify.sh"
	# As late as can be: what drivers have claimed by the time the root is switched.
	inst_hook cleanup 90 "$moddir/kho-claims.sh"

	# systemd runs the hooks from dracut's own units, but it loads the modules
	# of modules-load.d without waiting for them.
	dracut_module_included systemd || return 0
	# shellcheck disable=SC2154 # so is systemdsystemunitdir
	inst_simple "$moddir/modules-load-after-kho.conf" \
		"$systemdsystemunitdir/systemd-modules-load.service.d/50-kho.conf"
}
