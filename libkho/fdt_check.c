// SPDX-License-Identifier: LGPL-2.1-or-later
#include <libfdt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fdt_check.h"

/*
 * True if the tags of an FDT have an end, even a damaged one. In libfdt 1.6, the tag after
 * a property of negative length may be the property itself, so that fdt_check_full()
 * never returns.
 */
static bool tags_end(const void *fdt)
{
	int offset = 0, next;

	while (fdt_next_tag(fdt, offset, &next) != FDT_END) {
		if (next <= offset)
			return false;
		offset = next;
	}
	return true;
}

/* Names of properties in device trees have at most 31 characters. */
#define MAX_NAME	64

/*
 * True if no string of the FDT is longer than MAX_NAME. libfdt searches the end of a name for each
 * property, and many properties may share a long name.
 */
static bool strings_end(const void *fdt)
{
	const char *strings = (const char *)fdt + fdt_off_dt_strings(fdt);
	size_t run = 0;

	for (uint32_t i = 0; i < fdt_size_dt_strings(fdt); i++) {
		run = strings[i] ? run + 1 : 0;
		if (run > MAX_NAME)
			return false;
	}
	return true;
}

int kho_fdt_check(const void *fdt, size_t size)
{
	int ret;

	if (size < sizeof(struct fdt_header))
		return -FDT_ERR_TRUNCATED;
	ret = fdt_check_header(fdt);
	if (ret)
		return ret;
	/* fdt_check_full() of libfdt 1.6 dereferences NULL if an older FDT has a name without a '/' */
	if (fdt_version(fdt) < KHO_FDT_VERSION)
		return -FDT_ERR_BADVERSION;
	/* tags_end() reads up to the total size */
	if (fdt_totalsize(fdt) > size)
		return -FDT_ERR_TRUNCATED;
	/* fdt_check_header() made sure that the strings are within the total size */
	if (!strings_end(fdt) || !tags_end(fdt))
		return -FDT_ERR_BADSTRUCTURE;
	return fdt_check_full(fdt, size);
}
