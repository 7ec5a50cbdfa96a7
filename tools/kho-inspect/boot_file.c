// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot_file.h"

static bool path_make(char *path, const char *dir, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX;
}

static int fail_at(struct kho_error *err, const char *what, const char *path)
{
	*err = (struct kho_error){ .code = KHO_ERR_OS, .os_errno = errno, .addr = KHO_NO_ADDR };
	snprintf(err->message, sizeof(err->message), "cannot %s %.160s: %s", what, path,
		 strerror(errno));
	return err->code;
}

int boot_make_dir(const char *dir, struct kho_error *err)
{
	char path[PATH_MAX];

	if (!path_make(path, dir, "")) {
		errno = ENAMETOOLONG;
		return fail_at(err, "create", dir);
	}
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return fail_at(err, "create", dir);
		*slash = '/';
	}
	return access(path, W_OK) ? fail_at(err, "write to", dir) : 0;
}

int boot_file_open(const char *dir, const char *name, unsigned int flags,
		   struct kho_output **out, struct kho_error *err)
{
	char path[PATH_MAX];
	struct stat st;

	if (!path_make(path, dir, name)) {
		errno = ENAMETOOLONG;
		return fail_at(err, "write to", dir);
	}
	/* libkho would write to what a link leads to, and wait for the reader of a FIFO */
	if (!lstat(path, &st) && !S_ISREG(st.st_mode) && unlink(path))
		return fail_at(err, "replace", path);
	return kho_output_open(path, 0600, flags | KHO_OUTPUT_NEW_MODE, out, err);
}

int boot_file_write(const char *dir, const char *name, const char *data, size_t size,
		    struct kho_error *err)
{
	struct kho_output *out;
	int ret = boot_file_open(dir, name, 0, &out, err);
	FILE *stream;

	if (ret)
		return ret;
	stream = kho_output_stream(out);
	if (!stream) {
		kho_output_discard(out);
		return fail_at(err, "write", name);
	}
	/* commit reports write errors */
	fwrite(data, 1, size, stream);
	return kho_output_commit(out, err);
}

int boot_file_remove(const char *dir, const char *name, struct kho_error *err)
{
	char path[PATH_MAX];

	if (!path_make(path, dir, name) || !unlink(path) || errno == ENOENT)
		return 0;
	return fail_at(err, "remove", path);
}

bool boot_file_exists(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return path_make(path, dir, name) && !access(path, F_OK);
}

/* The folder may be somebody else's: a link may lead to any file, a FIFO stalls, and a device has no end. */
FILE *boot_file_read(const char *dir, const char *name)
{
	char path[PATH_MAX];
	FILE *file = NULL;
	struct stat st;
	int fd;

	errno = ENAMETOOLONG;
	if (!path_make(path, dir, name))
		return NULL;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st))
		;
	else if (!S_ISREG(st.st_mode))
		errno = ENXIO;
	else
		file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
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

static void add_findings(const char *dir, const char *name, struct boot_findings *list)
{
	FILE *file = boot_file_read(dir, name);

	if (!file)
		return;
	boot_findings_read(file, list);
	fclose(file);
}

bool boot_status_read(const char *dir, char *line, size_t size)
{
	struct boot_findings list = { 0 };
	uint64_t counts[NR_CLASSES];
	enum boot_word word;

	if (boot_file_first_line(dir, BOOT_STATUS, line, size) && *line)
		return true;
	add_findings(dir, BOOT_FINDINGS, &list);
	add_findings(dir, BOOT_CLAIMS_FINDINGS, &list);
	boot_findings_count(&list, counts);
	boot_findings_free(&list);
	word = boot_word_of(boot_worst_class(counts));
	if (boot_word_rank(word) < boot_word_rank(WORD_UNKNOWN))
		word = WORD_UNKNOWN;
	snprintf(line, size, "%s %s/" BOOT_STATUS " is missing or unreadable", boot_word_name(word), dir);
	return false;
}
