/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What boot-check and boot-report share; kho-boot(7) documents the words. */
#ifndef BOOT_H
#define BOOT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <kho.h>

/* -------------------------------------------------- judging (boot_judge.c) */

/* Of a finding, from the mildest to the worst. */
enum boot_class {
	CLASS_INFO,
	CLASS_UNCLAIMED,	/* K501: no driver has claimed an allocation */
	CLASS_WARNING,
	CLASS_UNKNOWN,		/* a rule that could not be judged */
	CLASS_ERROR,
	CLASS_FATAL,
	CLASS_ABSENT,		/* K510: the state is lost */
	NR_CLASSES,
};

/* The first word of the status line. */
enum boot_word {
	WORD_CLEAN, WORD_NONE, WORD_WARNING, WORD_UNKNOWN, WORD_ERROR, WORD_ABSENT, WORD_FATAL,
	WORD_OFF, NR_WORDS,
};

/* From the weakest to the strongest. */
enum boot_policy {
	POLICY_LOG, POLICY_WARN, POLICY_SHELL, POLICY_REBOOT, POLICY_HALT, NR_POLICIES,
};

const char *boot_class_name(enum boot_class class);
const char *boot_word_name(enum boot_word word);
const char *boot_policy_name(enum boot_policy policy);
/* False where @text names none. */
bool boot_class_parse(const char *text, enum boot_class *class);
bool boot_word_parse(const char *text, enum boot_word *word);

enum boot_class boot_classify(const struct kho_finding *finding);
/* The word for a boot with this worst class. */
enum boot_word boot_word_of(enum boot_class worst);
/* The worst class that counts, or info. */
enum boot_class boot_worst_class(const uint64_t counts[NR_CLASSES]);
/* How bad a word is: none and off 0, clean 1 ... absent and fatal 5. */
unsigned int boot_word_rank(enum boot_word word);
/* syslog's priority (LOG_INFO ...) of a word and of a class. */
int boot_word_priority(enum boot_word word);
int boot_class_priority(enum boot_class class);
/* boot-check's exit status that says @word. */
int boot_word_status(enum boot_word word);

/* rd.kho.* of the kernel command line. */
#define BOOT_TIMEOUT		120	/* seconds */
#define BOOT_POLICY_OPTIONS	6

struct boot_options {
	bool off;			/* rd.kho=0 */
	unsigned int timeout;		/* seconds, rd.kho.timeout= */
	bool promised;			/* rd.kho.expect is there, or may be */
	bool promise_known;		/* and says a count and a generation */
	uint64_t expect_records, expect_generation;
	enum boot_policy policy[NR_CLASSES];
	char slip[512];			/* what could not be understood, or "" */
	unsigned int given[BOOT_POLICY_OPTIONS]; /* 1 + policy as given, or 0 */
};

/*
 * Takes "@name=@value"; @value is NULL for a name alone. The last one counts. A name that begins
 * with "rd.kho" and is none of them is a slip.
 */
void boot_options_add(struct boot_options *options, const char *name, const char *value);
/* Not all of @what could be read, so that there may have been a promise. */
void boot_options_unread(struct boot_options *options, const char *what, const char *reason);
/* After the last one: sets the policies and what was not given. */
void boot_options_finish(struct boot_options *options);
/* 1 to 99999, or 0 for anything else. */
unsigned int boot_timeout_parse(const char *text);

/* The strongest policy for findings in these classes, or for @word where there are none. */
enum boot_policy boot_choose(const struct boot_options *options, enum boot_word word,
			     const uint64_t counts[NR_CLASSES]);

/*
 * Makes text fit for a console and for an echo that knows backslashes: what is not printable
 * ASCII, and a backslash, becomes '?'. Returns @text.
 */
char *boot_plain(char *text);
/* Adds to what is in @text, behind "; " if there is anything; what does not fit is cut. */
void boot_add_text(char *text, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/* ------------------------------------------------ the machine (boot_evidence.c) */

enum boot_answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

struct boot_evidence {
	bool crash_kernel;	/* it has /proc/vmcore */
	bool left;		/* setup_data or device tree: state was left for this kernel */
	bool shown;		/* and where these would be shown, so that "not left" is certain */
	enum boot_answer by_kexec; /* kexec started this kernel */
};

void boot_evidence_read(const char *sysroot, struct boot_evidence *evidence);
/*
 * Fills @options from the command line: only from @file or, where that is NULL, from dracut's
 * /etc/cmdline and /etc/cmdline.d and then the kernel's. What cannot be read is a slip, and may
 * have been a promise.
 */
void boot_options_read(const char *sysroot, const char *file, struct boot_options *options);

/* What the kernel's own log says of a hand-over. */
struct boot_kernel_log {
	bool readable;
	bool handed_over;	/* state was left for this kernel */
	bool refused;		/* and it did not take it */
	char last[256];		/* the last line about KHO, or "" */
	char *lines;		/* all that belongs to it; free() it */
	size_t size, room;
};

void boot_kernel_log_read(const char *sysroot, struct boot_kernel_log *log);
/* One line into the kernel's log. */
void boot_kernel_log_write(const char *sysroot, int priority, const char *text);

/* --------------------------------------------------- a child (boot_child.c) */

/* Milliseconds of a clock that only goes forward. */
uint64_t boot_clock(void);
/* Makes debugfs visible to this process; for a child. */
void boot_mount_debugfs(void);

typedef void (*boot_child_fn)(void *data, void *result);
/*
 * Runs @fn in a child with a bound on memory, and gets what it left in the @size bytes at
 * @result. Returns 0; -ETIME: it was not done by @deadline (see boot_clock()), and is not
 * waited for; -ECHILD: it crashed; or -errno. @why then says it in words, and @result may be
 * half written.
 */
int boot_run_child(boot_child_fn fn, void *data, void *result, size_t size, uint64_t deadline,
		   char *why, size_t why_size);

/* ----------------------------------------------- findings (boot_findings.c) */

#define BOOT_DIR		"/run/initramfs/kho"
#define BOOT_STATUS		"status"
#define BOOT_FINDINGS		"findings"
#define BOOT_CLAIMS_FINDINGS	"findings.claims"
#define BOOT_SNAPSHOT		"snapshot.khosnap"

/* A line of the file of findings: "CLASS RULE SEVERITY ADDRESS RECORD TEXT". */
struct boot_finding {
	enum boot_class class;
	char rule[8];
	char severity[8];
	char address[24];	/* "0x...", or "-" */
	char record[24];	/* a number, or "-" */
	char *text;		/* begins with "not judged: " where that is so */
};

struct boot_findings {
	struct boot_finding *list;
	size_t n, room;
	bool truncated;		/* out of memory: not all of them are here */
};

void boot_findings_add(struct boot_findings *findings, const struct kho_finding *finding);
/* The worst first, and otherwise in the order in which they were found. */
void boot_findings_sort(struct boot_findings *findings);
/* Takes out what is in @known too, which it sorts. */
void boot_findings_drop(struct boot_findings *findings, struct boot_findings *known);
void boot_findings_write(const struct boot_findings *findings, FILE *file);
/* False where a line is no finding, or where the file cannot be read. */
bool boot_findings_read(FILE *file, struct boot_findings *findings);
void boot_findings_count(const struct boot_findings *findings, uint64_t counts[NR_CLASSES]);
/* False where the rule could not be judged. */
bool boot_finding_judged(const struct boot_finding *finding);
void boot_findings_free(struct boot_findings *findings);

#endif /* BOOT_H */
