// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Delivers findings. Reports also a rule that could not be judged: it never counts as passed.
 * Counts all findings of a rule but delivers only the first ones, so that a damaged state does not
 * flood the caller.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kho_output.h"
#include "source.h"
#include "verify.h"

static bool listed(const char *const *ids, const char *id)
{
	for (; ids && *ids; ids++) {
		if (!strcmp(*ids, id))
			return true;
	}
	return false;
}

static bool wanted(const struct kho_verify_options *options, const struct kho_rule *rule)
{
	return !listed(options->ignore, rule->id) &&
	       (!options->only || listed(options->only, rule->id));
}

static size_t index_of(const struct kho_rule *rule)
{
	size_t n;

	return (size_t)(rule - kho_rules(&n));
}

static struct kho_tally *tally_of(struct kho_verify *v, const struct kho_rule *rule,
				  enum kho_outcome outcome)
{
	return &v->tallies[index_of(rule)][outcome];
}

/* ---------------------------------------------------------------- delivery */

static void deliver(struct kho_verify *v, const struct kho_finding *finding)
{
	if (v->stopped)
		return;

	switch (finding->outcome) {
	case KHO_OUTCOME_FOUND:
		v->summary->findings[finding->severity] += finding->count;
		break;
	case KHO_OUTCOME_NOT_JUDGED:
		v->summary->unevaluated += finding->count;
		if (finding->severity >= KHO_SEVERITY_ERROR)
			v->summary->grave_unevaluated += finding->count;
		break;
	case KHO_OUTCOME_NOT_APPLICABLE:
		v->summary->not_applicable += finding->count;
		break;
	}

	if (v->fn && v->fn(finding, v->data))
		v->stopped = true;
}

static bool hold(struct kho_verify *v, const struct kho_finding *finding)
{
	if (!v->hold)
		return false;

	if (v->nr_held == v->room) {
		size_t room = v->room ? 2 * v->room : 16;
		struct kho_finding *held = reallocarray(v->held, room, sizeof(*held));

		if (!held) {
			/* out of memory: deliver too early instead of losing findings */
			kho_report_deliver(v);
			return false;
		}
		v->held = held;
		v->room = room;
	}
	v->held[v->nr_held++] = *finding;
	return true;
}

void kho_report_deliver(struct kho_verify *v)
{
	for (size_t i = 0; i < v->nr_held; i++)
		deliver(v, &v->held[i]);
	free(v->held);
	v->held = NULL;
	v->nr_held = v->room = 0;
	v->hold = false;
}

static void hand_out(struct kho_verify *v, const struct kho_finding *finding)
{
	if (!hold(v, finding))
		deliver(v, finding);
}

static void emit(struct kho_verify *v, const struct kho_rule *rule, enum kho_outcome outcome,
		 enum kho_severity severity, uint64_t addr, uint64_t record_id,
		 const char *fmt, va_list args)
{
	struct kho_tally *tally = tally_of(v, rule, outcome);
	struct kho_finding finding = {
		.rule = rule,
		.severity = severity,
		.outcome = outcome,
		.count = 1,
		.addr = addr,
		.record_id = record_id,
	};
	char text[512];

	if (listed(v->options->ignore, rule->id) && outcome != KHO_OUTCOME_NOT_APPLICABLE && !v->left_out)
		v->left_out = rule;
	if (v->stopped || !wanted(v->options, rule))
		return;
	tally->severity = severity;
	if (tally->n++ >= KHO_FINDINGS_LISTED)
		return;

	vsnprintf(text, sizeof(text), fmt, args);
	kho_text_message(finding.message, sizeof(finding.message), text);
	snprintf(finding.remedy, sizeof(finding.remedy), "See %s in kho-rules(7).", rule->id);
	hand_out(v, &finding);
}

static void report_rest_of(struct kho_verify *v, const struct kho_rule *rule,
			   enum kho_outcome outcome)
{
	const struct kho_tally *tally = tally_of(v, rule, outcome);
	struct kho_finding finding = {
		.rule = rule,
		.severity = tally->severity,
		.outcome = outcome,
		.addr = KHO_NO_ADDR,
	};

	if (tally->n <= KHO_FINDINGS_LISTED)
		return;
	finding.count = tally->n - KHO_FINDINGS_LISTED;
	snprintf(finding.message, sizeof(finding.message),
		 "%" PRIu64 " more of this rule, which are counted and not listed", finding.count);
	snprintf(finding.remedy, sizeof(finding.remedy), "See %s in kho-rules(7).", rule->id);
	hand_out(v, &finding);
}

void kho_report_rest(struct kho_verify *v)
{
	const struct kho_rule *rules;
	size_t n;

	rules = kho_rules(&n);
	for (size_t i = 0; i < n; i++) {
		for (unsigned int outcome = 0; outcome < KHO_NR_OUTCOMES; outcome++)
			report_rest_of(v, &rules[i], (enum kho_outcome)outcome);
	}
}

