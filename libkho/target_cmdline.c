// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules about the target's command line: KHO must be on (K605), memory options must leave the
 * handed-over memory alone (K607), a crash kernel needs room (K608), quotes must be closed
 * (K609). Parses options like Linux 7.3.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"
#include "target.h"
#include "verify.h"
#include "abi/subtrees.h"

#define X86_PAGE	4096ull
#define CRASH_ALIGN	(16ull << 20)	/* arch/x86/include/asm/crash_reserve.h */

/* ---------------------------------------------------------------- numbers */

/* A part of the line, without a NUL at the end. */
struct text {
	const char *p, *end;
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* simple_strtoull() with base 0. False if there is no digit. */
static bool take_number(struct text *text, uint64_t *value)
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

/* memparse(): a number, optionally with suffix K, M, G, T, P or E. */
static bool take_size(struct text *text, uint64_t *value)
{
	static const char units[] = "kmgtpe";
	const char *unit;
	unsigned int shift;

	if (!take_number(text, value))
		return false;
	if (text->p == text->end || !(unit = strchr(units, *text->p | 0x20)) || !*unit)
		return true;
	text->p++;
	shift = 10 * (unsigned int)(unit - units + 1);
	*value = *value > UINT64_MAX >> shift ? UINT64_MAX : *value << shift;
	return true;
}

static char next_char(const struct text *text)
{
	return text->p < text->end ? *text->p : '\0';
}

/* Takes the part of @text up to @delimiter, and skips the delimiter. */
static struct text take_part(struct text *text, char delimiter)
{
	const char *end = memchr(text->p, delimiter, (size_t)(text->end - text->p));
	struct text part = { text->p, end ? end : text->end };

	text->p = end ? end + 1 : text->end;
	return part;
}

static struct text value_of(const struct kho_cmdline_arg *arg)
{
	const char *value = arg->value ? arg->value : "";

	return (struct text){ value, value + arg->value_len };
}

/* ------------------------------------------------------------ mem=, memmap= */

/* Effect of the options: the remaining RAM, and ranges taken for other use. */
struct memory {
	struct kho_range *ram;
	size_t nr_ram;
	struct kho_range *taken;
	size_t nr_taken;
	bool changed;
};

static void add_range(struct kho_range *ranges, size_t *n, uint64_t addr, uint64_t size)
{
	if (addr > UINT64_MAX - size)
		size = UINT64_MAX - addr;
	if (size)
		ranges[(*n)++] = (struct kho_range){ addr, size };
}

/* Removes RAM at and above @limit (e820__range_remove()). */
static void limit_ram(struct memory *memory, uint64_t limit)
{
	size_t n = 0;

	for (size_t i = 0; i < memory->nr_ram; i++) {
		struct kho_range range = memory->ram[i];

		if (range.addr >= limit)
			continue;
		if (range.size > limit - range.addr)
			range.size = limit - range.addr;
		memory->ram[n++] = range;
	}
	memory->nr_ram = n;
	memory->changed = true;
}

/* parse_memopt() in arch/x86/kernel/e820.c */
static void apply_mem(struct memory *memory, struct text text)
{
	uint64_t limit;

	if (take_size(&text, &limit) && limit)
		limit_ram(memory, limit);
}

/* parse_memmap_one() in arch/x86/kernel/e820.c */
static void apply_memmap_part(struct memory *memory, struct text text)
{
	uint64_t size, addr = 0;
	char kind;

	if (text.end - text.p >= 8 && !memcmp(text.p, "exactmap", 8)) {
		memory->nr_ram = 0;
		memory->nr_taken = 0;
		memory->changed = true;
		return;
	}
	if (!take_size(&text, &size))
		return;
	kind = next_char(&text);
	if (!kind || !strchr("@#$!%", kind)) {
		limit_ram(memory, size);
		return;
	}
	text.p++;
	take_size(&text, &addr);
	memory->changed = true;
	if (kind == '@')
		add_range(memory->ram, &memory->nr_ram, addr, size);
	else
		add_range(memory->taken, &memory->nr_taken, addr, size);
}

static void apply_memmap(struct memory *memory, struct text text)
{
	while (text.p < text.end)
		apply_memmap_part(memory, take_part(&text, ','));
}

/* Applies the whole line. False if out of memory. */
static bool read_memory(const char *cmdline, struct memory *memory)
{
	/* each range takes at least four characters of the line: "1@0," */
	size_t room = strlen(cmdline) / 2 + 2;
	struct kho_cmdline_arg arg;

	memory->ram = calloc(room, sizeof(*memory->ram));
	memory->taken = calloc(room, sizeof(*memory->taken));
	if (!memory->ram || !memory->taken)
		return false;
	add_range(memory->ram, &memory->nr_ram, 0, UINT64_MAX);
	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		if (kho_cmdline_is(&arg, "mem"))
			apply_mem(memory, value_of(&arg));
		else if (kho_cmdline_is(&arg, "memmap"))
			apply_memmap(memory, value_of(&arg));
	}
	memory->nr_ram = kho_ranges_merge(memory->ram, memory->nr_ram);
	memory->nr_taken = kho_ranges_merge(memory->taken, memory->nr_taken);
	return true;
}

