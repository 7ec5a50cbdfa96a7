/* SPDX-License-Identifier: GPL-2.0-only */
/* A box for parsers: a child that can compute and answer, and nothing else. */
#ifndef KEXEC_KHO_BOX_H
#define KEXEC_KHO_BOX_H

#include <stddef.h>

enum kho_box_end {
	KHO_BOX_ANSWERED,	/* the answer is there */
	KHO_BOX_ENDED,		/* killed: it needed more memory, or another system call */
	KHO_BOX_NONE,		/* no child could be started, see errno */
};

/*
 * Runs @fn in a child that may use @memory bytes of heap and only the system calls read(), write()
 * and exit(). Copies the @size bytes that it filled in to @answer. Descriptors stay open in the
 * child. A kernel without seccomp still runs @fn in a child.
 */
enum kho_box_end kho_box_run(size_t memory, void (*fn)(const void *question, void *answer),
			     const void *question, void *answer, size_t size);

#endif /* KEXEC_KHO_BOX_H */
