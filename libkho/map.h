/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The formats of the preserved-memory-map, behind map.c. */
#ifndef KHO_MAP_H
#define KHO_MAP_H

#include "state.h"

/* kho-v3 and later: a radix tree. As the functions of kho.h, but for the outgoing side only. */
struct kho_radix_iter;
int kho_radix_iter_create(struct kho_state *state, struct kho_radix_iter **out,
			  struct kho_error *err);
int kho_radix_iter_next(struct kho_radix_iter *iter, struct kho_map_entry *entry,
			struct kho_error *err);
void kho_radix_iter_destroy(struct kho_radix_iter *iter);
int kho_radix_for_each_node(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			    void *data, struct kho_error *err);
/* A bit for each block of 1 << @order pages from @addr on. */
struct kho_radix_leaf {
	uint64_t addr;
	unsigned int order;
	const uint64_t *bits;	/* KHO_RADIX_BITMAP_BITS of them, in words */
};
/*
 * Calls @fn for each leaf of the tree, order by order: much quicker than entry by entry, for
 * who does not need them sorted. 0; 1: @fn returned non-zero, which stops it; negative where
 * the tree cannot be read to its end, or has what the iterator would have to judge.
 */
int kho_radix_for_each_leaf(struct kho_state *state,
			    int (*fn)(const struct kho_radix_leaf *leaf, void *data), void *data,
			    struct kho_error *err);
/*
 * Where the preserved block that covers @addr ends; *end is 0 if none does. @size is what
 * the block most likely has: only a matter of speed.
 */
int kho_radix_covered_until(struct kho_state *state, uint64_t addr, uint64_t size,
			    uint64_t *end, struct kho_error *err);
/* The radix tree of a state; NULL and *err when it cannot be read at all. */
struct kho_radix *kho_state_radix(struct kho_state *state, struct kho_error *err);
void kho_radix_destroy(struct kho_radix *radix);

/* kho-v1: a chain of pages that name bitmaps. */
struct kho_bitmap_iter;
int kho_bitmap_iter_create(struct kho_state *state, struct kho_bitmap_iter **out,
			   struct kho_error *err);
int kho_bitmap_iter_next(struct kho_bitmap_iter *iter, struct kho_map_entry *entry,
			 struct kho_error *err);
void kho_bitmap_iter_destroy(struct kho_bitmap_iter *iter);
int kho_bitmap_for_each_node(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			     void *data, struct kho_error *err);
int kho_bitmap_covered_until(struct kho_state *state, uint64_t addr, uint64_t *end,
			     struct kho_error *err);
void kho_bitmap_destroy(struct kho_bitmap *map);

#endif /* KHO_MAP_H */
