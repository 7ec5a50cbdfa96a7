// SPDX-License-Identifier: GPL-2.0-or-later
/* test-sandbox: what can be done after each step into the sandbox, and what cannot. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* What nothing that parses may do. */
static void expect_confined(void)
{
	char *argv[] = { "true", NULL };

	expect("socket", false, socket(AF_INET, SOCK_DGRAM, 0));
	expect("execve", false, execv("/bin/true", argv));
	expect("chdir", false, chdir("/"));
	expect("chmod", false, chmod("test-sandbox.file", 0777));
	expect("setuid", false, setuid(0));
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_SECCOMP) != 2) {
		puts("no filter, or new privileges");
		failures++;
	}
}

int main(void)
{
	if (try_open(O_RDWR | O_CREAT) < 0) {
		perror("test-sandbox.file");
		return 2;
	}

	if (sandbox_enter(SANDBOX_WRITE))
		return 2;
	expect("open to write, with output", true, try_open(O_RDWR | O_CREAT));
	expect("rename, with output", true, rename("test-sandbox.file", "test-sandbox.file"));
	expect_confined();

	if (sandbox_enter(SANDBOX_READ))
		return 2;
	expect("open to read", true, try_open(O_RDONLY));
	expect("open to write", false, try_open(O_WRONLY));
	expect("make a file", false, try_open(O_RDONLY | O_CREAT));
	expect("rename", false, rename("test-sandbox.file", "test-sandbox.other"));
	expect("unlink", false, unlink("test-sandbox.file"));
	expect_confined();

	if (sandbox_enter(SANDBOX_CLOSED))
		return 2;
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer has to read /proc/self/maps */
	expect("open to read, when all is open", false, try_open(O_RDONLY));
#endif
	expect_confined();
	expect("write", true, printf("%d failures\n", failures));
	return failures != 0;
}
