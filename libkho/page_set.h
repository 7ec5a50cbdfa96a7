/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bit for each page of RAM. */
#ifndef KHO_PAGE_SET_H
#define KHO_PAGE_SET_H

#include "kho.h"

/* All zeroes is a set that has room for nothing. */
struct kho_page_set {
	uint64_t *words;
	uint64_t first, n;	/* pages that have a bit; @first is a multiple of 64 */
};

/* Room for the pages of @nr_ram sorted ranges, unless that takes more than @max bytes. */
void kho_page_set_create(struct kho_page_set *set, const struct kho_range *ram, size_t nr_ram,
			 uint64_t max);
void kho_page_set_destroy(struct kho_page_set *set);

/* False if one of them was there before. Pages that have no bit are left out. Whole pages only. */
bool kho_page_set_add(struct kho_page_set *set, uint64_t addr, uint64_t size);
/* The same for those of the 64 pages from @addr on that have a bit in @bits. */
bool kho_page_set_add_64(struct kho_page_set *set, uint64_t addr, uint64_t bits);
/* Takes the pages out. True if all of them were in the set. */
bool kho_page_set_take(struct kho_page_set *set, uint64_t addr, uint64_t size);
/* True if the page at @addr is in the set. */
bool kho_page_set_has(const struct kho_page_set *set, uint64_t addr);

#endif /* KHO_PAGE_SET_H */
