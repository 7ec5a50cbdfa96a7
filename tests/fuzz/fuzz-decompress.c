// SPDX-License-Identifier: GPL-2.0-or-later
/* Packed kernels: the first byte says how much to unpack, the rest is packed data. */
#include <stdlib.h>
#include <string.h>

#include "libkho/decompress.h"
#include "memory.h"

static bool enough(const unsigned char *data, size_t size, void *arg)
{
	size_t wanted = *(size_t *)arg;

	/* all bytes that it gets are readable */
	return size && (memchr(data, 0xa5, size) != NULL) && size >= wanted;
}

int fuzz_one(const uint8_t *data, size_t size)
{
	unsigned char *out = NULL;
	size_t n = 0, max, wanted;

	if (!size)
		return -1;
	max = (size_t)64 << 10 << data[0] % 8;
	wanted = max / 2;
	if (!kho_decompress(data + 1, size - 1, max, NULL, NULL, &out, &n)) {
		if (n > max || (n && !out))
			abort();
		free(out);
	}
	out = NULL;
	if (!kho_decompress(data + 1, size - 1, max, enough, &wanted, &out, &n)) {
		if (n > max)
			abort();
		free(out);
	}
	return 0;
}
