/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by boot-check and boot-report; kho-boot(7) documents the words. */
#ifndef BOOT_H
#define BOOT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <kho.h>

/* -------------------------------------------------- judging (boot_judge.c) */

/* Class of a finding, from the mildest to the worst. */
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
/* False if @text is not a policy. */
bool boot_class_parse(const char *text, enum boot_class *class);
bool boot_word_parse(const char *text, enum boot_word *word);

enum boot_class boot_classify(const struct kho_finding *finding);
/* Returns the word for a boot whose worst finding has this class. */
enum boot_word boot_word_of(enum boot_class worst);
/* Returns the worst class with a finding, or info. */
enum boot_class boot_worst_class(const uint64_t counts[NR_CLASSES]);
/* Rank of a word: none and off 0, clean 1 ... absent and fatal 5. */
unsigned int boot_word_rank(enum boot_word word);
/* syslog priority (LOG_INFO ...) of a word and of a class. */
int boot_word_priority(enum boot_word word);
int boot_class_priority(enum boot_class class);
/* Returns the exit status of boot-check for @word. */
int boot_word_status(enum boot_word word);

/* rd.kho.* of the kernel command line. */
#define BOOT_TIMEOUT		120	/* seconds */
#define BOOT_POLICY_OPTIONS	6

struct boot_options {
	bool off;			/* rd.kho= with 0, no or off */
	unsigned int timeout;		/* seconds, rd.kho.timeout= */
	bool promised;			/* the command line has rd.kho.expect, or may have it */
	bool promise_known;		/* count and generation are valid */
	uint64_t expect_records, expect_generation;
	enum boot_policy policy[NR_CLASSES];
	char slip[512];			/* options that could not be parsed, or "" */
	unsigned int given[BOOT_POLICY_OPTIONS]; /* 1 + policy as given, or 0 */
};

/*
 * Takes the option "@name=@value"; @value is NULL if it has none. The last one counts. An unknown
 * name that begins with "rd.kho" goes to slip.
 */
void boot_options_add(struct boot_options *options, const char *name, const char *value);
/* Notes that a part of @what is unreadable, so a promise may be missing. */
void boot_options_unread(struct boot_options *options, const char *what, const char *reason);
/* Call this after the last option: sets the policies, and the defaults of other options. */
void boot_options_finish(struct boot_options *options);
/* Returns 1 to 99999, or 0 if @text is anything else. */
unsigned int boot_timeout_parse(const char *text);

/* Returns the strongest policy for findings in these classes; without findings, the policy for @word. */
enum boot_policy boot_choose(const struct boot_options *options, enum boot_word word,
			     const uint64_t counts[NR_CLASSES]);

/*
 * Makes text safe for a console and for an echo that interprets backslashes: an escape of
 * kho_text(), any other backslash, and each byte that is not printable ASCII become '?'.
 * Returns @text.
 */
char *boot_plain(char *text);
/* Appends to @text, after "; " unless it is empty; cuts off what does not fit. */
void boot_add_text(char *text, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/* ------------------------------------------------ the machine (boot_evidence.c) */

enum boot_answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

struct boot_evidence {
	bool crash_kernel;	/* it has /proc/vmcore */
	bool left;		/* setup_data or device tree: the previous kernel left state */
	bool shown;		/* this machine would show them */
	char doubt[160];	/* the reason why state may be left although none was found, or "" */
	enum boot_answer by_kexec; /* kexec started this kernel */
};

void boot_evidence_read(const char *sysroot, struct boot_evidence *evidence);
/*
 * Fills @options from the command line: only from @file or, where that is NULL, from dracut's
 * /etc/cmdline and /etc/cmdline.d and then the kernel's. What cannot be read is a slip, and may
 * have been a promise.
 */
void boot_options_read(const char *sysroot, const char *file, struct boot_options *options);

/* Messages about a handover in the kernel's log. */
struct boot_kernel_log {
	bool readable;
	bool handed_over;	/* the previous kernel left state */
	bool refused;		/* and this kernel did not take it over */
	char last[256];		/* the last line about KHO, or "" */
	char *lines;		/* all lines about the handover; free() them */
	size_t size, room;
};

void boot_kernel_log_read(const char *sysroot, struct boot_kernel_log *log);
/* Writes a line to the kernel's log. */
void boot_kernel_log_write(const char *sysroot, int priority, const char *text);

/* --------------------------------------------------- a child (boot_child.c) */

/* Milliseconds of the monotonic clock. */
uint64_t boot_clock(void);
/* Mounts debugfs for this process only; for a child. */
void boot_mount_debugfs(void);

typedef void (*boot_child_fn)(void *data, void *result);
/*
 * Runs @fn in a child with a limit on memory, and copies the @size bytes of its result to
 * @result. Returns 0; -ETIME: it did not finish by @deadline (see boot_clock()), and is not
 * waited for; -ECHILD: it crashed; or -errno. On an error, @why has the reason in words, and
 * @result may be half written. The child's standard output is /dev/null, and it dies with its
 * parent.
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
	char *text;		/* begins with "not judged: " if the rule could not be judged */
};

struct boot_findings {
	struct boot_finding *list;
	size_t n, room;
	bool truncated;		/* out of memory: some are missing */
};

void boot_findings_add(struct boot_findings *findings, const struct kho_finding *finding);
/* Sorts by class, the worst first; within a class the order stays. */
void boot_findings_sort(struct boot_findings *findings);
/* Removes the findings that are also in @known, which it sorts. */
void boot_findings_drop(struct boot_findings *findings, struct boot_findings *known);
void boot_findings_write(const struct boot_findings *findings, FILE *file);
/* False if a line is not a finding, or if the file cannot be read. */
bool boot_findings_read(FILE *file, struct boot_findings *findings);
void boot_findings_count(const struct boot_findings *findings, uint64_t counts[NR_CLASSES]);
/* False if the rule could not be judged. */
bool boot_finding_judged(const struct boot_finding *finding);
void boot_findings_free(struct boot_findings *findings);

#endif /* BOOT_H */
