// SPDX-License-Identifier: LGPL-2.1-or-later
/* Runs the rules over a state. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source.h"
#include "verify.h"

/* Maximal number of looks at a changing machine, and the microseconds between them. */
#define LIVE_LOOKS	6
#define LIVE_WAIT	5000

int kho_expect_parse(const char *text, uint64_t *records, uint64_t *generation)
{
	const char *comma = strchr(text, ',');
	char number[32];
	uint64_t count, gen;

	if (!comma || (size_t)(comma - text) >= sizeof(number))
		return KHO_ERR_USAGE;
	memcpy(number, text, (size_t)(comma - text));
	number[comma - text] = '\0';
	if (!kho_parse_u64(number, &count) || !kho_parse_u64(comma + 1, &gen))
		return KHO_ERR_USAGE;

	*records = count;
	*generation = gen;
	return 0;
}

/* ------------------------------------------------------------------- looks */

static const struct kho_verify_options no_options;

/* One look, with a summary of its own. */
struct look {
	struct kho_verify v;
	struct kho_verify_summary summary;
};

static void look_begin(struct look *look, const struct kho_verify *what)
{
	look->v = *what;
	look->v.summary = &look->summary;
	look->summary = (struct kho_verify_summary){ KHO_NOTHING_COUNTED };
}

static void look_end(struct look *look)
{
	free(look->v.held);
	look->v.held = NULL;
}

static int look_run(struct look *look, struct kho_error *err)
{
	struct kho_verify *v = &look->v;
	int ret = kho_verify_sort_scratch(v, err);

	if (ret)
		return ret;
	kho_verify_root(v);
	kho_verify_scratch(v);
	kho_verify_map(v);
	kho_verify_subtrees(v);
	kho_verify_devices_begin(v);
	kho_verify_dma(v);
	kho_verify_devices(v);
	kho_verify_devices_end(v);
	kho_verify_boot(v);
	kho_report_hidden(v);
	kho_report_rest(v);
	kho_page_set_destroy(&v->unnamed);
	free(v->scratch);
	return 0;
}

/* Hands out what a look found. */
static int look_deliver(struct look *look, struct kho_verify_summary *summary,
			struct kho_error *err)
{
	int ret;

	kho_report_deliver(&look->v);
	ret = kho_rules_check_run(&look->v, err);
	if (!ret)
		*summary = look->summary;
	return ret;
}

/* ----------------------------------------------------------- live machines */

static bool same_finding(const struct kho_finding *a, const struct kho_finding *b)
{
	return a->rule == b->rule && a->outcome == b->outcome && a->addr == b->addr &&
	       a->count == b->count && !strcmp(a->message, b->message);
}

/* True if both looks have the same findings, except for severity info. */
static bool same_findings(const struct look *a, const struct look *b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a->v.nr_held && a->v.held[i].severity == KHO_SEVERITY_INFO)
			i++;
		while (k < b->v.nr_held && b->v.held[k].severity == KHO_SEVERITY_INFO)
			k++;
		if (i == a->v.nr_held || k == b->v.nr_held)
			return i == a->v.nr_held && k == b->v.nr_held;
		if (!same_finding(&a->v.held[i++], &b->v.held[k++]))
			return false;
	}
}

/*
 * Drivers run on while this reads root, map, subtrees and records of a live machine one after the
 * other, so a finding may be a change under way. It counts if a second look, a moment later, finds
 * the same. A look without findings needs no second one.
 */
static int run_live(const struct kho_verify *v, struct kho_error *err)
{
	static const struct look nothing;
	struct look looks[2], *last = NULL;
	int ret = 0;

	for (int i = 0; i < LIVE_LOOKS; i++) {
		struct look *look = &looks[i % 2];
		bool same;

		look_begin(look, v);
		look->v.hold = true;
		ret = kho_state_refresh(v->state, err);
		if (!ret)
			ret = look_run(look, err);
		same = same_findings(look, &nothing) || (last && same_findings(look, last));
		if (last)
			look_end(last);
		last = look;
		if (ret || same)
			break;
		if (i == LIVE_LOOKS - 1)
			kho_report_unevaluated(&look->v, KHO_RULE_K412, KHO_NO_ADDR, 0,
					       "the state changed each time it was read; run this again");
		else
			usleep(LIVE_WAIT);
	}
	if (!ret)
		ret = look_deliver(last, v->summary, err);
	look_end(last);
	return ret;
}

/* ------------------------------------------------------------- public API */

int kho_verify(struct kho_state *state, const struct kho_verify_options *options,
	       kho_finding_fn fn, void *data, struct kho_verify_summary *summary,
	       struct kho_error *err)
{
	struct kho_verify v = {
		.state = state, .options = options ? options : &no_options,
		.fn = fn, .data = data, .summary = summary,
	};
	struct look look;
	int ret;

	if (!state || !summary)
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR, "no state, or no summary");
	ret = kho_rules_check(v.options, KHO_AREA_ROOT, KHO_AREA_BOOT, err);
	if (ret)
		return ret;
	if (state->source->changes)
		return run_live(&v, err);

	look_begin(&look, &v);
	ret = look_run(&look, err);
	if (!ret)
		ret = look_deliver(&look, summary, err);
	look_end(&look);
	return ret;
}

int kho_verify_absent(const struct kho_verify_options *options, const struct kho_error *reason,
		      kho_finding_fn fn, void *data,
		      struct kho_verify_summary *summary, struct kho_error *err)
{
	struct kho_verify v = {
		.options = options ? options : &no_options,
		.fn = fn, .data = data, .summary = summary,
	};

	const char *why = reason && *reason->message ? reason->message : "nothing came";
	char expected[96] = "state was left for this kernel";

	*summary = (struct kho_verify_summary){ KHO_NOTHING_COUNTED };
	if (v.options->have_expect)
		snprintf(expected, sizeof(expected),
			 "%" PRIu64 " records of generation %" PRIu64 " were expected",
			 v.options->expect_records, v.options->expect_generation);
	/* a kernel that does not show KHO may still have received the state */
	if (reason && reason->code != KHO_ERR_NO_STATE)
		kho_report_unevaluated(&v, KHO_RULE_K510, KHO_NO_ADDR, 0, "%s: %s", expected, why);
	else
		kho_report(&v, KHO_RULE_K510, KHO_NO_ADDR, 0, "%s: %s", expected, why);
	return kho_rules_check_run(&v, err);
}

int kho_verify_open_error(const struct kho_error *reason,
			  kho_finding_fn fn, void *data, struct kho_verify_summary *summary)
{
	struct kho_verify v = {
		.options = &no_options, .fn = fn, .data = data, .summary = summary,
	};

	if (reason->code != KHO_ERR_CORRUPT && reason->code != KHO_ERR_LOOP &&
	    reason->code != KHO_ERR_NOT_PRESENT)
		return 0;

	*summary = (struct kho_verify_summary){ KHO_NOTHING_COUNTED };
	if (reason->code == KHO_ERR_NOT_PRESENT)
		kho_report_unevaluated(&v, KHO_RULE_K001, reason->addr, 0, "%s", reason->message);
	else
		kho_report(&v, KHO_RULE_K001, reason->addr, 0, "%s", reason->message);
	return 1;
}
