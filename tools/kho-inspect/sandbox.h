/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The restrictions of kho-inspect before it reads foreign data. Needs nothing else of kho-inspect,
 * so that a test can use it.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

enum sandbox {
	SANDBOX_READ,	/* may open files to read them */
	SANDBOX_CLOSED,	/* may not open any file */
};

/*
 * Allows the system calls that parsing needs, and @level: no programs, no processes, no sockets,
 * no new privileges. Denied calls fail with EPERM. A later call can only restrict more.
 * Returns 0 or a negative errno; on a kernel without filters (or a build without libseccomp)
 * -ENOSYS.
 */
int sandbox_enter(enum sandbox level);

#endif /* SANDBOX_H */
