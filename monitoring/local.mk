# SPDX-License-Identifier: GPL-2.0-or-later
dist_systemdsystemunit_DATA = monitoring/kho-metrics.timer
report_units = monitoring/kho-metrics.service monitoring/kho-report.service
systemdsystemunit_DATA = $(report_units)
EXTRA_DIST += monitoring/kho-metrics.service.in monitoring/kho-report.service.in \
	monitoring/kho.rules.yml monitoring/sandbox.conf
CLEANFILES += $(report_units)

# both units have the same restrictions
$(report_units): %: %.in monitoring/sandbox.conf Makefile
	$(AM_V_GEN)$(MKDIR_P) monitoring && \
	sed -e 's|@bindir[@]|$(bindir)|g' \
		-e '/^@sandbox[@]$$/{r $(srcdir)/monitoring/sandbox.conf' -e 'd}' \
		$(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
