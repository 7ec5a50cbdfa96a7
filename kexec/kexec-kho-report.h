/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --kho-report: what was found and decided, as a JSON document (its schema is
 * kexec-kho-report.schema.json). Collected whether or not anybody asked for the file.
 */
#ifndef KEXEC_KHO_REPORT_H
#define KEXEC_KHO_REPORT_H

#include <stddef.h>
#include <stdint.h>

struct json_object;
struct kho_finding;
struct kho_state;
struct kho_target;

/* All zero is an empty report. */
struct kho_report {
	const char *path;
	int fd;				/* when there is a path */
	struct json_object *document;
};

/*
 * The file that is to be written, opened at once, so that a load does not find out
 * later. Returns 0, or -1 after a message. @path is not copied.
 */
int kho_report_open(struct kho_report *report, const char *path);

void kho_report_mode(struct kho_report *report, const char *mode);
void kho_report_dry_run(struct kho_report *report);
void kho_report_action(struct kho_report *report, const char *action);
void kho_report_state(struct kho_report *report, struct kho_state *state);
void kho_report_target(struct kho_report *report, const char *image,
		       const struct kho_target *target);
void kho_report_command_line(struct kho_report *report, const char *command_line);
void kho_report_segment(struct kho_report *report, uint64_t addr, uint64_t size,
			const char *what);

/* Returns 0 when the report has this very finding already. */
int kho_report_finding(struct kho_report *report, const struct kho_finding *finding);

/* The last one counts; "failed" as long as there was none. @reason may be NULL. */
void kho_report_verdict(struct kho_report *report, const char *verdict, const char *reason);

/* Writes the file, if there is to be one, anew. */
void kho_report_write(struct kho_report *report);

#endif /* KEXEC_KHO_REPORT_H */
