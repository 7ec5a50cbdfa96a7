// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writes files as a whole or not at all. The content goes to a file without a name (O_TMPFILE),
 * which gets its name when it is complete. A program that dies leaves nothing to clean up.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"
#include "kho_output.h"

#define MAX_LINKS	40	/* like the kernel */
#define NAME_TRIES	100

struct kho_output {
	char *path;		/* for messages */
	char *name;		/* of the regular file in @folder */
	int folder;		/* -1: not a regular file */
	int fd;			/* the caller writes to it */
	int target;		/* receives the content of @fd in the end, or -1 */
	bool truncates;		/* the content replaces that of @target */
	bool linkable;		/* @fd can get a name */
	bool is_stdout;
	mode_t mode;		/* of the file, before the umask */
	bool keeps_mode;	/* @mode is that of the file to replace */
	FILE *stream;
};

/* ---------------------------------------------------------------- opening */

/* Replaces *folder by that of @path, relative to it, and sets *name. False with errno. */
static bool split(int *folder, char **name, const char *path)
{
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
	char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int from = *folder, fd;

	*name = strdup(last);
	if (!parent || !*name) {
		free(parent);
		errno = ENOMEM;
		return false;
	}
	if (!*last || !strcmp(last, ".") || !strcmp(last, "..")) {
		free(parent);
		errno = *path ? EISDIR : ENOENT;
		return false;
	}
	fd = openat(from, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(parent);
	if (from >= 0)
		close(from);
	*folder = fd;
	return fd >= 0;
}

/* True if Linux would refuse it with fs.protected_symlinks or fs.protected_fifos. */
static bool is_planted(int folder, const struct stat *st)
{
	struct stat parent;

	if (fstat(folder, &parent))
		return true;
	return parent.st_mode & S_ISVTX && parent.st_mode & S_IWOTH && st->st_uid != geteuid() &&
	       st->st_uid != parent.st_uid;
}

static int refuse_planted(const struct kho_output *output, const char *what, struct kho_error *err)
{
	kho_fail(err, KHO_ERR_PERMISSION, KHO_NO_ADDR,
		 "%s is a %s of another user in a folder that everybody may write to", output->path, what);
	return kho_remedy(err, KHO_ERR_PERMISSION, "Remove it, or write elsewhere.");
}

/* Returns the target of the link, which the caller frees, or NULL with errno. */
static char *read_link(int folder, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(folder, name, target, sizeof(target));

	if (n == (ssize_t)sizeof(target))
		errno = ENAMETOOLONG;
	return n < 0 || n == (ssize_t)sizeof(target) ? NULL : strndup(target, (size_t)n);
}

/*
 * True if the links there may be those of open files (/proc/PID/fd): the text of such a link is
 * not a name of the file, which may be deleted or may never have had one.
 */
static bool is_in_proc(const struct kho_output *output)
{
	struct statfs fs;

	return !fstatfs(output->folder, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* The file descriptor of this process that the output is a link to (/dev/fd/3), or -1. */
static int own_descriptor(const struct kho_output *output)
{
	struct stat st, own;
	char *end;
	long fd;

	if (fstat(output->folder, &st) || stat("/proc/self/fd", &own) || st.st_dev != own.st_dev ||
	    st.st_ino != own.st_ino)
		return -1;
	fd = strtol(output->name, &end, 10);
	return *end || fd < 0 || fd > INT_MAX ? -1 : (int)fd;
}

/*
 * Follows links by hand to find the folder of their target. Returns 0 with *st for output->name;
 * st_mode is 0 if it does not exist yet.
 */
static int follow_links(struct kho_output *output, struct stat *st, struct kho_error *err)
{
	char *path = strdup(output->path);

	for (int i = 0; path && i <= MAX_LINKS; i++) {
		struct stat end;

		free(output->name);
		output->name = NULL;
		if (!split(&output->folder, &output->name, path))
			break;
		free(path);
		path = NULL;
		if (fstatat(output->folder, output->name, st, AT_SYMLINK_NOFOLLOW)) {
			st->st_mode = 0;
			return errno == ENOENT ? 0 : kho_fail_os(err, "look at", output->path);
		}
		if (!S_ISLNK(st->st_mode))
			return 0;
		if (is_planted(output->folder, st))
			return refuse_planted(output, "link", err);
		if (!fstatat(output->folder, output->name, &end, 0) &&
		    (!S_ISREG(end.st_mode) || is_in_proc(output))) {
			*st = end;
			return 0;
		}
		path = read_link(output->folder, output->name);
		errno = path ? ELOOP : errno;
	}
	free(path);
	return kho_fail_os(err, "write", output->path);
}

static bool random_name(const struct kho_output *output, char name[NAME_MAX + 1])
{
	uint64_t random;
	ssize_t n;

	/* the random pool may not be ready in early boot: do not wait for it */
	n = getrandom(&random, sizeof(random), GRND_INSECURE);
	/* before Linux 5.6 */
	if (n < 0 && errno == EINVAL)
		n = getrandom(&random, sizeof(random), 0);
	if (n != sizeof(random))
		return false;
	snprintf(name, NAME_MAX + 1, ".%.200s.%016" PRIx64, output->name, random);
	return true;
}

/* Creates a file with a random name in the folder of the output. */
static int create_beside(const struct kho_output *output, mode_t mode, char name[NAME_MAX + 1])
{
	for (int i = 0; i < NAME_TRIES && random_name(output, name); i++) {
		int fd = openat(output->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);

		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* For a file system without O_TMPFILE. kho_output_commit() copies the content. */
static int open_unlinked(const struct kho_output *output)
{
	char name[NAME_MAX + 1];
	sigset_t all, old;
	int fd;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	fd = create_beside(output, 0600, name);
	if (fd >= 0)
		unlinkat(output->folder, name, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return fd;
}

static int open_regular(struct kho_output *output, const struct stat *st, unsigned int flags,
			struct kho_error *err)
{
	/* rename() could replace a file that this user must not write */
	if (st->st_mode && faccessat(output->folder, output->name, W_OK, AT_EACCESS))
		return kho_fail_os(err, "write", output->path);
	if (st->st_mode && st->st_uid == geteuid() && !(flags & KHO_OUTPUT_NEW_MODE)) {
		output->mode = st->st_mode & 0777;
		output->keeps_mode = true;
	}
	output->fd = openat(output->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, output->mode);
	output->linkable = output->fd >= 0;
	/* EISDIR: a kernel that does not know O_TMPFILE tried to open the folder */
	if (output->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		output->fd = open_unlinked(output);
	if (output->fd < 0)
		return kho_fail_os(err, "write", output->path);
	return 0;
}

/* Writes to @fd directly, or through a memfd if the caller seeks. */
static int write_to(struct kho_output *output, int fd, unsigned int flags, struct kho_error *err)
{
	output->fd = fd;
	if (!(flags & KHO_OUTPUT_SEEKABLE))
		return 0;
	output->target = fd;
	output->fd = memfd_create("kho-output", MFD_CLOEXEC);
	return output->fd < 0 ? kho_fail_os(err, "write", output->path) : 0;
}

static int open_special(struct kho_output *output, const struct stat *st, unsigned int flags,
			struct kho_error *err)
{
	int fd;

	if (S_ISFIFO(st->st_mode) && is_planted(output->folder, st))
		return refuse_planted(output, "FIFO", err);
	fd = openat(output->folder, output->name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	close(output->folder);
	output->folder = -1;
	if (fd < 0)
		return kho_fail_os(err, "write", output->path);
	/* the file is another process's, and keeps its content until the commit */
	output->truncates = S_ISREG(st->st_mode);
	return write_to(output, fd, output->truncates ? KHO_OUTPUT_SEEKABLE : flags, err);
}

static bool is_writable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

/* True if @fd writes to @path: the output then continues there. */
static bool is_open_as(int fd, const char *path)
{
	struct stat st, own;

	return is_writable(fd) && !fstat(fd, &own) &&
	       !stat(path, &st) && st.st_dev == own.st_dev && st.st_ino == own.st_ino;
}

/* Continues where @fd, which the caller has inherited, stands. */
static int open_descriptor(struct kho_output *output, int fd, unsigned int flags,
			   struct kho_error *err)
{
	int copy = -1;

	errno = EBADF;
	if (is_writable(fd))
		copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (copy < 0)
		return kho_fail_os(err, "write", output->path);
	if (output->folder >= 0)
		close(output->folder);
	output->folder = -1;
	output->is_stdout = fd == STDOUT_FILENO;
	return write_to(output, copy, flags, err);
}

/* The descriptor that @path means by its name, or -1. /dev of an initramfs may not have these links. */
static int named_descriptor(const char *path)
{
	static const char folder[] = "/dev/fd/";
	char *end;
	long fd;

	if (!strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	if (strncmp(path, folder, strlen(folder)) || path[strlen(folder)] < '0' ||
	    path[strlen(folder)] > '9')
		return -1;
	fd = strtol(path + strlen(folder), &end, 10);
	return *end || fd > INT_MAX ? -1 : (int)fd;
}

static int open_any(struct kho_output *output, unsigned int flags, struct kho_error *err)
{
	struct stat st;
	int ret, own = named_descriptor(output->path);

	if (own >= 0)
		return open_descriptor(output, own, flags, err);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		if (is_open_as(fd, output->path))
			return open_descriptor(output, fd, flags, err);
	}
	ret = follow_links(output, &st, err);
	if (ret)
		return ret;
	own = own_descriptor(output);
	if (own >= 0)
		return open_descriptor(output, own, flags, err);
	return !st.st_mode || (S_ISREG(st.st_mode) && !is_in_proc(output)) ?
	       open_regular(output, &st, flags, err) : open_special(output, &st, flags, err);
}

static void release(struct kho_output *output)
{
	if (output->stream)
		fclose(output->stream);
	else if (output->fd >= 0)
		close(output->fd);
	if (output->target >= 0)
		close(output->target);
	if (output->folder >= 0)
		close(output->folder);
	free(output->name);
	free(output->path);
	free(output);
}

int kho_output_open(const char *path, mode_t mode, unsigned int flags, struct kho_output **out,
		    struct kho_error *err)
{
	struct kho_output *output;
	int ret;

	if (flags & ~(KHO_OUTPUT_SEEKABLE | KHO_OUTPUT_NEW_MODE))
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR, "unknown flags: %#x", flags);
	output = malloc(sizeof(*output));
	if (!output)
		return kho_fail_nomem(err);
	*output = (struct kho_output){ .path = strdup(path), .folder = AT_FDCWD, .fd = -1,
				       .target = -1, .mode = mode };
	ret = output->path ? open_any(output, flags, err)
			   : kho_fail_nomem(err);
	if (ret) {
		release(output);
		return ret;
	}
	*out = output;
	return 0;
}

/* ---------------------------------------------------------------- writing */

void kho_output_fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

const char *kho_output_path(const struct kho_output *output)
{
	return output->path;
}

int kho_output_fd(const struct kho_output *output)
{
	return output->fd;
}

FILE *kho_output_stream(struct kho_output *output)
{
	if (!output->stream)
		output->stream = fdopen(output->fd, "w");
	return output->stream;
}

bool kho_output_is_stdout(const struct kho_output *output)
{
	return output->is_stdout;
}

/* ------------------------------------------------------------------- end */

static bool write_fully(int fd, const char *buf, size_t size)
{
	while (size) {
		ssize_t n = write(fd, buf, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		size -= (size_t)n;
	}
	return true;
}

static bool copy_all(int to, int from)
{
	char buf[32 << 10];
	off_t offset = 0;
	ssize_t n;

	while ((n = pread(from, buf, sizeof(buf), offset)) > 0) {
		if (!write_fully(to, buf, (size_t)n))
			return false;
		offset += n;
	}
	return !n;
}

/* Gives the written file a random name in its folder. False with errno. */
static bool link_beside(const struct kho_output *output, char name[NAME_MAX + 1])
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", output->fd);
	for (int i = 0; i < NAME_TRIES && random_name(output, name); i++) {
		if (!linkat(AT_FDCWD, self, output->folder, name, AT_SYMLINK_FOLLOW))
			return true;
		/* without /proc, which only root may do */
		if (errno == ENOENT && !linkat(output->fd, "", output->folder, name, AT_EMPTY_PATH))
			return true;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

static bool copy_beside(const struct kho_output *output, char name[NAME_MAX + 1])
{
	int fd = create_beside(output, output->mode, name), saved;
	bool ok;

	if (fd < 0)
		return false;
	ok = copy_all(fd, output->fd) && (!output->keeps_mode || !fchmod(fd, output->mode)) &&
	     !fsync(fd);
	saved = errno;
	close(fd);
	if (!ok)
		unlinkat(output->folder, name, 0);
	errno = saved;
	return ok;
}

static bool put_in_place(const struct kho_output *output)
{
	char name[NAME_MAX + 1];
	int saved;

	if (output->linkable) {
		if (output->keeps_mode && fchmod(output->fd, output->mode))
			return false;
		if (fsync(output->fd) || !link_beside(output, name))
			return false;
	} else if (!copy_beside(output, name)) {
		return false;
	}
	if (!renameat(output->folder, name, output->folder, output->name))
		return true;
	saved = errno;
	unlinkat(output->folder, name, 0);
	errno = saved;
	return false;
}

static bool finish(struct kho_output *output)
{
	sigset_t all, old;
	bool ok;

	if (output->stream && (fflush(output->stream) || ferror(output->stream)))
		return false;
	if (output->target >= 0)
		return (!output->truncates || !ftruncate(output->target, 0)) &&
		       copy_all(output->target, output->fd);
	if (output->folder < 0)
		return true;
	/* a signal between link and rename would leave the random name behind */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	ok = put_in_place(output);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ok;
}

int kho_output_commit(struct kho_output *output, struct kho_error *err)
{
	int ret = 0;

	errno = 0;
	if (!finish(output)) {
		/* the errno of an earlier failure of the stream is lost */
		errno = errno ? errno : EIO;
		ret = kho_fail_os(err, "write", output->path);
	}
	release(output);
	return ret;
}

void kho_output_discard(struct kho_output *output)
{
	if (output)
		release(output);
}
