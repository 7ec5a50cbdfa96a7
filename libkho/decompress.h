/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef KHO_DECOMPRESS_H
#define KHO_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>

/* True if the first @size bytes of the output are enough. @data may move between calls. */
typedef bool (*kho_enough_fn)(const unsigned char *data, size_t size, void *arg);

/*
 * Decompresses gzip, xz, lzma, zstd or (legacy) lz4, recognised by its magic, to at most
 * @max bytes. The caller frees *out. Ignores data after the compressed stream. Calls
 * @enough (may be NULL) repeatedly and stops when it returns true; does not check the
 * checksum of gzip then. KHO_ERR_UNSUPPORTED: another format; KHO_ERR_NOT_FOUND: liblz4 or liblzma is
 * missing; KHO_ERR_CORRUPT, KHO_ERR_NOMEM.
 */
int kho_decompress(const unsigned char *in, size_t in_size, size_t max,
		   kho_enough_fn enough, void *arg, unsigned char **out, size_t *out_size);

#endif /* KHO_DECOMPRESS_H */
