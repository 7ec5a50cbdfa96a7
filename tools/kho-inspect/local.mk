# SPDX-License-Identifier: GPL-2.0-or-later
# all but main(), so that tests run commands without a process for each
noinst_LTLIBRARIES += tools/kho-inspect/libcommands.la
tools_kho_inspect_libcommands_la_SOURCES = \
	tools/kho-inspect/boot.h \
	tools/kho-inspect/boot_check.h \
	tools/kho-inspect/boot_child.c \
	tools/kho-inspect/boot_evidence.c \
	tools/kho-inspect/boot_file.c \
	tools/kho-inspect/boot_file.h \
	tools/kho-inspect/boot_findings.c \
	tools/kho-inspect/boot_judge.c \
	tools/kho-inspect/boot_say.c \
	tools/kho-inspect/boot_snapshot.c \
	tools/kho-inspect/boot_verdict.c \
	tools/kho-inspect/boot_verify.c \
	tools/kho-inspect/cmd_boot_check.c \
	tools/kho-inspect/cmd_boot_report.c \
	tools/kho-inspect/cmd_check_target.c \
	tools/kho-inspect/cmd_diff.c \
	tools/kho-inspect/cmd_extract.c \
	tools/kho-inspect/cmd_list.c \
	tools/kho-inspect/cmd_map.c \
	tools/kho-inspect/cmd_ranges.c \
	tools/kho-inspect/cmd_scratch.c \
	tools/kho-inspect/cmd_show.c \
	tools/kho-inspect/cmd_snapshot.c \
	tools/kho-inspect/cmd_tree.c \
	tools/kho-inspect/cmd_verify.c \
	tools/kho-inspect/findings.c \
	tools/kho-inspect/findings.h \
	tools/kho-inspect/format.c \
	tools/kho-inspect/inspect.h \
	tools/kho-inspect/json.c \
	tools/kho-inspect/map.h \
	tools/kho-inspect/map_svg.c \
	tools/kho-inspect/map_terminal.c \
	tools/kho-inspect/open.c \
	tools/kho-inspect/options.c \
	tools/kho-inspect/options.h \
	tools/kho-inspect/output.c \
	tools/kho-inspect/sandbox.c \
	tools/kho-inspect/sandbox.h \
	tools/kho-inspect/walk.c
tools_kho_inspect_libcommands_la_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
tools_kho_inspect_libcommands_la_LIBADD = $(FDT_LIBS)

bin_PROGRAMS += tools/kho-inspect/kho-inspect
tools_kho_inspect_kho_inspect_SOURCES = tools/kho-inspect/main.c
tools_kho_inspect_kho_inspect_CFLAGS = $(AM_CFLAGS)
tools_kho_inspect_kho_inspect_LDADD = tools/kho-inspect/libcommands.la libkho/libkho.la \
	$(SECCOMP_LIBS)

bashcompletion_DATA = tools/kho-inspect/completion/kho-inspect
EXTRA_DIST += tools/kho-inspect/completion
dist_man_MANS += man/kho-inspect.1
dist_pkgdata_DATA = tools/kho-inspect/kho-inspect.schema.json
