/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as they are printed by verify and check-target. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "inspect.h"

struct findings {
	const struct options *options;
	struct progress *progress;	/* on the screen between the lines, or NULL */
	struct json_object *array;	/* with --json */
	bool color;
};

void findings_begin(struct findings *findings, const struct options *options);
/* A call-back for libkho: @data is a struct findings. */
int findings_add(const struct kho_finding *finding, void *data);
/*
 * The last line, or the rest of the document (which it prints and releases), or
 * metrics. @command is what was run; @state may be NULL. Returns the exit status.
 */
int findings_end(struct findings *findings, const char *command,
		 const struct kho_state *state, const struct kho_verify_summary *summary);

#endif /* FINDINGS_H */
