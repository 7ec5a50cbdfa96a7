/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef KHO_DECOMPRESS_H
#define KHO_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the first @size bytes, which came out so far, are enough. They move. */
typedef bool (*kho_enough_fn)(const unsigned char *data, size_t size, void *arg);

/*
 * Unpacks gzip, xz, lzma, zstd or (legacy) lz4, told by its magic, to at most
 * @max bytes in *out, which the caller frees. What follows the compressed stream
 * is ignored. With @enough (or NULL) it is asked now and then, and *out is what there
 * is by then; a checksum over all is not looked at. KHO_ERR_UNSUPPORTED for another
 * format, KHO_ERR_CORRUPT, KHO_ERR_NOMEM.
 */
int kho_decompress(const unsigned char *in, size_t in_size, size_t max,
		   kho_enough_fn enough, void *arg, unsigned char **out, size_t *out_size);

#endif /* KHO_DECOMPRESS_H */
