// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "files.h"

#define FIRST_READ	4096u
/* An address, a symbol of KSYM_NAME_LEN (512) and a module's name: include/linux/kallsyms.h of Linux 6.16 to 7.3 */
#define MAX_KALLSYMS_LINE	1024

int kho_files_init(struct kho_files *files, const char *sysroot, struct kho_error *err)
{
	*files = (struct kho_files){ .root = -1 };
	files->prefix = strdup(sysroot ? sysroot : "");
	if (!files->prefix)
		return kho_fail_nomem(err);
	if (!*files->prefix)
		return 0;
	files->root = open(files->prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return files->root < 0 ? kho_fail_os(err, "open", files->prefix) : 0;
}

void kho_files_close(struct kho_files *files)
{
	if (files->root >= 0)
		close(files->root);
	free(files->prefix);
	*files = (struct kho_files){ .root = -1 };
}

/* Opens one component after the other and refuses links. */
static int open_below(int root, const char *path, int flags)
{
	int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);

	for (path += strspn(path, "/"); fd >= 0 && *path; path += strspn(path, "/")) {
		size_t n = strcspn(path, "/");
		char name[NAME_MAX + 1];
		bool last = !path[n];
		int next;

		if (n > NAME_MAX) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		path += n;
		next = openat(fd, name, (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	return fd;
}

/* Below a sysroot, a FIFO would stall the reader, and a device has no end. The running kernel's files are its own. */
static bool is_file(int fd, int flags)
{
	struct stat st;

	return flags & O_PATH || (!fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)));
}

int kho_files_open(const struct kho_files *files, const char *path, int flags)
{
	int fd;

	if (files->root < 0)
		return open(path, flags | O_CLOEXEC);
	fd = open_below(files->root, path, flags | O_NONBLOCK);
	if (fd < 0 || is_file(fd, flags))
		return fd;
	close(fd);
	errno = ENXIO;
	return -1;
}

bool kho_files_exist(const struct kho_files *files, const char *path)
{
	int fd = kho_files_open(files, path, O_PATH);

	if (fd < 0)
		return false;
	close(fd);
	return true;
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
 * Reads up to @max bytes and adds a NUL. Does not ask for the size, because debugfs says 0; few
 * of its files are longer than a page. Returns -1 with errno on error.
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

static int fail_file(const struct kho_files *files, const char *what, const char *path,
		     struct kho_error *err)
{
	char full[PATH_MAX];
	int saved = errno;

	snprintf(full, sizeof(full), "%s%s", files->prefix, path);
	errno = saved;
	return kho_fail_os(err, what, full);
}

int kho_files_read(const struct kho_files *files, const char *path, size_t max, char **out,
		   size_t *size, struct kho_error *err)
{
	int fd = kho_files_open(files, path, O_RDONLY), ret = 0;
	ssize_t n;

	if (fd < 0)
		return fail_file(files, "open", path, err);
	n = read_all(fd, max, out);
	if (n < 0)
		ret = fail_file(files, "read", path, err);
	else
		*size = (size_t)n;
	close(fd);
	return ret;
}

int kho_files_symbol(const struct kho_files *files, const char *symbol, uint64_t *addr)
{
	int fd = kho_files_open(files, "/proc/kallsyms", O_RDONLY), found = -1;
	char line[MAX_KALLSYMS_LINE], name[128];
	FILE *f;

	if (fd < 0)
		return -1;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return KHO_ERR_NOMEM;
	}
	while (found < 1 && fgets(line, sizeof(line), f)) {
		/* the kernel does not write such a line, and a sparse file may have no line at all */
		if (!strchr(line, '\n')) {
			found = -1;
			break;
		}
		/* skip symbols of modules, whose lines end in "[module]" */
		if (sscanf(line, "%" SCNx64 " %*c %127s", addr, name) == 2)
			found = !strcmp(name, symbol) && !strchr(line, '[');
	}
	if (found < 1 && ferror(f))
		found = -1;
	fclose(f);
	return found;
}
