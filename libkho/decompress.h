/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef KHO_DECOMPRESS_H
#define KHO_DECOMPRESS_H

#include <stddef.h>

/*
 * Unpacks gzip, xz, lzma, zstd or (legacy) lz4, told by its magic, to at most
 * @max bytes in *out, which the caller frees. What follows the compressed stream
 * is ignored. KHO_ERR_UNSUPPORTED for another format, KHO_ERR_CORRUPT,
 * KHO_ERR_NOMEM.
 */
int kho_decompress(const unsigned char *in, size_t in_size, size_t max,
		   unsigned char **out, size_t *out_size);

#endif /* KHO_DECOMPRESS_H */
