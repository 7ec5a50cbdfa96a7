#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# pre-udev hook: is what the previous kernel handed over all there?

# shellcheck source=/dev/null
command -v kho_verify_incoming > /dev/null 2>&1 || . /lib/kho-lib.sh

kho_verify_incoming
