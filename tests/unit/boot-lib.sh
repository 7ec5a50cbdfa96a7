# SPDX-License-Identifier: GPL-2.0-or-later
# kho-lib.sh in a machine below $BOX.
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
