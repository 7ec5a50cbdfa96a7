/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rules of verify.c and target.c share; see kho_rules.def for adding one. */
#ifndef KHO_VERIFY_H
#define KHO_VERIFY_H

#include "error.h"
#include "state.h"

/* Findings of one look at a live machine that are held back until it is over. */
#define KHO_MAX_HELD	256

struct kho_verify {
	struct kho_state *state;
	const struct kho_verify_options *options;
	int (*fn)(const struct kho_finding *finding, void *data);
	void *data;
	struct kho_verify_summary *summary;
	struct kho_dma_header header;
	bool have_header;
	bool map_readable;	/* to its end, so that look-ups mean something */
	/* pages that are preserved and that no record has named so far, a bit each, or NULL */
	uint64_t *unnamed;
	uint64_t first_page, nr_pages;	/* that have a bit */
	bool stopped;		/* the call-back has had enough */
	enum kho_rule_number told[8]; /* rules that were said once not to be judged */
	struct kho_finding *held; /* NULL: findings are not held back */
	size_t nr_held;
};

/* A finding of rule @id; @addr or KHO_NO_ADDR, @record_id or 0. */
void kho_report(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr, uint64_t record_id,
		const char *fmt, ...) KHO_PRINTF(5, 6);
/* The rule could not be evaluated, for the reason given. */
void kho_report_unevaluated(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr,
			    uint64_t record_id, const char *fmt, ...) KHO_PRINTF(5, 6);
/* Does not apply here by its nature: worth a word, but no doubt about the state. */
void kho_report_not_applicable(struct kho_verify *v, enum kho_rule_number rule,
			       const char *fmt, ...) KHO_PRINTF(3, 4);
/* A finding that is less grave here than the rule says. */
void kho_report_as(struct kho_verify *v, enum kho_rule_number rule, enum kho_severity severity,
		   uint64_t addr, const char *fmt, ...) KHO_PRINTF(5, 6);
/* Hands out what is held back, and stops holding back. */
void kho_verify_deliver(struct kho_verify *v);
/* Rules of the areas @first to @last that the options do not leave out. */
size_t kho_rules_count(const struct kho_verify_options *options, enum kho_area first,
		       enum kho_area last);

#endif /* KHO_VERIFY_H */
