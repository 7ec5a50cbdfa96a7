// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <errno.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kexec-kho-box.h"

#define LEAST_MEMORY	(16u << 20)

/*
 * Grows the heap to its final size: malloc() then makes no system call, and the box ends a child
 * that asks for more. A page costs memory only once it is touched.
 */
static void take_heap(size_t memory)
{
	void *all = NULL;

	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, -1);
	/* a small machine may not have that much */
	while (!all && memory >= LEAST_MEMORY) {
		all = malloc(memory);
		memory /= 2;
	}
	free(all);
}

static void __attribute__((noreturn)) be_child(int fd, size_t memory,
					       void (*fn)(const void *question, void *answer),
					       const void *question, void *answer, size_t size)
{
	take_heap(memory);
	/* this leaves only read(), write(), exit() and sigreturn() */
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	fn(question, answer);
	/* below PIPE_BUF, so the write is all or nothing */
	if (write(fd, answer, size) != (ssize_t)size)
		syscall(SYS_exit, 1);
	for (;;)
		syscall(SYS_exit, 0);
}

static bool read_answer(int fd, char *answer, size_t size)
{
	size_t have = 0;
	ssize_t n;

	while (have < size) {
		n = read(fd, answer + have, size - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

enum kho_box_end kho_box_run(size_t memory, void (*fn)(const void *question, void *answer),
			     const void *question, void *answer, size_t size)
{
	bool answered;
	int fds[2];
	pid_t child;

	if (pipe(fds))
		return KHO_BOX_NONE;
	child = fork();
	if (child < 0) {
		close(fds[0]);
		close(fds[1]);
		return KHO_BOX_NONE;
	}
	if (!child)
		be_child(fds[1], memory, fn, question, answer, size);
	close(fds[1]);
	answered = read_answer(fds[0], answer, size);
	close(fds[0]);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return answered ? KHO_BOX_ANSWERED : KHO_BOX_ENDED;
}

#endif /* HAVE_LIBKHO */