static bool has_range(const struct memory *memory, uint64_t addr, uint64_t size)
{
	return kho_ranges_contain(memory->ram, memory->nr_ram, addr, size) &&
	       !kho_ranges_meet(memory->taken, memory->nr_taken, addr, size);
}

static bool scratch_stays(struct kho_verify *v, const struct memory *memory)
{
	for (size_t i = 0; i < v->state->nr_scratch; i++) {
		const struct kho_range *area = &v->state->scratch[i];

		if (!area->size || has_range(memory, area->addr, area->size))
			continue;
		kho_report(v, KHO_RULE_K607, area->addr, 0,
			   "mem= or memmap= on the target's command line takes scratch area 0x%" PRIx64 "+0x%" PRIx64 " away: the target could not boot",
			   area->addr, area->size);
		return false;
	}
	return true;
}

/* Finds the first preserved memory that @memory does not leave. Reports a map that is unreadable. */
static bool find_lost(struct kho_verify *v, const struct memory *memory, struct kho_map_entry *entry)
{
	struct kho_map_iter *iter;
	struct kho_error err;
	int ret;

	ret = kho_map_iter_create(v->state, &iter, &err);
	if (!ret) {
		while ((ret = kho_map_iter_next(iter, entry, &err)) > 0 &&
		       has_range(memory, entry->addr, entry->size))
			;
		kho_map_iter_destroy(iter);
	}
	if (ret < 0)
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0, "%s", err.message);
	return ret > 0;
}

static void check_preserved(struct kho_verify *v, const struct memory *memory)
{
	struct kho_map_entry entry;

	if (find_lost(v, memory, &entry))
		kho_report(v, KHO_RULE_K607, entry.addr, 0,
			   "mem= or memmap= on the target's command line takes preserved memory 0x%" PRIx64 "+0x%" PRIx64 " away",
			   entry.addr, entry.size);
}

static void verify_memory(struct kho_verify *v, const struct kho_target *target,
			  const char *cmdline)
{
	struct memory memory = { 0 };

	if (!read_memory(cmdline, &memory))
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0, "out of memory");
	else if (memory.changed && kho_target_is_arm64(target))
		/* there, mem= counts from the first byte of RAM (arch/arm64/mm/init.c), not from 0 */
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0,
				       "mem= is on the command line of an arm64 kernel: cannot determine what it leaves");
	else if (memory.changed && !kho_verify_knows_scratch(v))
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0,
				       "cannot determine whether mem= or memmap= takes scratch away: this file does not say where that is");
	else if (memory.changed && scratch_stays(v, &memory))
		check_preserved(v, &memory);
	free(memory.ram);
	free(memory.taken);
}

/*
 * early_memtest() runs before the kernel reserves preserved memory, and overwrites all memory
 * that is still free (mm/memtest.c, arch/x86/mm/init.c).
 */
static void verify_memtest(struct kho_verify *v, const char *cmdline)
{
	struct kho_cmdline_arg arg;
	struct text value;
	uint64_t patterns;

	if (!kho_cmdline_find(cmdline, "memtest", &arg))
		return;
	value = value_of(&arg);
	if (arg.value && (!take_number(&value, &patterns) || !patterns))
		return;
	kho_report(v, KHO_RULE_K607, KHO_NO_ADDR, 0,
		   "memtest on the target's command line writes to preserved memory before the target reserves it");
}

