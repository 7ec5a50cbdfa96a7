// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * K607: options on the target's command line must leave the handed-over memory alone. Parses them like
 * Linux 7.3. K612: the target must be told of that memory.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"
#include "target.h"
#include "verify.h"
#include "abi/x86_boot.h"

#define X86_PAGE	4096ull

/* ------------------------------------------------------------ mem=, memmap= */

/* Takes the part of @text up to @delimiter, and skips the delimiter. */
static struct kho_cmdline_text take_part(struct kho_cmdline_text *text, char delimiter)
{
	const char *end = memchr(text->p, delimiter, (size_t)(text->end - text->p));
	struct kho_cmdline_text part = { text->p, end ? end : text->end };

	text->p = end ? end + 1 : text->end;
	return part;
}

void kho_target_add_range(struct kho_range *ranges, size_t *n, uint64_t addr, uint64_t size)
{
	if (addr > UINT64_MAX - size)
		size = UINT64_MAX - addr;
	if (size)
		ranges[(*n)++] = (struct kho_range){ addr, size };
}

/* Removes RAM at and above @limit (e820__range_remove()). */
static void limit_ram(struct kho_target_memory *memory, uint64_t limit)
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
static void apply_mem(struct kho_target_memory *memory, struct kho_cmdline_text text)
{
	uint64_t limit;

	if (kho_cmdline_size(&text, &limit) && limit)
		limit_ram(memory, limit);
}

/*
 * Reads the end of "SIZE%ADDR-FROM+TO": memory of type FROM becomes TO, without FROM all of the range does, and
 * without TO it is removed. Returns '@' if it adds RAM, '$' if it takes RAM away, or 0. The kernel ignores a
 * part with other text at its end.
 */
static char memmap_change(struct kho_cmdline_text text)
{
	uint64_t from = 0, to = 0;

	if (kho_cmdline_take(&text, '-'))
		kho_cmdline_number(&text, &from);
	if (kho_cmdline_take(&text, '+'))
		kho_cmdline_number(&text, &to);
	/* the kernel's variables have 32 bits */
	from = (uint32_t)from;
	to = (uint32_t)to;
	if (text.p < text.end || (from && from != X86_E820_RAM))
		return 0;
	if (to == X86_E820_RAM)
		return from ? 0 : '@';
	return '$';
}

/* parse_memmap_one() in arch/x86/kernel/e820.c */
static void apply_memmap_part(struct kho_target_memory *memory, struct kho_cmdline_text text)
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
	if (kind == '%')
		kind = memmap_change(text);
	if (!kind)
		return;
	memory->changed = true;
	if (kind == '@')
		kho_target_add_range(memory->ram, &memory->nr_ram, addr, size);
	else
		kho_target_add_range(memory->taken, &memory->nr_taken, addr, size);
}

static void apply_memmap(struct kho_target_memory *memory, struct kho_cmdline_text text)
{
	while (text.p < text.end)
		apply_memmap_part(memory, take_part(&text, ','));
}

/* Applies the whole line to @before. False if out of memory. */
static bool read_memory(const char *cmdline, bool is_arm64, const struct kho_target_memory *before,
			struct kho_target_memory *memory)
{
	/* each range takes at least four characters of the line: "1@0," */
	size_t room = strlen(cmdline) / 2 + 1;
	struct kho_cmdline_arg arg;

