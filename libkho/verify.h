/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the rules share. report.c hands findings out, verify_*.c has the rules of an area each,
 * verify.c runs them, and target*.c have those of a target kernel. See docs/extending.md for
 * adding one.
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

/* How often a rule came out in one way. Only the first KHO_FINDINGS_LISTED are handed out. */
struct kho_tally {
	uint64_t n;
	enum kho_severity severity;
};

/* The PCI devices of the running kernel, and how many records name each. */
struct kho_verify_devices {
	struct kho_device *list;
	size_t n;
	uint64_t *records, *live;	/* of those, the ones that are not sealed */
	bool lost_records;		/* there are some that could not be read */
	bool known;			/* list[] was read, and the rest has room */
};

struct kho_verify {
	struct kho_state *state;
	const struct kho_verify_options *options;
	kho_finding_fn fn;
	void *data;
	struct kho_verify_summary *summary;
	struct kho_range *scratch; /* sorted; merged once its own rules have run */
	size_t nr_scratch;
	struct kho_progress progress; /* of the records, and of their content */
	struct kho_dma_header header;
	bool have_header;
	struct kho_map *map;	/* of the state; NULL where it cannot be opened */
	bool map_readable;	/* to its end, so that look-ups mean something */
	/* pages that are preserved and that no record has named so far */
	struct kho_page_set unnamed;
	struct kho_verify_devices devices;
	bool stopped;		/* the call-back has had enough */
	bool hold;		/* findings are kept in held[] until somebody delivers them */
	struct kho_finding *held;
	size_t nr_held, room;
	struct kho_tally tallies[KHO_NR_RULES][KHO_NR_OUTCOMES];
	bool evaluated[KHO_NR_RULES]; /* for all that they are about */
};

/* Of a summary: what nobody has counted is not 0. */
#define KHO_NOTHING_COUNTED	.records = KHO_COUNT_UNKNOWN, .pages = KHO_COUNT_UNKNOWN, \
				.ranges = KHO_COUNT_UNKNOWN

/* ---------------------------------------------------------------- report.c */

/* A finding of @rule; @addr or KHO_NO_ADDR, @record_id or 0. */
void kho_report(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr, uint64_t record_id,
		const char *fmt, ...) KHO_PRINTF(5, 6);
/* A finding that is less grave here than the rule says. */
void kho_report_as(struct kho_verify *v, enum kho_rule_number rule, enum kho_severity severity,
		   uint64_t addr, const char *fmt, ...) KHO_PRINTF(5, 6);
/* The rule could not be judged, for the reason given. */
void kho_report_unevaluated(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr,
			    uint64_t record_id, const char *fmt, ...) KHO_PRINTF(5, 6);
/* The rule does not apply: worth a word, but no doubt about the state. */
void kho_report_not_applicable(struct kho_verify *v, enum kho_rule_number rule,
			       const char *fmt, ...) KHO_PRINTF(3, 4);
/*
 * Something could not be read: a finding of @rule where @err says that the data is wrong, and
 * "not judged" where it says that the file, the system or this program is to blame. @what
 * begins the message, and may be "".
 */
void kho_report_error(struct kho_verify *v, enum kho_rule_number rule, uint64_t record_id,
		      const struct kho_error *err, const char *what);
/* True if kho_report_unevaluated() was called for @rule. */
bool kho_was_unevaluated(const struct kho_verify *v, enum kho_rule_number rule);
/*
 * @rule was evaluated for all that it is about, whatever came of it. A rule for which nobody says
 * this has not passed: see kho_rules_check_run().
 */
void kho_evaluated(struct kho_verify *v, enum kho_rule_number rule);

/* Tells of findings that were counted and not handed out. All rules have run. */
void kho_report_rest(struct kho_verify *v);
/* Hands out what is held, and stops holding. */
void kho_report_deliver(struct kho_verify *v);

/*
 * KHO_ERR_USAGE when the options name a rule that is not of the areas @first to @last, or ask for
 * one that other options leave out.
 */
int kho_rules_check(const struct kho_verify_options *options, enum kho_area first,
		    enum kho_area last, struct kho_error *err);
/*
 * All rules have run: counts those that were evaluated. KHO_ERR_USAGE when a rule that was asked for
 * was not, and is not reported as such, or when no rule was.
 */
int kho_rules_check_run(struct kho_verify *v, struct kho_error *err);

/* ---------------------------------------------------------------- verify_*.c */

/* True if all of [addr, addr+size) is RAM. */
bool kho_verify_in_ram(const struct kho_verify *v, uint64_t addr, uint64_t size);
/* True if a part of [addr, addr+size) is scratch. */
bool kho_verify_in_scratch(const struct kho_verify *v, uint64_t addr, uint64_t size);
/*
 * Reports @rule where memory is not preserved. A map that cannot be read has its own finding;
 * then the rule is not judged, which is reported once.
 */
void kho_verify_preserved(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr,
			  uint64_t size, uint64_t record_id, const char *what);

/* Rules about what lies in scratch can be evaluated. */
bool kho_verify_knows_scratch(const struct kho_verify *v);

/* Makes v->scratch of the state's. */
int kho_verify_sort_scratch(struct kho_verify *v, struct kho_error *err);

/* The areas, in this order: the later ones use what the earlier ones found out. */
void kho_verify_root(struct kho_verify *v);
void kho_verify_scratch(struct kho_verify *v);
void kho_verify_map(struct kho_verify *v);
void kho_verify_subtrees(struct kho_verify *v);
void kho_verify_dma(struct kho_verify *v);
void kho_verify_boot(struct kho_verify *v);

/*
 * Around kho_verify_dma(), which hands over each record that can be believed; between it and the
 * end kho_verify_devices() judges.
 */
void kho_verify_devices_begin(struct kho_verify *v);
void kho_verify_devices_record(struct kho_verify *v, const struct kho_dma_record *record);
void kho_verify_devices(struct kho_verify *v);
void kho_verify_devices_end(struct kho_verify *v);

#endif /* KHO_VERIFY_H */
