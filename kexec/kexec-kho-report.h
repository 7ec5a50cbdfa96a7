/* SPDX-License-Identifier: GPL-2.0-only */
/* --kho-report: what was judged and decided, as JSON in the terms of kho-inspect. */
#ifndef KEXEC_KHO_REPORT_H
#define KEXEC_KHO_REPORT_H

#include <stddef.h>
#include <stdint.h>

struct kho_finding;
struct kho_state;
struct kho_target;

struct kho_report_segment {
	uint64_t addr;
	uint64_t size;
	const char *content;
};

struct kho_report {
	const char *action;	/* "load", "exec" */
	const char *mode;	/* of --kho */
	int dry_run;
	const char *path;	/* "kexec_load", "kexec_file_load" or NULL */
	struct kho_state *state;	/* or NULL */
	const char *image;	/* the file of the target, or NULL */
	const struct kho_target *target;	/* or NULL */
	const char *command_line;	/* of the target, or NULL */
	const struct kho_report_segment *segments;	/* kexec_load only */
	size_t nr_segments;
	uint64_t setup_data;	/* where the hand-over lies, or KHO_NO_ADDR */
	const char *verdict;
	const char *message;	/* why, where it is a refusal; or NULL */
	int exit_status;
};

/*
 * Opens @path for the report now, so that one that cannot be written is noticed
 * before anything is loaded. Returns 0, or -1 after a message.
 */
int kho_report_open(const char *path);

/* Keeps a finding for the report; does nothing when there will be none. */
void kho_report_finding(const struct kho_finding *finding);

/* Writes the report that was opened, if one was. Returns 0, or -1 with errno. */
int kho_report_write(const struct kho_report *report);

#endif /* KEXEC_KHO_REPORT_H */
