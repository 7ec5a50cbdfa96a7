#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# cleanup hook: which allocations has no driver claimed, before the root is switched?

# shellcheck source=/dev/null
. /lib/kho-dracut.sh
kho_check claims
