#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the units of a systemd initramfs run: one of the two checks, in what dracut
# gives to its own hooks. To read that takes longer than a boot without state is to be
# kept, and such a boot needs none of it.

# shellcheck source=/dev/null
. /lib/kho-lib.sh
case ${1:-} in
	verify) ! kho_cold_boot || exit 0 ;;
	claims) kho_anything_checked || exit 0 ;;
esac

export DRACUT_SYSTEMD=1
# shellcheck source=/dev/null
[ ! -f /dracut-state.sh ] || . /dracut-state.sh 2> /dev/null
# shellcheck source=/dev/null
. /lib/dracut-lib.sh

case ${1:-} in
	verify) kho_verify_incoming ;;
	claims) kho_verify_claims ;;
	*)
		warn "kho: usage: kho-stage verify|claims"
		exit 2
		;;
esac
# what was found is in the status; to systemd the check has been done
exit 0
