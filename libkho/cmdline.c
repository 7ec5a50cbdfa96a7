// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Kernel command lines, read as the kernel reads them: next_arg() in lib/cmdline.c,
 * parse_args() in kernel/params.c, isspace() in lib/ctype.c, kstrtobool() in lib/kstrtox.c,
 * simple_strtoull() in lib/vsprintf.c and memparse() in lib/cmdline.c, all of Linux 7.3.
 */
#include <string.h>

#include "cmdline.h"

/* The kernel's isspace() is for Latin-1, so a no-break space separates options too. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (unsigned char)c == 0xa0;
}

static const char *skip_spaces(const char *p)
{
	while (is_space(*p))
		p++;
	return p;
}

/*
 * Sets the value, which starts after the "=" at @equals. Removes a quote around it, and the end
 * of a quote that starts before the name. @end is the end of the option.
 */
static void set_value(struct kho_cmdline_arg *arg, const char *equals, const char *end, bool quoted)
{
	const char *value = equals + 1;
	bool strip = quoted;

	if (*value == '"') {
		value++;
		strip = true;
	}
	if (strip && end[-1] == '"')
		end--;
	arg->value = value;
	/* end < value if the value is a single quote */
	arg->value_len = end > value ? (size_t)(end - value) : 0;
}

bool kho_cmdline_next(const char **rest, struct kho_cmdline_arg *arg)
{
	const char *name, *equals = NULL, *p = skip_spaces(*rest);
	bool quoted = *p == '"', in_quote = quoted;

	*rest = p;
	if (!*p)
		return false;

	memset(arg, 0, sizeof(*arg));
	arg->text = p;
	name = quoted ? p + 1 : p;
	for (p = name; *p && (in_quote || !is_space(*p)); p++) {
		/* a leading "=" is part of the name */
		if (*p == '=' && !equals && p > name)
			equals = p;
		if (*p == '"')
			in_quote = !in_quote;
	}

	arg->text_len = (size_t)(p - arg->text);
	arg->unclosed = in_quote;
	arg->name = name;
	if (equals) {
		arg->name_len = (size_t)(equals - name);
		set_value(arg, equals, p, quoted);
	} else {
		arg->name_len = (size_t)(p - name) - (quoted && p > name && p[-1] == '"');
	}
	*rest = skip_spaces(p);
	return true;
}

bool kho_cmdline_is(const struct kho_cmdline_arg *arg, const char *name)
{
	if (strlen(name) != arg->name_len)
		return false;
	for (size_t i = 0; i < arg->name_len; i++) {
		char a = arg->name[i] == '-' ? '_' : arg->name[i];
		char b = name[i] == '-' ? '_' : name[i];

		if (a != b)
			return false;
	}
	return true;
}

bool kho_cmdline_is_end(const struct kho_cmdline_arg *arg)
{
	return !arg->value && arg->name_len == 2 && !memcmp(arg->name, "--", 2);
}

bool kho_cmdline_find(const char *cmdline, const char *name, struct kho_cmdline_arg *out)
{
	struct kho_cmdline_arg arg;
	bool found = false;

	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		if (!kho_cmdline_is(&arg, name))
			continue;
		*out = arg;
		found = true;
	}
	return found;
}

/* kstrtobool(). Returns 1, 0, or -1 for a value that it rejects. */
static int parse_bool(const struct kho_cmdline_arg *arg)
{
	char first = arg->value && arg->value_len ? arg->value[0] : '\0';
	char second = first && arg->value_len > 1 ? arg->value[1] : '\0';

	if (first && strchr("eEyYtT1", first))
		return 1;
	if (first && strchr("dDnNfF0", first))
		return 0;
	if (first != 'o' && first != 'O')
		return -1;
	if (second == 'n' || second == 'N')
		return 1;
	return second == 'f' || second == 'F' ? 0 : -1;
}

int kho_cmdline_bool(const char *cmdline, const char *name)
{
	struct kho_cmdline_arg arg;
	int value = -1;

	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		int this = kho_cmdline_is(&arg, name) ? parse_bool(&arg) : -1;

		if (this >= 0)
			value = this;
	}
	return value;
}

/* ------------------------------------------------------------------ values */

char kho_cmdline_peek(const struct kho_cmdline_text *text)
{
	return text->p < text->end ? *text->p : '\0';
}

