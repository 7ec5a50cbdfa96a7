// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot_file.h"

static int path_make(char *path, const char *dir, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	if (n > 0 && n < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int boot_make_dir(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	if (path_make(path, dir, ""))
		return -1;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	if (stat(path, &st))
		return -1;
	return 0;
}

int boot_file_begin(struct boot_file *file, const char *dir, const char *name)
{
	char hidden[64];

	file->fd = -1;
	snprintf(hidden, sizeof(hidden), ".%s.XXXXXX", name);
	if (path_make(file->path, dir, name) || path_make(file->tmp, dir, hidden))
		return -1;
	file->fd = mkostemp(file->tmp, O_CLOEXEC);
	return file->fd < 0 ? -1 : 0;
}

int boot_file_commit(struct boot_file *file)
{
	int ret = close(file->fd);

	file->fd = -1;
	if (!ret)
		ret = rename(file->tmp, file->path);
	if (ret)
		unlink(file->tmp);
	return ret;
}

void boot_file_abandon(struct boot_file *file)
{
	if (file->fd < 0)
		return;
	close(file->fd);
	unlink(file->tmp);
	file->fd = -1;
}

int boot_file_write(const char *dir, const char *name, const char *data, size_t size,
		    bool newline)
{
	struct boot_file file;

	if (boot_file_begin(&file, dir, name))
		return -1;
	if (write(file.fd, data, size) != (ssize_t)size ||
	    (newline && write(file.fd, "\n", 1) != 1)) {
		boot_file_abandon(&file);
		errno = ENOSPC;
		return -1;
	}
	return boot_file_commit(&file);
}

void boot_file_remove(const char *dir, const char *name)
{
	int saved = errno;
	char path[PATH_MAX];

	if (!path_make(path, dir, name))
		unlink(path);
	errno = saved;
}

bool boot_file_exists(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return !path_make(path, dir, name) && !access(path, F_OK);
}

FILE *boot_file_read(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return path_make(path, dir, name) ? NULL : fopen(path, "re");
}

bool boot_file_first_line(const char *dir, const char *name, char *line, size_t size)
{
	FILE *file = boot_file_read(dir, name);
	bool read;

	if (!file)
		return false;
	read = fgets(line, (int)size, file);
	fclose(file);
	if (read)
		line[strcspn(line, "\n")] = '\0';
	return read;
}

enum boot_word boot_earlier_word(const char *line)
{
	enum boot_word word = WORD_UNKNOWN;
	char text[16];

	if (sscanf(line, "%15s", text) == 1)
		boot_word_parse(text, &word);
	return word;
}
