// SPDX-License-Identifier: LGPL-2.1-or-later
/* Options of a kernel's configuration, as scripts/kconfig of Linux 7.3 writes them: one a line. */
#include <string.h>

#include "kconfig.h"

bool kho_kconfig_value(const void *config, size_t size, const char *name,
		       struct kho_cmdline_text *value)
{
	const char *end = (const char *)config + size, *next;
	size_t n = strlen(name);

	for (const char *line = config; line < end; line = next) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		stop = stop ? stop : end;
		next = stop < end ? stop + 1 : end;
		if ((size_t)(stop - line) <= n || line[n] != '=' || memcmp(line, name, n) != 0)
			continue;
		*value = (struct kho_cmdline_text){ line + n + 1, stop };
		return true;
	}
	return false;
}

bool kho_kconfig_is_on(const void *config, size_t size, const char *name)
{
	struct kho_cmdline_text value;

	return kho_kconfig_value(config, size, name, &value) && value.end - value.p == 1 &&
	       *value.p == 'y';
}