	memory->ram = calloc(room + before->nr_ram, sizeof(*memory->ram));
	memory->taken = calloc(room + before->nr_taken, sizeof(*memory->taken));
	if (!memory->ram || !memory->taken)
		return false;
	for (size_t i = 0; i < before->nr_ram; i++)
		memory->ram[memory->nr_ram++] = before->ram[i];
	for (size_t i = 0; i < before->nr_taken; i++)
		memory->taken[memory->nr_taken++] = before->taken[i];
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

static bool has_range(const struct kho_target_memory *memory, uint64_t addr, uint64_t size)
{
	return kho_ranges_contain(memory->ram, memory->nr_ram, addr, size) &&
	       !kho_ranges_meet(memory->taken, memory->nr_taken, addr, size);
}

static bool scratch_stays(struct kho_verify *v, const struct kho_target *target,
			  const struct kho_target_memory *memory)
{
	for (size_t i = 0; i < v->state->nr_scratch; i++) {
		const struct kho_range *area = &v->state->scratch[i];

		if (!area->size || has_range(memory, area->addr, area->size))
			continue;
		kho_report(v, KHO_RULE_K607, area->addr, 0,
			   "mem= or memmap= on %s takes scratch area 0x%" PRIx64 "+0x%" PRIx64 " away: the target could not boot",
			   kho_target_line_name(target), area->addr, area->size);
		return false;
	}
	return true;
}

/* Finds the first preserved memory that @memory does not have. Reports a map that is unreadable. */
static bool find_lost(struct kho_verify *v, enum kho_rule_number rule,
		      const struct kho_target_memory *memory, struct kho_map_entry *entry)
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
		kho_report_unevaluated(v, rule, KHO_NO_ADDR, 0, "%s", err.message);
	return ret > 0;
}

static void check_preserved(struct kho_verify *v, const struct kho_target *target,
			    const struct kho_target_memory *memory, const char *options)
{
	struct kho_map_entry entry;

	if (find_lost(v, KHO_RULE_K607, memory, &entry))
		kho_report(v, KHO_RULE_K607, entry.addr, 0,
			   "%s on %s takes preserved memory 0x%" PRIx64 "+0x%" PRIx64 " away", options,
			   kho_target_line_name(target), entry.addr, entry.size);
}

static void verify_memory(struct kho_verify *v, const struct kho_target *target,
			  const char *cmdline)
{
	struct kho_range ram = { 0, UINT64_MAX };
	const struct kho_target_memory all = { .ram = &ram, .nr_ram = 1 };
	struct kho_target_memory memory = { 0 };

	if (!read_memory(cmdline, kho_target_is_arm64(target), &all, &memory))
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
	kho_target_memory_free(&memory);
}

/* --------------------------------------------- options that name a range */

struct kho_cma_request kho_target_cma(const char *cmdline)
{
	uint64_t size = 0, base = 0, limit = 0;
	struct kho_cmdline_arg arg;

	/* early_cma() in kernel/dma/contiguous.c */
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
	return (struct kho_cma_request){ size, base, limit, base && base + size == limit };
}

/* Range at a fixed address; empty if the kernel chooses the place, in scratch. */
static struct kho_range cma_range(const char *cmdline)
{
	/* PAGE_BLOCK_MAX_ORDER; with huge pages it is less */
	const uint64_t align = 4ull << 20;
	struct kho_cma_request cma = kho_target_cma(cmdline);

	if (!cma.fixed || cma.size > UINT64_MAX - align - cma.base)
		cma.size = 0;
	return (struct kho_range){ cma.base, (cma.size + align - 1) & ~(align - 1) };
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
		range = (struct kho_range){ addr, size };
	}
	return range;
}

/* kstrtoull() with base 0, for a parameter of a module, which keeps its value if this fails. */
static void take_parameter(struct kho_cmdline_text text, uint64_t *value)
{
	uint64_t number;

	kho_cmdline_take(&text, '+');
	if (kho_cmdline_number(&text, &number) && text.p == text.end)
		*value = number;
}

/* ramoops_register_dummy() in fs/pstore/ram.c */
static struct kho_range ramoops_range(const char *cmdline)
{
	struct kho_range range = { 0, 0 };
	struct kho_cmdline_arg arg;

	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		if (kho_cmdline_is(&arg, "ramoops.mem_address"))
			take_parameter(kho_cmdline_value(&arg), &range.addr);
		else if (kho_cmdline_is(&arg, "ramoops.mem_size"))
			take_parameter(kho_cmdline_value(&arg), &range.size);
	}
	return range;
}

/* Checks that nothing in these ranges is preserved. Merges them. */
static void verify_taken(struct kho_verify *v, const struct kho_target *target,
			 struct kho_range *taken, size_t nr_taken, const char *options)
{
	struct kho_range ram = { 0, UINT64_MAX };
	struct kho_target_memory memory = {
		.ram = &ram, .nr_ram = 1,
		.taken = taken, .nr_taken = kho_ranges_merge(taken, nr_taken),
	};

