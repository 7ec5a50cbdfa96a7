// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Texts by others: command lines, a promise (rd.kho.expect=), and the command line of kexec's plan.
 */
#include <stdlib.h>
#include <string.h>

#include "kexec/kexec-kho-plan.h"
#include "memory.h"
#include "nomem.h"

#define EXPECT	"5,7"

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* Plans with a promise and without: an old promise that is an option is gone, and everything else remains. */
static void plan(const char *text)
{
	char *with = kho_plan_command_line(text, EXPECT, NULL);
	char *without = kho_plan_command_line(text, NULL, NULL);
	char *again = kho_plan_command_line(text, NULL, text);

	if (fuzz_memory_fails()) {
		free(with);
		free(without);
		free(again);
		return;
	}
	if (!with || !without)
		abort();
	/* the running kernel's own line has all of its promises */
	if (!again || strcmp(again, without))
		abort();
	free(again);
	if (strncmp(with, "rd.kho.expect=" EXPECT, strlen("rd.kho.expect=" EXPECT)))
		abort();
	if (count(without, "rd.kho.expect=") > count(text, "rd.kho.expect="))
		abort();
	/* a removed word does not return */
	again = kho_plan_command_line(with, EXPECT, NULL);
	if (!again || strcmp(again, with))
		abort();
	free(again);
	free(with);
	free(without);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	uint64_t records, generation;
	char *text;

	fuzz_memory_hold();
	text = malloc(size + 1);
	fuzz_memory_release();
	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	plan(text);
	kho_expect_parse(text, &records, &generation);
	kho_cmdline_scratch(text, "kho_scratch");
	kho_plan_content(data, size, 2 * size, 4096);
	free(text);
	return 0;
}
