// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The number formatting of kho-inspect is faster than the C library's and must write the same: compares
 * them for values of every length, and at the limits.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/kho-inspect/inspect.h"

static int wrong;

static void is(const char *found, const char *expected)
{
	if (!strcmp(found, expected))
		return;
	fprintf(stderr, "expected \"%s\", found \"%s\"\n", expected, found);
	wrong = 1;
}

/* Exact if a double holds all bits of @size. */
static const char *size_by_printf(uint64_t size, char *buf, size_t n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)size;
	size_t unit = 0;

	for (; value >= 1024 && unit < 6; unit++)
		value /= 1024;
	snprintf(buf, n, value < 100 && value != (double)(uint64_t)value ? "%.1f %s" : "%.0f %s",
		 value, units[unit]);
	return buf;
}

static void check(uint64_t value)
{
	struct options options = { .bytes = false };
	char expected[64], found[FORMAT_ROOM];

	snprintf(expected, sizeof(expected), "%" PRIu64, value);
	is(format_uint(value, found), expected);
	snprintf(expected, sizeof(expected), "0x%" PRIx64, value);
	is(format_hex(value, 1, found), expected);
	snprintf(expected, sizeof(expected), "0x%012" PRIx64, value);
	is(format_hex(value, 12, found), expected);
	if (value < 1ull << 53)
		is(format_size(&options, value, found), size_by_printf(value, expected, sizeof(expected)));
	options.bytes = true;
	snprintf(expected, sizeof(expected), "%" PRIu64, value);
	is(format_size(&options, value, found), expected);
}

int main(void)
{
	struct options options = { .bytes = false };
	char found[FORMAT_ROOM];
	uint64_t random = 1;

	for (uint64_t i = 0; i < 200000; i++)
		check(i);
	for (unsigned int shift = 0; shift < 64; shift++) {
		for (uint64_t near = 0; near < 8; near++) {
			check((1ull << shift) + near);
			check((1ull << shift) - near);
			/* halfway between two tenths */
			check((1ull << shift) / 20 * (2 * near + 1));
		}
	}
	for (unsigned int i = 0; i < 200000; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		check(random >> i % 64);
	}
	is(format_size(&options, UINT64_MAX, found), "16.0 EiB");
	is(format_size(&options, 1ull << 63, found), "8 EiB");
	return wrong;
}
