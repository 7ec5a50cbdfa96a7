# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += lab/kho-damage
lab_kho_damage_SOURCES = lab/kho-damage.c
lab_kho_damage_CFLAGS = $(AM_CFLAGS) $(ELF_CFLAGS)
lab_kho_damage_LDADD = libkho/libkho-core.la

# The same program with the library's header and with the kernel's own, which
# comes out of the patch that adds it.
check_PROGRAMS += tests/unit/test-abi-layout-user tests/unit/test-abi-layout-kernel
tests_unit_test_abi_layout_user_SOURCES = tests/unit/test-abi-layout.c
tests_unit_test_abi_layout_user_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_abi_layout_kernel_SOURCES = tests/unit/test-abi-layout.c
tests_unit_test_abi_layout_kernel_CPPFLAGS = $(AM_CPPFLAGS) -DKERNEL_ABI -I.
tests/unit/test_abi_layout_kernel-test-abi-layout.$(OBJEXT): kernel-abi.h

kernel-abi.h: $(top_srcdir)/kernel-patches/series $(top_srcdir)/lab/added-file
	$(AM_V_GEN)$(top_srcdir)/lab/added-file $(top_srcdir)/kernel-patches \
		include/linux/kho/abi/dma_alloc.h | grep -v '^#include' >$@.tmp && mv $@.tmp $@
CLEANFILES += kernel-abi.h

check_PROGRAMS += tests/unit/test-left-behind
tests_unit_test_left_behind_SOURCES = tests/unit/test-left-behind.c
tests_unit_test_left_behind_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-checksums
tests_unit_test_checksums_SOURCES = tests/unit/test-checksums.c
tests_unit_test_checksums_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-map
tests_unit_test_map_SOURCES = tests/unit/test-map.c
tests_unit_test_map_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-page-sizes
tests_unit_test_page_sizes_SOURCES = tests/unit/test-page-sizes.c
tests_unit_test_page_sizes_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-json
tests_unit_test_json_SOURCES = tests/unit/test-json.c
tests_unit_test_json_LDADD = libkho/libkho-core.la

# on a file system without O_TMPFILE, too
check_PROGRAMS += tests/unit/test-output
tests_unit_test_output_SOURCES = tests/unit/test-output.c
tests_unit_test_output_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat,--wrap=getrandom
tests_unit_test_output_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-text
tests_unit_test_text_SOURCES = tests/unit/test-text.c
tests_unit_test_text_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-cmdline
tests_unit_test_cmdline_SOURCES = tests/unit/test-cmdline.c tests/unit/check.h
tests_unit_test_cmdline_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-target-cmdline
tests_unit_test_target_cmdline_SOURCES = tests/unit/test-target-cmdline.c
tests_unit_test_target_cmdline_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-crashkernel
tests_unit_test_crashkernel_SOURCES = tests/unit/test-crashkernel.c tests/unit/check.h
tests_unit_test_crashkernel_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-kconfig
tests_unit_test_kconfig_SOURCES = tests/unit/test-kconfig.c tests/unit/check.h
tests_unit_test_kconfig_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-only
tests_unit_test_only_SOURCES = tests/unit/test-only.c
tests_unit_test_only_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-unpack
tests_unit_test_unpack_SOURCES = tests/unit/test-unpack.c
tests_unit_test_unpack_CFLAGS = $(AM_CFLAGS) $(DECOMPRESS_CFLAGS) $(LZMA_CFLAGS)
tests_unit_test_unpack_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=inflate,--wrap=ZSTD_decompressStream,--wrap=dlsym,--wrap=read
tests_unit_test_unpack_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-target
tests_unit_test_target_SOURCES = tests/unit/test-target.c
tests_unit_test_target_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-sandbox
tests_unit_test_sandbox_SOURCES = tests/unit/test-sandbox.c tools/kho-inspect/sandbox.c
tests_unit_test_sandbox_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tests_unit_test_sandbox_LDADD = $(SECCOMP_LIBS)

check_PROGRAMS += tests/unit/test-format
tests_unit_test_format_SOURCES = tests/unit/test-format.c tools/kho-inspect/format.c
tests_unit_test_format_LDADD = libkho/libkho-core.la

