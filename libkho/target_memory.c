// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * K607: options on the target's command line must leave the handed-over memory alone. Parses them like
 * Linux 7.3.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"
#include "target.h"
#include "verify.h"

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
			   kho_target_line_name(target), area->addr, area->size);
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
			   kho_target_line_name(target), entry.addr, entry.size);
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

/* --------------------------------------------- options that name a range */

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
		range = (struct kho_range){ addr, size };
	}
	return range;
}

/* A range of enable_instances() in kernel/trace/trace.c; empty if the kernel ignores it. */
static struct kho_range trace_range(struct kho_cmdline_text text)
{
	struct kho_cmdline_text name = take_part(&text, ',');
	struct kho_range range = { 0, 0 };

	take_part(&name, '@');
	/* a name of reserve_mem= does not begin with a digit */
	if (!kho_cmdline_size(&name, &range.addr) || !kho_cmdline_take(&name, ':') ||
	    !kho_cmdline_size(&name, &range.size))
		range.size = 0;
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
	struct memory memory = {
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

	add_range(&taken, &nr_taken, range.addr, range.size);
	verify_taken(v, target, &taken, nr_taken, options);
}

/* False if out of memory. The ranges may have any number; so the map is read once for all. */
static bool verify_traces(struct kho_verify *v, const struct kho_target *target,
			  const char *cmdline)
{
	/* each takes more than eight characters of the line */
	struct kho_range *taken = calloc(strlen(cmdline) / 8 + 1, sizeof(*taken));
	struct kho_cmdline_arg arg;
	size_t nr_taken = 0;

	if (!taken)
		return false;
	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		struct kho_range range = { 0, 0 };

		if (kho_cmdline_is(&arg, "trace_instance"))
			range = trace_range(kho_cmdline_value(&arg));
		add_range(taken, &nr_taken, range.addr, range.size);
	}
	verify_taken(v, target, taken, nr_taken, "trace_instance=");
	free(taken);
	return true;
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
	if (!verify_traces(v, target, cmdline))
		kho_report_unevaluated(v, KHO_RULE_K607, KHO_NO_ADDR, 0, "out of memory");
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
	struct memory memory = { .ram = &ram, .nr_ram = 1, .taken = &cleared, .nr_taken = 1 };
	struct kho_map_entry entry;
	int on;

	if (kho_target_is_arm64(target) ||
	    (!kho_cmdline_has(cmdline, "memory_corruption_check") &&
	     !kho_cmdline_has(cmdline, "memory_corruption_check_size")))
		return;
	cleared.size = corruption_check_end(cmdline, &on);
	if (!on || !cleared.size || !find_lost(v, &memory, &entry))
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

/* A kernel that encrypts memory reads what another one wrote as plain text as noise, and the reverse. */
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
