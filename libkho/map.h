/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The preserved-memory-map of an outgoing root. Each format is one file with a
 * struct kho_map_format; only map.c chooses one.
 */
#ifndef KHO_MAP_H
#define KHO_MAP_H

#include "root.h"

struct kho_map_format;

/* First member of the structure of each format. */
struct kho_map {
	const struct kho_map_format *format;
	struct kho_source *source;
	uint64_t addr;			/* of its first page */
	unsigned int v1_bitmap;		/* bytes of a bitmap set by the caller, or 0 */
};

/* First member of the iterator of each format. */
struct kho_map_iter {
	struct kho_map *map;
};

/* A bit for each block of 1 << @order pages from @addr on. */
struct kho_map_leaf {
	uint64_t addr;
	unsigned int order;
	const uint64_t *bits;
	size_t nr_words;		/* of 64 bits each */
};

struct kho_map_format {
	/* Reads the structure of the map. @place has the members that map.c set. */
	int (*open)(const struct kho_map *place, struct kho_map **out, struct kho_error *err);
	void (*close)(struct kho_map *map);
	int (*begin)(struct kho_map *map, struct kho_map_iter **out, struct kho_error *err);
	int (*next)(struct kho_map_iter *iter, struct kho_map_entry *entry, struct kho_error *err);
	void (*end)(struct kho_map_iter *iter);
	/*
	 * Finds the end of the preserved block that covers @addr; *end is 0 if none does. @size
	 * is the likely size of the block, which only affects speed.
	 */
	int (*covered_until)(struct kho_map *map, uint64_t addr, uint64_t size, uint64_t *end,
			     struct kho_error *err);
	int (*has_larger)(struct kho_map *map, uint64_t addr, uint64_t size, unsigned int order,
			  struct kho_error *err);
	int (*for_each_node)(struct kho_map *map, int (*fn)(uint64_t addr, void *data),
			     void *data, struct kho_error *err);
	int (*for_each_leaf)(struct kho_map *map,
			     int (*fn)(const struct kho_map_leaf *leaf, void *data), void *data,
			     struct kho_error *err);
};

extern const struct kho_map_format kho_map_radix;	/* kho-v3 and later */
extern const struct kho_map_format kho_map_bitmap;	/* kho-v1 */

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
 * Calls @fn for each leaf of the map, order by order: much faster than the iterator, but not
 * sorted. Returns 0, or 1 if @fn stopped it by returning non-zero. Negative if the end of the map
 * is unreadable or a leaf has keys that only the iterator can judge.
 */
int kho_map_leaves(struct kho_map *map, int (*fn)(const struct kho_map_leaf *leaf, void *data),
		   void *data, struct kho_error *err);
/*
 * Returns 1 if a preserved block larger than 1 << @order pages covers part of [addr, addr+size),
 * else 0. The range lies in one leaf of @order.
 */
int kho_map_has_larger(struct kho_map *map, uint64_t addr, uint64_t size, unsigned int order,
		       struct kho_error *err);

#endif /* KHO_MAP_H */
