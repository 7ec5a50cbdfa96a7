// SPDX-License-Identifier: GPL-2.0-or-later
/* Decisions of kexec --kho: command line, placement, the node of setup_data. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/kexec-kho-plan.h"
#include "tests/unit/check.h"

static void check_line(const char *line, const char *expect, const char *wanted)
{
	char *out = kho_plan_command_line(line, expect, NULL);

	if (!out || strcmp(out, wanted)) {
		fprintf(stderr, "\"%s\" with %s became \"%s\", not \"%s\"\n", line ? line : "(none)",
			expect ? expect : "nothing", out ? out : "(none)", wanted);
		failed = 1;
	}
	free(out);
}

/* Without state, kexec takes the promise in @running out of @line, and leaves @wanted. */
static void check_stale(const char *line, const char *running, const char *wanted)
{
	char *out = kho_plan_command_line(line, NULL, running);

	if (!out || strcmp(out, wanted)) {
		fprintf(stderr, "\"%s\" of a kernel with \"%s\" became \"%s\", not \"%s\"\n", line,
			running, out ? out : "(none)", wanted);
		failed = 1;
	}
	free(out);
}

static void test_stale(void)
{
	/* --reuse-cmdline copied it */
	check_stale("rd.kho.expect=5,10 a b", "BOOT_IMAGE=x rd.kho.expect=5,10 a b\n", " a b");
	check_stale("a b rd.kho.expect=5,10", "a b rd.kho.expect=5,10\n", "a b");
	check_stale("a -- rd.kho.expect=5,10", "a -- rd.kho.expect=5,10\n", "a --");
	/* the user gave it */
	check_stale("a rd.kho.expect=5,10", "a\n", "a rd.kho.expect=5,10");
	check_stale("a rd.kho.expect=5,10", "", "a rd.kho.expect=5,10");
	check_stale("rd.kho.expect=5,10 a rd.kho.expect=5,11", "rd.kho.expect=5,10 a\n",
		    " a rd.kho.expect=5,11");
	check_stale("a rd.kho.expect=5,10", "x=\"b rd.kho.expect=5,10\"\n", "a rd.kho.expect=5,10");
	check_stale("a b", "a b\n", "a b");
}

static void test_command_line(void)
{
	check_line(NULL, NULL, "");
	check_line(NULL, "5,10", "rd.kho.expect=5,10");
	check_line("", "5,10", "rd.kho.expect=5,10");
	check_line(" ", "5,10", "rd.kho.expect=5,10 ");
	check_line("quiet kho=on", "5,10", "rd.kho.expect=5,10 quiet kho=on");
	check_line("\tquiet kho=on\n", "5,10", "rd.kho.expect=5,10\tquiet kho=on\n");
	check_line("quiet kho=on", NULL, "quiet kho=on");
	/* before the arguments of init, by the rules of the kernel and of dracut */
	check_line("quiet -- a b", "5,10", "rd.kho.expect=5,10 quiet -- a b");
	check_line("init=/bin/sh -c date", "5,10", "rd.kho.expect=5,10 init=/bin/sh -c date");
	check_line("rdinit=/x a", "5,10", "rd.kho.expect=5,10 rdinit=/x a");
	/* replaced at any place, any number of times, in any spelling */
	check_line("rd.kho.expect=1,2 quiet", "5,10", "rd.kho.expect=5,10 quiet");
	check_line("a rd.kho.expect=1,2 b  rd.kho.expect=3,4", "5,10", "rd.kho.expect=5,10 a b");
	check_line("a rd.kho.expect=1,2", NULL, "a");
	check_line("rd.kho.expect=1,2 a", NULL, " a");
	check_line("a -- b rd.kho.expect=1,2 c", "5,10", "rd.kho.expect=5,10 a -- b c");
	check_line("\"rd.kho.expect=1,2\" a", "5,10", "rd.kho.expect=5,10 a");
	check_line("rd.kho.expect=\"1,2\" a", "5,10", "rd.kho.expect=5,10 a");
	check_line("a\vrd.kho.expect=1,2\fb", "5,10", "rd.kho.expect=5,10 a\fb");
	check_line("rd.kho.expect a", "5,10", "rd.kho.expect=5,10 a");
	/* options with a similar name stay */
	check_line("rd.kho=1 xrd.kho.expect=1,2 rd.kho.expected=3", "5,10",
		   "rd.kho.expect=5,10 rd.kho=1 xrd.kho.expect=1,2 rd.kho.expected=3");
	/* a quoted value keeps its spaces and is not an option */
	check_line("a=\"b  c\"", "5,10", "rd.kho.expect=5,10 a=\"b  c\"");
	check_line("a=\"b rd.kho.expect=1,2 c\"", "5,10",
		   "rd.kho.expect=5,10 a=\"b rd.kho.expect=1,2 c\"");
	check_line("a=\"open", "5,10", "rd.kho.expect=5,10 a=\"open");
}

