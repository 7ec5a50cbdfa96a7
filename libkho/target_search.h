/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search of a decompressed kernel for its strings and its embedded configuration. */
#ifndef KHO_TARGET_SEARCH_H
#define KHO_TARGET_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kho.h"

#define KHO_TARGET_MAX_SIZE	(1u << 30) /* of an image, packed or not */

struct kho_bytes {
	const unsigned char *data;
	size_t size;
};

/* The search of a kernel, all at once or during decompression. Results go to @target. */
struct kho_target_search {
	struct kho_target *target;
	size_t from;		/* offset where the search for strings continues */
	size_t config_from;	/* the same for the configuration */
	size_t end;		/* of the part with the kernel's own strings, 0: unknown */
	bool found;		/* the kernel's own strings gave all results */
	bool no_memory;		/* memory ran out: the results are incomplete */
};

/* The @size bytes at @at; empty unless all of them are inside. */
struct kho_bytes kho_bytes_part(struct kho_bytes where, uint64_t at, uint64_t size);

/* Sets @out to the @n bytes as kho_text() gives them; to "" and returns false if they do not fit. */
bool kho_bytes_text(char *out, size_t size, const unsigned char *from, size_t n);

/* Takes the first word of @where as the release; false if there is none, or it is truncated. */
bool kho_target_take_release(struct kho_bytes where, struct kho_target *target);

/*
 * True if the decompressed part of an x86 kernel has all results; a kho_decompress() call-back whose
 * @arg is a struct kho_target_search. If its strings are complete but do not mention KHO,
 * decompression continues, and kho_target_search() searches the whole image before the rules report
 * a missing KHO. Also true if memory ran out.
 */
bool kho_target_search_part(const unsigned char *data, size_t size, void *arg);

/* Searches a whole kernel. 0, KHO_ERR_NOT_FOUND if it is not one, or KHO_ERR_NOMEM. */
int kho_target_search(struct kho_bytes image, struct kho_target *target);

#endif /* KHO_TARGET_SEARCH_H */
