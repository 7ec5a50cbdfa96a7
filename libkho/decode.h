/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the decoders of subtrees share. A decoder reads with kho_decode_read(), tells with
 * kho_decode_text() and the like, and knows nothing of who listens. Every function returns 0 or
 * a negative code, which the decoder passes on; the listener's stop is a code of its own.
 */
#ifndef KHO_DECODE_H
#define KHO_DECODE_H

#include "addr_set.h"
#include "error.h"
#include "state.h"

struct kho_vmalloc;

/* The listener has had enough, or what comes next may not be read: no error to anybody. */
#define KHO_DECODE_STOPPED 1

/* Whether memory is still what the subtree's owner left there. */
enum kho_kept {
	KHO_KEPT,
	KHO_NOT_KEPT,		/* outgoing: not preserved */
	KHO_KEPT_UNKNOWN,	/* outgoing: the map cannot be read */
};

/* Who listens to a walk over a subtree. Each may be NULL. */
struct kho_walk {
	int (*fn)(const struct kho_item *item, void *data);
	void *data;
	/* what is about to be read; it is only when it is kept, or when nobody knows */
	int (*touch)(uint64_t addr, size_t size, enum kho_kept kept, void *data);
	void *touch_data;
	bool known_only;	/* blobs of formats that are not known are left alone */
};

struct kho_decoder {
	struct kho_state *state;
	struct kho_error *err;	/* never NULL */
	const struct kho_walk *walk;
	struct kho_map *map;	/* of an outgoing state; NULL where it cannot be read */
	unsigned int depth;
	struct kho_addr_set entered;
	uint64_t budget;	/* bytes that may still be read */
};

/*
 * Decodes @subtree for @walk. Of an outgoing state only preserved memory is read. Of an incoming
 * one only the blobs that their owners keep as they came are read, and no link is followed: the
 * rest has been freed, and is somebody else's memory. See docs/incoming.md.
 */
int kho_subtree_walk(struct kho_state *state, const struct kho_subtree *subtree,
		     const struct kho_walk *walk, struct kho_error *err);
/* True if nothing of the subtree's blob may be read, since its owner frees it. */
bool kho_subtree_is_freed(const struct kho_state *state, const struct kho_subtree *subtree);

/* What the blob itself calls its format; "" where it does not. */
int kho_subtree_compatible(struct kho_state *state, const struct kho_subtree *subtree,
			   char *buf, size_t size, struct kho_error *err);

int kho_decode_read(struct kho_decoder *d, uint64_t addr, void *buf, size_t size);
/* Something that a link leads to: an error when it was come by before, or is not aligned. */
int kho_decode_enter(struct kho_decoder *d, uint64_t addr, uint64_t alignment, const char *what);
int kho_decode_corrupt(struct kho_decoder *d, uint64_t addr, const char *fmt, ...)
	KHO_PRINTF(3, 4);

/* Opens a group, with @text about it or ""; kho_decode_end() closes it. */
int kho_decode_group(struct kho_decoder *d, const char *name, const char *text);
void kho_decode_end(struct kho_decoder *d);
/* @text of at most @size bytes, up to its end or its first NUL. */
int kho_decode_text(struct kho_decoder *d, const char *name, const char *text, size_t size);
int kho_decode_number(struct kho_decoder *d, const char *name, uint64_t value);
int kho_decode_hex(struct kho_decoder *d, const char *name, uint64_t value);
int kho_decode_size(struct kho_decoder *d, const char *name, uint64_t value);
/* Memory that the subtree hands over; @text says what is known of it, or "". */
int kho_decode_memory(struct kho_decoder *d, const char *name, uint64_t addr, uint64_t size,
		      const char *text);
/* A format that is not known: said as text, with what it is. */
int kho_decode_unknown(struct kho_decoder *d, const char *name, const char *format, size_t size);

/* A blob that is an FDT: read as a whole and checked; the caller frees *fdt. */
int kho_decode_fdt(struct kho_decoder *d, const struct kho_subtree *subtree, void **fdt);
/* Whether the root or a node has this compatible; also tells the compatible. */
int kho_decode_compatible(struct kho_decoder *d, const void *fdt, int node, const char *expected,
			  bool *known);
/* A property of exactly @size bytes, in the byte order of the machine. */
int kho_decode_prop(struct kho_decoder *d, const void *fdt, int node, const char *name,
		    void *value, size_t size);

/* Calls @fn for each piece of a preserved vmalloc area, with its offset in it. */
int kho_decode_vmalloc(struct kho_decoder *d, const struct kho_vmalloc *vmalloc,
		       int (*fn)(struct kho_decoder *d, uint64_t addr, size_t size, void *data),
		       void *data);
/* The same as an array of entries of @entry bytes (that divide a page): the first @n. */
int kho_decode_vmalloc_array(struct kho_decoder *d, const struct kho_vmalloc *vmalloc,
			     uint64_t n, size_t entry,
			     int (*fn)(struct kho_decoder *d, const void *entry, void *data),
			     void *data);

/* The decoders: one for each subtree; the table is in decode.c. */
int kho_decode_memblock(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_test(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_metadata(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_luo(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_dma(struct kho_decoder *d, const struct kho_subtree *subtree);
int kho_decode_raw(struct kho_decoder *d, const struct kho_subtree *subtree);
/* A file of a LUO session, by the name of its handler. */
int kho_decode_memfd(struct kho_decoder *d, uint64_t addr);

#endif /* KHO_DECODE_H */
