# SPDX-License-Identifier: GPL-2.0-or-later
# Reads lines of COMMAND LINE|OPTIONS BAKED IN|ACTION, and fails if kho-lib.sh does another for a
# kho-inspect that died. Run by boot-hooks.bats as SHELL boot-options.sh.
#
# shellcheck shell=sh
# shellcheck disable=SC2034 # what kho-lib.sh reads

: "${BOX:?}" "${KHO_MODULE:?}"

# shellcheck source=/dev/null
. "$KHO_MODULE/kho-lib.sh"
kho_run=$BOX/run/initramfs/kho
kho_kmsg=$BOX/kmsg
kho_etc=$BOX/etc
kho_cmdline=$BOX/cmdline
kho_vmcore=$BOX/vmcore

failed=0
while IFS='|' read -r line baked wanted; do
	printf '%s\n' "$line" > "$kho_cmdline"
	printf '%s' "$baked" > "$kho_etc/cmdline.d/a.conf"
	rm -f "$kho_run/status"
	said=$(kho_died incoming 139)
	said=${said%% *}
	[ -e "$kho_run/status" ] || said=off
	[ "${said:-log}" = "$wanted" ] && continue
	echo "$line|$baked: ${said:-log} and not $wanted"
	failed=1
done
exit "$failed"
