/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared by the decoders of subtrees. A decoder reads with kho_decode_read() and reports items with
 * kho_decode_text() and the like. Every function returns 0 or a code that the decoder passes on:
 * a negative error, or KHO_DECODE_STOPPED.
 */
#ifndef KHO_DECODE_H
#define KHO_DECODE_H

#include "addr_set.h"
#include "error.h"
#include "state.h"

struct kho_vmalloc;

/* The callback stopped the walk, or the rest must not be read. Not an error. */
#define KHO_DECODE_STOPPED 1

/* State of memory that a subtree refers to. */
enum kho_kept {
	KHO_KEPT,		/* still as the owner left it */
	KHO_NOT_KEPT,		/* outgoing: not preserved */
	KHO_KEPT_UNKNOWN,	/* outgoing: the map cannot be read */
};

/* Callbacks of a walk over a subtree, which stop it by returning non-zero. Each may be NULL. */
struct kho_walk {
	int (*fn)(const struct kho_item *item, void *data);
	void *data;
	/* called before each read; memory that is KHO_NOT_KEPT is then not read */
	int (*touch)(uint64_t addr, size_t size, enum kho_kept kept, void *data);
	void *touch_data;
	bool known_only;	/* skip blobs of unknown formats */
};

struct kho_decoder {
	struct kho_state *state;
	struct kho_error *err;	/* never NULL */
	const struct kho_walk *walk;
	struct kho_map *map;	/* of an outgoing state; NULL if unreadable */
	unsigned int depth;
	struct kho_addr_set entered;
	uint64_t budget;	/* bytes that may still be read */
};

/*
 * Decodes @subtree for @walk. In an outgoing state, reads only preserved memory. In an incoming
 * one, reads only blobs that their owners keep and follows no link: the kernel has freed the
 * rest and may use it for something else. See docs/incoming.md.
 */
int kho_subtree_walk(struct kho_state *state, const struct kho_subtree *subtree,
		     const struct kho_walk *walk, struct kho_error *err);
/* True if the blob must not be read, because its owner frees it. */
bool kho_subtree_is_freed(const struct kho_state *state, const struct kho_subtree *subtree);

/* Copies the compatible string of the blob. KHO_ERR_NOT_FOUND if it has none or is not readable. */
int kho_subtree_compatible(struct kho_state *state, const struct kho_subtree *subtree,
			   char *buf, size_t size, struct kho_error *err);

int kho_decode_read(struct kho_decoder *d, uint64_t addr, void *buf, size_t size);
/* Checks the target of a link: an error if the walk was there before, or @addr is not aligned. */
int kho_decode_enter(struct kho_decoder *d, uint64_t addr, uint64_t alignment, const char *what);
int kho_decode_corrupt(struct kho_decoder *d, uint64_t addr, const char *fmt, ...)
	KHO_PRINTF(3, 4);

/* Opens a group, with @text about it or ""; kho_decode_end() closes it. */
int kho_decode_group(struct kho_decoder *d, const char *name, const char *text);
void kho_decode_end(struct kho_decoder *d);
/* @text ends after @size bytes or at its first NUL. */
int kho_decode_text(struct kho_decoder *d, const char *name, const char *text, size_t size);
int kho_decode_number(struct kho_decoder *d, const char *name, uint64_t value);
int kho_decode_hex(struct kho_decoder *d, const char *name, uint64_t value);
int kho_decode_size(struct kho_decoder *d, const char *name, uint64_t value);
/* Memory that the subtree hands over; @text is a remark, or "". */
int kho_decode_memory(struct kho_decoder *d, const char *name, uint64_t addr, uint64_t size,
		      const char *text);
/* Data of an unknown format, which calls itself @format. */
int kho_decode_unknown(struct kho_decoder *d, const char *name, const char *format, size_t size);

/* Reads and checks a blob that is an FDT. The caller frees *fdt. */
int kho_decode_fdt(struct kho_decoder *d, const struct kho_subtree *subtree, void **fdt);
/* Reports the compatible of a node. *known: it is @expected. */
int kho_decode_compatible(struct kho_decoder *d, const void *fdt, int node, const char *expected,
			  bool *known);
/* Copies a property of exactly @size bytes. */
int kho_decode_prop(struct kho_decoder *d, const void *fdt, int node, const char *name,
		    void *value, size_t size);

/* Calls @fn for each block of pages of a preserved vmalloc area, in order. */
int kho_decode_vmalloc(struct kho_decoder *d, const struct kho_vmalloc *vmalloc,
		       int (*fn)(struct kho_decoder *d, uint64_t addr, size_t size, void *data),
		       void *data);
/* Calls @fn for the first @n entries of an array in such an area. @entry bytes divide a page. */
int kho_decode_vmalloc_array(struct kho_decoder *d, const struct kho_vmalloc *vmalloc,
			     uint64_t n, size_t entry,
			     int (*fn)(struct kho_decoder *d, const void *entry, void *data),
			     void *data);

/* The decoders, for the table in decode.c. */
int kho_decode_memblock(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_test(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_metadata(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_luo(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_dma(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_raw(struct kho_decoder *d, const struct kho_subtree *subtree);
/* Decodes a memfd of a LUO session. */
int kho_decode_memfd(struct kho_decoder *d, uint64_t addr);

#endif /* KHO_DECODE_H */
