// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-output FOLDER: the writer replaces files completely or not at all, follows links, and writes to
 * other files. Runs each test with O_TMPFILE, and without it like on a file system that lacks it. With
 * O_TMPFILE the random pool of the kernel is not ready; without it the kernel is older than Linux 5.6.
 * FOLDER must be empty; the program changes to it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kho_output.h"

static int wrong;
static bool without_tmpfile;

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);

int __wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode = 0;

	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	if (without_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return __real_openat(dir, path, flags, mode);
}

#define CHECK(condition)							\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: not so: %s (%s O_TMPFILE, errno %d)\n", __FILE__,	\
				__LINE__, #condition, without_tmpfile ? "without" : "with", errno);	\
			wrong = 1;						\
		}								\
	} while (0)

ssize_t __real_getrandom(void *buf, size_t size, unsigned int flags);
ssize_t __wrap_getrandom(void *buf, size_t size, unsigned int flags);

ssize_t __wrap_getrandom(void *buf, size_t size, unsigned int flags)
{
	if (without_tmpfile && flags & GRND_INSECURE) {
		errno = EINVAL;
		return -1;
	}
	/* it would wait */
	CHECK(without_tmpfile || flags & GRND_INSECURE);
	return __real_getrandom(buf, size, flags);
}

/* ------------------------------------------------------------- the folder */

static void make(const char *name, const char *content, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ssize_t size = (ssize_t)strlen(content);

	CHECK(fd >= 0 && write(fd, content, strlen(content)) == size && !fchmod(fd, mode) && !close(fd));
}

static bool has(const char *name, const char *content, mode_t mode)
{
	char buf[256] = "";
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	bool ok = n == (ssize_t)strlen(content) && !strcmp(buf, content) && !fstat(fd, &st) &&
		  (st.st_mode & 07777) == mode;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Counts the names in a folder, and removes them if @empty. */
static int names(const char *folder, bool empty)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		n++;
		if (empty)
			CHECK(!unlinkat(dirfd(dir), entry->d_name, 0) ||
			      !unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR));
	}
	closedir(dir);
	return n;
}

/* Writes to @path. Returns the error code, or 0. */
static int put(const char *path, const char *content, unsigned int flags)
{
	struct kho_error err = { 0 };
	struct kho_output *output;
	char start[32];
	int ret = kho_output_open(path, 0640, flags, &output, &err);

	if (!ret) {
		fputs(content, kho_output_stream(output));
		ret = kho_output_commit(output, &err);
	}
	snprintf(start, sizeof(start), "%s", *path ? path : "write");
	if (ret && !strstr(err.message, start)) {
		fprintf(stderr, "message without the path %s: %s\n", path, err.message);
		wrong = 1;
	}
	return ret;
}

/* ------------------------------------------------------------------ tests */

static void regular(void)
{
	struct kho_output *output;
	char name[NAME_MAX + 1];

	CHECK(!put("new", "content", 0) && has("new", "content", 0640));
	CHECK(!put("new", "", KHO_OUTPUT_SEEKABLE) && has("new", "", 0640));
	make("own mode", "old", 0666);
	CHECK(!put("own mode", "kept", 0) && has("own mode", "kept", 0666));
	CHECK(!put("own mode", "new", KHO_OUTPUT_NEW_MODE) && has("own mode", "new", 0640));
	CHECK(!unlink("own mode"));
	make("old", "before", 0604);
	CHECK(!put("old", "after", 0) && has("old", "after", 0604));
	CHECK(!put("./old", "again", 0) && has("old", "again", 0604));
	make("suid", "before", 04755);
	CHECK(!put("suid", "after", 0) && has("suid", "after", 0755));
	/* unchanged until the new content is complete, and if the write is abandoned */
	CHECK(!kho_output_open("old", 0600, 0, &output, NULL));
	CHECK(write(kho_output_fd(output), "half", 4) == 4 && has("old", "again", 0604));
	CHECK(!kho_output_is_stdout(output));
	kho_output_discard(output);
	kho_output_discard(NULL);
	CHECK(has("old", "again", 0604));
	CHECK(!kho_output_open("none", 0600, 0, &output, NULL));
	kho_output_discard(output);
	CHECK(access("none", F_OK));
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	CHECK(!put(name, "long", 0) && has(name, "long", 0640));
	CHECK(names(".", true) == 4);
}