	if (memory.nr_taken)
		check_preserved(v, target, &memory, options);
}

static void verify_range(struct kho_verify *v, const struct kho_target *target,
			 struct kho_range range, const char *options)
{
	struct kho_range taken;
	size_t nr_taken = 0;

	kho_target_add_range(&taken, &nr_taken, range.addr, range.size);
	verify_taken(v, target, &taken, nr_taken, options);
}

/* Each function takes the next range off the value of an option; an empty one if the kernel ignores it. */

/* enable_instances() in kernel/trace/trace.c: the instances of all options are one list, with tabs. */
static struct kho_range trace_range(struct kho_cmdline_text *value)
{
	struct kho_cmdline_text text = take_part(value, '\t');
	struct kho_cmdline_text first = take_part(&text, ','), name = take_part(&first, '=');
	struct kho_range range = { 0, 0 };

	take_part(&name, '@');
	/* a name of reserve_mem= does not begin with a digit */
	if (!kho_cmdline_size(&name, &range.addr) || !kho_cmdline_take(&name, ':') ||
	    !kho_cmdline_size(&name, &range.size))
		range.size = 0;
	return range;
}

/* parse_num64() in drivers/mtd/devices/phram.c */
static bool phram_number(struct kho_cmdline_text text, uint64_t *number)
{
	static const char units[] = "kMG";
	unsigned int shift = 0;
	const char *unit;

	if (text.end - text.p > 2 && text.end[-1] == 'i') {
		unit = strchr(units, text.end[-2]);
		if (!text.end[-2] || !unit)
			return false;
		shift = 10 * (unsigned int)(unit - units + 1);
		text.end -= 2;
	}
	kho_cmdline_take(&text, '+');
	if (!kho_cmdline_number(&text, number) || text.p != text.end)
		return false;
	*number <<= shift;
	return true;
}

/* phram_setup(): name,address,size[,size of a block] */
static struct kho_range phram_range(struct kho_cmdline_text *value)
{
	struct kho_range range = { 0, 0 };

	take_part(value, ',');
	if (!phram_number(take_part(value, ','), &range.addr) ||
	    !phram_number(take_part(value, ','), &range.size))
		range.size = 0;
	value->p = value->end;
	return range;
}

/* handle_unit() in drivers/mtd/devices/slram.c */
static uint64_t slram_number(struct kho_cmdline_text text)
{
	uint64_t number;
	char unit;

	if (!kho_cmdline_number(&text, &number))
		return 0;
	unit = kho_cmdline_peek(&text);
	return unit == 'M' || unit == 'm' ? number << 20 : unit == 'K' || unit == 'k' ? number << 10 : number;
}

/* init_slram(): name,address,end or name,address,+size, any number of times */
static struct kho_range slram_range(struct kho_cmdline_text *value)
{
	struct kho_cmdline_text length;
	struct kho_range range;

	take_part(value, ',');
	range.addr = slram_number(take_part(value, ','));
	length = take_part(value, ',');
	if (kho_cmdline_take(&length, '+'))
		range.size = slram_number(length);
	else
		range.size = slram_number(length) - range.addr;
	/* the kernel ignores an end before the address */
	return range.size > UINT64_MAX - range.addr ? (struct kho_range){ 0, 0 } : range;
}

/* do_test() in arch/x86/mm/testmmiotrace.c */
static struct kho_range mmiotrace_range(struct kho_cmdline_text *value)
{
	struct kho_range range = { 0, 0 };

	take_parameter(*value, &range.addr);
	value->p = value->end;
	range.size = range.addr ? 16 << 10 : 0;
	return range;
}

/* The kernel writes to these ranges, at once or when somebody uses the device. */
static const struct {
	const char *name, *message;
	struct kho_range (*take)(struct kho_cmdline_text *value);
} range_options[] = {
	{ "trace_instance", "trace_instance=", trace_range },
	{ "phram.phram", "phram.phram=", phram_range },
	{ "slram", "slram=", slram_range },
	{ "slram.map", "slram.map=", slram_range },
	{ "testmmiotrace.mmio_address", "testmmiotrace.mmio_address=", mmiotrace_range },
};

