#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# pre-udev hook: is what the previous kernel handed over all there?

# shellcheck source=/dev/null
. /lib/kho-dracut.sh
kho_check incoming