/* A stream reports a full disk, or a device that is gone. */
static void errors(void)
{
	struct kho_error err = { 0 };
	struct kho_output *output;
	char name[NAME_MAX + 2];

	CHECK(put("", "", 0) == KHO_ERR_OS);
	CHECK(put("none/file", "", 0) == KHO_ERR_OS);
	CHECK(put(".", "", 0) == KHO_ERR_OS && put("/", "", 0) == KHO_ERR_OS && put("none/", "", 0) == KHO_ERR_OS);
	mkdir("folder", 0755);
	CHECK(put("folder", "", 0) == KHO_ERR_OS && put("folder/", "", 0) == KHO_ERR_OS);
	make("file", "content", 0644);
	CHECK(put("file/name", "", 0) == KHO_ERR_OS);
	memset(name, 'n', NAME_MAX + 1);
	name[NAME_MAX + 1] = '\0';
	CHECK(put(name, "", 0) == KHO_ERR_OS);
	CHECK(put("/dev/full", "content", 0) == KHO_ERR_OS);
	CHECK(put("/dev/full", "content", KHO_OUTPUT_SEEKABLE) == KHO_ERR_OS);
	CHECK(kho_output_open("file", 0600, 4, &output, &err) == KHO_ERR_USAGE);
	/* a folder in its place cannot be replaced */
	CHECK(!kho_output_open("later", 0600, 0, &output, NULL) && !mkdir("later", 0755));
	CHECK(kho_output_commit(output, &err) == KHO_ERR_OS && strstr(err.message, "later"));
	CHECK(has("file", "content", 0644) && names("folder", false) == 0 && names(".", true) == 3);
}

/* A file that the caller must not write. Runs as another user, because root may write it. */
static void read_only(void)
{
	make("file", "before", 0444);
	CHECK(geteuid() || !seteuid(12345));
	CHECK(put("file", "after", 0) == KHO_ERR_PERMISSION && put("file", "after", KHO_OUTPUT_SEEKABLE) == KHO_ERR_PERMISSION);
	CHECK(getuid() || !seteuid(0));
	CHECK(has("file", "before", 0444) && names(".", true) == 1);
}

static void links(void)
{
	mkdir("folder", 0755);
	make("folder/file", "before", 0644);
	CHECK(!symlink("folder/file", "link") && !symlink("../link", "folder/back") &&
	      !symlink("folder/new", "dangling") && !symlink("loop", "loop") &&
	      !symlink("/dev/null", "null") && !symlink("folder", "place") &&
	      !symlink("none/new", "nowhere"));
	CHECK(!put("link", "after", 0) && has("folder/file", "after", 0644));
	CHECK(!put("folder/back", "again", 0) && has("folder/file", "again", 0644));
	CHECK(!put("place/back", "more", 0) && has("folder/file", "more", 0644));
	CHECK(!put("dangling", "new", 0) && has("folder/new", "new", 0640));
	CHECK(put("loop", "", 0) == KHO_ERR_OS && put("nowhere", "", 0) == KHO_ERR_OS);
	CHECK(!put("null", "nothing", 0));
	for (const char *const *link = (const char *const[]){ "link", "folder/back", "dangling", "loop",
							      "null", "place", NULL }; *link; link++) {
		struct stat st;

		CHECK(!lstat(*link, &st) && S_ISLNK(st.st_mode));
	}
	CHECK(names("folder", true) == 3 && names(".", true) == 7);
}

static void devices(void)
{
	struct stat st;

	CHECK(!put("/dev/null", "nothing", 0) && !put("/dev/null", "nothing", KHO_OUTPUT_SEEKABLE));
	CHECK(!stat("/dev/null", &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

static void fifo(unsigned int flags)
{
	struct kho_output *output;
	char buf[64] = "";
	struct stat st;
	int fd, status;
	pid_t child;

	CHECK(!mkfifo("fifo", 0600));
	child = fork();
	if (!child) {
		if (kho_output_open("fifo", 0600, flags, &output, NULL) ||
		    write(kho_output_fd(output), "ABCD", 4) != 4)
			_exit(1);
		if (flags && pwrite(kho_output_fd(output), "a", 1, 0) != 1)
			_exit(1);
		_exit(!!kho_output_commit(output, NULL));
	}
	fd = open("fifo", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && read(fd, buf + strlen(buf), sizeof(buf) - 1 - strlen(buf)) > 0)
		;
	close(fd);
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status));
	CHECK(!strcmp(buf, flags ? "aBCD" : "ABCD"));
	CHECK(!lstat("fifo", &st) && S_ISFIFO(st.st_mode) && names(".", true) == 1);
}

/* Output continues after existing content of a file that the shell has opened. */
static void standard_output(void)
{
	int saved = dup(STDOUT_FILENO), fd;
	struct kho_output *output;

	make("out", "", 0644);
	fd = open("out", O_WRONLY | O_APPEND | O_CLOEXEC);
	CHECK(dup2(fd, STDOUT_FILENO) == STDOUT_FILENO && write(STDOUT_FILENO, "one ", 4) == 4);
	close(fd);
	CHECK(!put("/dev/stdout", "two ", 0) && !put("/dev/fd/1", "three ", KHO_OUTPUT_SEEKABLE));
	CHECK(!kho_output_open("out", 0600, 0, &output, NULL) && kho_output_is_stdout(output));
	CHECK(!kho_output_commit(output, NULL) && write(STDOUT_FILENO, "four", 4) == 4);
	CHECK(has("out", "one two three four", 0644));
	/* open for reading only: not an output */
	fd = open("out", O_RDONLY | O_CLOEXEC);
	CHECK(dup2(fd, STDOUT_FILENO) == STDOUT_FILENO);
	close(fd);
	CHECK(!put("out", "new", 0) && has("out", "new", 0644));
	dup2(saved, STDOUT_FILENO);
	close(saved);
	CHECK(names(".", true) == 1);
}

/* If the writer is killed at any time, the folder is unchanged. */
static void killed(void)
{
	struct kho_output *output;
	int status;
	pid_t child;

	make("file", "before", 0644);
	child = fork();
	if (!child) {
		kho_output_open("file", 0600, 0, &output, NULL);
		fputs("half", kho_output_stream(output));
		fflush(kho_output_stream(output));
		raise(SIGKILL);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	CHECK(has("file", "before", 0644) && names(".", true) == 1);
}

/* Needs root: files of another user in a folder that everybody may write to. */
static const char *descriptor(pid_t process, int fd)
{
	static char path[64];

	if (process)
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)process, fd);
	else
		snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	return path;
}

