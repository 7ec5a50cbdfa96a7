// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "memory.h"

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			abort();
		*slash = '/';
	}
}

static void put_file(const char *name, const uint8_t *data, size_t size)
{
	char path[256];
	int fd;

	fuzz_scratch(name, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0) {
		make_folders(path);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

/* Removes a file, and the folders that are empty then: which folders exist says whether a kernel has KHO. */
static void remove_file(const char *name)
{
	char path[256], part[256];

	unlink(fuzz_scratch(name, path, sizeof(path)));
	snprintf(part, sizeof(part), "%s", name);
	for (char *slash = strrchr(part, '/'); slash; slash = strrchr(part, '/')) {
		*slash = '\0';
		if (rmdir(fuzz_scratch(part, path, sizeof(path))))
			return;
	}
}

void fuzz_machine(const char *const *files, size_t nr_files, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < nr_files; i++) {
		uint32_t n = UINT32_MAX;

		if (size >= sizeof(n)) {
			memcpy(&n, data, sizeof(n));
			data += sizeof(n);
			size -= sizeof(n);
		}
		if (n == UINT32_MAX) {
			remove_file(files[i]);
			continue;
		}
		n = n < size ? n : (uint32_t)size;
		put_file(files[i], data, n);
		data += n;
		size -= n;
	}
}