# its memory changes when it is read
check_PROGRAMS += tests/unit/test-live
tests_unit_test_live_SOURCES = tests/unit/test-live.c
tests_unit_test_live_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pread
tests_unit_test_live_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-target-map
tests_unit_test_target_map_SOURCES = tests/unit/test-target-map.c tests/unit/check.h
tests_unit_test_target_map_LDADD = libkho/libkho-core.la $(FDT_LIBS)

check_PROGRAMS += tests/unit/test-devices
tests_unit_test_devices_SOURCES = tests/unit/test-devices.c tests/unit/check.h
tests_unit_test_devices_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-source
tests_unit_test_source_SOURCES = tests/unit/test-source.c
tests_unit_test_source_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-kdump
tests_unit_test_kdump_SOURCES = tests/unit/test-kdump.c
tests_unit_test_kdump_CFLAGS = $(AM_CFLAGS) $(KDUMP_CFLAGS)
tests_unit_test_kdump_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-progress
tests_unit_test_progress_SOURCES = tests/unit/test-progress.c
tests_unit_test_progress_LDADD = libkho/libkho-core.la

check_PROGRAMS += tests/unit/test-mutations
tests_unit_test_mutations_SOURCES = tests/unit/test-mutations.c
tests_unit_test_mutations_LDADD = libkho/libkho-core.la

# its memory runs out
check_PROGRAMS += tests/unit/test-nomem
tests_unit_test_nomem_SOURCES = tests/unit/test-nomem.c tests/unit/wrap-memory.c tests/unit/wrap-memory.h
tests_unit_test_nomem_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=reallocarray,--wrap=realloc \
	-Wl,--wrap=strdup,--wrap=strndup,--wrap=fdopen
tests_unit_test_nomem_LDADD = libkho/libkho-core.la

# The library again, with a call at each basic block: the test counts them.
check_LTLIBRARIES += tests/unit/libkho-counted.la
tests_unit_libkho_counted_la_SOURCES = $(libkho_libkho_core_la_SOURCES)
tests_unit_libkho_counted_la_CFLAGS = $(libkho_libkho_core_la_CFLAGS) -fsanitize-coverage=trace-pc
tests_unit_libkho_counted_la_LIBADD = $(libkho_libkho_core_la_LIBADD)
check_LTLIBRARIES += tests/unit/libcommands-counted.la
tests_unit_libcommands_counted_la_SOURCES = $(tools_kho_inspect_libcommands_la_SOURCES)
tests_unit_libcommands_counted_la_CFLAGS = $(tools_kho_inspect_libcommands_la_CFLAGS) -fsanitize-coverage=trace-pc
check_PROGRAMS += tests/unit/test-growth
tests_unit_test_growth_SOURCES = tests/unit/test-growth.c
tests_unit_test_growth_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pread,--wrap=malloc,--wrap=calloc \
	-Wl,--wrap=reallocarray,--wrap=realloc,--wrap=free,--wrap=inflate,--wrap=dlsym,--wrap=strnlen,--wrap=strcspn \
	-Wl,--wrap=fdt_address_cells
tests_unit_test_growth_LDADD = tests/unit/libcommands-counted.la tests/unit/libkho-counted.la $(FDT_LIBS) $(SECCOMP_LIBS)

EXTRA_DIST += tests/fixtures

check_PROGRAMS += tests/unit/test-options
tests_unit_test_options_SOURCES = tests/unit/test-options.c
tests_unit_test_options_LDADD = tools/kho-inspect/libcommands.la libkho/libkho-core.la $(SECCOMP_LIBS)

check_PROGRAMS += tests/unit/test-survive
tests_unit_test_survive_SOURCES = tests/unit/test-survive.c tests/unit/check.h
tests_unit_test_survive_LDADD = tools/kho-inspect/libcommands.la libkho/libkho-core.la $(SECCOMP_LIBS)

# its clock can be wound on
check_PROGRAMS += tests/unit/test-boot-check
tests_unit_test_boot_check_SOURCES = tests/unit/test-boot-check.c
tests_unit_test_boot_check_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=boot_clock,--wrap=kho_source_open_live
tests_unit_test_boot_check_LDADD = tools/kho-inspect/libcommands.la libkho/libkho-core.la \
	$(SECCOMP_LIBS)
