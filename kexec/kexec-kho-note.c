// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <kho_output.h>

#include "kexec-kho-host.h"
#include "kexec-kho-note.h"

static int boot_id(char *buf, size_t size)
{
	if (kho_host_read_text("/proc/sys/kernel/random/boot_id", buf, size) <= 0)
		return -1;
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

#define NOTE_FORMAT	"kexec-kho 4"
#define NOTE_NEW	KHO_NOTE ".new"
#define NOTE_BEFORE	KHO_NOTE ".before"
#define NOTE_LOCK	KHO_NOTE ".lock"
/* two command lines, whose bytes may all be escaped, and the rest */
#define NOTE_LINE	KHO_TEXT_ROOM(KHO_COMMAND_LINE_MAX)
#define NOTE_SIZE	(2 * NOTE_LINE + 1024)

void kho_note_lock(void)
{
	/* held until this process ends, so that no other process loads a kernel in between */
	static int fd = -1;

	if (fd >= 0)
		return;
	fd = open(NOTE_LOCK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
		;
}

int kho_note_begin(void)
{
	if (!rename(KHO_NOTE, NOTE_BEFORE))
		return 0;
	/* a process without access here is refused by the system call too */
	if (errno != ENOENT && errno != EACCES && errno != EPERM && !access(KHO_NOTE, F_OK))
		return -1;
	/* a leftover of a killed process describes another kernel */
	unlink(NOTE_BEFORE);
	return 0;
}

void kho_note_keep(void)
{
	rename(NOTE_BEFORE, KHO_NOTE);
}

/* Values of "default" */
static const char *const defaults[] = { "unknown", "off", "on" };

/* Any bytes of the command line, on one line of the note. */
static void write_text(FILE *f, const char *key, const char *text)
{
	char escaped[NOTE_LINE];

	kho_text(escaped, sizeof(escaped), text, strlen(text));
	fprintf(f, "%s %s\n", key, escaped);
}

static void write_target(FILE *f, const struct kho_target *target)
{
	fprintf(f, "target %s\nroot %s\nluo %s\ndma %s\npage-size %u\n",
		target->has_kho ? "kho" : "no-kho", target->root_compatible,
		target->luo_compatible, target->dma_compatible, target->page_size);
	fprintf(f, "format %s\ndefault %s\nmemory %" PRIu64 "\nbuiltin-use %u\n", target->format,
		defaults[target->config_known ? 1 + target->kho_default_on : 0],
		target->memory_size, target->builtin_use);
	write_text(f, "builtin", target->builtin_cmdline);
}

static int write_note(FILE *f, const struct kho_note *note)
{
	char id[64];

	if (boot_id(id, sizeof(id)))
		return -1;
	fprintf(f, NOTE_FORMAT "\nboot %s\nby %s\nstate %s\nfdt 0x%" PRIx64 "\n", id,
		note->by_kexec_load ? "kexec_load" : "kexec_file_load",
		note->handed_over ? "handed-over" : "dropped", note->fdt_addr);
	if (note->judged) {
		write_target(f, &note->target);
		fprintf(f, "initrd %" PRIu64 "\n", note->initrd_size);
		write_text(f, "line", note->command_line);
	}
	/* a note that was cut off has no "end" */
	fputs("end\n", f);
	return ferror(f) ? -1 : 0;
}

int kho_note_end(const struct kho_note *note)
{
	int fd, failed;
	FILE *f;

	unlink(NOTE_BEFORE);
	/* check first: on a read-only /run, unlink() reports EROFS for a missing file too */
	if (!note)
		return !access(KHO_NOTE, F_OK) && unlink(KHO_NOTE) ? -1 : 0;

	fd = open(NOTE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	failed = write_note(f, note);
	failed |= fclose(f);
	return failed ? -1 : rename(NOTE_NEW, KHO_NOTE);
}

/* Copies the rest of the line "@key ..." to @value; -1 without one, or if it is too long. */
static int note_value(const char *text, const char *key, char *value, size_t size)
{
	size_t len = strlen(key);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t n = strcspn(line, "\n");

		if (strncmp(line, key, len) || line[len] != ' ')
			continue;
		n -= len + 1;
		if (n >= size)
			return -1;
		memcpy(value, line + len + 1, n);
		value[n] = '\0';
		return 0;
	}
	return -1;
}

/* Sets *is to true for @yes and to false for @no; -1 for any other value. */
static int note_choice(const char *text, const char *key, const char *yes, const char *no, bool *is)
{
	char value[32];

	if (note_value(text, key, value, sizeof(value)))
		return -1;
	*is = !strcmp(value, yes);
	return *is || !strcmp(value, no) ? 0 : -1;
}

static int note_number(const char *text, const char *key, int base, uint64_t *number)
{
	char value[32], *end;

	if (note_value(text, key, value, sizeof(value)) || !isxdigit((unsigned char)*value))
		return -1;
	errno = 0;
	*number = strtoull(value, &end, base);
	return errno || *end ? -1 : 0;
}

/* Reads what write_text() wrote; -1 if it is not there or does not fit. */
static int note_text(const char *text, const char *key, char *value, size_t size)
{
	char escaped[NOTE_LINE];
	size_t n;

	if (note_value(text, key, escaped, sizeof(escaped)))
		return -1;
	n = kho_text_bytes(escaped, escaped);
	if (n >= size || memchr(escaped, '\0', n))
		return -1;
	memcpy(value, escaped, n);
	value[n] = '\0';
	return 0;
}

static int note_default(const char *text, struct kho_target *target)
{
	char value[32];

	if (note_value(text, "default", value, sizeof(value)))
		return -1;
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(value, defaults[i]))
			continue;
		target->config_known = i > 0;
		target->kho_default_on = i > 1;
		return 0;
	}
	return -1;
}

