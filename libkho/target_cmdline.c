// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules about the target's command line: it must turn on KHO and what takes the state over (K605),
 * memory options must leave the handed-over memory alone (K607), a crash kernel needs room (K608),
 * quotes must be closed (K609), a promise must reach the initramfs (K610). Parses options like
 * Linux 7.3.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crashkernel.h"
#include "ranges.h"
#include "target.h"
#include "verify.h"
#include "abi/subtrees.h"

#define X86_PAGE	4096ull
#define CRASH_RAM_UNIT	(128ull << 20)	/* for the ranges of crashkernel= */

/* ------------------------------------------------------------------ parts */

/* Takes the part of @text up to @delimiter, and skips the delimiter. */
static struct kho_cmdline_text take_part(struct kho_cmdline_text *text, char delimiter)
{
	const char *end = memchr(text->p, delimiter, (size_t)(text->end - text->p));
	struct kho_cmdline_text part = { text->p, end ? end : text->end };

	text->p = end ? end + 1 : text->end;
	return part;
}

static bool has_option(const char *cmdline, const char *name)
{
	struct kho_cmdline_arg arg;

	return kho_cmdline_find(cmdline, name, &arg);
}

/* Describes the line that is judged. */
static const char *line_of(const struct kho_target *target)
{
	return target->builtin_use == KHO_BUILTIN_ONLY ?
	       "the target's built-in command line (it replaces that of the loader)" :
	       target->builtin_use == KHO_BUILTIN_FIRST ?
	       "the target's command line (it begins with a built-in one)" :
	       "the target's command line";
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
static void apply_mem(struct memory *memory, struct kho_cmdline_text text)
{
	uint64_t limit;

	if (kho_cmdline_size(&text, &limit) && limit)
		limit_ram(memory, limit);
}

/* parse_memmap_one() in arch/x86/kernel/e820.c */
static void apply_memmap_part(struct memory *memory, struct kho_cmdline_text text)
{
	uint64_t size, addr = 0;
	char kind;

	if (text.end - text.p >= 8 && !memcmp(text.p, "exactmap", 8)) {
		memory->nr_ram = 0;
		memory->nr_taken = 0;
		memory->changed = true;
		return;
	}
	if (!kho_cmdline_size(&text, &size))
		return;
	kind = kho_cmdline_peek(&text);
	if (!kind || !strchr("@#$!%", kind)) {
		limit_ram(memory, size);
		return;
	}
	text.p++;
	kho_cmdline_size(&text, &addr);
	memory->changed = true;
	if (kind == '@')
		add_range(memory->ram, &memory->nr_ram, addr, size);
	else
		add_range(memory->taken, &memory->nr_taken, addr, size);
}

static void apply_memmap(struct memory *memory, struct kho_cmdline_text text)
{
	while (text.p < text.end)
		apply_memmap_part(memory, take_part(&text, ','));
}

/* Applies the whole line. False if out of memory. */
static bool read_memory(const char *cmdline, bool is_arm64, struct memory *memory)
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
			apply_mem(memory, kho_cmdline_value(&arg));
		else if (!is_arm64 && kho_cmdline_is(&arg, "memmap")) /* arm64 does not have it */
			apply_memmap(memory, kho_cmdline_value(&arg));
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

static bool scratch_stays(struct kho_verify *v, const struct kho_target *target,
			  const struct memory *memory)
{
	for (size_t i = 0; i < v->state->nr_scratch; i++) {
		const struct kho_range *area = &v->state->scratch[i];

		if (!area->size || has_range(memory, area->addr, area->size))
			continue;
		kho_report(v, KHO_RULE_K607, area->addr, 0,
			   "mem= or memmap= on %s takes scratch area 0x%" PRIx64 "+0x%" PRIx64 " away: the target could not boot",
			   line_of(target), area->addr, area->size);
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

static void check_preserved(struct kho_verify *v, const struct kho_target *target,
			    const struct memory *memory, const char *options)
{
	struct kho_map_entry entry;

	if (find_lost(v, memory, &entry))
		kho_report(v, KHO_RULE_K607, entry.addr, 0,
			   "%s on %s takes preserved memory 0x%" PRIx64 "+0x%" PRIx64 " away", options,
			   line_of(target), entry.addr, entry.size);
}

static void verify_memory(struct kho_verify *v, const struct kho_target *target,
			  const char *cmdline)
{
	struct memory memory = { 0 };

	if (!read_memory(cmdline, kho_target_is_arm64(target), &memory))
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0, "out of memory");
	else if (memory.changed && kho_target_is_arm64(target))
		/* there, mem= counts from the first byte of RAM (arch/arm64/mm/init.c), not from 0 */
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0,
				       "mem= is on the command line of an arm64 kernel: cannot determine what it leaves");
	else if (memory.changed && !kho_verify_knows_scratch(v))
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0,
				       "cannot determine whether mem= or memmap= takes scratch away: this file does not say where that is");
	else if (memory.changed && scratch_stays(v, target, &memory))
		check_preserved(v, target, &memory, "mem= or memmap=");
	free(memory.ram);
	free(memory.taken);
}