static void test_intersect(void)
{
	static const struct kho_range scratch[] = {
		{ 0x5000, 0x1000 }, { 0x9000, 0 }, { 0x1000, 0x2000 }, { UINT64_MAX, 0x10 },
	};
	struct kho_range out[4];

	/* sorted, without the empty and the impossible area */
	CHECK(kho_plan_intersect(0, UINT64_MAX, scratch, 4, out) == 2);
	CHECK(out[0].addr == 0x1000 && out[0].size == 0x2000);
	CHECK(out[1].addr == 0x5000 && out[1].size == 0x1000);
	/* cut at both ends; the end is inclusive */
	CHECK(kho_plan_intersect(0x1800, 0x57ff, scratch, 4, out) == 2);
	CHECK(out[0].addr == 0x1800 && out[0].size == 0x1800);
	CHECK(out[1].addr == 0x5000 && out[1].size == 0x800);
	CHECK(kho_plan_intersect(0x3000, 0x4fff, scratch, 4, out) == 0);
	CHECK(kho_plan_intersect(0x6000, UINT64_MAX, scratch, 4, out) == 0);
	CHECK(kho_plan_intersect(0, UINT64_MAX, scratch, 0, out) == 0);
}

static void test_merge(void)
{
	/* RAM without what /proc/iomem shows as reserved, and scratch areas, some of them there */
	struct kho_range ranges[] = {
		{ 0x40000000, 0x1000000 }, { 0x43000000, 0x1000000 }, { 0x50000000, 0x2000 },
		{ 0x41000000, 0x2000000 }, { 0x60000000, 0 }, { 0x50000800, 0x800 },
		{ 0x50001000, 0x3000 }, { UINT64_MAX, 0x10 },
	};

	CHECK(kho_plan_merge(ranges, 8) == 2);
	CHECK(ranges[0].addr == 0x40000000 && ranges[0].size == 0x4000000);
	CHECK(ranges[1].addr == 0x50000000 && ranges[1].size == 0x4000);
	CHECK(kho_plan_merge(ranges, 0) == 0);
}

static void test_in_scratch(void)
{
	static const struct kho_range scratch[] = { { 0x1000, 0x2000 }, { 0x9000, 0 } };

	CHECK(kho_plan_in_scratch(0x1000, 0x2000, scratch, 2));
	CHECK(kho_plan_in_scratch(0x2fff, 1, scratch, 2));
	CHECK(!kho_plan_in_scratch(0x2fff, 2, scratch, 2));
	CHECK(!kho_plan_in_scratch(0xfff, 2, scratch, 2));
	CHECK(!kho_plan_in_scratch(0x9000, 1, scratch, 2));
	CHECK(!kho_plan_in_scratch(0x1000, UINT64_MAX, scratch, 2));
}

static void test_setup_data(void)
{
	static const struct kho_range scratch[] = {
		{ 0x70000000, 0x1000000 }, { 0x7f000000, 0 }, { 0x10000000, 0x2000000 },
	};
	struct kho_setup_data *sd;
	size_t size;

	/* the layout of struct setup_data and struct kho_data of the kernel */
	CHECK(offsetof(struct kho_setup_data, type) == 8);
	CHECK(offsetof(struct kho_setup_data, len) == 12);
	CHECK(offsetof(struct kho_setup_data, fdt_addr) == 16);
	CHECK(offsetof(struct kho_setup_data, scratch_size) == 40);
	CHECK(offsetof(struct kho_setup_data, scratch) == 48);

	sd = kho_plan_setup_data(0x82b000, 4096, scratch, 3, &size);
	CHECK(sd && size == 48 + 3 * 16);
	if (!sd)
		return;
	CHECK(sd->type == 10 && sd->len == 32 + 3 * 16 && sd->next == 0);
	CHECK(sd->fdt_addr == 0x82b000 && sd->fdt_size == 4096 && sd->scratch_size == 48);
	/* raw: with the empty area, in the order of the table */
	for (size_t i = 0; i < 3; i++)
		CHECK(sd->scratch[i].addr == scratch[i].addr && sd->scratch[i].size == scratch[i].size);
	free(sd);

	CHECK(!kho_plan_setup_data(0, 4096, scratch, SIZE_MAX / 8, &size));
}

static bool ends_with_off(enum kho_rule_number rule, bool required)
{
	return strstr(kho_plan_refusal(rule, required), "Use --kho=off to discard") != NULL;
}

/* For every rule, the advice helps, and its words about the load are true. */
static void test_refusals(void)
{
	const struct kho_rule *rules;
	size_t n;

	rules = kho_rules(&n);
	for (size_t i = 0; i < n; i++) {
		enum kho_rule_number rule = rules[i].number;
		bool no_way_out = rule == KHO_RULE_K520 || rule == KHO_RULE_K706 || rule == KHO_RULE_K707;

		CHECK(!strncmp(kho_plan_refusal(rule, false), "refused", 7));
		CHECK(ends_with_off(rule, false) == !no_way_out);
		CHECK(ends_with_off(rule, true) == (!no_way_out && rule != KHO_RULE_K705));
		CHECK((strstr(kho_plan_refusal(rule, false), "nothing changed") != NULL) == (rule != KHO_RULE_K707));
	}
	CHECK(ends_with_off(0, false));
	CHECK(strstr(kho_plan_refusal(KHO_RULE_K520, false), "Do not use --kho=off"));
	CHECK(strstr(kho_plan_refusal(KHO_RULE_K705, true), "--kho=require"));
}

static void test_box(void)
{
	CHECK(kho_plan_box(0) == 128u << 20);
	CHECK(kho_plan_box(10u << 20) == (128u + 240u) << 20);
	CHECK(kho_plan_box(SIZE_MAX) == 1u << 30);
}

int main(void)
{
	test_box();
	test_refusals();
	test_command_line();
	test_stale();
	test_intersect();
	test_merge();
	test_in_scratch();
	test_setup_data();
	return failed;
}
