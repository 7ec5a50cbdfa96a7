// SPDX-License-Identifier: GPL-2.0-or-later
/* The note that a load leaves for the jump (here in the working folder) is correct after each way to end. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kexec/kexec-kho-host.h"
#include "kexec/kexec-kho-note.h"
#include "tests/unit/check.h"

ssize_t kho_host_read_text(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return -1;
	n = fread(buf, 1, size - 1, f);
	fclose(f);
	buf[n] = '\0';
	return (ssize_t)n;
}

static const struct kho_note written = {
	.by_kexec_load = true, .handed_over = true, .judged = true, .fdt_addr = 0x82b000,
	.target = { .has_kho = true, .root_compatible = "kho-v4", .luo_compatible = "luo-v5",
		    .dma_compatible = "dma-alloc-v1", .page_size = 4096, .format = "bzImage",
		    .config_known = true, .kho_default_on = true, .memory_size = 15085568,
		    .builtin_use = KHO_BUILTIN_FIRST, .builtin_cmdline = "a=\"b c\"" },
	.initrd_size = 77, .command_line = "rd.kho.expect=5,11\tkho=on\nx=\xff\\x0a",
};

/* True if the note exists and is the one above. */
static bool is_there(void)
{
	struct kho_note note = { 0 };

	if (!kho_note_read(&note))
		return false;
	CHECK(note.by_kexec_load && note.handed_over && note.judged && note.fdt_addr == 0x82b000);
	CHECK(note.target.has_kho && note.target.page_size == 4096);
	CHECK(!strcmp(note.target.root_compatible, "kho-v4"));
	CHECK(!strcmp(note.target.luo_compatible, "luo-v5"));
	CHECK(!strcmp(note.target.dma_compatible, "dma-alloc-v1"));
	CHECK(note.target.config_known && note.target.kho_default_on);
	CHECK(note.target.memory_size == 15085568 && note.initrd_size == 77);
	CHECK(!strcmp(note.target.format, "bzImage"));
	CHECK(note.target.builtin_use == KHO_BUILTIN_FIRST);
	CHECK(!strcmp(note.target.builtin_cmdline, written.target.builtin_cmdline));
	CHECK(!strcmp(note.command_line, written.command_line));
	return true;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static void test_ends(void)
{
	struct kho_note note;

	CHECK(!is_there());
	CHECK(!kho_note_begin() && !is_there());
	CHECK(!kho_note_end(&written) && is_there());
	/* a load that fails */
	CHECK(!kho_note_begin() && !is_there());
	kho_note_keep();
	CHECK(is_there() && !exists(KHO_NOTE ".before"));
	/* a load that is killed, and then a load that fails */
	CHECK(!kho_note_begin() && !kho_note_begin() && !is_there());
	kho_note_keep();
	CHECK(!is_there() && !exists(KHO_NOTE ".before"));
	/* the loaded kernel is unknown */
	CHECK(!kho_note_end(&written) && is_there());
	CHECK(!kho_note_begin() && !kho_note_end(NULL));
	CHECK(!is_there() && !exists(KHO_NOTE) && !exists(KHO_NOTE ".before"));
	CHECK(!kho_note_end(NULL));
	/* without a judgement there is no target */
	note = written;
	note.judged = false;
	CHECK(!kho_note_end(&note) && kho_note_read(&note) && !note.judged);
	/* the longest one, of bytes that are written as four characters */
	note = written;
	memset(note.command_line, 1, sizeof(note.command_line) - 1);
	memset(note.target.builtin_cmdline, 2, sizeof(note.target.builtin_cmdline) - 1);
	CHECK(!kho_note_end(&note));
	memset(&note, 0, sizeof(note));
	CHECK(kho_note_read(&note) && strlen(note.command_line) == KHO_COMMAND_LINE_MAX);
	CHECK(note.command_line[KHO_COMMAND_LINE_MAX - 1] == 1 && note.target.builtin_cmdline[2046] == 2);
}

/* A note that cannot be removed would count for the next kernel. */
static void test_stays(void)
{
	CHECK(!kho_note_end(&written));
	CHECK(!mkdir(KHO_NOTE ".before", 0700));
	CHECK(kho_note_begin() == -1 && is_there());
	CHECK(!rmdir(KHO_NOTE ".before"));
	CHECK(!kho_note_begin());
	kho_note_keep();
	CHECK(is_there());
}

static void put(const char *text, size_t size)
{
	FILE *f = fopen(KHO_NOTE, "w");

	CHECK(f && fwrite(text, 1, size, f) == size && !fclose(f));
}

/* A note that is truncated, of another boot, or of another format does not count. */
static void test_damaged(void)
{
	char text[1024];
	ssize_t n;

	CHECK(!kho_note_end(&written));
	n = kho_host_read_text(KHO_NOTE, text, sizeof(text));
	CHECK(n > 40);
	for (ssize_t i = 0; i < n; i++) {
		put(text, (size_t)i);
		CHECK(!is_there());
	}
	for (ssize_t i = 0; i < 40; i++) {
		text[i]++;
		put(text, (size_t)n);
		CHECK(!is_there());
		text[i]--;
	}
	put(text, (size_t)n);
	CHECK(is_there());
}

/* A value that no load writes makes the note invalid. */
static void test_values(void)
{
	static const struct { const char *was, *is; } cases[] = {
		{ "by kexec_load", "by kexec_loads" }, { "by kexec_load", "by" }, { "state handed-over", "state handed" },
		{ "fdt 0x82b000", "fdt -82b000" }, { "fdt 0x82b000", "fdt 0x82b00g" }, { "fdt 0x82b000", "fdt " },
		{ "fdt 0x82b000", "fdt 0x12345678123456781" }, { "target kho", "target KHO" },
		{ "page-size 4096", "page-size 4294967296" }, { "page-size 4096", "page-size 4k" },
		{ "root kho-v4\n", "" }, { "default on", "default yes" }, { "builtin-use 1", "builtin-use 5" },
		{ "format bzImage", "format bzImage-bzImage-bzImage" }, { "memory 1", "memory -1" },
		{ "line rd", "lines rd" }, { "kho=on", "kho=on\\x00" }, { "builtin a", "built a" },
	};
	char text[1024], changed[1024];

	CHECK(!kho_note_end(&written));
	CHECK(kho_host_read_text(KHO_NOTE, text, sizeof(text)) > 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(text, cases[i].was);

		CHECK(at);
		snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, cases[i].is,
			 at + strlen(cases[i].was));
		put(changed, strlen(changed));
		CHECK(!is_there());
	}
}

int main(void)
{
	test_ends();
	test_stays();
	test_damaged();
	test_values();
	kho_note_lock();
	kho_note_lock();
	CHECK(exists(KHO_NOTE ".lock"));
	return failed;
}
