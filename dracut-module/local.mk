# SPDX-License-Identifier: GPL-2.0-or-later
dracutkhodir = $(dracutmodulesdir)/50kho
dist_dracutkho_SCRIPTS = \
	dracut-module/50kho/kho-claims.sh \
	dracut-module/50kho/kho-stage.sh \
	dracut-module/50kho/kho-verify.sh \
	dracut-module/50kho/module-setup.sh
dist_dracutkho_DATA = \
	dracut-module/50kho/kho-claims.service \
	dracut-module/50kho/kho-lib.sh \
	dracut-module/50kho/kho-verify.service
EXTRA_DIST += dracut-module/README.md
dist_man_MANS += man/kho-boot.7

pkglibexec_SCRIPTS = dracut-module/kho-report
systemdsystemunit_DATA = dracut-module/kho-report.service
EXTRA_DIST += dracut-module/kho-report.in dracut-module/kho-report.service.in
CLEANFILES += $(pkglibexec_SCRIPTS) $(systemdsystemunit_DATA)

dracut-module/kho-report dracut-module/kho-report.service: %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) dracut-module && \
	sed -e 's|@dracutkhodir[@]|$(dracutkhodir)|g' -e 's|@pkglibexecdir[@]|$(pkglibexecdir)|g' \
		$(srcdir)/$@.in >$@.tmp && chmod 755 $@.tmp && mv $@.tmp $@
