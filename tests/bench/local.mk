# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that scripts/bench runs.
check_PROGRAMS += tests/bench/bench-dump tests/bench/bench-baseline tests/bench/bench-measure \
	tests/bench/bench-start
tests_bench_bench_dump_SOURCES = tests/bench/bench-dump.c tests/bench/kdump.h
tests_bench_bench_dump_LDADD = libkho/libkho-core.la
tests_bench_bench_baseline_SOURCES = tests/bench/bench-baseline.c
tests_bench_bench_baseline_LDADD = libkho/libkho-core.la
tests_bench_bench_measure_SOURCES = tests/bench/bench-measure.c
tests_bench_bench_start_SOURCES = tests/bench/bench-start.c
tests_bench_bench_start_CFLAGS = $(AM_CFLAGS) $(ELF_CFLAGS)
tests_bench_bench_start_LDADD = $(ELF_LIBS) $(FDT_LIBS)

EXTRA_DIST += tests/bench
