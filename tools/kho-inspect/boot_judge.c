// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Judges a boot: the class of each finding, the word that sums them up, and the operator's
 * policy for it. Pure functions: no input and no output.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <kho_output.h>

#include "boot.h"

/* From the mildest to the worst; kho-boot(7) documents them. */
static const char *const class_names[NR_CLASSES] = {
	[CLASS_INFO] = "info",
	[CLASS_UNCLAIMED] = "unclaimed",
	[CLASS_WARNING] = "warning",
	[CLASS_UNKNOWN] = "unknown",
	[CLASS_ERROR] = "error",
	[CLASS_FATAL] = "fatal",
	[CLASS_ABSENT] = "absent",
};

/* A higher rank is worse; two words may have the same rank. */
static const struct {
	const char *name;
	unsigned int rank;
} words[NR_WORDS] = {
	[WORD_CLEAN] = { "clean", 1 },
	[WORD_NONE] = { "none", 0 },
	[WORD_WARNING] = { "warning", 2 },
	[WORD_UNKNOWN] = { "unknown", 3 },
	[WORD_ERROR] = { "error", 4 },
	[WORD_ABSENT] = { "absent", 5 },
	[WORD_FATAL] = { "fatal", 5 },
	[WORD_OFF] = { "off", 0 },
};

static const char *const policy_names[NR_POLICIES] = {
	[POLICY_LOG] = "log",
	[POLICY_WARN] = "warn",
	[POLICY_SHELL] = "shell",
	[POLICY_REBOOT] = "reboot",
	[POLICY_HALT] = "halt",
};

const char *boot_class_name(enum boot_class class)
{
	return (unsigned int)class < NR_CLASSES ? class_names[class] : "unknown";
}

const char *boot_word_name(enum boot_word word)
{
	return (unsigned int)word < NR_WORDS ? words[word].name : "unknown";
}

const char *boot_policy_name(enum boot_policy policy)
{
	return (unsigned int)policy < NR_POLICIES ? policy_names[policy] : "unknown";
}

bool boot_word_parse(const char *text, enum boot_word *word)
{
	for (unsigned int i = 0; i < NR_WORDS; i++) {
		if (!strcmp(words[i].name, text)) {
			*word = i;
			return true;
		}
	}
	return false;
}

bool boot_class_parse(const char *text, enum boot_class *class)
{
	for (unsigned int i = 0; i < NR_CLASSES; i++) {
		if (!strcmp(class_names[i], text)) {
			*class = i;
			return true;
		}
	}
	return false;
}

unsigned int boot_word_rank(enum boot_word word)
{
	return (unsigned int)word < NR_WORDS ? words[word].rank : words[WORD_UNKNOWN].rank;
}

enum boot_class boot_classify(const struct kho_finding *finding)
{
	if (finding->severity == KHO_SEVERITY_INFO)
		return CLASS_INFO;
	if (finding->outcome == KHO_OUTCOME_NOT_JUDGED)
		return CLASS_UNKNOWN;
	if (finding->rule->number == KHO_RULE_K501)
		return CLASS_UNCLAIMED;
	if (finding->rule->number == KHO_RULE_K510)
		return CLASS_ABSENT;

	switch (finding->severity) {
	case KHO_SEVERITY_WARNING: return CLASS_WARNING;
	case KHO_SEVERITY_ERROR: return CLASS_ERROR;
	default: return CLASS_FATAL;
	}
}

enum boot_word boot_word_of(enum boot_class worst)
{
	switch (worst) {
	case CLASS_INFO: return WORD_CLEAN;
	case CLASS_UNCLAIMED:
	case CLASS_WARNING: return WORD_WARNING;
	case CLASS_ERROR: return WORD_ERROR;
	case CLASS_FATAL: return WORD_FATAL;
	case CLASS_ABSENT: return WORD_ABSENT;
	default: return WORD_UNKNOWN;
	}
}

enum boot_class boot_worst_class(const uint64_t counts[NR_CLASSES])
{
	enum boot_class class = NR_CLASSES - 1;

	while (class > CLASS_INFO && !counts[class])
		class--;
	return class;
}

/* The class for a word without findings. */
static enum boot_class class_of(enum boot_word word)
{
	switch (word) {
	case WORD_CLEAN:
	case WORD_NONE:
	case WORD_OFF: return CLASS_INFO;
	case WORD_WARNING: return CLASS_WARNING;
	case WORD_ERROR: return CLASS_ERROR;
	case WORD_ABSENT: return CLASS_ABSENT;
	case WORD_FATAL: return CLASS_FATAL;
	default: return CLASS_UNKNOWN;
	}
}

/* ----------------------------------------------------------------- options */

enum { ALL, WARNING, UNCLAIMED, UNKNOWN, ERROR, FATAL };

static const char *const policy_options[BOOT_POLICY_OPTIONS] = {
	[ALL] = "rd.kho.policy",
	[WARNING] = "rd.kho.policy.warning",
	[UNCLAIMED] = "rd.kho.policy.unclaimed",
	[UNKNOWN] = "rd.kho.policy.unknown",
	[ERROR] = "rd.kho.policy.error",
	[FATAL] = "rd.kho.policy.fatal",
};

static void slip(struct boot_options *options, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The operator's mistake must not stop the boot, and must not go unnoticed. */
static void slip(struct boot_options *options, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	boot_add_text(options->slip, sizeof(options->slip), fmt, args);
	va_end(args);
	boot_plain(options->slip);
}

static void slip_value(struct boot_options *options, const char *name, const char *value,
		       const char *wanted)
{
	if (value)
		slip(options, "%.40s=%.64s is not %s", name, value, wanted);
	else
		slip(options, "%.40s has no value: it must be %s", name, wanted);
}

static int parse_policy(struct boot_options *options, const char *name, const char *value)
{
	for (unsigned int i = 0; value && i < NR_POLICIES; i++) {
		if (!strcmp(policy_names[i], value))
			return (int)i;
	}
	slip_value(options, name, value, "one of log, warn, shell, reboot, halt: taken as warn");
	return POLICY_WARN;
}

unsigned int boot_timeout_parse(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 5 || text[digits] || *text == '0')
		return 0;
	return (unsigned int)strtoul(text, NULL, 10);
}

