// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules about the target's command line: it must turn on KHO and what takes the state over (K605),
 * a crash kernel needs room (K608), quotes must be closed (K609), a promise must reach the initramfs
 * (K610). target_memory.c has K607. Parses options like Linux 7.3.
 */
#include <inttypes.h>
#include <string.h>

#include "crashkernel.h"
#include "target.h"
#include "verify.h"
#include "abi/subtrees.h"

#define CRASH_RAM_UNIT	(128ull << 20)	/* for the ranges of crashkernel= */

const char *kho_target_line_name(const struct kho_target *target)
{
	return target->builtin_use == KHO_BUILTIN_ONLY ?
	       "the target's built-in command line (it replaces that of the loader)" :
	       target->builtin_use == KHO_BUILTIN_FIRST ?
	       "the target's command line (it begins with a built-in one)" :
	       "the target's command line";
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

	if (kho_cmdline_has(cmdline, "mem") || kho_cmdline_has(cmdline, "memmap") ||
	    !kho_state_knows_ram(v->state))
		return 0;
	ram = kho_state_ram(v->state, &n);
	for (size_t i = 0; i < n; i++)
		sum += ram[i].size;
	return (sum + CRASH_RAM_UNIT - 1) / CRASH_RAM_UNIT * CRASH_RAM_UNIT;
}

/* Says what crashkernel= asks for that scratch does not have. */
static void report_no_room(struct kho_verify *v, const struct kho_early_memory *need)
{
	const struct kho_crash_request *crash = &need->crash;

	if (crash->base)
		kho_report(v, KHO_RULE_K608, crash->base, 0,
			   "crashkernel= on %s asks for %" PRIu64 " MiB at 0x%" PRIx64 ", and no scratch area has that: the target would come up without a crash kernel",
			   kho_target_line_name(need->target), crash->size >> 20, crash->base);
	else
		kho_report(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
			   "crashkernel= on %s asks for %" PRIu64 " MiB, and the scratch areas have no room for that beside the kernel%s%s: the target would come up without a crash kernel",
			   kho_target_line_name(need->target), crash->size >> 20,
			   need->initrd_size ? " and its initrd" : "", need->cma.size ? " and the area of cma=" : "");
}

/* True if the crash kernel fits only because it needs no more low memory than the default. */
static bool needs_low(struct kho_verify *v, struct kho_early_memory need)
{
	need.crash.low = UINT64_MAX;
	return kho_early_fits(&need, v->state->scratch, v->state->nr_scratch) <= 0;
}

/* The target reserves it while scratch is its only memory (arch_reserve_crashkernel()). */
static void verify_crashkernel(struct kho_verify *v, const struct kho_target *target,
			       const struct kho_target_load *load, const char *cmdline)
{
	struct kho_early_memory need = {
		.target = target, .initrd_size = load->initrd_known ? load->initrd_size : 0,
		.cma = kho_target_cma(cmdline), .crash.low = kho_crash_default_low(target),
	};
	int fits;

	if (kho_crash_request_parse(cmdline, crash_ram(v, cmdline), &need.crash)) {
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine how much crashkernel= asks for: it is unknown how much RAM the target has");
		return;
	}
	if (!need.crash.size)
		return;
	if (!kho_verify_knows_scratch(v)) {
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine whether crashkernel= has room: this file does not say where the scratch areas are");
		return;
	}
	fits = kho_early_fits(&need, v->state->scratch, v->state->nr_scratch);
	if (fits > 0 && kho_cmdline_has(cmdline, "swiotlb") && !kho_target_is_arm64(target) &&
	    need.crash.low == kho_crash_default_low(target) && needs_low(v, need))
		/* crash_low_size_default() in arch/x86/include/asm/crash_reserve.h */
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine whether crashkernel= has room: swiotlb= can enlarge the low memory that it needs");
	else if (fits < 0)
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine whether crashkernel= has room: it is unknown where the DMA memory of the arm64 target ends");
	else if (!fits)
		report_no_room(v, &need);
	else if (!load->initrd_known)
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine whether crashkernel= has room: it is unknown how large the initrd is");
	else if (kho_cmdline_has(cmdline, "numa_cma") || kho_cmdline_has(cmdline, "cma_pernuma"))
		kho_report_unevaluated(v, KHO_RULE_K608, KHO_NO_ADDR, 0,
				       "cannot determine whether crashkernel= has room: it is unknown where numa_cma= and cma_pernuma= take memory");
}

