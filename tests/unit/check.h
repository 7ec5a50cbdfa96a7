/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For test programs that go on after a failure: main() returns failed. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>

static int failed;

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			failed = 1; \
		} \
	} while (0)

#endif /* TESTS_CHECK_H */
