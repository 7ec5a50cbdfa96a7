# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += tests/unit/test-kexec-plan
tests_unit_test_kexec_plan_SOURCES = tests/unit/test-kexec-plan.c kexec/kexec-kho-plan.c kexec/kexec-kho-plan.h
tests_unit_test_kexec_plan_CPPFLAGS = $(AM_CPPFLAGS) -DHAVE_LIBKHO -U_GNU_SOURCE
tests_unit_test_kexec_plan_LDADD = libkho/libkho-core.la
