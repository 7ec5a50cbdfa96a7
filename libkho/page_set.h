/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bit for each page of RAM. */
#ifndef KHO_PAGE_SET_H
#define KHO_PAGE_SET_H

#include "kho.h"

/* All zeroes is a set without room for a page. */
struct kho_page_set {
	uint64_t *words;
	unsigned int page_shift;
	uint64_t first, n;	/* first page that has a bit, a multiple of 64; number of pages */
};

/*
 * Makes room for the pages, of 1 << @page_shift bytes, of @nr_ram sorted ranges, if that takes at
 * most @max bytes.
 */
void kho_page_set_create(struct kho_page_set *set, unsigned int page_shift,
			 const struct kho_range *ram, size_t nr_ram, uint64_t max);
void kho_page_set_destroy(struct kho_page_set *set);

/* Adds whole pages, if all have a bit. False if the set had one of them before. */
bool kho_page_set_add(struct kho_page_set *set, uint64_t addr, uint64_t size);
/* The same for up to 64 pages from @addr on, a bit of @bits for each. */
bool kho_page_set_add_64(struct kho_page_set *set, uint64_t addr, uint64_t bits);
/* Removes whole pages. True if the set had all of them. */
bool kho_page_set_take(struct kho_page_set *set, uint64_t addr, uint64_t size);
/* True if the page at @addr is in the set. */
bool kho_page_set_has(const struct kho_page_set *set, uint64_t addr);

#endif /* KHO_PAGE_SET_H */
