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
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kexec.h"
#include "kexec-kho-host.h"
#include "kexec-kho-plan.h"

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
		asked = kho_plan_cmdline_kho(line);
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

int kho_host_write_loaded(const struct kho_host_loaded *loaded)
{
	char id[64];
	FILE *f;
	int fd;

	if (!loaded)
		return unlink(KHO_HOST_LOADED) && errno != ENOENT ? -1 : 0;
	if (boot_id(id, sizeof(id)))
		return -1;

	fd = open(KHO_HOST_LOADED ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	fprintf(f, "%s %s %s 0x%" PRIx64 "\n", id,
		loaded->by_kexec_load ? "kexec_load" : "kexec_file_load",
		loaded->handed_over ? "handed-over" : "dropped", loaded->fdt_addr);
	if (fclose(f))
		return -1;
	return rename(KHO_HOST_LOADED ".new", KHO_HOST_LOADED);
}

int kho_host_read_loaded(struct kho_host_loaded *loaded)
{
	char text[256], id[64], was[64], by[32], what[32];

	if (read_text(KHO_HOST_LOADED, text, sizeof(text)) <= 0 || boot_id(id, sizeof(id)) ||
	    sscanf(text, "%63s %31s %31s 0x%" SCNx64, was, by, what, &loaded->fdt_addr) != 4 ||
	    strcmp(id, was))
		return 0;
	loaded->by_kexec_load = !strcmp(by, "kexec_load");
	loaded->handed_over = !strcmp(what, "handed-over");
	return 1;
}

#endif /* HAVE_LIBKHO */
