# SPDX-License-Identifier: GPL-2.0-or-later
# The extension is built in a kexec-tools tree (see kexec/README.md), not here.
EXTRA_DIST += kexec
dist_man_MANS += man/kexec-kho.8
systemdsystemunit_DATA += kexec/kho-preexec.service