/* kstrtoul() with base 10: 1 for a number other than 0, 0, or -1 for a value that it rejects. */
static int parse_switch(struct text text)
{
	int on = 0;

	if (next_char(&text) == '+')
		text.p++;
	if (text.p == text.end)
		return -1;
	for (; text.p < text.end; text.p++) {
		if (*text.p < '0' || *text.p > '9')
			return -1;
		if (*text.p != '0')
			on = 1;
	}
	return on;
}

/* The end of the memory that the check clears. -1 in *on: the target's configuration decides. */
static uint64_t corruption_check_end(const char *cmdline, int *on)
{
	uint32_t end = 64 << 10;	/* an unsigned int in the kernel too */
	struct kho_cmdline_arg arg;

	*on = -1;
	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		struct text text = value_of(&arg);
		uint64_t size = 0;

		if (kho_cmdline_is(&arg, "memory_corruption_check")) {
			int this = parse_switch(text);

			*on = this >= 0 ? this : *on;
		} else if (arg.value && kho_cmdline_is(&arg, "memory_corruption_check_size")) {
			take_size(&text, &size);
			/* the kernel ignores a size with other text after it */
			if (text.p == text.end)
				end = (uint32_t)size;
		}
	}
	return ((uint64_t)end + X86_PAGE - 1) & ~(X86_PAGE - 1);
}

/*
 * setup_bios_corruption_check() in arch/x86/kernel/check.c runs before the kernel reserves
 * preserved memory, and clears the free memory below a size.
 */
static void verify_corruption_check(struct kho_verify *v, const struct kho_target *target,
				    const char *cmdline)
{
	struct kho_range ram = { 0, UINT64_MAX }, cleared = { 0, 0 };
	struct memory memory = { .ram = &ram, .nr_ram = 1, .taken = &cleared, .nr_taken = 1 };
	struct kho_cmdline_arg arg;
	struct kho_map_entry entry;
	int on;

	if (kho_target_is_arm64(target) ||
	    (!kho_cmdline_find(cmdline, "memory_corruption_check", &arg) &&
	     !kho_cmdline_find(cmdline, "memory_corruption_check_size", &arg)))
		return;
	cleared.size = corruption_check_end(cmdline, &on);
	if (!on || !cleared.size || !find_lost(v, &memory, &entry))
		return;
	if (on > 0)
		kho_report(v, KHO_RULE_K607, entry.addr, 0,
			   "memory_corruption_check on the target's command line clears preserved memory 0x%" PRIx64 "+0x%" PRIx64 " before the target reserves it",
			   entry.addr, entry.size);
	else
		kho_report_unevaluated(v, KHO_RULE_K607, entry.addr, 0,
				       "memory_corruption_check_size= on the target's command line includes preserved memory, and it is unknown whether the check is on by default");
}

/* ------------------------------------------------------------ crashkernel= */

/* Size for a machine with @ram bytes, from "range:size[,range:size]..." or "size"; 0 if none. */
static uint64_t crash_size(struct text text, uint64_t ram)
{
	uint64_t size = 0;

	if (!memchr(text.p, ':', (size_t)(text.end - text.p))) {
		take_size(&text, &size);
		return size;
	}
	while (text.p < text.end) {
		struct text part = take_part(&text, ',');
		uint64_t first = 0, last = UINT64_MAX;

		take_size(&part, &first);
		if (next_char(&part) != '-')
			return 0;
		part.p++;
		if (next_char(&part) != ':')
			take_size(&part, &last);
		if (next_char(&part) != ':')
			return 0;
		part.p++;
		if (ram >= first && ram < last && take_size(&part, &size))
			return size;
	}
	return 0;
}

static uint64_t add_sizes(const struct kho_range *ranges, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ranges[i].size;
	return sum;
}

/* Size of an area from its first aligned address on. */
static uint64_t aligned_size(const struct kho_range *area)
{
	uint64_t lost = -area->addr & (CRASH_ALIGN - 1);

	return area->size > lost ? area->size - lost : 0;
}

/* True if an area has room for @crash, and this or another area for the kernel itself. */
static bool has_room(const struct kho_state *state, uint64_t crash, uint64_t kernel)
{
	for (size_t i = 0; i < state->nr_scratch; i++) {
		uint64_t size = aligned_size(&state->scratch[i]);

		if (size < crash)
			continue;
		if (size - crash >= kernel)
			return true;
		for (size_t k = 0; k < state->nr_scratch; k++) {
			if (k != i && state->scratch[k].size >= kernel)
				return true;
		}
	}
	return false;
}

