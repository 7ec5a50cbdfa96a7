# SPDX-License-Identifier: GPL-2.0-or-later
dracutkhodir = $(dracutmodulesdir)/50kho
dist_dracutkho_SCRIPTS = \
	dracut-module/50kho/kho-claims.sh \
	dracut-module/50kho/kho-verify.sh \
	dracut-module/50kho/module-setup.sh
dist_dracutkho_DATA = \
	dracut-module/50kho/kho-claims.service \
	dracut-module/50kho/kho-dracut.sh \
	dracut-module/50kho/kho-lib.sh \
	dracut-module/50kho/kho-verify.service
EXTRA_DIST += dracut-module/README.md
dist_man_MANS += man/kho-boot.7
