# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests run against the build folder. Tests in virtual machines need a kernel
# and are run by scripts/test.
BATS = bats

# whole folders: what a test needs is there in the tarball too
EXTRA_DIST += lab scripts tests/arm64 tests/distro tests/kernel tests/package tests/stock tests/unit tests/vm
# of folders, make dist takes what was built in them too
dist-hook:
	cd '$(distdir)' && find . ! -type d | while read -r file; do \
		test -e '$(abs_top_srcdir)'/"$$file" || rm -f "$$file" || exit; \
	done
	find '$(distdir)' -type d -empty -delete

include tests/unit/libkho.mk
include tests/unit/kexec.mk
include tests/fuzz/fuzz.mk
include tests/bench/local.mk

.PHONY: check-programs
check-programs: $(check_PROGRAMS)

# of tests/unit: all of them, or these files
CHECK_TESTS = .

check-local: all
	@set -- $(BATS); command -v "$$1" >/dev/null || { \
		echo "make check needs bats: install it, or name it with BATS=" >&2; exit 1; }
	cd '$(abs_top_srcdir)/tests/unit' && KHO_BUILDDIR='$(abs_builddir)' $(BATS) $(CHECK_TESTS)

# for a prefix of its own: make distcheck's
installcheck-local:
	'$(abs_top_srcdir)/tests/unit/build-installcheck' '$(DESTDIR)$(prefix)'
