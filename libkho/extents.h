/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the memory of DMA records is, to compare them with each other: 16 bytes for each. */
#ifndef KHO_EXTENTS_H
#define KHO_EXTENTS_H

#include "kho.h"

struct kho_extent {
	uint64_t place;		/* address, with order and flags in its low bits */
	uint64_t id;
};

/* All zeroes is an empty list. */
struct kho_extents {
	struct kho_extent *list;
	size_t n, room;
};

/*
 * Adds the memory of @record. One that has none is kept for its id, at no place. @in_ram: all
 * of it is RAM. False if there is no memory.
 */
bool kho_extents_add(struct kho_extents *extents, const struct kho_dma_record *record,
		     bool in_ram);
/* Adds memory of KHO itself, all of which is RAM. False if there is no memory. */
bool kho_extents_add_own(struct kho_extents *extents, uint64_t addr, uint64_t size);
void kho_extents_free(struct kho_extents *extents);

/* Sorts by address, those at no place last; or by id. False if there is no memory. */
bool kho_extents_sort_places(struct kho_extents *extents);
bool kho_extents_sort_ids(struct kho_extents *extents);

/* False: at no place that could be compared. */
bool kho_extent_has_place(const struct kho_extent *e);
bool kho_extent_in_ram(const struct kho_extent *e);
bool kho_extent_is_own(const struct kho_extent *e);
uint64_t kho_extent_addr(const struct kho_extent *e);
uint64_t kho_extent_size(const struct kho_extent *e);

#endif /* KHO_EXTENTS_H */
