# SPDX-License-Identifier: GPL-2.0-or-later
# The scripts bear the same name, so they are installed by folder.
initramfshooksdir = $(datadir)/initramfs-tools/hooks
initramfstopdir = $(datadir)/initramfs-tools/scripts/init-top
initramfsbottomdir = $(datadir)/initramfs-tools/scripts/init-bottom
initramfskhodir = $(pkgdatadir)/initramfs-tools
dist_initramfshooks_SCRIPTS = initramfs-tools/hooks/kho
dist_initramfstop_SCRIPTS = initramfs-tools/scripts/init-top/00-kho
dist_initramfsbottom_SCRIPTS = initramfs-tools/scripts/init-bottom/kho
# what acts on the answer is dracut's file too
dist_initramfskho_DATA = initramfs-tools/kho-initramfs-tools.sh dracut-module/50kho/kho-lib.sh
