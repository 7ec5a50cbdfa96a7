#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# cleanup hook: which allocations has no driver claimed, before the root is switched?

# shellcheck source=/dev/null
command -v kho_verify_claims > /dev/null 2>&1 || . /lib/kho-lib.sh

kho_verify_claims
