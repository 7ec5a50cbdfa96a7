/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of DMA records, to compare records with each other: 16 bytes for each. */
#ifndef KHO_EXTENTS_H
#define KHO_EXTENTS_H

#include "kho.h"

struct kho_extent {
	uint64_t place;		/* address, with order and flags in its low bits */
	uint64_t id;
};

/* An empty list has only the size of a page. */
struct kho_extents {
	unsigned int page_shift;
	struct kho_extent *list;
	size_t n, room;
};

/*
 * Adds the memory of @record. Keeps a record with an impossible address or size only for its id,
 * without a place. @in_ram: no part of the memory lies outside RAM. False if out of memory.
 */
bool kho_extents_add(struct kho_extents *extents, const struct kho_dma_record *record,
		     bool in_ram);
/* Adds memory of KHO itself, which must be RAM. False if out of memory. */
bool kho_extents_add_own(struct kho_extents *extents, uint64_t addr, uint64_t size);
void kho_extents_free(struct kho_extents *extents);

/* Sort by address, extents without a place last; or by id. False if out of memory. */
bool kho_extents_sort_places(struct kho_extents *extents);
bool kho_extents_sort_ids(struct kho_extents *extents);

/* False if the record's address or size is impossible. */
bool kho_extent_has_place(const struct kho_extent *e);
bool kho_extent_in_ram(const struct kho_extent *e);
bool kho_extent_is_own(const struct kho_extent *e);
uint64_t kho_extent_addr(const struct kho_extent *e);
uint64_t kho_extent_size(const struct kho_extent *e);

#endif /* KHO_EXTENTS_H */
