/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of boot-check. cmd_boot_check.c runs a stage; boot_verify.c judges in a child;
 * boot_snapshot.c and boot_say.c keep and say the outcome in the parent.
 */
#ifndef BOOT_CHECK_H
#define BOOT_CHECK_H

#include <kho_output.h>

#include "boot.h"
#include "inspect.h"

/* More lines would push the reason off an 80x25 console; the report has all. */
#define BOOT_MAX_LINES	12
#define BOOT_LINE_SIZE	400

#define BOOT_REPORT		"report.json"
#define BOOT_CLAIMS_REPORT	"claims.json"
#define BOOT_DMESG		"dmesg"
/* Separates the texts of the two stages in the status line, and appears nowhere else in it. */
#define BOOT_CLAIMS_MARK	"; claims: "

struct boot_check {
	const struct options *options;
	const char *title, *report_name, *findings_name; /* of the stage */
	bool claims;
	const char *sysroot, *dir;
	struct boot_options boot;
	struct boot_evidence evidence;
	struct boot_kernel_log log;
	bool promised;		/* the promise counts on this boot */
	uint64_t content_deadline;
	bool has_dir;		/* else no file is written */
	char trouble[640];	/* problems with files before there is a verdict */
	struct kho_output *report, *findings; /* NULL: cannot be written */
	/* for the second stage: */
	enum boot_word earlier;	/* of the first one */
	char earlier_text[1100];
	bool alone;		/* the first one left no report, and its word is unknown or missing */
	bool had_state;		/* the first one read a state */
};

/* The answer of the child. It does not depend on files, so an unwritable folder loses nothing. */
struct boot_verdict {
	enum boot_word word;
	bool whole_report, whole_findings; /* these files are complete */
	bool has_state;		/* a snapshot can be taken */
	bool told;		/* the first check has reported all of this */
	uint64_t counts[NR_CLASSES];
	size_t to_show;		/* findings for the console; the first ones are in lines[] */
	char text[1024];
	char lines[BOOT_MAX_LINES][BOOT_LINE_SIZE];
};

/* --------------------------------------------------- verdict (boot_verdict.c) */

/* Replaces the whole verdict with @word and a text. */
void boot_verdict_set(struct boot_verdict *verdict, enum boot_word word, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Adds a text, and changes nothing else. */
void boot_verdict_add(struct boot_verdict *verdict, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Makes the word at least "unknown". */
void boot_verdict_doubt(struct boot_verdict *verdict);
/* Adds a reason why the report is incomplete. The word never gets better. */
void boot_verdict_worsen(struct boot_verdict *verdict, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Nothing was handed over. */
void boot_verdict_nothing(const struct boot_check *check, struct boot_verdict *verdict);

/* --------------------------------------------------- judging (boot_verify.c) */

/*
 * For boot_run_child(): judges the state, and writes check->report and check->findings. @check is
 * a struct boot_check, @verdict a struct boot_verdict.
 */
void boot_verify(void *check, void *verdict);
/*
 * Opens the incoming side. Falls back to the outgoing side of a file, which makes the word at least
 * "unknown": it is not what this kernel got. Returns 0, or a libkho code and *err.
 */
int boot_open_incoming(const struct options *options, struct opened *opened,
		       struct kho_error *err);

/* ------------------------------------------------------- outcome, in the parent */

/*
 * Writes metadata without content (boot_snapshot.c). An earlier snapshot stays: it is from before
 * any driver. A failure becomes @remark.
 */
void boot_snapshot_save(const struct boot_check *check, char *remark, size_t size);
/*
 * Writes the status and, if there is something to say, evidence, a line of the kernel log and the
 * action for the hook (boot_say.c). Returns the exit status.
 */
int boot_say_verdict(const struct boot_check *check, struct boot_verdict *verdict);

#endif /* BOOT_CHECK_H */
