/* SPDX-License-Identifier: GPL-2.0-only */
/* A box for parsers: a child that can compute and answer, and nothing else. */
#ifndef KEXEC_KHO_BOX_H
#define KEXEC_KHO_BOX_H

#include <stddef.h>

enum kho_box_end {
	KHO_BOX_ANSWERED,	/* the answer is there */
	KHO_BOX_ENDED,		/* the child was ended: it asked for more memory, or for another call */
	KHO_BOX_NONE,		/* there is no child: errno says why */
};

/*
 * Runs @fn in a child that may use @memory bytes of heap and no system call but read(), write()
 * and exit(), and copies the @size bytes at @answer that it filled in. What is open stays open, but
 * only there. Kernels without seccomp run it in a child all the same.
 */
enum kho_box_end kho_box_run(size_t memory, void (*fn)(const void *question, void *answer),
			     const void *question, void *answer, size_t size);

#endif /* KEXEC_KHO_BOX_H */
