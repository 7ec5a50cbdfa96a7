// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How a finding leaves the library. A condition that could not be looked at is reported as
 * well, through kho_report_unevaluated(): it never counts as passed.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kho_output.h"
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

static void deliver(struct kho_verify *v, const struct kho_finding *finding)
{
	if (v->stopped)
		return;

	if (finding->unevaluated && finding->severity > KHO_SEVERITY_INFO)
		v->summary->unevaluated++;
	else
		v->summary->findings[finding->severity]++;

	if (v->fn && v->fn(finding, v->data))
		v->stopped = true;
}

/*
 * On a live machine findings wait until it is clear that nothing changed while
 * they were made. So many that they do not fit are no passing disturbance.
 */
static bool hold(struct kho_verify *v, const struct kho_finding *finding)
{
	if (!v->held)
		return false;

	if (v->nr_held < KHO_MAX_HELD) {
		v->held[v->nr_held++] = *finding;
		return true;
	}
	kho_verify_deliver(v);
	return false;
}

void kho_verify_deliver(struct kho_verify *v)
{
	for (size_t i = 0; i < v->nr_held; i++)
		deliver(v, &v->held[i]);
	free(v->held);
	v->held = NULL;
	v->nr_held = 0;
}

static void emit(struct kho_verify *v, const struct kho_rule *rule, bool unevaluated,
		 enum kho_severity severity, uint64_t addr, uint64_t record_id,
		 const char *fmt, va_list args)
{
	char text[512];
	struct kho_finding finding = {
		.rule = rule,
		.severity = severity,
		.unevaluated = unevaluated,
		.addr = addr,
		.record_id = record_id,
	};

	if (v->stopped || !wanted(v->options, rule))
		return;

	vsnprintf(text, sizeof(text), fmt, args);
	kho_text_message(finding.message, sizeof(finding.message), text);
	snprintf(finding.remedy, sizeof(finding.remedy), "See %s in kho-rules(7).", rule->id);

	if (!hold(v, &finding))
		deliver(v, &finding);
}

void kho_report(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr, uint64_t record_id,
		const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit(v, kho_rule(rule), false, kho_rule(rule)->severity, addr, record_id, fmt, args);
	va_end(args);
}

void kho_report_unevaluated(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr,
			    uint64_t record_id, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit(v, kho_rule(rule), true, kho_rule(rule)->severity, addr, record_id, fmt, args);
	va_end(args);
}

/* Does not apply here by its nature: worth a word, but no doubt about the state. */
void kho_report_not_applicable(struct kho_verify *v, enum kho_rule_number rule,
			        const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit(v, kho_rule(rule), true, KHO_SEVERITY_INFO, KHO_NO_ADDR, 0, fmt, args);
	va_end(args);
}

/* As kho_report(), with a severity that is not the rule's. */
void kho_report_as(struct kho_verify *v, enum kho_rule_number rule, enum kho_severity severity,
		   uint64_t addr, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit(v, kho_rule(rule), false, severity, addr, 0, fmt, args);
	va_end(args);
}

size_t kho_rules_count(const struct kho_verify_options *options, enum kho_area first,
		       enum kho_area last)
{
	const struct kho_rule *rules;
	size_t nr_rules, n = 0;

	rules = kho_rules(&nr_rules);
	for (size_t i = 0; i < nr_rules; i++)
		n += rules[i].area >= first && rules[i].area <= last &&
		     wanted(options, &rules[i]);
	return n;
}
