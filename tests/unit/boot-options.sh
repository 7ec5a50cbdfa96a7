# SPDX-License-Identifier: GPL-2.0-or-later
# Reads lines of COMMAND LINE|OPTIONS BAKED IN|ACTION, and fails if kho-lib.sh does another for a
# kho-inspect that died. Run by boot-hooks.bats as SHELL boot-options.sh.
#
# shellcheck shell=sh
# shellcheck disable=SC2034 # what kho-lib.sh reads

: "${BOX:?}" "${KHO_TESTS:?}"

# shellcheck source=tests/unit/boot-lib.sh
. "$KHO_TESTS/boot-lib.sh"

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
