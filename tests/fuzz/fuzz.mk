# SPDX-License-Identifier: GPL-2.0-or-later
# make fuzzers, after configure --enable-fuzzers; scripts/fuzz does both.
EXTRA_DIST += tests/fuzz
.PHONY: fuzzers

if ENABLE_FUZZERS
FUZZERS = \
	tests/fuzz/fuzz-root \
	tests/fuzz/fuzz-root-mended \
	tests/fuzz/fuzz-map-v1 \
	tests/fuzz/fuzz-map-radix \
	tests/fuzz/fuzz-memblock \
	tests/fuzz/fuzz-luo \
	tests/fuzz/fuzz-dma-alloc \
	tests/fuzz/fuzz-dma-alloc-mended \
	tests/fuzz/fuzz-kexec-metadata \
	tests/fuzz/fuzz-kho-test \
	tests/fuzz/fuzz-raw \
	tests/fuzz/fuzz-snapshot \
	tests/fuzz/fuzz-kdump \
	tests/fuzz/fuzz-inspect \
	tests/fuzz/fuzz-sysroot \
	tests/fuzz/fuzz-boot \
	tests/fuzz/fuzz-output \
	tests/fuzz/fuzz-note \
	tests/fuzz/fuzz-target \
	tests/fuzz/fuzz-decompress \
	tests/fuzz/fuzz-vmlinux \
	tests/fuzz/fuzz-text
EXTRA_PROGRAMS += $(FUZZERS) tests/fuzz/make-seeds
CLEANFILES += $(FUZZERS) tests/fuzz/make-seeds

fuzzers: $(FUZZERS) tests/fuzz/make-seeds lab/kho-damage

FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=reallocarray,--wrap=strdup,--wrap=strndup,--wrap=exit
FUZZ_LIBS = libkho/libkho-core.la
FUZZ_MEMORY = tests/fuzz/memory.c tests/fuzz/memory.h tests/fuzz/limits.c \
	tests/fuzz/nomem.c tests/fuzz/nomem.h tests/unit/wrap-memory.c tests/unit/wrap-memory.h

tests_fuzz_make_seeds_SOURCES = tests/fuzz/make-seeds.c tests/fuzz/memory.h
tests_fuzz_make_seeds_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_root_SOURCES = tests/fuzz/fuzz-root.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_root_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_MEND=0
tests_fuzz_fuzz_root_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_root_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_map_v1_SOURCES = tests/fuzz/fuzz-map.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_map_v1_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_ABI=KHO_ABI_V1
tests_fuzz_fuzz_map_v1_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_map_v1_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_map_radix_SOURCES = tests/fuzz/fuzz-map.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_map_radix_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_ABI=KHO_ABI_V4
tests_fuzz_fuzz_map_radix_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_map_radix_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_memblock_SOURCES = tests/fuzz/fuzz-subtree.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_memblock_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SUBTREE='"memblock"' -DFUZZ_MEND=0
tests_fuzz_fuzz_memblock_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_memblock_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_luo_SOURCES = tests/fuzz/fuzz-subtree.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_luo_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SUBTREE='"LUO"' -DFUZZ_MEND=0
tests_fuzz_fuzz_luo_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_luo_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_dma_alloc_SOURCES = tests/fuzz/fuzz-subtree.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_dma_alloc_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SUBTREE='"dma-alloc"' -DFUZZ_MEND=0
tests_fuzz_fuzz_dma_alloc_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_dma_alloc_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_kexec_metadata_SOURCES = tests/fuzz/fuzz-subtree.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_kexec_metadata_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SUBTREE='"kexec-metadata"' -DFUZZ_MEND=0
tests_fuzz_fuzz_kexec_metadata_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_kexec_metadata_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_kho_test_SOURCES = tests/fuzz/fuzz-subtree.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_kho_test_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SUBTREE='"kho_test"' -DFUZZ_MEND=0
tests_fuzz_fuzz_kho_test_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_kho_test_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_raw_SOURCES = tests/fuzz/fuzz-subtree.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_raw_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SUBTREE='"something"' -DFUZZ_MEND=0
tests_fuzz_fuzz_raw_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_raw_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_snapshot_SOURCES = tests/fuzz/fuzz-snapshot.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_snapshot_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_snapshot_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_kdump_SOURCES = tests/fuzz/fuzz-kdump.c tests/bench/kdump.h $(FUZZ_MEMORY)
tests_fuzz_fuzz_kdump_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_kdump_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_output_SOURCES = tests/fuzz/fuzz-output.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_output_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_output_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_target_SOURCES = tests/fuzz/fuzz-target.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_target_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_target_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_root_mended_SOURCES = tests/fuzz/fuzz-root.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_root_mended_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_MEND=1
tests_fuzz_fuzz_root_mended_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_root_mended_LDADD = $(FUZZ_LIBS) $(FDT_LIBS)

tests_fuzz_fuzz_dma_alloc_mended_SOURCES = tests/fuzz/fuzz-subtree.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_dma_alloc_mended_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SUBTREE='"dma-alloc"' -DFUZZ_MEND=1
tests_fuzz_fuzz_dma_alloc_mended_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_dma_alloc_mended_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_inspect_SOURCES = tests/fuzz/fuzz-inspect.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_inspect_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_inspect_LDADD = tools/kho-inspect/libcommands.la $(FUZZ_LIBS) $(SECCOMP_LIBS)

FUZZ_MACHINE = tests/fuzz/machine.c tests/fuzz/machine.h $(FUZZ_MEMORY)
tests_fuzz_fuzz_sysroot_SOURCES = tests/fuzz/fuzz-sysroot.c $(FUZZ_MACHINE)
tests_fuzz_fuzz_sysroot_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_sysroot_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_boot_SOURCES = tests/fuzz/fuzz-boot.c $(FUZZ_MACHINE)
tests_fuzz_fuzz_boot_LDFLAGS = $(FUZZ_LINK) -Wl,--wrap=boot_run_child
tests_fuzz_fuzz_boot_LDADD = tools/kho-inspect/libcommands.la $(FUZZ_LIBS) $(SECCOMP_LIBS)

tests_fuzz_fuzz_note_SOURCES = tests/fuzz/fuzz-note.c kexec/kexec-kho-note.c kexec/kexec-kho-note.h $(FUZZ_MEMORY)
tests_fuzz_fuzz_note_CPPFLAGS = $(AM_CPPFLAGS) -DHAVE_LIBKHO -U_GNU_SOURCE -D_GNU_SOURCE= -DKHO_NOTE='"kexec-kho"'
tests_fuzz_fuzz_note_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_note_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_decompress_SOURCES = tests/fuzz/fuzz-decompress.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_decompress_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_decompress_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_vmlinux_SOURCES = tests/fuzz/fuzz-vmlinux.c $(FUZZ_MEMORY)
tests_fuzz_fuzz_vmlinux_CFLAGS = $(AM_CFLAGS) $(ELF_CFLAGS)
tests_fuzz_fuzz_vmlinux_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_vmlinux_LDADD = $(FUZZ_LIBS)

tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz-text.c kexec/kexec-kho-plan.c kexec/kexec-kho-plan.h $(FUZZ_MEMORY)
tests_fuzz_fuzz_text_CPPFLAGS = $(AM_CPPFLAGS) -DHAVE_LIBKHO -U_GNU_SOURCE -D_GNU_SOURCE=
tests_fuzz_fuzz_text_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_text_LDADD = $(FUZZ_LIBS)
endif
