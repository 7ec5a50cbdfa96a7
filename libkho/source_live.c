// SPDX-License-Identifier: LGPL-2.1-or-later
/* The running kernel: debugfs for what KHO tells, /proc/kcore for memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"
#include "source.h"

#define DEBUGFS	"/sys/kernel/debug"
#define FIRST_READ	4096u

static int path_make(const char *sysroot, const char *path, char *buf, size_t size,
		     struct kho_error *err)
{
	int n = snprintf(buf, size, "%s%s", sysroot, path);

	if (n < 0 || (size_t)n >= size)
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR, "path too long: %s%s",
				sysroot, path);
	return 0;
}

static ssize_t read_some(int fd, char *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, buf + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/*
 * Up to @max bytes, and a NUL behind them. Files of debugfs say that they are empty, so they are
 * read and not asked for their size; few are longer than a page. -1 with errno.
 */
static ssize_t read_all(int fd, size_t max, char **out)
{
	size_t room = 0, done = 0;
	char *buf = NULL;
	ssize_t n;

	do {
		size_t more = room ? room : FIRST_READ;
		char *larger;

		room += more < max - room ? more : max - room;
		larger = realloc(buf, room + 1);
		if (!larger)
			goto fail;
		buf = larger;
		n = read_some(fd, buf + done, room - done);
		if (n < 0)
			goto fail;
		done += (size_t)n;
	} while (done == room && room < max);

	buf[done] = '\0';
	*out = buf;
	return (ssize_t)done;

fail:
	free(buf);
	return -1;
}

int kho_source_slurp(const struct kho_source *source, const char *path, size_t max,
		     char **out, size_t *size, struct kho_error *err)
{
	char full[PATH_MAX];
	ssize_t n;
	int fd, ret;

	ret = path_make(source->sysroot, path, full, sizeof(full), err);
	if (ret)
		return ret;

	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return kho_fail_os(err, "open", full);

	n = read_all(fd, max, out);
	if (n < 0)
		ret = kho_fail_os(err, "read", full);
	else
		*size = (size_t)n;
	close(fd);
	return ret;
}

/* What the kernel was told about kho= ("" if nothing; the last one counts). */
static void cmdline_kho(const struct kho_source *source, char *value, size_t size)
{
	char *cmdline, *word, *save = NULL;
	size_t len;

	*value = '\0';
	if (kho_source_slurp(source, "/proc/cmdline", 65536, &cmdline, &len, NULL))
		return;

	for (word = strtok_r(cmdline, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		if (!strncmp(word, "kho=", 4))
			snprintf(value, size, "%s", word + 4);
	}
	free(cmdline);
}

static int no_kho(const struct kho_source *source, struct kho_error *err)
{
	char value[16];
	int ret;

	cmdline_kho(source, value, sizeof(value));
	if (!strcmp(value, "on") || !strcmp(value, "1") || *value == 'y' || *value == 'Y') {
		ret = kho_fail(err, KHO_ERR_NO_KHO, KHO_NO_ADDR,
			       "this kernel has no KHO, though kho=%s is on its command line", value);
		return kho_remedy(err, ret,
				  "Boot a kernel with CONFIG_KEXEC_HANDOVER_DEBUGFS; else its log says why KHO failed.");
	}

	ret = kho_fail(err, KHO_ERR_DISABLED, KHO_NO_ADDR,
		       "KHO is off in this kernel, or not built in");
	return kho_remedy(err, ret,
			  "Boot a kernel with CONFIG_KEXEC_HANDOVER_DEBUGFS and kho=on on its command line.");
}

/* Says why there is no debugfs/kho. */
static int check_debugfs(const struct kho_source *source, struct kho_error *err)
{
	char path[PATH_MAX];
	struct statfs fs;
	struct stat st;
	int ret;

	ret = path_make(source->sysroot, DEBUGFS "/kho", path, sizeof(path), err);
	if (ret)
		return ret;
	if (!stat(path, &st))
		return 0;
	if (errno == EACCES || errno == EPERM)
		return kho_fail_os(err, "look into", path);

	path[strlen(path) - strlen("/kho")] = '\0';
	if (statfs(path, &fs) || fs.f_type != DEBUGFS_MAGIC) {
		/* a prefix is no real debugfs: there it is enough that it is a folder */
		if (!*source->sysroot || stat(path, &st)) {
			ret = kho_fail(err, KHO_ERR_NO_DEBUGFS, KHO_NO_ADDR,
				       "debugfs is not mounted at %s", path);
			return kho_remedy(err, ret, "Run: mount -t debugfs debugfs %s", path);
		}
	}
	return no_kho(source, err);
}

static void read_release(struct kho_source *source)
{
	size_t size;
	char *text;

	*source->release = '\0';
	if (kho_source_slurp(source, "/proc/sys/kernel/osrelease", 256, &text, &size, NULL))
		return;
	kho_source_set_release(source, text);
	free(text);
}

int kho_source_open_live(const char *sysroot, struct kho_source **out, struct kho_error *err)
{
	struct kho_source *source, probe = { 0 };
	char path[PATH_MAX];
	int ret;

	probe.sysroot = (char *)(sysroot ? sysroot : "");
	ret = check_debugfs(&probe, err);
	if (ret)
		return ret;

	ret = path_make(probe.sysroot, "/proc/kcore", path, sizeof(path), err);
	if (ret)
		return ret;
	if (access(path, F_OK)) {
		ret = kho_fail(err, KHO_ERR_NO_KCORE, KHO_NO_ADDR, "there is no %s", path);
		return kho_remedy(err, ret, "Mount /proc, and use a kernel with CONFIG_PROC_KCORE.");
	}

	ret = kho_source_open_kcore(path, &source, err);
	if (ret)
		return ret;

	source->sysroot = strdup(probe.sysroot);
	if (!source->sysroot) {
		kho_source_close(source);
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	}

	read_release(source);

	*out = source;
	return 0;
}
