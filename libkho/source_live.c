// SPDX-License-Identifier: LGPL-2.1-or-later
/* The running kernel: debugfs for KHO's files, /proc/kcore for memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cmdline.h"
#include "decompress.h"
#include "error.h"
#include "kconfig.h"
#include "source_kinds.h"

#define DEBUGFS		"/sys/kernel/debug"
#define DEBUGFS_KHO	DEBUGFS "/kho"
#define KCORE		"/proc/kcore"
#define MAX_CMDLINE	65536

#define MAX_CONFIG	(16u << 20)

/* ------------------------------------------------------------- is KHO on */

/*
 * Returns KHO_ERR_NOMEM, or 0 for any other result: an unreadable file leaves the answer unknown,
 * but a lack of memory must not.
 */
static int only_nomem(int ret)
{
	return ret == KHO_ERR_NOMEM ? ret : 0;
}

/* Sets *config to the kernel's configuration, to be freed, or to NULL if it is not available. 0 or KHO_ERR_NOMEM. */
static int read_config(const struct kho_files *files, char **config, size_t *size)
{
	unsigned char *text = NULL;
	char *data, path[PATH_MAX];
	int ret = kho_files_read(files, "/proc/config.gz", MAX_CONFIG, &data, size, NULL);

	*config = NULL;
	if (!ret) {
		ret = kho_decompress((unsigned char *)data, *size, MAX_CONFIG, NULL, NULL, &text, size);
		free(data);
		*config = ret ? NULL : (char *)text;
		return only_nomem(ret);
	}
	if (only_nomem(ret))
		return ret;
	ret = kho_files_read(files, "/proc/sys/kernel/osrelease", 256, &data, size, NULL);
	if (ret)
		return only_nomem(ret);
	snprintf(path, sizeof(path), "/boot/config-%.*s", (int)strcspn(data, "\n"), data);
	free(data);
	ret = kho_files_read(files, path, MAX_CONFIG, &data, size, NULL);
	*config = ret ? NULL : data;
	return only_nomem(ret);
}

/*
 * Sets *built and *default_on, -1 if unknown. Without a configuration, a kernel with KHO has a symbol. 0 or
 * KHO_ERR_NOMEM.
 */
static int read_built(const struct kho_files *files, int *built, int *default_on)
{
	size_t size = 0;
	uint64_t addr;
	char *config;
	int ret = read_config(files, &config, &size);

	*built = *default_on = -1;
	if (ret)
		return ret;
	if (config) {
		*built = kho_kconfig_is_on(config, size, "CONFIG_KEXEC_HANDOVER");
		*default_on = kho_kconfig_is_on(config, size, "CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT");
	} else {
		ret = kho_files_symbol(files, "kho_is_enabled", &addr);
		*built = ret >= 0 ? ret : -1;
	}
	free(config);
	return only_nomem(ret);
}

/* Sets *asked to the boolean option kho= of the command line, -1 if it is not there. 0 or KHO_ERR_NOMEM. */
static int read_asked(const struct kho_files *files, int *asked, bool *kdump)
{
	char *cmdline;
	size_t size;
	int ret = kho_files_read(files, "/proc/cmdline", MAX_CMDLINE, &cmdline, &size, NULL);

	*asked = -1;
	*kdump = false;
	if (ret)
		return only_nomem(ret);
	*asked = kho_cmdline_bool(cmdline, "kho");
	*kdump = kho_cmdline_is_kdump(cmdline);
	free(cmdline);
	return 0;
}

/* Sets *on, -1 if unknown, and *kdump if KHO is off because this is a crash kernel. 0 or KHO_ERR_NOMEM. */
static int read_on(const struct kho_files *files, int *on, bool *kdump)
{
	int built, default_on, asked, ret;

	*kdump = false;
	*on = -1;
	ret = read_built(files, &built, &default_on);
	if (!ret && built)
		ret = read_asked(files, &asked, kdump);
	if (ret)
		return ret;
	if (!built || *kdump)
		*on = 0;
	else
		*on = asked >= 0 ? asked : default_on;
	return 0;
}

