// SPDX-License-Identifier: LGPL-2.1-or-later
/* crashkernel= of a command line, read as parse_crashkernel() in kernel/crash_reserve.c of Linux 7.3 does. */
#include <string.h>

#include "cmdline.h"
#include "crashkernel.h"

static bool ends_in(const struct kho_cmdline_text *text, const char *end)
{
	size_t n = strlen(end);

	return (size_t)(text->end - text->p) >= n && !memcmp(text->end - n, end, n);
}

/* Finds the last "crashkernel=" with @suffix; NULL: without any suffix. */
static bool last_crashkernel(const char *cmdline, const char *suffix,
			     struct kho_cmdline_text *found)
{
	static const char name[] = "crashkernel=";
	const char *end = cmdline;
	bool any = false;

	/* get_last_crashkernel() knows no quotes, no names, and no "--" */
	for (const char *p = strstr(cmdline, name); p; p = strstr(p + 1, name)) {
		struct kho_cmdline_text text = { p + sizeof(name) - 1, NULL };
		bool match;

		/* one word may contain the name many times */
		if (p >= end)
			end = p + strcspn(p, " ");
		text.end = end;
		match = suffix ? ends_in(&text, suffix) :
			!ends_in(&text, ",high") && !ends_in(&text, ",low") && !ends_in(&text, ",cma");

		if (match) {
			*found = text;
			any = true;
		}
	}
	return any;
}

/* parse_crashkernel_suffix(): "size,high". */
static bool parse_with_suffix(struct kho_cmdline_text text, const char *suffix, uint64_t *size)
{
	size_t n = strlen(suffix);

	return kho_cmdline_size(&text, size) && (size_t)(text.end - text.p) == n &&
	       !memcmp(text.p, suffix, n);
}

/* parse_crashkernel_mem(): "range:size[,range:size]...[@base]". */
static bool parse_ranges(struct kho_cmdline_text text, uint64_t ram,
			 struct kho_crash_request *request)
{
	do {
		uint64_t first, last = UINT64_MAX, size;

		if (!kho_cmdline_size(&text, &first) || !kho_cmdline_take(&text, '-'))
			return false;
		if (kho_cmdline_peek(&text) != ':' && (!kho_cmdline_size(&text, &last) || last <= first))
			return false;
		if (!kho_cmdline_take(&text, ':') || !kho_cmdline_size(&text, &size) || size >= ram)
			return false;
		if (ram >= first && ram < last) {
			request->size = size;
			break;
		}
	} while (kho_cmdline_take(&text, ','));

	while (text.p < text.end && *text.p != '@')
		text.p++;
	return !request->size || !kho_cmdline_take(&text, '@') || kho_cmdline_size(&text, &request->base);
}

/* parse_crashkernel_simple(): "size[@base]". */
static bool parse_simple(struct kho_cmdline_text text, struct kho_crash_request *request)
{
	if (!kho_cmdline_size(&text, &request->size))
		return false;
	if (!kho_cmdline_take(&text, '@'))
		return text.p == text.end;
	kho_cmdline_size(&text, &request->base);
	return true;
}

/* "size,high" and "size,low" */
static bool parse_high(const char *cmdline, struct kho_crash_request *request)
{
	struct kho_cmdline_text high, low;

	if (!last_crashkernel(cmdline, ",high", &high) ||
	    !parse_with_suffix(high, ",high", &request->size))
		return false;
	return !last_crashkernel(cmdline, ",low", &low) ||
	       parse_with_suffix(low, ",low", &request->low);
}

int kho_crash_request_parse(const char *cmdline, uint64_t ram, struct kho_crash_request *request)
{
	struct kho_crash_request parsed = { .low = request->low };
	struct kho_cmdline_text plain;
	bool valid;

	if (!last_crashkernel(cmdline, NULL, &plain))
		valid = parse_high(cmdline, &parsed);
	else if (!memchr(plain.p, ':', (size_t)(plain.end - plain.p)))
		valid = parse_simple(plain, &parsed);
	else if (!ram)
		return KHO_ERR_UNSUPPORTED;
	else
		valid = parse_ranges(plain, ram, &parsed);
	/* the kernel reserves nothing for a value that it rejects */
	if (!valid)
		parsed.size = 0;
	*request = parsed;
	return 0;
}
