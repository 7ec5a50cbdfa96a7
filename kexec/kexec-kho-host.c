// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <linux/capability.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kexec.h"
#include "kexec-kho-host.h"

#define DEBUGFS		"/sys/kernel/debug"

ssize_t kho_host_read_text(const char *path, char *buf, size_t size)
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

bool kho_host_has_debugfs(void)
{
	struct statfs fs;

	return !statfs(DEBUGFS, &fs) && fs.f_type == DEBUGFS_MAGIC;
}

bool kho_host_shows_kho(void)
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

/* ----------------------------------------------------------- what is loaded */

int kho_host_kexec_loaded(void)
{
	char text[16];

	return kho_host_read_text("/sys/kernel/kexec_loaded", text, sizeof(text)) > 0 ? atoi(text) : -1;
}

/* True if the kernel is locked down, at any level (Documentation/admin-guide/LSM). */
static bool locked_down(void)
{
	char text[128];

	return kho_host_read_text("/sys/kernel/security/lockdown", text, sizeof(text)) > 0 &&
	       strchr(text, '[') && !strstr(text, "[none]");
}

/* The number in a sysctl, or @otherwise if the kernel does not have it. */
static long read_sysctl(const char *path, long otherwise)
{
	char text[32];

	return kho_host_read_text(path, text, sizeof(text)) > 0 ? strtol(text, NULL, 10) : otherwise;
}

/* True if this process lacks CAP_SYS_BOOT (Linux 7.3: kexec_load_permitted()). */
static bool lacks_capability(void)
{
	static const char key[] = "\nCapEff:\t";
	char text[4096], *hit;

	if (kho_host_read_text("/proc/self/status", text, sizeof(text)) <= 0)
		return false;
	hit = strstr(text, key);
	return hit && !(strtoull(hit + strlen(key), NULL, 16) >> CAP_SYS_BOOT & 1);
}

const char *kho_host_load_forbidden(bool file_mode)
{
	if (lacks_capability())
		return "this needs CAP_SYS_BOOT";
	if (read_sysctl("/proc/sys/kernel/kexec_load_disabled", 0))
		return "kernel.kexec_load_disabled is set, until the next boot";
	if (!read_sysctl("/proc/sys/kernel/kexec_load_limit_reboot", -1))
		return "kernel.kexec_load_limit_reboot allows no more loads";
	if (!file_mode && locked_down())
		return "the kernel is locked down and takes no kexec_load. Use -s, with a signed kernel where signatures are required";
	return NULL;
}

#endif /* HAVE_LIBKHO */
