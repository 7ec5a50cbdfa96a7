// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of -o. A separate process, the broker, puts a regular file in place. It parses nothing
 * and starts before the sandbox, so an input that takes over this process cannot rename or remove
 * files.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect.h"

struct reply {
	int ret;
	struct kho_error err;
};

static bool receive(int fd, void *buf, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)size;
}

/* The broker reads one word when all is written, or the end of the pipe to discard the file. */
static void serve(int fd, struct kho_output *output)
{
	struct reply reply = { 0 };
	char word;

	if (!receive(fd, &word, 1))
		return;
	reply.ret = kho_output_commit(output, &reply.err);
	send(fd, &reply, sizeof(reply), MSG_NOSIGNAL);
}

static bool start_broker(struct outfile *outfile)
{
	int fds[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return false;
	child = fork();
	if (child) {
		close(fds[1]);
		outfile->broker = fds[0];
		return child > 0;
	}
	close(fds[0]);
	/* the broker must not keep our output open for its reader */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	/* a reader that has gone is an error to report */
	signal(SIGPIPE, SIG_IGN);
	serve(fds[1], outfile->output);
	_exit(0);
}

/* True if both name the same regular file. */
static bool is_same_file(const char *path, const char *input)
{
	struct stat st, other;

	return input && !stat(path, &st) && !stat(input, &other) && S_ISREG(st.st_mode) &&
	       st.st_dev == other.st_dev && st.st_ino == other.st_ino;
}

/* Like realpath(), but the file itself need not exist. */
static bool resolve(const char *path, char file[PATH_MAX])
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char parent[PATH_MAX];
	int n;

	if (realpath(path, file))
		return true;
	if (errno != ENOENT || strlen(path) >= sizeof(parent))
		return false;
	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	if (!realpath(parent, file))
		return false;
	n = (int)strlen(file);
	return snprintf(file + n, (size_t)(PATH_MAX - n), "/%s", name) < PATH_MAX - n;
}

bool is_file_below(const char *path, const char *root, const char *sub)
{
	char folder[PATH_MAX], file[PATH_MAX], below[PATH_MAX];
	struct stat st;
	size_t n;

	if (!path || !*path || !root || (!stat(path, &st) && !S_ISREG(st.st_mode)) ||
	    snprintf(below, sizeof(below), "%s/%s", root, sub) >= (int)sizeof(below) ||
	    !realpath(below, folder) || !resolve(path, file))
		return false;
	n = strlen(folder);
	return !strncmp(file, folder, n) && (file[n] == '/' || folder[n - 1] == '/');
}

bool is_input(const struct options *options, const char *path)
{
	return is_same_file(path, options->core) || is_same_file(path, options->vmlinux) ||
	       is_file_below(path, options->sysroot, "proc") ||
	       is_file_below(path, options->sysroot, "sys");
}

bool outfile_open(struct options *options)
{
	struct outfile *outfile = options->outfile;
	struct kho_error err;

	if (!options->output)
		return true;
	if (is_input(options, options->output)) {
		complain("-o %s would replace a file that is read. Write to another file.",
			 options->output);
		return false;
	}
	if (kho_output_open(options->output, 0600, KHO_OUTPUT_SEEKABLE, &outfile->output, &err)) {
		fail(&err);
		return false;
	}
	outfile->is_stdout = kho_output_is_stdout(outfile->output);
	if (options->json && outfile->is_stdout) {
		complain("--json and -o cannot both go to the standard output. Leave one of them out.");
		return false;
	}
	if (options->no_sandbox || start_broker(outfile))
		return true;
	complain("cannot start the process that writes %s: %s.", options->output, strerror(errno));
	return false;
}

static bool ask_broker(struct outfile *outfile, struct reply *reply)
{
	FILE *stream = kho_output_stream(outfile->output);

	errno = 0;
	if (!stream || fflush(stream) || ferror(stream))
		return false;
	/* the broker died: report that */
	signal(SIGPIPE, SIG_IGN);
	return write(outfile->broker, "", 1) == 1 &&
	       read(outfile->broker, reply, sizeof(*reply)) == (ssize_t)sizeof(*reply);
}

bool outfile_commit(const struct options *options)
{
	struct outfile *outfile = options->outfile;
	struct reply reply = { 0 };

	if (outfile->broker < 0) {
		reply.ret = kho_output_commit(outfile->output, &reply.err);
	} else if (!ask_broker(outfile, &reply)) {
		complain("cannot write %s: %s.", options->output, strerror(errno ? errno : EIO));
		return false;
	} else {
		kho_output_discard(outfile->output);
	}
	outfile->output = NULL;
	if (reply.ret)
		fail(&reply.err);
	return !reply.ret;
}

FILE *outfile_notes(const struct options *options)
{
	return options->outfile->is_stdout ? stderr : stdout;
}

void outfile_close(struct outfile *outfile)
{
	kho_output_discard(outfile->output);
	if (outfile->broker >= 0)
		close(outfile->broker);
}