static bool holds(int fd, const char *content)
{
	char buf[64] = "";

	return pread(fd, buf, sizeof(buf) - 1, 0) >= 0 && !strcmp(buf, content);
}

/* The target of such a link is not the name of a file. */
static void descriptors(unsigned int flags)
{
	struct kho_output *output;
	int named, gone, anonymous, fds[2];
	pid_t other;

	make("file", "", 0644);
	make("gone", "", 0644);
	named = open("file", O_RDWR);
	gone = open("gone", O_RDWR);
	anonymous = memfd_create("test", 0);
	CHECK(!unlink("gone") && !symlink(descriptor(0, anonymous), "link"));
	for (int *fd = (int[]){ named, gone, anonymous, -1 }; *fd >= 0; fd++) {
		CHECK(write(*fd, "one ", 4) == 4);
		CHECK(!put(descriptor(0, *fd), "two ", flags) && !put(descriptor(getpid(), *fd), "three ", flags));
		CHECK(write(*fd, "four", 4) == 4 && holds(*fd, "one two three four"));
	}
	CHECK(has("file", "one two three four", 0644));
	CHECK(!put("link", " five", flags) && holds(anonymous, "one two three four five"));

	/* of another process: replaced at the end, or not at all */
	other = fork();
	if (!other) {
		pause();
		_exit(0);
	}
	CHECK(!kho_output_open(descriptor(other, gone), 0600, flags, &output, NULL) &&
	      write(kho_output_fd(output), "bad", 3) == 3);
	kho_output_discard(output);
	CHECK(holds(gone, "one two three four"));
	CHECK(!put(descriptor(other, gone), "new", flags) && holds(gone, "new"));
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);

	CHECK(!pipe(fds) && !put(descriptor(0, fds[1]), "piped", flags) && read(fds[0], (char[8]){ 0 }, 8) == 5);
	CHECK(put(descriptor(0, fds[0]), "", flags) == KHO_ERR_OS);
	close(fds[0]);
	close(fds[1]);
	CHECK(put(descriptor(0, fds[1]), "", flags) == KHO_ERR_OS);
	close(named);
	close(gone);
	close(anonymous);
	CHECK(names(".", true) == 2);
}

static void planted(void)
{
	const uid_t other = 12345;

	mkdir("tmp", 0755);
	make("victim", "before", 0600);
	CHECK(!chmod("tmp", 01777) && !symlink("../victim", "tmp/link") && !mkfifo("tmp/fifo", 0666));
	make("tmp/file", "bait", 0666);
	CHECK(!lchown("tmp/link", other, other) && !chown("tmp/fifo", other, other) &&
	      !chown("tmp/file", other, other));
	CHECK(put("tmp/link", "secret", 0) == KHO_ERR_PERMISSION && has("victim", "before", 0600));
	CHECK(put("tmp/fifo", "secret", 0) == KHO_ERR_PERMISSION);
	/* replaced, without the mode that the other user chose */
	CHECK(!put("tmp/file", "secret", 0) && has("tmp/file", "secret", 0640));
	CHECK(!lchown("tmp/link", 0, 0) && !put("tmp/link", "after", 0) && has("victim", "after", 0600));
	CHECK(!chmod("tmp", 0777) && names("tmp", true) == 3 && names(".", true) == 2);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) || names(".", false)) {
		fputs("usage: test-output FOLDER (an empty one)\n", stderr);
		return 2;
	}
	umask(0);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		without_tmpfile = i;
		regular();
		errors();
		read_only();
		links();
		devices();
		fifo(0);
		fifo(KHO_OUTPUT_SEEKABLE);
		standard_output();
		descriptors(0);
		descriptors(KHO_OUTPUT_SEEKABLE);
		killed();
		if (!geteuid())
			planted();
	}
	if (geteuid())
		puts("not root: files of other users were not tried");
	return wrong;
}
