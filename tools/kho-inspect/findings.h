/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as they are printed by verify and check-target. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "inspect.h"

struct findings {
	const struct options *options;
	const char *command;		/* what was run */
	const struct kho_state *state;	/* judged state, or NULL; set it first */
	const struct kho_target *target; /* the judged target, or NULL */
	struct progress *progress;	/* shown between the lines, or NULL */
	struct kho_json *json;		/* begun with the first finding */
	bool color;
};

void findings_begin(struct findings *findings, const struct options *options, const char *command);
/* A call-back for libkho: @data is a struct findings. */
int findings_add(const struct kho_finding *finding, void *data);
/*
 * The last line, or the rest of the document, or metrics. Returns the exit status. @counts: the last
 * line has records and ranges too.
 */
int findings_end(struct findings *findings, const struct kho_verify_summary *summary, bool counts);
/* The same when the rules came to no end: a document that was begun has no summary. */
void findings_give_up(struct findings *findings);

#endif /* FINDINGS_H */
