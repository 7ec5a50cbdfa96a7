/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The preserved-memory-map of an outgoing root. Each format is one file with a
 * struct kho_map_format; only map.c chooses one.
 */
#ifndef KHO_MAP_H
#define KHO_MAP_H

#include "root.h"

struct kho_map_format;

/* A bit for each block of 1 << @order pages from @addr on. */
struct kho_map_leaf {
	uint64_t addr;
	unsigned int order;
	size_t nr_words;		/* of 64 bits each */
	uint64_t bits[];		/* room for kho_map.leaf_words */
};

/* A leaf of this order would span all addresses. */
#define KHO_MAP_ORDERS(shift)	(64 - (shift) - KHO_RADIX_BITMAP_BITS(shift))
#define KHO_MAP_MAX_ORDERS	KHO_MAP_ORDERS(KHO_ABI_MIN_PAGE_SHIFT)

/* First member of the structure of each format. */
struct kho_map {
	const struct kho_map_format *format;
	struct kho_source *source;
	uint64_t addr;			/* of its first page */
	uint64_t root;			/* address of the root FDT's page, or KHO_NO_ADDR */
	unsigned int page_shift;	/* of the source */
	unsigned int v1_bitmap;		/* bytes of a bitmap set by the caller, or 0 */
	/* set by open() */
	uint64_t orders;		/* a bit for each order that has a leaf */
	size_t leaf_words;		/* of 64 bits, in every leaf */
	bool walked;			/* all pages were found; set by map.c too */
	struct kho_map_leaf *found[KHO_MAP_MAX_ORDERS]; /* leaf of the last look-up, or NULL */
};

struct kho_map_format {
	/* Reads the structure of the map. @place has the members that map.c set. */
	int (*open)(const struct kho_map *place, struct kho_map **out, struct kho_error *err);
	void (*close)(struct kho_map *map);
	/*
	 * Reads the first leaf of @order that ends after @from and begins at or before @last. Returns 1,
	 * or 0 if there is none. Rejects a leaf whose end overflows.
	 */
	int (*leaf_from)(struct kho_map *map, unsigned int order, uint64_t from, uint64_t last,
			 struct kho_map_leaf *leaf, struct kho_error *err);
	/* Finds the pages of the map for for_each_node(). NULL if open() finds them all. */
	int (*find_nodes)(struct kho_map *map, struct kho_error *err);
	/* Calls @fn for each page of the map that was found so far, until it returns non-zero. */
	void (*for_each_node)(struct kho_map *map, int (*fn)(uint64_t addr, void *data),
			      void *data);
};

extern const struct kho_map_format kho_map_radix;	/* kho-v3 and later */
extern const struct kho_map_format kho_map_bitmap;	/* kho-v1 */

/*
 * Bytes of a bitmap of kho-v1 in the release of @source; 0 if unknown, because Linux 6.17 changed the
 * size within its stable series.
 */
unsigned int kho_v1_bitmap_of_release(const struct kho_source *source);

/*
 * KHO_ERR_NOT_PRESENT for an incoming root, because the kernel frees its map;
 * KHO_ERR_UNSUPPORTED for an unknown format.
 */
int kho_map_open(struct kho_source *source, const struct kho_root *root, unsigned int v1_bitmap,
		 struct kho_map **out, struct kho_error *err);
void kho_map_close(struct kho_map *map);

/* Implement kho_map_iter_create(), kho_map_contains() and kho_map_for_each_node(). */
int kho_map_begin(struct kho_map *map, struct kho_map_iter **out, struct kho_error *err);
int kho_map_covers(struct kho_map *map, uint64_t addr, uint64_t size, struct kho_error *err);
int kho_map_nodes(struct kho_map *map, int (*fn)(uint64_t addr, void *data), void *data,
		  struct kho_error *err);
/*
 * Calls @fn for each leaf of the map, order by order: faster than the iterator, but not sorted.
 * Returns 0, or 1 if @fn stopped it by returning non-zero. Negative if the end of the map is
 * unreadable.
 */
int kho_map_leaves(struct kho_map *map, int (*fn)(const struct kho_map_leaf *leaf, void *data),
		   void *data, struct kho_error *err);

#endif /* KHO_MAP_H */
