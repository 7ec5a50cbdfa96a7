// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-only FILE...: verifies each file with each rule alone. Prints a line "FILE: RULE..." with the rules
 * that the library cannot judge. The result of each other rule must be the same as with all rules.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/kho.h"

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

struct counts {
	enum kho_rule_number of;	/* 0: all rules */
	uint64_t n[3];			/* by outcome */
	uint64_t grave;			/* not judged, and of error or fatal */
};

static int count(const struct kho_finding *finding, void *data)
{
	struct counts *counts = data;

	if (counts->of && counts->of != finding->rule->number)
		return 0;
	counts->n[finding->outcome] += finding->count;
	if (finding->outcome == KHO_OUTCOME_NOT_JUDGED && finding->rule->severity >= KHO_SEVERITY_ERROR)
		counts->grave += finding->count;
	return 0;
}

/* The summary agrees with the findings. */
static void check_summary(const char *what, const struct kho_verify_summary *summary,
			  const struct counts *counts)
{
	uint64_t found = 0;

	for (int i = 0; i < 4; i++)
		found += summary->findings[i];
	if (found != counts->n[KHO_OUTCOME_FOUND] ||
	    summary->unevaluated != counts->n[KHO_OUTCOME_NOT_JUDGED] ||
	    summary->grave_unevaluated != counts->grave ||
	    summary->not_applicable != counts->n[KHO_OUTCOME_NOT_APPLICABLE])
		fail("%s: the summary does not say what was found", what);
}

static void check_rule(struct kho_state *state, const struct kho_rule *rule)
{
	const char *const only[] = { rule->id, NULL };
	struct kho_verify_options options = {
		.only = only,
		/* to select no rule is a mistake of the caller */
		.claims = rule->number == KHO_RULE_K501,
		.have_expect = rule->number >= KHO_RULE_K510 && rule->number <= KHO_RULE_K512,
	};
	struct counts among = { .of = rule->number }, alone = { 0 };
	struct kho_verify_summary summary, all;
	struct kho_error err;
	int ret;

	ret = kho_verify(state, &options, count, &alone, &summary, &err);
	if (ret == KHO_ERR_USAGE) {
		printf(" %s", rule->id);
		if (alone.n[KHO_OUTCOME_FOUND] || alone.n[KHO_OUTCOME_NOT_JUDGED])
			fail("%s is reported, and is said not to be judged", rule->id);
		return;
	}
	if (ret)
		fail("%s: %s", rule->id, err.message);
	check_summary(rule->id, &summary, &alone);
	if (summary.rules != (alone.n[KHO_OUTCOME_NOT_JUDGED] || alone.n[KHO_OUTCOME_NOT_APPLICABLE] ? 0 : 1) &&
	    !alone.n[KHO_OUTCOME_FOUND])
		fail("%s: %zu rules were evaluated", rule->id, summary.rules);

	options.only = NULL;
	if (kho_verify(state, &options, count, &among, &all, &err))
		fail("all rules: %s", err.message);
	if (memcmp(among.n, alone.n, sizeof(among.n)))
		fail("%s alone comes out in another way than among all", rule->id);
}

/* Without a rule that ran there is no result. */
static void check_ignore(struct kho_state *state)
{
	const struct kho_rule *rules;
	struct kho_verify_summary summary;
	struct kho_error err;
	const char **ignore;
	size_t n, k = 0;

	rules = kho_rules(&n);
	ignore = calloc(n + 1, sizeof(*ignore));
	if (!ignore)
		fail("out of memory");
	for (size_t i = 0; i < n; i++) {
		/* without a promise, libkho never judges these */
		if (rules[i].area < KHO_AREA_TARGET && rules[i].number != KHO_RULE_K510 &&
		    rules[i].number != KHO_RULE_K511)
			ignore[k++] = rules[i].id;
	}
	if (kho_verify(state, &(struct kho_verify_options){ .ignore = ignore }, NULL, NULL, &summary,
		       &err) != KHO_ERR_USAGE)
		fail("with every rule that runs left out, it has passed");
	ignore[0] = "K605";
	if (kho_verify(state, &(struct kho_verify_options){ .ignore = ignore }, NULL, NULL, &summary,
		       &err) != KHO_ERR_USAGE || !strstr(err.message, "K605"))
		fail("a rule of something else can be left out");
	free(ignore);
}

static void check_file(const char *path)
{
	const struct kho_rule *rules;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;
	size_t n;

	printf("%s:", path);
	if (kho_source_open_file(path, &source, &err) ||
	    (kho_state_open(source, KHO_SIDE_OUT, &state, &err) &&
	     kho_state_open(source, KHO_SIDE_IN, &state, &err)))
		fail("%s: %s", path, err.message);
	rules = kho_rules(&n);
	for (size_t i = 0; i < n; i++) {
		if (rules[i].area < KHO_AREA_TARGET)
			check_rule(state, &rules[i]);
	}
	check_ignore(state);
	putchar('\n');
	kho_state_close(state);
	kho_source_close(source);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		fail("usage: test-only FILE...");
	for (int i = 1; i < argc; i++)
		check_file(argv[i]);
	return 0;
}
