// SPDX-License-Identifier: LGPL-2.1-or-later
/* The running kernel: debugfs for KHO's files, /proc/kcore for memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"
#include "source_kinds.h"

#define DEBUGFS		"/sys/kernel/debug"
#define DEBUGFS_KHO	DEBUGFS "/kho"
#define KCORE		"/proc/kcore"
#define MAX_CMDLINE	65536

static int kho_failed(const char *cmdline, struct kho_error *err)
{
	struct kho_cmdline_arg arg = { .text = "kho=", .text_len = 4 };
	int ret;

	kho_cmdline_find(cmdline, "kho", &arg);
	ret = kho_fail(err, KHO_ERR_NO_KHO, KHO_NO_ADDR,
		       "this kernel has no KHO, though %.*s is on its command line",
		       (int)arg.text_len, arg.text);
	return kho_remedy(err, ret,
			  "Boot a kernel with CONFIG_KEXEC_HANDOVER_DEBUGFS; else its log says why KHO failed.");
}

static int no_kho(const struct kho_files *files, struct kho_error *err)
{
	char *cmdline;
	size_t size;
	int ret, on = -1;

	if (!kho_files_read(files, "/proc/cmdline", MAX_CMDLINE, &cmdline, &size, NULL)) {
		on = kho_cmdline_bool(cmdline, "kho");
		ret = on == 1 ? kho_failed(cmdline, err) : 0;
		free(cmdline);
		if (on == 1)
			return ret;
	}

	ret = kho_fail(err, KHO_ERR_DISABLED, KHO_NO_ADDR,
		       "KHO is off in this kernel, or not built in");
	return kho_remedy(err, ret,
			  "Boot a kernel with CONFIG_KEXEC_HANDOVER_DEBUGFS and kho=on on its command line.");
}

/* Below a prefix, a folder stands for debugfs. */
static bool has_debugfs(const struct kho_files *files)
{
	struct statfs fs;

	if (*files->prefix)
		return kho_files_exist(files, DEBUGFS);
	return !statfs(DEBUGFS, &fs) && fs.f_type == DEBUGFS_MAGIC;
}

/* Returns 0 if debugfs/kho exists, else explains why not. */
static int check_debugfs(const struct kho_files *files, struct kho_error *err)
{
	char path[PATH_MAX];
	int ret;

	if (kho_files_exist(files, DEBUGFS_KHO))
		return 0;
	if (errno == EACCES || errno == EPERM) {
		snprintf(path, sizeof(path), "%s" DEBUGFS_KHO, files->prefix);
		errno = EACCES;
		return kho_fail_os(err, "look into", path);
	}
	if (has_debugfs(files))
		return no_kho(files, err);
	ret = kho_fail(err, KHO_ERR_NO_DEBUGFS, KHO_NO_ADDR, "debugfs is not mounted at %s" DEBUGFS,
		       files->prefix);
	return kho_remedy(err, ret, "Run: mount -t debugfs debugfs %s" DEBUGFS, files->prefix);
}

static int open_kcore(const struct kho_files *files, struct kho_source **out,
		      struct kho_error *err)
{
	char path[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "%s" KCORE, files->prefix);
	fd = kho_files_open(files, KCORE, O_RDONLY);
	if (fd >= 0)
		return kho_elf_open(fd, path, true, out, err);
	if (errno != ENOENT)
		return kho_fail_os(err, "open", path);
	ret = kho_fail(err, KHO_ERR_NO_KCORE, KHO_NO_ADDR, "there is no %s", path);
	return kho_remedy(err, ret, "Mount /proc, and use a kernel with CONFIG_PROC_KCORE.");
}

static void read_release(struct kho_source *source)
{
	size_t size;
	char *text;

	*source->release = '\0';
	if (kho_files_read(source->files, "/proc/sys/kernel/osrelease", 256, &text, &size, NULL))
		return;
	kho_source_set_release(source, text);
	free(text);
}

int kho_source_open_live(const char *sysroot, struct kho_source **out, struct kho_error *err)
{
	struct kho_files *files = calloc(1, sizeof(*files));
	int ret;

	if (!files)
		return kho_fail_nomem(err);
	ret = kho_files_init(files, sysroot, err);
	if (!ret)
		ret = check_debugfs(files, err);
	if (!ret)
		ret = open_kcore(files, out, err);
	if (ret) {
		kho_files_close(files);
		free(files);
		return ret;
	}

	(*out)->files = files;
	read_release(*out);
	return 0;
}
