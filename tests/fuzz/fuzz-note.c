// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The note that kexec -l leaves for kexec -e, with any content. If kexec reads a note, it writes and
 * reads the same note again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kexec/kexec-kho-host.h"
#include "kexec/kexec-kho-note.h"
#include "memory.h"

#define BOOT_ID	"d3b07384-d9a0-4c9b-8f3e-0a1b2c3d4e5f\n"

static const uint8_t *text;
static size_t text_size;

/* Reads the input the first time, and then the file. */
ssize_t kho_host_read_text(const char *path, char *buf, size_t size)
{
	const void *from = BOOT_ID;
	size_t n = strlen(BOOT_ID);
	FILE *f;

	if (!strcmp(path, KHO_NOTE) && !text) {
		f = fopen(path, "re");
		if (!f)
			abort();
		n = fread(buf, 1, size - 1, f);
		fclose(f);
		buf[n] = '\0';
		return (ssize_t)n;
	}
	if (!strcmp(path, KHO_NOTE)) {
		from = text;
		n = text_size;
	}
	n = n < size - 1 ? n : size - 1;
	memcpy(buf, from, n);
	buf[n] = '\0';
	return (ssize_t)n;
}

static void go_to_scratch(void)
{
	static bool there;
	char path[128];

	if (!there && chdir(fuzz_scratch("", path, sizeof(path))))
		abort();
	there = true;
}

int fuzz_one(const uint8_t *data, size_t size)
{
	struct kho_note note = { 0 }, again = { 0 };

	go_to_scratch();
	text = data;
	text_size = size;
	if (!kho_note_read(&note))
		return 0;
	text = NULL;
	if (kho_note_begin() || kho_note_end(&note) || !kho_note_read(&again))
		abort();
	if (note.by_kexec_load != again.by_kexec_load || note.handed_over != again.handed_over ||
	    note.judged != again.judged || note.fdt_addr != again.fdt_addr)
		abort();
	if (!note.judged)
		return 0;
	if (note.target.has_kho != again.target.has_kho || note.target.page_size != again.target.page_size ||
	    strcmp(note.target.root_compatible, again.target.root_compatible) ||
	    strcmp(note.target.luo_compatible, again.target.luo_compatible) ||
	    strcmp(note.target.dma_compatible, again.target.dma_compatible) ||
	    strcmp(note.target.format, again.target.format) ||
	    note.target.config_known != again.target.config_known ||
	    note.target.kho_default_on != again.target.kho_default_on ||
	    note.target.memory_size != again.target.memory_size ||
	    note.target.builtin_use != again.target.builtin_use ||
	    strcmp(note.target.builtin_cmdline, again.target.builtin_cmdline) ||
	    strcmp(note.command_line, again.command_line))
		abort();
	return 0;
}