/* --------------------------------------------------------------- reporting */

void kho_report(struct kho_verify *v, enum kho_rule_number number, uint64_t addr,
		uint64_t record_id, const char *fmt, ...)
{
	const struct kho_rule *rule = kho_rule_get(number);
	va_list args;

	va_start(args, fmt);
	emit(v, rule, KHO_OUTCOME_FOUND, rule->severity, addr, record_id, fmt, args);
	va_end(args);
}

void kho_report_as(struct kho_verify *v, enum kho_rule_number number, enum kho_severity severity,
		   uint64_t addr, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit(v, kho_rule_get(number), KHO_OUTCOME_FOUND, severity, addr, 0, fmt, args);
	va_end(args);
}

void kho_report_unevaluated(struct kho_verify *v, enum kho_rule_number number, uint64_t addr,
			    uint64_t record_id, const char *fmt, ...)
{
	const struct kho_rule *rule = kho_rule_get(number);
	va_list args;

	va_start(args, fmt);
	emit(v, rule, KHO_OUTCOME_NOT_JUDGED, rule->severity, addr, record_id, fmt, args);
	va_end(args);
}

void kho_report_not_applicable(struct kho_verify *v, enum kho_rule_number number,
			       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit(v, kho_rule_get(number), KHO_OUTCOME_NOT_APPLICABLE, KHO_SEVERITY_INFO, KHO_NO_ADDR, 0,
	     fmt, args);
	va_end(args);
}

/* True if @err is about the data, false if a read failed for another reason. */
static bool is_damage(const struct kho_verify *v, const struct kho_error *err)
{
	if (err->code == KHO_ERR_CORRUPT || err->code == KHO_ERR_LOOP)
		return true;
	/* a dump may be incomplete; a live source has all RAM */
	return err->code == KHO_ERR_NOT_PRESENT &&
	       (v->state->source->has_all_ram || kho_source_not_ram(v->state->source, err->addr, 1));
}

void kho_report_error(struct kho_verify *v, enum kho_rule_number rule, uint64_t record_id,
		      const struct kho_error *err, const char *what)
{
	if (is_damage(v, err))
		kho_report(v, rule, err->addr, record_id, "%s%s", what, err->message);
	else
		kho_report_unevaluated(v, rule, err->addr, record_id, "%s%s", what, err->message);
}

bool kho_was_unevaluated(const struct kho_verify *v, enum kho_rule_number rule)
{
	return v->tallies[index_of(kho_rule_get(rule))][KHO_OUTCOME_NOT_JUDGED].n > 0;
}

void kho_evaluated(struct kho_verify *v, enum kho_rule_number rule)
{
	v->evaluated[index_of(kho_rule_get(rule))] = true;
}

/* --------------------------------------------------------------- selection */

/* Returns the reason why the options keep a rule from being judged, or NULL. */
static const char *hindrance(const struct kho_verify_options *options, const struct kho_rule *rule)
{
	if (listed(options->ignore, rule->id))
		return "it is also ignored";
	switch (rule->number) {
	case KHO_RULE_K413:
		return options->skip_content ? "content checks are off" : NULL;
	case KHO_RULE_K501:
		return options->claims ? NULL : "the check of claims is off";
	case KHO_RULE_K510:
	case KHO_RULE_K511:
	case KHO_RULE_K512:
		return options->have_expect ? NULL : "no expected state was given";
	default:
		return NULL;
	}
}

static int refuse_rule(const char *id, const char *why, struct kho_error *err)
{
	return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR, "%.32s cannot be judged here: %s", id, why);
}

static int check_areas(const char *const *ids, enum kho_area first, enum kho_area last,
		       struct kho_error *err)
{
	for (; ids && *ids; ids++) {
		const struct kho_rule *rule = kho_rule_find(*ids);

		if (!rule)
			return refuse_rule(*ids, "there is no such rule", err);
		if (rule->area < first || rule->area > last)
			return refuse_rule(*ids, "it is not about this kind of input", err);
	}
	return 0;
}

/* Refuses data for rules that @options leave out: it would have no effect. */
static int check_effect(const struct kho_verify_options *options, struct kho_error *err)
{
	if (options->claims && !wanted(options, kho_rule_get(KHO_RULE_K501)))
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR,
				"the selected rules lack K501, which checks claims");
	if (options->skip_content && !wanted(options, kho_rule_get(KHO_RULE_K413)))
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR,
				"the selected rules lack K413, the only one that reads content");
	if (options->have_expect && !wanted(options, kho_rule_get(KHO_RULE_K510)) &&
	    !wanted(options, kho_rule_get(KHO_RULE_K511)) &&
	    !wanted(options, kho_rule_get(KHO_RULE_K512)))
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR,
				"the selected rules lack K510, K511 and K512, which compare the expected state");
	return 0;
}

int kho_rules_check(const struct kho_verify_options *options, enum kho_area first,
		    enum kho_area last, struct kho_error *err)
{
	int ret = check_areas(options->only, first, last, err);

