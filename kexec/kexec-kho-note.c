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

#include "kexec-kho-host.h"
#include "kexec-kho-note.h"

static int boot_id(char *buf, size_t size)
{
	if (kho_host_read_text("/proc/sys/kernel/random/boot_id", buf, size) <= 0)
		return -1;
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

#define NOTE_FORMAT	"kexec-kho 2"
#define NOTE_NEW	KHO_NOTE ".new"
#define NOTE_BEFORE	KHO_NOTE ".before"
#define NOTE_LOCK	KHO_NOTE ".lock"

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

static int write_note(FILE *f, const struct kho_note *note)
{
	const struct kho_target *target = &note->target;
	char id[64];

	if (boot_id(id, sizeof(id)))
		return -1;
	fprintf(f, NOTE_FORMAT "\nboot %s\nby %s\nstate %s\nfdt 0x%" PRIx64 "\n", id,
		note->by_kexec_load ? "kexec_load" : "kexec_file_load",
		note->handed_over ? "handed-over" : "dropped", note->fdt_addr);
	if (note->judged)
		fprintf(f, "target %s\nroot %s\nluo %s\ndma %s\npage-size %u\n",
			target->has_kho ? "kho" : "no-kho", target->root_compatible,
			target->luo_compatible, target->dma_compatible, target->page_size);
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

/* Parses the note of the loaded kernel; -1 if a value is missing or is not one that write_note() writes. */
static int read_target(const char *text, struct kho_target *target)
{
	uint64_t page_size;

	memset(target, 0, sizeof(*target));
	snprintf(target->format, sizeof(target->format), "the kernel");
	snprintf(target->release, sizeof(target->release), "that is loaded");
	if (note_choice(text, "target", "kho", "no-kho", &target->has_kho) ||
	    note_value(text, "root", target->root_compatible, sizeof(target->root_compatible)) ||
	    note_value(text, "luo", target->luo_compatible, sizeof(target->luo_compatible)) ||
	    note_value(text, "dma", target->dma_compatible, sizeof(target->dma_compatible)) ||
	    note_number(text, "page-size", 10, &page_size) || page_size > UINT_MAX)
		return -1;
	target->page_size = (unsigned int)page_size;
	return 0;
}

bool kho_note_read(struct kho_note *note)
{
	char text[1024], id[64], was[64], any[32];
	ssize_t n = kho_host_read_text(KHO_NOTE, text, sizeof(text));

	if (n < 4 || strncmp(text, NOTE_FORMAT "\n", strlen(NOTE_FORMAT "\n")) ||
	    strcmp(text + n - 4, "end\n") || boot_id(id, sizeof(id)) ||
	    note_value(text, "boot", was, sizeof(was)) || strcmp(id, was) ||
	    note_choice(text, "by", "kexec_load", "kexec_file_load", &note->by_kexec_load) ||
	    note_choice(text, "state", "handed-over", "dropped", &note->handed_over) ||
	    note_number(text, "fdt", 16, &note->fdt_addr))
		return false;
	note->judged = !note_value(text, "target", any, sizeof(any));
	return !note->judged || !read_target(text, &note->target);
}

#endif /* HAVE_LIBKHO */