/* ------------------------------------------------------------------- rules */

static void verify_kho(struct kho_verify *v, const struct kho_target *target, const char *cmdline)
{
	int value = kho_cmdline_bool(cmdline, "kho");

	/* kho_memory_init() in kernel/liveupdate/kexec_handover.c */
	if (kho_cmdline_is_kdump(cmdline))
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "elfcorehdr= on %s makes it a crash kernel, which turns KHO off and uses preserved memory as its own",
			   kho_target_line_name(target));
	else if (!value)
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "%s turns KHO off: the target could not restore preserved memory", kho_target_line_name(target));
	else if (value < 0 && target->config_known && !target->kho_default_on)
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "kho=on is not on %s, and its KHO is off by default", kho_target_line_name(target));
	else if (value < 0 && !target->config_known)
		kho_report(v, KHO_RULE_K605, KHO_NO_ADDR, 0,
			   "kho=on is not on %s, and its default is unknown", kho_target_line_name(target));
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
			      kho_target_line_name(target));
}

#define RESERVE_MEM_MAX		8	/* RESERVE_MEM_MAX_ENTRIES in mm/memblock.c */
#define RESERVE_MEM_NAME	16	/* RESERVE_MEM_NAME_SIZE, with the NUL */

/* The options that the target accepts: the first of a name, and no more than it has room for. */
struct reserve_mem {
	struct kho_verify *v;
	const struct kho_target *target;
	struct {
		char name[RESERVE_MEM_NAME];
		uint64_t size, align;
	} options[RESERVE_MEM_MAX];
	size_t n;
	char name[sizeof(((struct kho_item *)0)->name)];
};

static bool has_text(const char *text)
{
	return text[strspn(text, " \t\n\v\f\r\xa0")];
}

/* reserve_mem() in mm/memblock.c */
static void add_option(struct reserve_mem *reserve_mem, struct kho_cmdline_text text)
{
	char name[RESERVE_MEM_NAME] = "";
	uint64_t size, align;

	if (reserve_mem->n == RESERVE_MEM_MAX || !kho_cmdline_size(&text, &size) || !size ||
	    !kho_cmdline_take(&text, ':'))
		return;
	kho_cmdline_size(&text, &align);
	if (!kho_cmdline_take(&text, ':') || (size_t)(text.end - text.p) >= sizeof(name))
		return;
	memcpy(name, text.p, (size_t)(text.end - text.p));
	if (!has_text(name))
		return;
	for (size_t i = 0; i < reserve_mem->n; i++) {
		if (!strcmp(reserve_mem->options[i].name, name))
			return;
	}
	memcpy(reserve_mem->options[reserve_mem->n].name, name, sizeof(name));
	reserve_mem->options[reserve_mem->n].size = size;
	reserve_mem->options[reserve_mem->n++].align = align;
}

/* True if the target takes over such a region. */
static bool asks_for(const struct reserve_mem *reserve_mem, uint64_t addr, uint64_t size)
{
	for (size_t i = 0; i < reserve_mem->n; i++) {
		uint64_t align = reserve_mem->options[i].align;

		if (!strcmp(reserve_mem->options[i].name, reserve_mem->name))
			return reserve_mem->options[i].size == size && !(align && addr & (align - 1));
	}
	return false;
}

static int verify_region(const struct kho_item *item, void *data)
{
	struct reserve_mem *reserve_mem = data;

	if (item->type == KHO_ITEM_GROUP)
		memcpy(reserve_mem->name, item->name, sizeof(reserve_mem->name));
	if (item->type == KHO_ITEM_MEMORY && !asks_for(reserve_mem, item->value, item->size))
		kho_report(reserve_mem->v, KHO_RULE_K605, item->value, 0,
			   "%s has no reserve_mem=0x%" PRIx64 ":%u:%s among the first %d, so nobody gets the content of that memory",
			   kho_target_line_name(reserve_mem->target), item->size,
			   kho_state_page_size(reserve_mem->v->state), reserve_mem->name, RESERVE_MEM_MAX);
	return 0;
}

