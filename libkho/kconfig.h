/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internal interface for options of a kernel's configuration (.config). */
#ifndef KHO_KCONFIG_H
#define KHO_KCONFIG_H

#include "cmdline.h"

/*
 * Finds the line "NAME=VALUE" in the @size bytes of @config. Returns false, and leaves @value, if
 * no line sets @name.
 */
bool kho_kconfig_value(const void *config, size_t size, const char *name,
		       struct kho_cmdline_text *value);
/* True if the option is built in: "NAME=y". */
bool kho_kconfig_is_on(const void *config, size_t size, const char *name);

#endif /* KHO_KCONFIG_H */