	if (!ret)
		ret = check_areas(options->ignore, first, last, err);
	if (ret)
		return ret;
	for (const char *const *id = options->only; id && *id; id++) {
		const char *why = hindrance(options, kho_rule_find(*id));

		if (why)
			return refuse_rule(*id, why, err);
	}
	ret = check_effect(options, err);
	return ret ? ret : kho_check_reserved(options->reserved, err);
}

/* True if @rule can be evaluated in any sound state of this side, with these options. */
static bool is_expected(const struct kho_verify *v, const struct kho_rule *rule)
{
	if (hindrance(v->options, rule))
		return false;
	if (v->state->root.side == KHO_SIDE_OUT)
		return rule->area >= KHO_AREA_MAP && rule->area <= KHO_AREA_DMA;
	/* the kernel frees the map and the memory that subtrees refer to */
	return rule->area == KHO_AREA_DMA && rule->number != KHO_RULE_K404 &&
	       rule->number != KHO_RULE_K407;
}

void kho_report_hidden(struct kho_verify *v)
{
	const struct kho_rule *rules;
	size_t n;

	if (!v->left_out)
		return;
	rules = kho_rules(&n);
	for (size_t i = 0; i < n; i++) {
		const struct kho_tally *tallies = v->tallies[i];

		if (v->evaluated[i] || !is_expected(v, &rules[i]) || tallies[KHO_OUTCOME_FOUND].n ||
		    tallies[KHO_OUTCOME_NOT_JUDGED].n)
			continue;
		kho_report_unevaluated(v, rules[i].number, KHO_NO_ADDR, 0,
				       "libkho cannot evaluate it, because %s is ignored",
				       v->left_out->id);
	}
}

/* Returns the reason why a rule cannot be judged in a state of this side and source, or NULL. */
static const char *nature(const struct kho_state *state, const struct kho_rule *rule)
{
	const bool incoming = state->root.side == KHO_SIDE_IN;

	switch (rule->number) {
	case KHO_RULE_K520:
	case KHO_RULE_K521:
	case KHO_RULE_K522:
		if (!state->source->files)
			return "it is about devices of the running kernel, and this is a file";
		return incoming == (rule->number == KHO_RULE_K522) ? NULL :
		       incoming ? "it is about an outgoing state" : "it is about an incoming state";
	case KHO_RULE_K501:
	case KHO_RULE_K502:
	case KHO_RULE_K504:
		return incoming ? NULL : "it is about an incoming state";
	case KHO_RULE_K005:
	case KHO_RULE_K101:
	case KHO_RULE_K102:
	case KHO_RULE_K103:
	case KHO_RULE_K104:
	case KHO_RULE_K105:
	case KHO_RULE_K204:
	case KHO_RULE_K205:
	case KHO_RULE_K301:
	case KHO_RULE_K305:
	case KHO_RULE_K306:
	case KHO_RULE_K308:
	case KHO_RULE_K404:
	case KHO_RULE_K407:
		if (incoming)
			return rule->number == KHO_RULE_K305 ? "the kernel frees the incoming live update state" :
							       "the kernel frees the incoming preserved-memory-map";
		break;
	default:
		break;
	}
	if (state->scratch_unknown && (rule->area == KHO_AREA_SCRATCH || rule->number == KHO_RULE_K414))
		return "this file does not say where the scratch areas are";
	return NULL;
}

/* Returns the reason why a rule was neither evaluated nor reported. */
static const char *why_not_run(const struct kho_verify *v, const struct kho_rule *rule)
{
	const char *why = v->state ? nature(v->state, rule) : "there is no incoming state";

	if (!why && v->tallies[index_of(rule)][KHO_OUTCOME_NOT_APPLICABLE].n)
		why = "it does not apply";
	return why ? why : "libkho cannot read all of its data";
}

int kho_rules_check_run(struct kho_verify *v, struct kho_error *err)
{
	const struct kho_rule *rules;
	size_t n, reported = 0;

	rules = kho_rules(&n);
	v->summary->rules = 0;
	for (size_t i = 0; i < n; i++) {
		const struct kho_tally *tallies = v->tallies[i];
		bool partly = tallies[KHO_OUTCOME_NOT_JUDGED].n || tallies[KHO_OUTCOME_NOT_APPLICABLE].n;
		bool told = tallies[KHO_OUTCOME_FOUND].n || tallies[KHO_OUTCOME_NOT_JUDGED].n;

		if (!wanted(v->options, &rules[i]))
			continue;
		if (v->evaluated[i] && !partly)
			v->summary->rules++;
		else if (v->options->only && !told && !v->stopped)
			return refuse_rule(rules[i].id, why_not_run(v, &rules[i]), err);
		reported += told;
	}
	if (!v->summary->rules && !reported && !v->stopped)
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR, "the selection contains no rule that can be judged");
	return 0;
}
