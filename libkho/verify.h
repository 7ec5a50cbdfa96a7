/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rules of verify.c and target.c share. */
#ifndef KHO_VERIFY_H
#define KHO_VERIFY_H

#include "kho_internal.h"

struct kho_verify {
	struct kho_state *state;
	const struct kho_verify_options *options;
	int (*fn)(const struct kho_finding *finding, void *data);
	void *data;
	struct kho_verify_summary *summary;
	struct kho_dma_header header;
	bool have_header;
	bool map_readable;	/* to its end, so that look-ups mean something */
	bool stopped;		/* the call-back has had enough */
};

/* A finding of rule @id; @addr or KHO_NO_ADDR, @record_id or 0. */
void kho_report(struct kho_verify *v, const char *id, uint64_t addr, uint64_t record_id,
		const char *fmt, ...) KHO_PRINTF(5, 6);
/* The rule could not be evaluated, for the reason given. */
void kho_report_unevaluated(struct kho_verify *v, const char *id, uint64_t addr,
			    uint64_t record_id, const char *fmt, ...) KHO_PRINTF(5, 6);

#endif /* KHO_VERIFY_H */