/* early_cma() in kernel/dma/contiguous.c. An empty range: the kernel chooses the place, in scratch. */
static struct kho_range cma_range(const char *cmdline)
{
	/* PAGE_BLOCK_MAX_ORDER; with huge pages it is less */
	const uint64_t align = 4ull << 20;
	uint64_t size = 0, base = 0, limit = 0;
	struct kho_cmdline_arg arg;

	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		struct kho_cmdline_text text = kho_cmdline_value(&arg);

		if (!arg.value || !kho_cmdline_is(&arg, "cma"))
			continue;
		kho_cmdline_size(&text, &size);
		if (!kho_cmdline_take(&text, '@'))
			continue;
		kho_cmdline_size(&text, &base);
		limit = base + size;
		if (kho_cmdline_take(&text, '-'))
			kho_cmdline_size(&text, &limit);
	}
	if (!base || base + size != limit || size > UINT64_MAX - align - base)
		size = 0;
	return (struct kho_range){ base, (size + align - 1) & ~(align - 1) };
}

/* early_initrdmem() in init/do_mounts_initrd.c */
static struct kho_range initrd_range(const char *cmdline)
{
	struct kho_range range = { 0, 0 };
	struct kho_cmdline_arg arg;

	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		struct kho_cmdline_text text = kho_cmdline_value(&arg);
		uint64_t addr, size;

		if (!kho_cmdline_is(&arg, "initrdmem") && !kho_cmdline_is(&arg, "initrd"))
			continue;
		kho_cmdline_size(&text, &addr);
		if (!kho_cmdline_take(&text, ','))
			continue;
		kho_cmdline_size(&text, &size);
		range = (struct kho_range){ addr, size > UINT64_MAX - addr ? UINT64_MAX - addr : size };
	}
	return range;
}

/*
 * The kernel reserves these ranges before it reserves preserved memory, and gives their pages to
 * the page allocator later. They may be in scratch.
 */
static void verify_ranges(struct kho_verify *v, const struct kho_target *target,
			  const char *cmdline)
{
	struct kho_range ram = { 0, UINT64_MAX }, range = cma_range(cmdline);
	struct memory memory = { .ram = &ram, .nr_ram = 1, .taken = &range, .nr_taken = 1 };

	if (range.size)
		check_preserved(v, target, &memory, "cma=");
	range = initrd_range(cmdline);
	if (range.size)
		check_preserved(v, target, &memory, "initrdmem= or initrd=");
}

/* parse_memtest() in mm/memtest.c. The kernel ignores a value that is not a number. */
static bool memtest_is_on(const char *cmdline)
{
	struct kho_cmdline_arg arg;
	uint64_t patterns = 0, value;

	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		struct kho_cmdline_text text = kho_cmdline_value(&arg);

		if (!kho_cmdline_is(&arg, "memtest"))
			continue;
		kho_cmdline_take(&text, '+');
		if (!arg.value)
			patterns = 1;
		else if (kho_cmdline_number(&text, &value) && text.p == text.end)
			patterns = value;
	}
	return patterns;
}

