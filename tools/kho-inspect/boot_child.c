// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a function in a child that may crash, hang or run out of memory, because it reads memory
 * that another kernel wrote. The child restricts its system calls and its memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"

#define DEBUGFS "/sys/kernel/debug"

uint64_t boot_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/*
 * Mounts debugfs in a mount namespace of this process: no other process sees it, and it goes
 * away with the process. A failure shows when debugfs is read.
 */
void boot_mount_debugfs(void)
{
	struct statfs fs;

	if (!statfs(DEBUGFS, &fs) && fs.f_type == DEBUGFS_MAGIC)
		return;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return;
	mount("debugfs", DEBUGFS, "debugfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* A quarter of RAM is plenty: KHO's metadata is about a thousandth of the memory it describes. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__ /* AddressSanitizer maps terabytes */
	const rlim_t least = 256u << 20;
	struct sysinfo info;
	struct rlimit limit;

	if (sysinfo(&info))
		return;
	limit.rlim_cur = (rlim_t)info.totalram * info.mem_unit / 4;
	if (limit.rlim_cur < least)
		limit.rlim_cur = least;
	limit.rlim_max = limit.rlim_cur;
	setrlimit(RLIMIT_DATA, &limit);
#endif
}

/*
 * @null replaces the caller's output. That may be a pipe, and its reader waits until no process has
 * it open. A child that hangs in the kernel survives even SIGKILL.
 */
static void __attribute__((noreturn)) run_child(int null, int to_parent, boot_child_fn fn,
						void *data, void *result, size_t size)
{
	const struct rlimit no_core = { 0, 0 };

	dup2(null, STDOUT_FILENO);
	/* the parent enforces the time limit */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	limit_memory();
	fn(data, result);
	_exit(write(to_parent, result, size) == (ssize_t)size ? 0 : 2);
}

/* Reads @size bytes until @deadline. 1: all of them; 0: end of file; -ETIME; -errno. */
static int read_until(int fd, void *result, size_t size, uint64_t deadline)
{
	char *to = result;

	while (size) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		uint64_t now = boot_clock();
		ssize_t n;
		int ret;

		if (now >= deadline)
			return -ETIME;
		ret = poll(&poll_fd, 1, deadline - now < 60000 ? (int)(deadline - now) : 60000);
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (ret <= 0)
			continue;
		n = read(fd, to, size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return 0;
		if (n > 0) {
			to += n;
			size -= (size_t)n;
		}
	}
	return 1;
}

static void say_how_it_ended(pid_t pid, char *why, size_t size)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		snprintf(why, size, "its exit status is unknown");
	else if (WIFSIGNALED(status))
		snprintf(why, size, "it was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(why, size, "it ended with status %d", WEXITSTATUS(status));
}

static int wait_for(pid_t pid, int fd, void *result, size_t size, uint64_t deadline, char *why,
		    size_t why_size)
{
	int ret = read_until(fd, result, size, deadline);

	if (!ret) {
		say_how_it_ended(pid, why, why_size);
		return -ECHILD;
	}
	/* do not wait: a child that hangs in the kernel does not die, and a stopped one does not end */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, WNOHANG);
	if (ret > 0)
		return 0;
	snprintf(why, why_size, "%s", ret == -ETIME ? "time is over" : strerror(-ret));
	return ret;
}

int boot_run_child(boot_child_fn fn, void *data, void *result, size_t size, uint64_t deadline,
		   char *why, size_t why_size)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), fds[2], ret;
	pid_t pid;

	if (null < 0 || pipe2(fds, O_CLOEXEC)) {
		ret = -errno;
		snprintf(why, why_size, "%s: %s", null < 0 ? "cannot open /dev/null" : "no pipe",
			 strerror(-ret));
		if (null >= 0)
			close(null);
		return ret;
	}
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(fds[0]);
		run_child(null, fds[1], fn, data, result, size);
	}
	ret = -errno;
	close(null);
	close(fds[1]);
	if (pid < 0)
		snprintf(why, why_size, "no process: %s", strerror(-ret));
	else
		ret = wait_for(pid, fds[0], result, size, deadline, why, why_size);
	close(fds[0]);
	return ret;
}
