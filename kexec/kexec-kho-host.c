// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kexec.h"
#include "kexec-kho-host.h"

#define DEBUGFS		"/sys/kernel/debug"

/* The whole of a small file in /proc, /sys or /run into @buf; its length or -1. */
static ssize_t read_text(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return -1;
	n = fread(buf, 1, size - 1, f);
	if (ferror(f)) {
		fclose(f);
		return -1;
	}
	fclose(f);
	buf[n] = '\0';
	return (ssize_t)n;
}

/* ------------------------------------------------------------------ debugfs */

int kho_host_has_debugfs(void)
{
	struct statfs fs;

	return !statfs(DEBUGFS, &fs) && fs.f_type == DEBUGFS_MAGIC;
}

int kho_host_shows_kho(void)
{
	return !access(DEBUGFS "/kho/out", F_OK);
}

void kho_host_see_debugfs(void)
{
	if (kho_host_has_debugfs() || unshare(CLONE_NEWNS))
		return;
	if (!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
}

/* ---------------------------------------------------------------- is KHO on */

/*
 * The kernel's own configuration. NULL where it is not to be had; allocated.
 * slurp_decompress_file() ends the program for a file that is not there.
 */
static char *kernel_config(off_t *size)
{
	struct utsname uts;
	char path[sizeof(uts.release) + 32];

	if (!access("/proc/config.gz", R_OK))
		return slurp_decompress_file("/proc/config.gz", size);
	if (uname(&uts))
		return NULL;
	snprintf(path, sizeof(path), "/boot/config-%s", uts.release);
	return access(path, R_OK) ? NULL : slurp_file(path, size);
}

/* Whether the kernel has the function that every kernel with KHO exports. */
static int symbols_have_kho(void)
{
	char line[256];
	int found = 0;
	FILE *f = fopen("/proc/kallsyms", "re");

	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, " kho_is_enabled\n") != NULL;
	fclose(f);
	return found;
}

int kho_host_kho_on(void)
{
	static const char built_in[] = "\nCONFIG_KEXEC_HANDOVER=y\n";
	static const char default_on[] = "\nCONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y\n";
	int asked = -1, built = -1, on = 0;
	char line[8192], *config;
	off_t size = 0;

	config = kernel_config(&size);
	if (config && size > 0) {
		built = memmem(config, (size_t)size, built_in, strlen(built_in)) != NULL;
		on = memmem(config, (size_t)size, default_on, strlen(default_on)) != NULL;
	}
	free(config);
	if (!built)
		return 0;

	if (read_text("/proc/cmdline", line, sizeof(line)) > 0)
		asked = kho_cmdline_bool(line, "kho");
	if (asked >= 0)
		return asked;
	if (built > 0)
		return on;
	return symbols_have_kho() ? -1 : 0;
}

/* ----------------------------------------------------------- what is loaded */

int kho_host_kexec_loaded(void)
{
	char text[16];

	return read_text("/sys/kernel/kexec_loaded", text, sizeof(text)) > 0 ? atoi(text) : -1;
}

int kho_host_locked_down(void)
{
	char text[128];

	return read_text("/sys/kernel/security/lockdown", text, sizeof(text)) > 0 &&
	       strchr(text, '[') && !strstr(text, "[none]");
}