/*
 * early_memtest() runs before the kernel reserves preserved memory, and overwrites all memory
 * that is still free (mm/memtest.c, arch/x86/mm/init.c).
 */
static void verify_memtest(struct kho_verify *v, const struct kho_target *target,
			   const char *cmdline)
{
	if (memtest_is_on(cmdline))
		kho_report(v, KHO_RULE_K607, KHO_NO_ADDR, 0,
			   "memtest on %s writes to preserved memory before the target reserves it",
			   line_of(target));
}

/* kstrtoul() with base 10: 1 for a number other than 0, 0, or -1 for a value that it rejects. */
static int parse_switch(struct kho_cmdline_text text)
{
	int on = 0;

	if (kho_cmdline_peek(&text) == '+')
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
		struct kho_cmdline_text text = kho_cmdline_value(&arg);
		uint64_t size = 0;

		if (kho_cmdline_is(&arg, "memory_corruption_check")) {
			int this = parse_switch(text);

			*on = this >= 0 ? this : *on;
		} else if (arg.value && kho_cmdline_is(&arg, "memory_corruption_check_size")) {
			kho_cmdline_size(&text, &size);
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
	struct kho_map_entry entry;
	int on;

	if (kho_target_is_arm64(target) ||
	    (!has_option(cmdline, "memory_corruption_check") &&
	     !has_option(cmdline, "memory_corruption_check_size")))
		return;
	cleared.size = corruption_check_end(cmdline, &on);
	if (!on || !cleared.size || !find_lost(v, &memory, &entry))
		return;
	if (on > 0)
		kho_report(v, KHO_RULE_K607, entry.addr, 0,
			   "memory_corruption_check on %s clears preserved memory 0x%" PRIx64 "+0x%" PRIx64 " before the target reserves it",
			   line_of(target), entry.addr, entry.size);
	else
		kho_report_unevaluated(v, KHO_RULE_K607, entry.addr, 0,
				       "memory_corruption_check_size= on %s includes preserved memory, and it is unknown whether the check is on by default",
				       line_of(target));
}

/* ------------------------------------------------------------ crashkernel= */

/*
 * RAM of the target as crashkernel= counts it; 0 if unknown. The kernel rounds it up
 * (parse_crashkernel_mem() in kernel/crash_reserve.c).
 */
static uint64_t crash_ram(const struct kho_verify *v, const char *cmdline)
{
	const struct kho_range *ram;
	uint64_t sum = 0;
	size_t n;

	if (has_option(cmdline, "mem") || has_option(cmdline, "memmap"))
		return 0;
	ram = kho_state_ram(v->state, &n);
	for (size_t i = 0; i < n; i++)
		sum += ram[i].size;
	return (sum + CRASH_RAM_UNIT - 1) / CRASH_RAM_UNIT * CRASH_RAM_UNIT;
}

/* The target reserves it while scratch is its only memory (arch_reserve_crashkernel()). */
static void verify_crashkernel(struct kho_verify *v, const struct kho_target *target,
			       const char *cmdline)
{
	struct kho_crash_request request = { .low = kho_crash_default_low(target) }, only_low;
	int fits;

	if (kho_crash_request_parse(cmdline, crash_ram(v, cmdline), &request)) {
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine how much crashkernel= asks for: it is unknown how much RAM the target has");
		return;
	}
	if (!request.size)
		return;
	if (!kho_verify_knows_scratch(v)) {
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine whether crashkernel= has room: this file does not say where the scratch areas are");
		return;
	}
	fits = kho_crash_request_fits(&request, target, v->state->scratch, v->state->nr_scratch);
	only_low = request;
	only_low.low = UINT64_MAX;
	if (fits > 0 && has_option(cmdline, "swiotlb") && !kho_target_is_arm64(target) &&
	    request.low == kho_crash_default_low(target) &&
	    !kho_crash_request_fits(&only_low, target, v->state->scratch, v->state->nr_scratch))
		/* crash_low_size_default() in arch/x86/include/asm/crash_reserve.h */
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine whether crashkernel= has room: swiotlb= can enlarge the low memory that it needs");
	else if (fits < 0)
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine whether crashkernel= has room: it is unknown where the DMA memory of the arm64 target ends");
	else if (!fits && request.base)
		kho_report(v, KHO_RULE_K608, request.base, 0,
			   "crashkernel= on %s asks for %" PRIu64 " MiB at 0x%" PRIx64 ", and no scratch area has that: the target would come up without a crash kernel",
			   line_of(target), request.size >> 20, request.base);
	else if (!fits)
		kho_report(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
			   "crashkernel= on %s asks for %" PRIu64 " MiB, and the scratch areas have no room for that beside the kernel: the target would come up without a crash kernel",
			   line_of(target), request.size >> 20);
}

/* ------------------------------------------------------------------- rules */

static void verify_kho(struct kho_verify *v, const struct kho_target *target, const char *cmdline)
{
	int value = kho_cmdline_bool(cmdline, "kho");

	/* kho_memory_init() in kernel/liveupdate/kexec_handover.c */
	if (kho_cmdline_is_kdump(cmdline))
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "elfcorehdr= on %s makes it a crash kernel, which turns KHO off and uses preserved memory as its own",
			   line_of(target));
	else if (!value)
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "%s turns KHO off: the target could not restore preserved memory", line_of(target));
	else if (value < 0 && target->config_known && !target->kho_default_on)
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "kho=on is not on %s, and its KHO is off by default", line_of(target));
	else if (value < 0 && !target->config_known)
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "kho=on is not on %s, and its default is unknown", line_of(target));
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
			      "liveupdate=on is not on %s: programs could not retrieve sessions, if any",
			      line_of(target));
}