/* Parses the note of the loaded kernel; -1 if a value is missing or is not one that write_note() writes. */
static int read_target(const char *text, struct kho_target *target)
{
	uint64_t page_size, builtin_use;

	memset(target, 0, sizeof(*target));
	snprintf(target->release, sizeof(target->release), "that is loaded");
	if (note_choice(text, "target", "kho", "no-kho", &target->has_kho) ||
	    note_value(text, "root", target->root_compatible, sizeof(target->root_compatible)) ||
	    note_value(text, "luo", target->luo_compatible, sizeof(target->luo_compatible)) ||
	    note_value(text, "dma", target->dma_compatible, sizeof(target->dma_compatible)) ||
	    note_number(text, "page-size", 10, &page_size) || page_size > UINT_MAX ||
	    note_value(text, "format", target->format, sizeof(target->format)) ||
	    note_default(text, target) ||
	    note_number(text, "memory", 10, &target->memory_size) ||
	    note_number(text, "builtin-use", 10, &builtin_use) || builtin_use > KHO_BUILTIN_UNKNOWN ||
	    note_text(text, "builtin", target->builtin_cmdline, sizeof(target->builtin_cmdline)))
		return -1;
	target->page_size = (unsigned int)page_size;
	target->builtin_use = (enum kho_builtin_cmdline)builtin_use;
	return 0;
}

bool kho_note_read(struct kho_note *note)
{
	char text[NOTE_SIZE], id[64], was[64], any[32];
	ssize_t n = kho_host_read_text(KHO_NOTE, text, sizeof(text));

	if (n < 4 || strncmp(text, NOTE_FORMAT "\n", strlen(NOTE_FORMAT "\n")) ||
	    strcmp(text + n - 4, "end\n") || boot_id(id, sizeof(id)) ||
	    note_value(text, "boot", was, sizeof(was)) || strcmp(id, was) ||
	    note_choice(text, "by", "kexec_load", "kexec_file_load", &note->by_kexec_load) ||
	    note_choice(text, "state", "handed-over", "dropped", &note->handed_over) ||
	    note_number(text, "fdt", 16, &note->fdt_addr))
		return false;
	note->judged = !note_value(text, "target", any, sizeof(any));
	return !note->judged ||
	       (!read_target(text, &note->target) &&
		!note_number(text, "initrd", 10, &note->initrd_size) &&
		!note_text(text, "line", note->command_line, sizeof(note->command_line)));
}

#endif /* HAVE_LIBKHO */
