/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocations of libkho and the tools that a test lets fail: link with --wrap for each function of wrap-memory.c. */
#ifndef TESTS_WRAP_MEMORY_H
#define TESTS_WRAP_MEMORY_H

#include <stdbool.h>

/* The test defines it. Returns true, with errno set, if this allocation fails. */
bool memory_runs_out(void);

#endif /* TESTS_WRAP_MEMORY_H */
