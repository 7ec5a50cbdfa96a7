// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of the rules. verify_*.c and target*.c implement them. */
#include <string.h>

#include "kho.h"

static const struct kho_rule rules[] = {
#define KHO_RULE(rule_number, rule_area, rule_severity, sentence) {			\
	.id = "K" #rule_number, .number = KHO_RULE_K##rule_number,			\
	.area = KHO_AREA_##rule_area, .severity = KHO_SEVERITY_##rule_severity,		\
	.title = sentence },
#include "kho_rules.def"
#undef KHO_RULE
};

#define NR_RULES (sizeof(rules) / sizeof(rules[0]))

const struct kho_rule *kho_rules(size_t *n)
{
	*n = NR_RULES;
	return rules;
}

const struct kho_rule *kho_rule_find(const char *id)
{
	for (size_t i = 0; i < NR_RULES; i++) {
		if (!strcmp(rules[i].id, id))
			return &rules[i];
	}
	return NULL;
}

const struct kho_rule *kho_rule_get(enum kho_rule_number number)
{
	size_t low = 0, high = NR_RULES;

	/* bisection, because there may be many findings */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (rules[mid].number == number)
			return &rules[mid];
		if (rules[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const char *kho_severity_name(enum kho_severity severity)
{
	static const char *const names[] = { "info", "warning", "error", "fatal" };

	return (unsigned int)severity < 4 ? names[severity] : "unknown";
}