int kho_kernel_is_on(const char *sysroot)
{
	struct kho_files files;
	bool kdump;
	int on = -1;

	if (kho_files_init(&files, sysroot, NULL))
		return -1;
	read_on(&files, &on, &kdump);
	kho_files_close(&files);
	return on;
}

/* ---------------------------------------------------------------- debugfs */

/* KHO is on, and debugfs does not show it. */
static int not_shown(struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_NO_KHO, KHO_NO_ADDR,
			   "this kernel does not show KHO, although its configuration or command line turns it on");

	return kho_remedy(err, ret,
			  "Boot a kernel with CONFIG_KEXEC_HANDOVER_DEBUGFS; else its log says why KHO failed.");
}

static int is_off(struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_DISABLED, KHO_NO_ADDR,
			   "KHO is off in this kernel, or not built in");

	return kho_remedy(err, ret,
			  "Boot a kernel with CONFIG_KEXEC_HANDOVER_DEBUGFS and kho=on on its command line.");
}

static int is_crash_kernel(struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_DISABLED, KHO_NO_ADDR,
			   "KHO is off in this kernel because elfcorehdr= is on its command line: it is a crash kernel");

	return kho_remedy(err, ret, "Boot without elfcorehdr=.");
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
	bool forbidden, kdump;
	int ret, on;

	if (kho_files_exist(files, DEBUGFS_KHO))
		return 0;
	forbidden = errno == EACCES || errno == EPERM;
	if (read_on(files, &on, &kdump))
		return kho_fail_nomem(err);
	if (kdump)
		return is_crash_kernel(err);
	if (!on)
		return is_off(err);
	if (forbidden) {
		snprintf(path, sizeof(path), "%s" DEBUGFS_KHO, files->prefix);
		errno = EACCES;
		return kho_fail_os(err, "look into", path);
	}
	if (has_debugfs(files))
		return on > 0 ? not_shown(err) : is_off(err);
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

/* This function and read_cmdline() leave an unreadable value unknown. They return 0 or KHO_ERR_NOMEM. */
static int read_release(struct kho_source *source)
{
	size_t size;
	char *text;
	int ret = kho_files_read(source->files, "/proc/sys/kernel/osrelease", 256, &text, &size, NULL);

	*source->release = '\0';
	if (ret)
		return only_nomem(ret);
	kho_source_set_release(source, text);
	free(text);
	return 0;
}

static int read_cmdline(struct kho_source *source)
{
	size_t size;
	int ret = kho_files_read(source->files, "/proc/cmdline", MAX_CMDLINE, &source->cmdline, &size, NULL);

	if (ret)
		source->cmdline = NULL;
	return only_nomem(ret);
}

int kho_source_open_live(const char *sysroot, struct kho_source **out, struct kho_error *err)
{
	struct kho_files *files = calloc(1, sizeof(*files));
	struct kho_source *source = NULL;
	int ret;

	if (!files)
		return kho_fail_nomem(err);
	ret = kho_files_init(files, sysroot, err);
	if (!ret)
		ret = check_debugfs(files, err);
	if (!ret)
		ret = open_kcore(files, &source, err);
	if (ret) {
		kho_files_close(files);
		free(files);
		return ret;
	}

	source->files = files;
	/* a kernel without VMCOREINFO in kcore; below a prefix it may be another one */
	if (!source->page_shift && !*files->prefix)
		ret = kho_source_take_page_size(source, (uint64_t)sysconf(_SC_PAGESIZE), err);
	if (!ret && (read_release(source) || read_cmdline(source)))
		ret = kho_fail_nomem(err);
	if (ret)
		kho_source_close(source);
	else
		*out = source;
	return ret;
}