static bool ends_in(const struct text *text, const char *end)
{
	size_t n = strlen(end);

	return (size_t)(text->end - text->p) >= n && !memcmp(text->end - n, end, n);
}

/* The target reserves it while scratch is its only memory (arch_reserve_crashkernel()). */
static void verify_crashkernel(struct kho_verify *v, const struct kho_target *target,
			       const char *cmdline)
{
	struct kho_cmdline_arg arg;
	const struct kho_range *ram;
	size_t nr_ram;

	ram = kho_state_ram(v->state, &nr_ram);
	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		struct text text = value_of(&arg);
		uint64_t size;

		/* ",cma" is movable memory, not a reservation */
		if (!kho_cmdline_is(&arg, "crashkernel") || ends_in(&text, ",cma"))
			continue;
		if (!nr_ram && memchr(text.p, ':', arg.value_len)) {
			kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
					       "cannot determine how much crashkernel= asks for: the source does not say what RAM there is");
			return;
		}
		if (!kho_verify_knows_scratch(v)) {
			kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
					       "cannot determine whether crashkernel= has room: this file does not say where the scratch areas are");
			return;
		}
		size = crash_size(text, add_sizes(ram, nr_ram));
		if (size && !has_room(v->state, size, target->memory_size))
			kho_report(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				   "crashkernel= asks for %" PRIu64 " MiB, and no scratch area has room for that beside the kernel: the target would come up without a crash kernel",
				   size >> 20);
	}
}

/* ------------------------------------------------------------------- rules */

static void verify_kho(struct kho_verify *v, const struct kho_target *target, const char *cmdline)
{
	int value = kho_cmdline_bool(cmdline, "kho");

	/* kho_memory_init() in kernel/liveupdate/kexec_handover.c */
	if (kho_cmdline_is_kdump(cmdline))
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "elfcorehdr= on the target's command line makes it a crash kernel, which turns KHO off and uses preserved memory as its own");
	else if (!value)
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "the target's command line turns KHO off: its preserved memory could not be restored");
	else if (value < 0 && target->config_known && !target->kho_default_on)
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "kho=on is not on the target's command line, and its KHO is off by default");
	else if (value < 0 && !target->config_known)
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "kho=on is not on the target's command line, and its default is unknown");
}

/*
 * Without liveupdate=on, the target reads the sessions but has no device to retrieve them
 * (luo_ioctl_init() in kernel/liveupdate/luo_core.c). The default is off.
 */
static void verify_liveupdate(struct kho_verify *v, const struct kho_target *target,
			      const char *cmdline)
{
	const struct kho_subtree *luo = kho_state_subtree(v->state, LUO_SUBTREE);

	if (luo && *target->luo_compatible && kho_cmdline_bool(cmdline, "liveupdate") != 1)
		/* the subtree is there with and without sessions */
		kho_report_as(v, KHO_RULE_K605, KHO_SEVERITY_WARNING, luo->addr,
			      "liveupdate=on is not on the target's command line: sessions, if there are any, could not be retrieved");
}

static void verify_quotes(struct kho_verify *v, const char *cmdline)
{
	struct kho_cmdline_arg arg = { 0 };

	while (kho_cmdline_next(&cmdline, &arg))
		;
	if (arg.unclosed)
		kho_report(v, KHO_RULE_K609, KHO_NO_ADDR, 0,
			   "the target's command line has a double quote that is never closed: all that follows it belongs to one option");
}

void kho_target_verify_cmdline(struct kho_verify *v, const struct kho_target *target,
			       const char *cmdline)
{
	verify_kho(v, target, cmdline);
	verify_liveupdate(v, target, cmdline);
	verify_memory(v, target, cmdline);
	verify_memtest(v, cmdline);
	verify_corruption_check(v, target, cmdline);
	verify_crashkernel(v, target, cmdline);
	verify_quotes(v, cmdline);
	kho_evaluated(v, KHO_RULE_K605);
	kho_evaluated(v, KHO_RULE_K607);
	kho_evaluated(v, KHO_RULE_K608);
	kho_evaluated(v, KHO_RULE_K609);
}
