// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec-kho-plan.h"

#define UNCHANGED	"refused, nothing changed."

const char *kho_plan_refusal(enum kho_rule_number rule, bool required)
{
	switch (rule) {
	case KHO_RULE_K520:
		return UNCHANGED " Do not use --kho=off: the device would write to memory of the next kernel.";
	case KHO_RULE_K705:
		return required ? UNCHANGED " Without --kho=require kexec loads what it can, if there is no state to lose." :
				  UNCHANGED " Use --kho=off to discard what may be preserved.";
	case KHO_RULE_K706:
		/* the image, whatever becomes of the state */
		return UNCHANGED;
	case KHO_RULE_K707:
		/* also after a load, and the message says what to do */
		return "refused.";
	default:
		return UNCHANGED " Use --kho=off to discard the preserved state.";
	}
}

struct kho_setup_data *kho_plan_setup_data(uint64_t fdt_addr, uint64_t fdt_size,
					   const struct kho_range *scratch, size_t n,
					   size_t *size)
{
	struct kho_setup_data *sd;
	size_t table, total;

	if (__builtin_mul_overflow(n, sizeof(sd->scratch[0]), &table) ||
	    __builtin_add_overflow(sizeof(*sd), table, &total) || total > UINT32_MAX)
		return NULL;

	sd = calloc(1, total);
	if (!sd)
		return NULL;

	sd->type = KHO_SETUP_TYPE;
	sd->len = (uint32_t)(total - offsetof(struct kho_setup_data, fdt_addr));
	sd->fdt_addr = fdt_addr;
	sd->fdt_size = fdt_size;
	sd->scratch_size = table;
	for (size_t i = 0; i < n; i++) {
		sd->scratch[i].addr = scratch[i].addr;
		sd->scratch[i].size = scratch[i].size;
	}
	*size = total;
	return sd;
}

/* True if @command_line has the same option. */
static bool has_option(const char *command_line, const struct kho_cmdline_arg *option)
{
	struct kho_cmdline_arg arg;

	while (kho_cmdline_next(&command_line, &arg)) {
		if (arg.text_len == option->text_len && !memcmp(arg.text, option->text, arg.text_len))
			return true;
	}
	return false;
}

char *kho_plan_command_line(const char *command_line, const char *expect, const char *stale)
{
	const char *rest = command_line ? command_line : "", *from = rest;
	size_t room = strlen(rest) + (expect ? strlen(KHO_EXPECT_OPTION) + 1 + strlen(expect) : 0) + 2;
	char *out = malloc(room), *to = out, *line;
	struct kho_cmdline_arg arg;

	if (!out)
		return NULL;

	/* in front, because "--", init= or a quote can keep later options from the kernel */
	if (expect)
		to += sprintf(to, KHO_EXPECT_OPTION "=%s", expect);
	line = to;
	/* copy each option but promises, with the white space before it */
	while (kho_cmdline_next(&rest, &arg)) {
		const char *end = arg.text + arg.text_len;

		if (!kho_cmdline_is(&arg, KHO_EXPECT_OPTION) || (stale && !has_option(stale, &arg))) {
			if (expect && to == line && from == arg.text)
				*to++ = ' ';
			to = mempcpy(to, from, (size_t)(end - from));
		}
		from = end;
	}
	strcpy(to, from);
	return out;
}

static int by_addr(const void *a, const void *b)
{
	const struct kho_range *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

size_t kho_plan_intersect(uint64_t start, uint64_t end, const struct kho_range *scratch,
			  size_t n, struct kho_range *out)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t first = scratch[i].addr, last;

		if (!scratch[i].size ||
		    __builtin_add_overflow(first, scratch[i].size - 1, &last))
			continue;
		if (first < start)
			first = start;
		if (last > end)
			last = end;
		if (first < last)
			out[found++] = (struct kho_range){ first, last - first + 1 };
	}
	qsort(out, found, sizeof(*out), by_addr);
	return found;
}

size_t kho_plan_merge(struct kho_range *ranges, size_t n)
{
	size_t left = 0;
	uint64_t end;

	qsort(ranges, n, sizeof(*ranges), by_addr);
	for (size_t i = 0; i < n; i++) {
		struct kho_range *last = left ? &ranges[left - 1] : NULL;

		if (!ranges[i].size || __builtin_add_overflow(ranges[i].addr, ranges[i].size, &end))
			continue;
		if (!last || ranges[i].addr > last->addr + last->size)
			ranges[left++] = ranges[i];
		else if (end > last->addr + last->size)
			last->size = end - last->addr;
	}
	return left;
}

int kho_plan_in_scratch(uint64_t addr, uint64_t size, const struct kho_range *scratch,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (addr >= scratch[i].addr && addr - scratch[i].addr < scratch[i].size &&
		    size <= scratch[i].size - (addr - scratch[i].addr))
			return 1;
	}
	return 0;
}

const char *kho_plan_content(const void *buf, size_t size, size_t memsz, size_t page)
{
	static const struct {
		const char *magic;
		size_t len;
	} archives[] = {
		{ "0707", 4 }, { "\x1f\x8b", 2 }, { "\xfd" "7zXZ", 5 }, { "\x28\xb5\x2f\xfd", 4 },
		{ "\x02\x21\x4c\x18", 4 }, { "BZh", 3 }, { "\x89LZO", 4 }, { "\x5d\0\0", 3 },
	};

	/* the real-mode part of a bzImage: boot protocol, header at 0x202 */
	if (size >= 0x206 && !memcmp((const char *)buf + 0x202, "HdrS", 4))
		return "boot parameters";
	/* only a kernel needs more memory than its file has, to unpack itself */
	if (memsz - size >= page && memsz > size)
		return "kernel";
	for (size_t i = 0; i < sizeof(archives) / sizeof(archives[0]); i++) {
		if (size >= archives[i].len &&
		    !memcmp(buf, archives[i].magic, archives[i].len))
			return "initrd";
	}
	return "data";
}

size_t kho_plan_box(size_t size)
{
	/* unpacked, a kernel is about five times as large, and two copies exist for a moment */
	const size_t least = 128u << 20, most = 1u << 30;

	return size > (most - least) / 24 ? most : least + 24 * size;
}

#endif /* HAVE_LIBKHO */
