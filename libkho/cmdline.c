// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Kernel command lines, read as the kernel reads them: next_arg() in lib/cmdline.c,
 * parse_args() in kernel/params.c, isspace() in lib/ctype.c and kstrtobool() in
 * lib/kstrtox.c, all of Linux 7.3.
 */
#include <string.h>

#include "kho.h"
#include "target.h"

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