#define NR_RANGE_OPTIONS	(sizeof(range_options) / sizeof(range_options[0]))

/* There may be any number of ranges, so this reads the map once for all of them. */
static void verify_range_option(struct kho_verify *v, const struct kho_target *target,
				const char *cmdline, size_t i)
{
	/* each takes at least five characters of the line: "@1:1" and a tab */
	struct kho_range *taken = calloc(strlen(cmdline) / 5 + 2, sizeof(*taken));
	struct kho_cmdline_arg arg;
	size_t nr_taken = 0;

	if (!taken) {
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0, "out of memory");
		return;
	}
	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		struct kho_cmdline_text value = kho_cmdline_value(&arg);

		if (!kho_cmdline_is(&arg, range_options[i].name))
			continue;
		while (value.p < value.end) {
			struct kho_range range = range_options[i].take(&value);

			kho_target_add_range(taken, &nr_taken, range.addr, range.size);
		}
	}
	verify_taken(v, target, taken, nr_taken, range_options[i].message);
	free(taken);
}

static void verify_ranges(struct kho_verify *v, const struct kho_target *target,
			  const char *cmdline)
{
	/*
	 * The kernel reserves these two before it reserves preserved memory, and gives their pages
	 * to the page allocator later. They may be in scratch.
	 */
	verify_range(v, target, cma_range(cmdline), "cma=");
	verify_range(v, target, initrd_range(cmdline), "initrdmem= or initrd=");

	/* it writes to these, and does not check who uses the memory */
	verify_range(v, target, ramoops_range(cmdline), "ramoops.mem_address=");
	for (size_t i = 0; i < NR_RANGE_OPTIONS; i++)
		verify_range_option(v, target, cmdline, i);
}

/* -------------------------------------------------------------- memory tests */

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
			   kho_target_line_name(target));
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
	struct kho_target_memory memory = { .ram = &ram, .nr_ram = 1, .taken = &cleared, .nr_taken = 1 };
	struct kho_map_entry entry;
	int on;

	if (kho_target_is_arm64(target) ||
	    (!kho_cmdline_has(cmdline, "memory_corruption_check") &&
	     !kho_cmdline_has(cmdline, "memory_corruption_check_size")))
		return;
	cleared.size = corruption_check_end(cmdline, &on);
	if (!on || !cleared.size || !find_lost(v, KHO_RULE_K607, &memory, &entry))
		return;
	if (on > 0)
		kho_report(v, KHO_RULE_K607, entry.addr, 0,
			   "memory_corruption_check on %s clears preserved memory 0x%" PRIx64 "+0x%" PRIx64 " before the target reserves it",
			   kho_target_line_name(target), entry.addr, entry.size);
	else
		kho_report_unevaluated(v, KHO_RULE_K607, entry.addr, 0,
				       "memory_corruption_check_size= on %s includes preserved memory, and it is unknown whether the check is on by default",
				       kho_target_line_name(target));
}

/* -------------------------------------------------------------- mem_encrypt= */

/* A kernel that encrypts memory reads plain text of another kernel as noise, and the reverse. */
static void verify_encryption(struct kho_verify *v, const struct kho_target *target,
			      const char *given)
{
	const char *running = v->state->source->cmdline;
	bool encrypts = kho_cmdline_encrypts(given);

	if (kho_target_is_arm64(target))
		return;
	if (running && kho_cmdline_encrypts(running) != encrypts)
		kho_report(v, KHO_RULE_K607, KHO_NO_ADDR, 0,
			   "mem_encrypt=on is on the command line of the %s only: the target could not read what is handed over",
			   encrypts ? "target" : "running kernel");
	else if (!running && encrypts)
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0,
				       "mem_encrypt=on is on the target's command line, and that of the kernel that hands over is unknown");
}

