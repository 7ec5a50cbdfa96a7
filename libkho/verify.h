/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared by the rules. report.c delivers findings, each verify_*.c has the rules of an area,
 * verify.c runs them, and target*.c have those about a target kernel. docs/extending.md shows how
 * to add a rule.
 */
#ifndef KHO_VERIFY_H
#define KHO_VERIFY_H

#include "error.h"
#include "page_set.h"
#include "state.h"

enum {
	KHO_NR_RULES = 0
#define KHO_RULE(number, area, severity, sentence) + 1
#include "kho_rules.def"
#undef KHO_RULE
};

#define KHO_NR_OUTCOMES	(KHO_OUTCOME_NOT_APPLICABLE + 1)

/* Number of findings of one rule and outcome. Only the first KHO_FINDINGS_LISTED are delivered. */
struct kho_tally {
	uint64_t n;
	enum kho_severity severity;
};

/* The PCI devices of the running kernel, and the number of records of each. */
struct kho_verify_devices {
	struct kho_device *list;
	size_t n;
	uint64_t *records, *live;	/* by device: number of records, and of unsealed ones */
	bool lost_records;		/* some records are unreadable */
	bool known;			/* the members above are valid */
};

struct kho_verify {
	struct kho_state *state;
	const struct kho_verify_options *options;
	kho_finding_fn fn;
	void *data;
	struct kho_verify_summary *summary;
	struct kho_range *scratch; /* sorted; merged after kho_verify_scratch() */
	size_t nr_scratch;
	struct kho_progress progress; /* of the records, and of their content */
	uint64_t content_left;	/* bytes of content that may still be read */
	struct kho_dma_header header;
	bool have_header;
	struct kho_map *map;	/* of the state; NULL if it cannot be opened */
	bool map_readable;	/* to its end, so look-ups are reliable */
	/* preserved pages that no record has named so far */
	struct kho_page_set unnamed;
	struct kho_verify_devices devices;
	bool stopped;		/* the callback returned non-zero */
	bool hold;		/* keep findings in held[] until kho_report_deliver() */
	struct kho_finding *held;
	size_t nr_held, room;
	struct kho_tally tallies[KHO_NR_RULES][KHO_NR_OUTCOMES];
	bool evaluated[KHO_NR_RULES]; /* set by kho_evaluated() */
	const struct kho_rule *left_out; /* the first ignored rule that had something to report */
};

/* Initial value of a summary: a count that nobody makes is unknown, not 0. */
#define KHO_NOTHING_COUNTED	.records = KHO_COUNT_UNKNOWN, .pages = KHO_COUNT_UNKNOWN, \
				.preservations = KHO_COUNT_UNKNOWN, .unclaimed = KHO_COUNT_UNKNOWN, \
				.refused = KHO_COUNT_UNKNOWN

/* ---------------------------------------------------------------- report.c */

/* Reports a finding of @rule. @addr may be KHO_NO_ADDR, @record_id 0. */
void kho_report(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr, uint64_t record_id,
		const char *fmt, ...) KHO_PRINTF(5, 6);
/* Reports a finding with a lower severity than the rule's. */
void kho_report_as(struct kho_verify *v, enum kho_rule_number rule, enum kho_severity severity,
		   uint64_t addr, const char *fmt, ...) KHO_PRINTF(5, 6);
/* Reports that the rule could not be judged, and why. */
void kho_report_unevaluated(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr,
			    uint64_t record_id, const char *fmt, ...) KHO_PRINTF(5, 6);
/* Reports that the rule does not apply, which casts no doubt on the state. */
void kho_report_not_applicable(struct kho_verify *v, enum kho_rule_number rule,
			       const char *fmt, ...) KHO_PRINTF(3, 4);
/*
 * Reports a failed read: as a finding of @rule if @err is about the data, as "not judged" if it is
 * about the file, the system or this program. @what is the start of the message, or "".
 */
void kho_report_error(struct kho_verify *v, enum kho_rule_number rule, uint64_t record_id,
		      const struct kho_error *err, const char *what);
/* True if kho_report_unevaluated() was called for @rule. */
bool kho_was_unevaluated(const struct kho_verify *v, enum kho_rule_number rule);
/*
 * Notes that @rule was applied to everything that it is about, with or without findings. Without
 * this call a rule has not passed: see kho_rules_check_run().
 */
void kho_evaluated(struct kho_verify *v, enum kho_rule_number rule);

/* After all rules: reports the number of findings that were not listed. */
void kho_report_rest(struct kho_verify *v);
/* Delivers the held findings, and stops holding. */
void kho_report_deliver(struct kho_verify *v);

/*
 * KHO_ERR_USAGE if the options name a rule outside the areas @first to @last, or select one that
 * other options exclude.
 */
int kho_rules_check(const struct kho_verify_options *options, enum kho_area first,
		    enum kho_area last, struct kho_error *err);
/*
 * After the last rule: reports rules as not judged if the finding of an ignored rule kept them from
 * being evaluated.
 */
void kho_report_hidden(struct kho_verify *v);
/*
 * After all rules: counts those that were evaluated. KHO_ERR_USAGE if a rule in options->only was
 * neither evaluated nor reported, or if this is true for all rules.
 */
int kho_rules_check_run(struct kho_verify *v, struct kho_error *err);

/* ---------------------------------------------------------------- verify_*.c */

/* True if all of [addr, addr+size) is certainly RAM. */
bool kho_verify_in_ram(const struct kho_verify *v, uint64_t addr, uint64_t size);
/*
 * Reports @rule if the memory is not RAM, and returns false then. If the source does not say whether it
 * is, reports once that the rule is not judged.
 */
bool kho_verify_ram(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr, uint64_t size,
		    uint64_t record_id, const char *what);
/* True if any part of [addr, addr+size) is scratch. */
bool kho_verify_in_scratch(const struct kho_verify *v, uint64_t addr, uint64_t size);
/*
 * Reports @rule if the memory is not preserved. If the map is unreadable, which is a finding of its
 * own, reports once that the rule is not judged.
 */
void kho_verify_preserved(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr,
			  uint64_t size, uint64_t record_id, const char *what);

/* True if the source has a scratch table, so that rules about scratch can be evaluated. */
bool kho_verify_knows_scratch(const struct kho_verify *v);

/* Fills v->scratch from the state. */
int kho_verify_sort_scratch(struct kho_verify *v, struct kho_error *err);

/* To be called in this order: later functions use results of earlier ones. */
void kho_verify_root(struct kho_verify *v);
void kho_verify_scratch(struct kho_verify *v);
void kho_verify_map(struct kho_verify *v);
void kho_verify_subtrees(struct kho_verify *v);
void kho_verify_dma(struct kho_verify *v);
void kho_verify_boot(struct kho_verify *v);

/*
 * To be called in this order. kho_verify_dma() calls the second one for each record that it can
 * trust.
 */
void kho_verify_devices_begin(struct kho_verify *v);
void kho_verify_devices_record(struct kho_verify *v, const struct kho_dma_record *record);
void kho_verify_devices(struct kho_verify *v);
void kho_verify_devices_end(struct kho_verify *v);

#endif /* KHO_VERIFY_H */
