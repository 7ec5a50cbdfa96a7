/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output of kexec --kho: messages, the verdict, and --kho-report, which holds the findings and
 * decisions as JSON in the terms of kho-inspect. Every exit with a verdict goes through here.
 */
#ifndef KEXEC_KHO_SAY_H
#define KEXEC_KHO_SAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kho.h>

struct kho_segment {
	uint64_t addr;
	uint64_t size;
	const char *content;
};

/* Facts about this load or jump. Each step adds its own. */
struct kho_report {
	const char *action;	/* "load", "exec" */
	const char *mode;	/* of --kho */
	bool required;		/* that is "require" */
	bool dry_run;
	const char *path;	/* "kexec_load", "kexec_file_load" or NULL */
	struct kho_state *state;	/* or NULL */
	const char *image;	/* the file of the target, or NULL */
	bool have_target;
	struct kho_target target;
	char *command_line;	/* of the target, allocated, or NULL */
	struct kho_segment *segments;	/* kexec_load only */
	size_t nr_segments;
	uint64_t handover;	/* address of setup_data, or of the scratch table (device tree), or KHO_NO_ADDR */
};

/* Only one: a process of kexec loads or jumps once. */
extern struct kho_report kho_report;

/* Sets the file of --kho-report, and does not open it. */
void kho_say_report_to(const char *path);

/*
 * Opens the report before anything is judged or loaded, and ends the program if it cannot be
 * written. The file keeps its content until the verdict.
 */
void kho_say_begin(void);

/* Adds a finding to the report, and prints it unless its severity is info. */
int kho_say_finding(const struct kho_finding *finding, void *data);

/*
 * Writes the report with this verdict. @message may be NULL. Returns false, with a reason on stderr, if
 * the report could not be written.
 */
bool kho_say_verdict(const char *verdict, const char *message, int status);

/* The same, and ends the program. An output that cannot be written makes a status of 0 a failure. */
void __attribute__((noreturn)) kho_say_and_leave(const char *verdict, const char *message,
						 int status);

/*
 * The verdict in the report turned out wrong: opens the report again for another one. Prints a
 * message if it cannot.
 */
void kho_say_again(void);

/* Says what became of the loaded kernel where kexec does not jump. */
void kho_say_stays_loaded(void);

/* Says why the kernel did not jump, and ends the program as kho_say_kernel_refused() does. */
void __attribute__((noreturn, format(printf, 1, 2))) kho_say_no_jump(const char *fmt, ...);

/* Refuses because of @rule (0: the findings above), and ends the program. */
void __attribute__((noreturn, format(printf, 2, 3))) kho_say_refused(enum kho_rule_number rule,
								     const char *fmt, ...);

/* The same, if the running kernel refused. */
void __attribute__((noreturn, format(printf, 2, 3))) kho_say_kernel_refused(
	enum kho_rule_number rule, const char *fmt, ...);

/* Refuses because the state could not be read, and ends the program. */
void __attribute__((noreturn)) kho_say_refused_error(const struct kho_error *err);

/* Refuses if a finding is an error, or if a rule could not be judged. */
void kho_say_require_clean(const struct kho_verify_summary *summary, const char *what);

#endif /* KEXEC_KHO_SAY_H */