/* Without the same option as the running kernel, the target does not look for the memory. */
static void verify_reserve_mem(struct kho_verify *v, const struct kho_target *target,
			       const char *cmdline)
{
	const struct kho_subtree *memblock = kho_state_subtree(v->state, MEMBLOCK_SUBTREE);
	struct reserve_mem reserve_mem = { .v = v, .target = target };
	struct kho_cmdline_arg arg;
	struct kho_error err;

	if (!memblock)
		return;
	while (kho_cmdline_next(&cmdline, &arg) && !kho_cmdline_is_end(&arg)) {
		if (kho_cmdline_is(&arg, "reserve_mem"))
			add_option(&reserve_mem, kho_cmdline_value(&arg));
	}
	if (kho_subtree_decode(v->state, memblock, verify_region, &reserve_mem, &err))
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
			   kho_target_line_name(target));
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
		   kho_target_line_name(target));
}

/*
 * Options from a bootconfig at the end of the initrd come before the command line. The kernel reads them
 * after its early options, and before all others, such as reserve_mem= (setup_boot_config() and
 * setup_command_line() in init/main.c). True if there may be one: the library does not read the initrd.
 */
static bool has_bootconfig(const struct kho_target_load *load, const char *cmdline)
{
	struct kho_cmdline_arg arg;

	return kho_cmdline_find(cmdline, "bootconfig", &arg) && !(load->initrd_known && !load->initrd_size);
}

static void verify_bootconfig(struct kho_verify *v, const struct kho_target *target, const char *given)
{
	struct kho_cmdline_arg promise;
	const struct {
		enum kho_rule_number rule;
		bool applies;
	} rules[] = {
		{ KHO_RULE_K605, kho_state_subtree(v->state, MEMBLOCK_SUBTREE) },
		{ KHO_RULE_K607, true },
		{ KHO_RULE_K610, given && kho_cmdline_find(given, KHO_EXPECT_OPTION, &promise) },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].applies)
			kho_report_unevaluated(v, rules[i].rule, KHO_NO_ADDR, 0,
					       "cannot read the options of a bootconfig in the initrd, which \"bootconfig\" on %s asks for",
					       kho_target_line_name(target));
	}
}

/* setup_arch() in arch/x86/kernel/setup.c, early_init_dt_scan_chosen() in drivers/of/fdt.c */
static const char *effective_line(const struct kho_target *target, const char *cmdline, char *room,
				  size_t size)
{
	switch (target->builtin_use) {
	case KHO_BUILTIN_ONLY:
		return target->builtin_cmdline;	/* @cmdline may be NULL here */
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
			       const struct kho_target_load *load)
{
	static const enum kho_rule_number rules[] = {
		KHO_RULE_K605, KHO_RULE_K607, KHO_RULE_K608, KHO_RULE_K609, KHO_RULE_K610,
	};
	const char *given = load->cmdline, *cmdline;
	char room[sizeof(target->builtin_cmdline)];

	if (target->builtin_use == KHO_BUILTIN_UNKNOWN) {
		for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
			kho_report_unevaluated(v, rules[i], KHO_NO_ADDR, 0,
					       "cannot read the options that are built into the target (CONFIG_CMDLINE, CONFIG_CMDLINE_FROM_BOOTCONFIG)");
		return;
	}
	cmdline = effective_line(target, given, room, sizeof(room));
	verify_kho(v, target, cmdline);
	verify_liveupdate(v, target, cmdline);
	if (has_bootconfig(load, cmdline))
		verify_bootconfig(v, target, given);
	else
		verify_reserve_mem(v, target, cmdline);
	kho_target_verify_memory(v, target, given, cmdline);
	verify_crashkernel(v, target, load, cmdline);
	verify_quotes(v, target, cmdline);
	if (given)
		verify_promise(v, target, given, cmdline);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		/* these two also look at the line of the loader */
		if (given || (rules[i] != KHO_RULE_K607 && rules[i] != KHO_RULE_K610))
			kho_evaluated(v, rules[i]);
	}
}