void kho_target_verify_memory(struct kho_verify *v, const struct kho_target *target,
			      const char *given, const char *cmdline)
{
	verify_memory(v, target, cmdline);
	verify_ranges(v, target, cmdline);
	verify_memtest(v, target, cmdline);
	verify_corruption_check(v, target, cmdline);
	/* the decompressor of an x86 kernel knows only the line of the loader */
	if (given)
		verify_encryption(v, target, given);
}

/* --------------------------------------------------------------- memory map */

/* Adds the RAM that memmap= of an x86 target adds to the map of the loader. False if out of memory. */
static bool add_memmap(const char *cmdline, struct kho_target_memory *map)
{
	static const struct kho_target_memory nothing;
	struct kho_target_memory added = { 0 };
	struct kho_range *ram = NULL;

	if (read_memory(cmdline, false, &nothing, &added))
		ram = realloc(map->ram, (map->nr_ram + added.nr_ram + 1) * sizeof(*ram));
	if (ram) {
		map->ram = ram;
		for (size_t i = 0; i < added.nr_ram; i++)
			ram[map->nr_ram++] = added.ram[i];
		map->nr_ram = kho_ranges_merge(ram, map->nr_ram);
	}
	kho_target_memory_free(&added);
	return ram;
}

/* Most machines have no memory that was added after the boot. Then the map need not be read. */
static bool has_all_ram(const struct kho_target_memory *map, const struct kho_source *source)
{
	for (size_t i = 0; i < source->nr_ram; i++) {
		if (!has_range(map, source->ram[i].addr, source->ram[i].size))
			return false;
	}
	return true;
}

struct missing {
	const struct kho_target_memory *map;
	unsigned int page_size;
	uint64_t addr;
};

static int node_is_missing(uint64_t addr, void *data)
{
	struct missing *missing = data;

	if (has_range(missing->map, addr, missing->page_size))
		return 0;
	missing->addr = addr;
	return 1;
}

/*
 * The target reads the pages of the map, and writes to the struct pages of preserved memory, early
 * in its boot. It has neither for memory that it does not know.
 */
static void find_missing(struct kho_verify *v, const struct kho_target_memory *map)
{
	struct missing missing = {
		.map = map, .page_size = kho_state_page_size(v->state), .addr = KHO_NO_ADDR,
	};
	struct kho_map_entry entry;
	struct kho_error err;
	int ret;

	if (find_lost(v, KHO_RULE_K612, map, &entry)) {
		kho_report(v, KHO_RULE_K612, entry.addr, 0,
			   "preserved memory 0x%" PRIx64 "+0x%" PRIx64 " is not in the memory map that the target gets: the target would crash",
			   entry.addr, entry.size);
		return;
	}
	ret = kho_map_for_each_node(v->state, node_is_missing, &missing, &err);
	if (missing.addr != KHO_NO_ADDR)
		kho_report(v, KHO_RULE_K612, missing.addr, 0,
			   "page 0x%" PRIx64 " of the map of preserved memory is not in the memory map that the target gets: the target would crash",
			   missing.addr);
	else if (ret)
		kho_report_unevaluated(v, KHO_RULE_K612, KHO_NO_ADDR, 0, "%s", err.message);
}

void kho_target_verify_map(struct kho_verify *v, const struct kho_target *target,
			   const struct kho_target_load *load)
{
	struct kho_source *source = v->state->source;
	struct kho_target_memory map;
	struct kho_error err;
	int ret;

	ret = kho_target_read_ram(source, &map, &err);
	if (ret == KHO_ERR_NOT_FOUND)
		return;
	if (ret)
		kho_report_unevaluated(v, KHO_RULE_K612, KHO_NO_ADDR, 0,
				       "cannot determine which memory the target would know: %s", err.message);
	else if (load->cmdline && !kho_target_is_arm64(target) && !add_memmap(load->cmdline, &map))
		kho_report_unevaluated(v, KHO_RULE_K612, KHO_NO_ADDR, 0, "out of memory");
	else if (!has_all_ram(&map, source))
		find_missing(v, &map);
	kho_evaluated(v, KHO_RULE_K612);
	kho_target_memory_free(&map);
}
