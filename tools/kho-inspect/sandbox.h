/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kho-inspect gives up before it looks at what others wrote. Needs nothing of the
 * rest of kho-inspect, so that a test can use it.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

enum sandbox {
	SANDBOX_READ,	/* files may be opened to be read */
	SANDBOX_CLOSED,	/* none may be opened any more */
};

/*
 * Allows nothing but what parsing takes, and @level: no programs, no processes, no sockets,
 * no new privileges. What is denied fails with EPERM. Later calls can only take away more.
 * Returns 0 or a negative errno; on a kernel without filters (or a build without libseccomp)
 * -ENOSYS.
 */
int sandbox_enter(enum sandbox level);

#endif /* SANDBOX_H */
