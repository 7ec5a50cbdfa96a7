// SPDX-License-Identifier: GPL-2.0-or-later
/* test-sandbox: checks which calls each step of the sandbox allows and forbids. */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/kho-inspect/sandbox.h"

static int failures;

static void expect(const char *what, bool works, int result)
{
	if (works ? result < 0 : result >= 0 || errno != EPERM) {
		printf("%s: %s\n", what, result < 0 ? strerror(errno) : "allowed");
		failures++;
	}
}

static int try_open(int flags)
{
	int fd = open("test-sandbox.file", flags, 0600);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* mprotect(), which could make memory executable later, has the same rule. */
static int try_map(int protection)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret, saved;

	if (p == MAP_FAILED)
		return -1;
	ret = mprotect(p, 4096, protection);
	saved = errno;
	munmap(p, 4096);
	errno = saved;
	if (!ret && mmap(p, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return -1;
	return ret;
}

/* System calls of a parser, and those that it must not make. */
static void expect_confined(int terminal)
{
	char *argv[] = { "true", NULL };
	struct termios2 settings;

	/* isatty() of the C library that is in use, and of glibc since 2.42 */
	expect("isatty", true, isatty(terminal) ? 0 : -1);
	expect("TCGETS2", true, ioctl(terminal, TCGETS2, &settings));
	expect("TCSETS2", false, ioctl(terminal, TCSETS2, &settings));
	expect("socket", false, socket(AF_INET, SOCK_DGRAM, 0));
	expect("execve", false, execv("/bin/true", argv));
	expect("chdir", false, chdir("/"));
	expect("chmod", false, chmod("test-sandbox.file", 0777));
	expect("setuid", false, setuid(0));
	expect("rename", false, rename("test-sandbox.file", "test-sandbox.other"));
	expect("link", false, link("test-sandbox.file", "test-sandbox.other"));
	expect("unlink", false, unlink("test-sandbox.file"));
	expect("signal to another process", false, (int)syscall(SYS_tgkill, getppid(), getppid(), 0));
	expect("signal to itself", true, (int)syscall(SYS_tgkill, getpid(), getpid(), 0));
	expect("memory", true, try_map(PROT_READ | PROT_WRITE));
	expect("memory to be executed", false, try_map(PROT_READ | PROT_EXEC));
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_SECCOMP) != 2) {
		puts("no filter, or new privileges");
		failures++;
	}
}

int main(void)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);

	if (terminal < 0) {
		perror("a terminal");
		return 2;
	}
	if (try_open(O_RDWR | O_CREAT) < 0) {
		perror("test-sandbox.file");
		return 2;
	}

	if (sandbox_enter(SANDBOX_READ))
		return 2;
	expect("open to read", true, try_open(O_RDONLY));
	expect("open to write", false, try_open(O_WRONLY));
	expect("make a file", false, try_open(O_RDONLY | O_CREAT));
	expect_confined(terminal);

	if (sandbox_enter(SANDBOX_CLOSED))
		return 2;
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer must read /proc/self/maps */
	expect("open to read, when all is open", false, try_open(O_RDONLY));
#endif
	expect_confined(terminal);
	expect("write", true, printf("%d failures\n", failures));
	return failures != 0;
}
