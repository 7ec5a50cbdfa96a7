# SPDX-License-Identifier: LGPL-2.1-or-later
# Everything is compiled once into a convenience archive, so that unit tests
# reach internals without a symbol being exported for their sake.
noinst_LTLIBRARIES += libkho/libkho-core.la
libkho_libkho_core_la_SOURCES = \
	libkho/abi/dma_alloc.h \
	libkho/abi/efi_memory.h \
	libkho/abi/kexec_handover.h \
	libkho/abi/snapshot.h \
	libkho/abi/subtrees.h \
	libkho/abi/x86_boot.h \
	libkho/addr_set.c \
	libkho/addr_set.h \
	libkho/cmdline.c \
	libkho/cmdline.h \
	libkho/crashkernel.c \
	libkho/crashkernel.h \
	libkho/crc32c.c \
	libkho/crc32c.h \
	libkho/decode.c \
	libkho/decode.h \
	libkho/decompress.c \
	libkho/decompress.h \
	libkho/devices.c \
	libkho/devices.h \
	libkho/dma.h \
	libkho/error.c \
	libkho/error.h \
	libkho/extents.c \
	libkho/extents.h \
	libkho/fdt_check.c \
	libkho/fdt_check.h \
	libkho/files.c \
	libkho/files.h \
	libkho/json.c \
	libkho/json_kho.c \
	libkho/kconfig.c \
	libkho/kconfig.h \
	libkho/kho.h \
	libkho/kho_output.h \
	libkho/kho_rules.def \
	libkho/library.c \
	libkho/library.h \
	libkho/map.c \
	libkho/map.h \
	libkho/map_bitmap.c \
	libkho/map_radix.c \
	libkho/output.c \
	libkho/page_set.c \
	libkho/page_set.h \
	libkho/progress.c \
	libkho/progress.h \
	libkho/ranges.c \
	libkho/ranges.h \
	libkho/report.c \
	libkho/root.c \
	libkho/root.h \
	libkho/root_find.c \
	libkho/root_find.h \
	libkho/rules.c \
	libkho/snapshot.c \
	libkho/snapshot.h \
	libkho/snapshot_elf.c \
	libkho/source.c \
	libkho/source.h \
	libkho/source_elf.c \
	libkho/source_kdump.c \
	libkho/source_kinds.h \
	libkho/source_live.c \
	libkho/state.c \
	libkho/state.h \
	libkho/state_empty.c \
	libkho/subtree_dma_alloc.c \
	libkho/subtree_kho_test.c \
	libkho/subtree_luo.c \
	libkho/subtree_memblock.c \
	libkho/subtree_memfd.c \
	libkho/subtree_metadata.c \
	libkho/subtree_raw.c \
	libkho/target.c \
	libkho/target.h \
	libkho/target_cmdline.c \
	libkho/target_memory.c \
	libkho/target_place.c \
	libkho/target_ram.c \
	libkho/target_search.c \
	libkho/target_search.h \
	libkho/text.c \
	libkho/text.h \
	libkho/verify.c \
	libkho/verify.h \
	libkho/verify_boot.c \
	libkho/verify_devices.c \
	libkho/verify_dma.c \
	libkho/verify_map.c \
	libkho/verify_root.c \
	libkho/verify_subtrees.c \
	libkho/verify_target.c \
	libkho/vmlinux.c \
	libkho/vmlinux.h
libkho_libkho_core_la_CFLAGS = $(AM_CFLAGS) $(ELF_CFLAGS) $(XXHASH_CFLAGS) $(DECOMPRESS_CFLAGS) $(LZ4_CFLAGS) $(LZMA_CFLAGS) \
	$(KDUMP_CFLAGS) $(DW_CFLAGS)
libkho_libkho_core_la_LIBADD = $(FDT_LIBS) $(ELF_LIBS) $(DECOMPRESS_LIBS) \
	$(DL_LIBS)

lib_LTLIBRARIES += libkho/libkho.la
libkho_libkho_la_SOURCES =
libkho_libkho_la_LIBADD = libkho/libkho-core.la
libkho_libkho_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(top_srcdir)/libkho/libkho.map
libkho_libkho_la_DEPENDENCIES = libkho/libkho-core.la libkho/libkho.map

include_HEADERS += libkho/kho.h libkho/kho_output.h libkho/kho_rules.def
pkgconfig_DATA = libkho/libkho.pc
EXTRA_DIST += libkho/libkho.map
dist_man_MANS += man/libkho.3 man/kho-rules.7
