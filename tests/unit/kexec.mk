# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += tests/unit/test-kexec-plan
tests_unit_test_kexec_plan_SOURCES = tests/unit/test-kexec-plan.c tests/unit/check.h kexec/kexec-kho-plan.c kexec/kexec-kho-plan.h
tests_unit_test_kexec_plan_CPPFLAGS = $(AM_CPPFLAGS) -DHAVE_LIBKHO -U_GNU_SOURCE
tests_unit_test_kexec_plan_LDADD = libkho/libkho-core.la

# the box counts system calls and bounds the heap, so sanitizers have no place there
check_PROGRAMS += tests/unit/test-kexec-box
tests_unit_test_kexec_box_SOURCES = tests/unit/test-kexec-box.c kexec/kexec-kho-box.c kexec/kexec-kho-box.h
tests_unit_test_kexec_box_CPPFLAGS = $(AM_CPPFLAGS) -DHAVE_LIBKHO -U_GNU_SOURCE
tests_unit_test_kexec_box_CFLAGS = $(AM_CFLAGS) -fno-sanitize=all
tests_unit_test_kexec_box_LDFLAGS =

check_PROGRAMS += tests/unit/test-kexec-note
tests_unit_test_kexec_note_SOURCES = tests/unit/test-kexec-note.c tests/unit/check.h kexec/kexec-kho-note.c kexec/kexec-kho-note.h
tests_unit_test_kexec_note_CPPFLAGS = $(AM_CPPFLAGS) -DHAVE_LIBKHO -U_GNU_SOURCE -DKHO_NOTE='"kexec-kho"'
tests_unit_test_kexec_note_LDADD = libkho/libkho-core.la
