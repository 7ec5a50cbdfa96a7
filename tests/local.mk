# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests run on the build folder. Tests in virtual machines need a kernel; scripts/test runs
# them.
BATS = bats

# whole folders, so that the tarball has all files that a test needs
EXTRA_DIST += lab scripts tests/arm64 tests/distro tests/kernel tests/package tests/stock tests/unit tests/vm
# make dist copies built files in these folders too
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

# all files of tests/unit, or these
CHECK_TESTS = .

check-local: all
	@set -- $(BATS); command -v "$$1" >/dev/null || { \
		echo "make check needs bats: install it, or name it with BATS=" >&2; exit 1; }
	cd '$(abs_top_srcdir)/tests/unit' && KHO_BUILDDIR='$(abs_builddir)' $(BATS) $(CHECK_TESTS)

# checks what make install put below the prefix, for make distcheck
installcheck-local:
	'$(abs_top_srcdir)/tests/unit/build-installcheck' '$(DESTDIR)$(prefix)'