static void parse_timeout(struct boot_options *options, const char *name, const char *value)
{
	options->timeout = value ? boot_timeout_parse(value) : 0;
	if (options->timeout)
		return;
	options->timeout = BOOT_TIMEOUT;
	slip_value(options, name, value, "a number of seconds from 1 to 99999: taken as 120");
}

/* A promise that cannot be read is still a promise. */
static void parse_promise(struct boot_options *options, const char *name, const char *value)
{
	options->promised = true;
	options->promise_known = value && !kho_expect_parse(value, &options->expect_records,
							    &options->expect_generation);
	if (!options->promise_known)
		slip_value(options, name, value, "COUNT,GENERATION");
}

static bool is_one_of(const char *value, const char *const *list)
{
	for (; *list; list++) {
		if (!strcmp(value, *list))
			return true;
	}
	return false;
}

/* As dracut's getargbool reads it. */
static void parse_off(struct boot_options *options, const char *name, const char *value)
{
	static const char *const no[] = { "0", "no", "off", NULL };
	static const char *const yes[] = { "", "1", "yes", "on", NULL };

	options->off = value && is_one_of(value, no);
	if (value && !options->off && !is_one_of(value, yes))
		slip_value(options, name, value, "0 or 1: taken as 1");
}

void boot_options_add(struct boot_options *options, const char *name, const char *value)
{
	for (unsigned int i = 0; i < BOOT_POLICY_OPTIONS; i++) {
		if (!strcmp(name, policy_options[i])) {
			options->given[i] = 1 + parse_policy(options, name, value);
			return;
		}
	}
	if (!strcmp(name, "rd.kho"))
		parse_off(options, name, value);
	else if (!strcmp(name, "rd.kho.timeout"))
		parse_timeout(options, name, value);
	else if (!strcmp(name, KHO_EXPECT_OPTION))
		parse_promise(options, name, value);
	else if (!strncmp(name, "rd.kho", 6))
		slip(options, "%.64s is not an option of kho-boot(7): ignored", name);
}

void boot_options_unread(struct boot_options *options, const char *what, const char *reason)
{
	options->promised = true;
	options->promise_known = false;
	slip(options, "cannot read %.80s: %s", what, reason);
}

static enum boot_policy given_or(const struct boot_options *options, unsigned int option,
				     enum boot_policy otherwise)
{
	return options->given[option] ? options->given[option] - 1 : otherwise;
}

/*
 * A policy that stops the boot applies to state that is damaged, lost or not proven, and to
 * milder classes only if the operator names them.
 */
void boot_options_finish(struct boot_options *options)
{
	enum boot_policy all = given_or(options, ALL, POLICY_WARN);
	enum boot_policy mild = all == POLICY_LOG ? POLICY_LOG : POLICY_WARN;
	enum boot_policy *policy = options->policy;

	policy[CLASS_INFO] = POLICY_LOG;
	policy[CLASS_WARNING] = given_or(options, WARNING, mild);
	policy[CLASS_UNCLAIMED] = given_or(options, UNCLAIMED, policy[CLASS_WARNING]);
	policy[CLASS_UNKNOWN] = given_or(options, UNKNOWN, all);
	policy[CLASS_ERROR] = given_or(options, ERROR, all);
	policy[CLASS_FATAL] = given_or(options, FATAL, all);
	policy[CLASS_ABSENT] = policy[CLASS_FATAL];
}

/* ----------------------------------------------------------------- outcome */

enum boot_policy boot_choose(const struct boot_options *options, enum boot_word word,
			     const uint64_t counts[NR_CLASSES])
{
	enum boot_policy strongest = POLICY_LOG;
	bool any = false;

	for (unsigned int i = 0; i < NR_CLASSES; i++) {
		if (!counts[i])
			continue;
		any = true;
		if (options->policy[i] > strongest)
			strongest = options->policy[i];
	}
	return any ? strongest : options->policy[class_of(word)];
}

int boot_class_priority(enum boot_class class)
{
	switch (class) {
	case CLASS_INFO: return LOG_INFO;
	case CLASS_UNCLAIMED:
	case CLASS_WARNING: return LOG_WARNING;
	case CLASS_FATAL:
	case CLASS_ABSENT: return LOG_CRIT;
	default: return LOG_ERR;
	}
}

int boot_word_priority(enum boot_word word)
{
	return boot_class_priority(class_of(word));
}

/* 10 and up: 1 and 2 have the same meaning for every command, so a hook can tell a word. */
int boot_word_status(enum boot_word word)
{
	return word == WORD_CLEAN ? 0 : 9 + (int)word;
}

char *boot_plain(char *text)
{
	/* an escape stands for one byte: without its backslash it would look like text */
	size_t size = kho_text_bytes(text, text);

	for (size_t i = 0; i < size; i++) {
		if (text[i] < ' ' || text[i] > '~' || text[i] == '\\')
			text[i] = '?';
	}
	text[size] = '\0';
	return text;
}

void boot_add_text(char *text, size_t size, const char *fmt, va_list args)
{
	size_t n = strlen(text);

	n += (size_t)snprintf(text + n, size - n, n ? "; " : "");
	if (n < size)
		vsnprintf(text + n, size - n, fmt, args);
}