struct reserve_mem {
	struct kho_verify *v;
	const struct kho_target *target;
	const char *cmdline;
	char name[sizeof(((struct kho_item *)0)->name)];
};

/*
 * True if the target takes over such a region: reserve_mem() in mm/memblock.c. Only the first
 * option with the name counts.
 */
static bool asks_for(const char *cmdline, const char *name, uint64_t addr, uint64_t wanted)
{
	struct kho_cmdline_arg arg;

	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		struct kho_cmdline_text text = kho_cmdline_value(&arg);
		uint64_t size, align;

		if (!kho_cmdline_is(&arg, "reserve_mem") || !kho_cmdline_size(&text, &size) || !size ||
		    !kho_cmdline_take(&text, ':'))
			continue;
		kho_cmdline_size(&text, &align);
		if (!kho_cmdline_take(&text, ':') || (size_t)(text.end - text.p) != strlen(name) ||
		    memcmp(text.p, name, strlen(name)) != 0)
			continue;
		return size == wanted && !(align && addr & (align - 1));
	}
	return false;
}

static int verify_region(const struct kho_item *item, void *data)
{
	struct reserve_mem *reserve_mem = data;

	if (item->type == KHO_ITEM_GROUP)
		memcpy(reserve_mem->name, item->name, sizeof(reserve_mem->name));
	if (item->type == KHO_ITEM_MEMORY &&
	    !asks_for(reserve_mem->cmdline, reserve_mem->name, item->value, item->size))
		kho_report(reserve_mem->v, KHO_RULE_K605, item->value, 0,
			   "%s has no reserve_mem=0x%" PRIx64 ":4096:%s, so nobody gets the content of that memory",
			   line_of(reserve_mem->target), item->size, reserve_mem->name);
	return 0;
}

