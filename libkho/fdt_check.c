// SPDX-License-Identifier: LGPL-2.1-or-later
#include <libfdt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fdt_check.h"

/*
 * Whether the tags of an FDT come to an end, be it one that is wrong. With libfdt 1.6 the next
 * tag after a property whose length is negative may be the property itself, and
 * fdt_check_full() goes from the one to the other for ever.
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

/* Longer names of properties are nobody's: those of device trees have 31 characters at most. */
#define MAX_NAME	64

/*
 * True if no string of the FDT is longer. libfdt looks for the end of a name each time that it
 * meets it, and many properties may share one.
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
	/* fdt_check_full() of libfdt 1.6 reads NULL where an older one has a name without a '/' */
	if (fdt_version(fdt) < KHO_FDT_VERSION)
		return -FDT_ERR_BADVERSION;
	/* the tags are looked for in all of it */
	if (fdt_totalsize(fdt) > size)
		return -FDT_ERR_TRUNCATED;
	/* fdt_check_header() has seen to it that the strings are in there */
	if (!strings_end(fdt) || !tags_end(fdt))
		return -FDT_ERR_BADSTRUCTURE;
	return fdt_check_full(fdt, size);
}