bool kho_cmdline_take(struct kho_cmdline_text *text, char c)
{
	if (kho_cmdline_peek(text) != c)
		return false;
	text->p++;
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

bool kho_cmdline_number(struct kho_cmdline_text *text, uint64_t *value)
{
	const char *p = text->p, *first;
	unsigned int base = 10;

	if (p < text->end && *p == '0') {
		base = 8;
		if (text->end - p > 2 && (p[1] | 0x20) == 'x' && digit_of(p[2]) < 16) {
			base = 16;
			p += 2;
		}
	}
	*value = 0;
	for (first = p; p < text->end && digit_of(*p) < (int)base; p++)
		*value = *value * base + (unsigned int)digit_of(*p);
	if (p == first)
		return false;
	text->p = p;
	return true;
}

bool kho_cmdline_size(struct kho_cmdline_text *text, uint64_t *value)
{
	static const char units[] = "kmgtpe";
	const char *unit;
	unsigned int shift;

	if (!kho_cmdline_number(text, value))
		return false;
	if (text->p == text->end || !(unit = strchr(units, *text->p | 0x20)) || !*unit)
		return true;
	text->p++;
	shift = 10 * (unsigned int)(unit - units + 1);
	*value = *value > UINT64_MAX >> shift ? UINT64_MAX : *value << shift;
	return true;
}

struct kho_cmdline_text kho_cmdline_value(const struct kho_cmdline_arg *arg)
{
	const char *value = arg->value ? arg->value : "";

	return (struct kho_cmdline_text){ value, value + arg->value_len };
}

/* "nn%", kstrtouint() with base 10 */
static bool is_percentage(struct kho_cmdline_text text)
{
	uint64_t value = 0;

	if (text.p == text.end || text.end[-1] != '%' || text.end - text.p > 11)
		return false;
	text.end--;
	if (text.p < text.end && *text.p == '+')
		text.p++;
	if (text.p == text.end)
		return false;
	for (; text.p < text.end && *text.p >= '0' && *text.p <= '9'; text.p++)
		value = 10 * value + (unsigned int)(*text.p - '0');
	return text.p == text.end && value <= UINT32_MAX;
}

/* "ll[KMG],mm[KMG],nn[KMG]" */
static bool is_three_sizes(struct kho_cmdline_text text)
{
	uint64_t total = 0, size;

	for (int i = 0; i < 3; i++) {
		if (i > 0 && (text.p == text.end || *text.p++ != ','))
			return false;
		if (!kho_cmdline_size(&text, &size))
			return false;
		total |= size;
	}
	return total && text.p == text.end;
}

/* kho_parse_scratch_size() in kernel/liveupdate/kexec_handover.c */
int kho_cmdline_scratch(const char *cmdline, const char *option)
{
	struct kho_cmdline_arg arg;
	int ret = 0;

	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		struct kho_cmdline_text text = kho_cmdline_value(&arg);

		if (!kho_cmdline_is(&arg, option))
			continue;
		if (is_percentage(text) || is_three_sizes(text))
			return 1;
		ret = -1;
	}
	return ret;
}

bool kho_cmdline_is_kdump(const char *cmdline)
{
	struct kho_cmdline_arg arg;

	/* the kernel takes any value for an address, but not a name without a value */
	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		if (arg.value && kho_cmdline_is(&arg, "elfcorehdr"))
			return true;
	}
	return false;
}

bool kho_cmdline_has(const char *cmdline, const char *name)
{
	struct kho_cmdline_arg arg;

	return kho_cmdline_find(cmdline, name, &arg);
}

/* The end of the first word that is @word; NULL if there is none. Control characters are blanks. */
static const char *find_word(const char *cmdline, const char *word)
{
	size_t len = strlen(word);
	const char *at = cmdline;

	while ((at = strstr(at, word))) {
		if ((at == cmdline || (unsigned char)at[-1] <= ' ') && (unsigned char)at[len] <= ' ')
			return at + len;
		at++;
	}
	return NULL;
}

bool kho_cmdline_encrypts(const char *cmdline)
{
	const char *on = find_word(cmdline, "mem_encrypt=on");
	const char *off = find_word(cmdline, "mem_encrypt=off");

	return on && (!off || on > off);
}