/* Without the same option as the running kernel, the target does not look for the memory. */
static void verify_reserve_mem(struct kho_verify *v, const struct kho_target *target,
			       const char *cmdline)
{
	const struct kho_subtree *memblock = kho_state_subtree(v->state, MEMBLOCK_SUBTREE);
	struct reserve_mem reserve_mem = { .v = v, .target = target, .cmdline = cmdline };
	struct kho_error err;

	if (memblock && kho_subtree_decode(v->state, memblock, verify_region, &reserve_mem, &err))
		kho_report_unevaluated(v, KHO_RULE_K605, memblock->addr, 0,
				       "cannot determine which reserve_mem= the target needs: %s", err.message);
}

static void verify_quotes(struct kho_verify *v, const struct kho_target *target,
			  const char *cmdline)
{
	struct kho_cmdline_arg arg = { 0 };

	while (kho_cmdline_next(&cmdline, &arg))
		;
	if (arg.unclosed)
		kho_report(v, KHO_RULE_K609, KHO_NO_ADDR, 0,
			   "%s has a double quote that is never closed: all that follows it belongs to one option",
			   line_of(target));
}

/*
 * Initramfs tools, dracut for example, give everything after init= to init; the kernel does so with
 * everything after "--".
 */
static void verify_promise(struct kho_verify *v, const struct kho_target *target,
			   const char *given, const char *cmdline)
{
	struct kho_cmdline_arg arg, promise;

	if (!kho_cmdline_find(given, KHO_EXPECT_OPTION, &promise))
		return;
	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg) &&
	       !kho_cmdline_is(&arg, "init")) {
		if (arg.text_len == promise.text_len &&
		    !memcmp(arg.text, promise.text, arg.text_len))
			return;
	}
	kho_report(v, KHO_RULE_K610, KHO_NO_ADDR, 0,
		   KHO_EXPECT_OPTION "= would not reach the initramfs of the target: %s does not have it, or has it after init= or \"--\"",
		   line_of(target));
}

/* setup_arch() in arch/x86/kernel/setup.c, early_init_dt_scan_chosen() in drivers/of/fdt.c */
static const char *effective_line(const struct kho_target *target, const char *cmdline, char *room,
				  size_t size)
{
	switch (target->builtin_use) {
	case KHO_BUILTIN_ONLY:
		return target->builtin_cmdline;
	case KHO_BUILTIN_DEFAULT:
		return *cmdline ? cmdline : target->builtin_cmdline;
	case KHO_BUILTIN_FIRST:
		/* the kernel cuts off the rest, too */
		memcpy(room, target->builtin_cmdline, size - 1);
		room[size - 1] = '\0';
		strncat(room, " ", size - 1 - strlen(room));
		strncat(room, cmdline, size - 1 - strlen(room));
		return room;
	default:
		return cmdline;
	}
}

void kho_target_verify_cmdline(struct kho_verify *v, const struct kho_target *target,
			       const char *cmdline)
{
	static const enum kho_rule_number rules[] = {
		KHO_RULE_K605, KHO_RULE_K607, KHO_RULE_K608, KHO_RULE_K609, KHO_RULE_K610,
	};
	const char *given = cmdline;
	char room[sizeof(target->builtin_cmdline)];

	if (target->builtin_use == KHO_BUILTIN_UNKNOWN) {
		for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
			kho_report_unevaluated(v, rules[i], KHO_NO_ADDR, 0,
					       "cannot read the options that are built into the target (CONFIG_CMDLINE, CONFIG_CMDLINE_FROM_BOOTCONFIG)");
		return;
	}
	cmdline = effective_line(target, cmdline, room, sizeof(room));
	verify_kho(v, target, cmdline);
	verify_liveupdate(v, target, cmdline);
	verify_reserve_mem(v, target, cmdline);
	verify_memory(v, target, cmdline);
	verify_ranges(v, target, cmdline);
	verify_memtest(v, target, cmdline);
	verify_corruption_check(v, target, cmdline);
	verify_crashkernel(v, target, cmdline);
	verify_quotes(v, target, cmdline);
	verify_promise(v, target, given, cmdline);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		kho_evaluated(v, rules[i]);
}