static int boot_id(char *buf, size_t size)
{
	if (read_text("/proc/sys/kernel/random/boot_id", buf, size) <= 0)
		return -1;
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

#define NOTE_FORMAT	"kexec-kho 2"
#define NOTE_NEW	KHO_HOST_LOADED ".new"
#define NOTE_BEFORE	KHO_HOST_LOADED ".before"
#define NOTE_LOCK	KHO_HOST_LOADED ".lock"

void kho_host_note_begin(int lock)
{
	/* held until this process ends, whichever way it loads: another one's image is not ours */
	static int fd = -1;

	if (lock && fd < 0) {
		fd = open(NOTE_LOCK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
			;
	}
	/* one that was left there by a process that was killed is of another image */
	if (rename(KHO_HOST_LOADED, NOTE_BEFORE))
		unlink(NOTE_BEFORE);
}

void kho_host_note_keep(void)
{
	rename(NOTE_BEFORE, KHO_HOST_LOADED);
}

static int write_note(FILE *f, const struct kho_host_loaded *loaded)
{
	const struct kho_target *target = &loaded->target;
	char id[64];

	if (boot_id(id, sizeof(id)))
		return -1;
	fprintf(f, NOTE_FORMAT "\nboot %s\nby %s\nstate %s\nfdt 0x%" PRIx64 "\n", id,
		loaded->by_kexec_load ? "kexec_load" : "kexec_file_load",
		loaded->handed_over ? "handed-over" : "dropped", loaded->fdt_addr);
	if (loaded->judged)
		fprintf(f, "target %s\nroot %s\nluo %s\ndma %s\npage-size %u\n",
			target->has_kho ? "kho" : "no-kho", target->root_compatible,
			target->luo_compatible, target->dma_compatible, target->page_size);
	/* what was cut off has no end */
	fputs("end\n", f);
	return ferror(f) ? -1 : 0;
}

int kho_host_note_end(const struct kho_host_loaded *loaded)
{
	int fd, failed;
	FILE *f;

	unlink(NOTE_BEFORE);
	/* asked first: a /run that is read-only has none, and does not say so */
	if (!loaded)
		return !access(KHO_HOST_LOADED, F_OK) && unlink(KHO_HOST_LOADED) ? -1 : 0;

	fd = open(NOTE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	failed = write_note(f, loaded);
	failed |= fclose(f);
	return failed ? -1 : rename(NOTE_NEW, KHO_HOST_LOADED);
}

/* What comes after "@key " in one of the lines, into @value; -1 when it is not there, or too long. */
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

/* Of the kernel that is loaded; -1 when something is missing. */
static int read_target(const char *text, struct kho_target *target)
{
	char kho[16], size[16];

	memset(target, 0, sizeof(*target));
	snprintf(target->format, sizeof(target->format), "the kernel");
	snprintf(target->release, sizeof(target->release), "that is loaded");
	if (note_value(text, "target", kho, sizeof(kho)) ||
	    note_value(text, "root", target->root_compatible, sizeof(target->root_compatible)) ||
	    note_value(text, "luo", target->luo_compatible, sizeof(target->luo_compatible)) ||
	    note_value(text, "dma", target->dma_compatible, sizeof(target->dma_compatible)) ||
	    note_value(text, "page-size", size, sizeof(size)))
		return -1;
	target->has_kho = !strcmp(kho, "kho");
	target->page_size = (unsigned int)strtoul(size, NULL, 10);
	return 0;
}

int kho_host_read_loaded(struct kho_host_loaded *loaded)
{
	char text[1024], id[64], was[64], by[32], what[32], fdt[32];
	ssize_t n = read_text(KHO_HOST_LOADED, text, sizeof(text));

	if (n < 4 || strncmp(text, NOTE_FORMAT "\n", strlen(NOTE_FORMAT "\n")) ||
	    strcmp(text + n - 4, "end\n") || boot_id(id, sizeof(id)) ||
	    note_value(text, "boot", was, sizeof(was)) || strcmp(id, was) ||
	    note_value(text, "by", by, sizeof(by)) ||
	    note_value(text, "state", what, sizeof(what)) ||
	    note_value(text, "fdt", fdt, sizeof(fdt)))
		return 0;
	loaded->by_kexec_load = !strcmp(by, "kexec_load");
	loaded->handed_over = !strcmp(what, "handed-over");
	loaded->fdt_addr = strtoull(fdt, NULL, 16);
	loaded->judged = !read_target(text, &loaded->target);
	return 1;
}

#endif /* HAVE_LIBKHO */
