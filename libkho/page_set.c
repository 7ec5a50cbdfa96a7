// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>

#include "page_set.h"

void kho_page_set_create(struct kho_page_set *set, unsigned int page_shift,
			 const struct kho_range *ram, size_t nr_ram, uint64_t max)
{
	uint64_t first, end;

	*set = (struct kho_page_set){ .page_shift = page_shift };
	if (!nr_ram)
		return;
	/* aligned, so that a word of the map's bitmaps is a word of the set */
	first = (ram[0].addr >> page_shift) / 64 * 64;
	end = (ram[nr_ram - 1].addr >> page_shift) + (ram[nr_ram - 1].size >> page_shift);
	if (end <= first || (end - first) / 8 > max)
		return;

	set->words = calloc((end - first) / 64 + 1, sizeof(*set->words));
	if (!set->words)
		return;
	set->first = first;
	set->n = end - first;
}

void kho_page_set_destroy(struct kho_page_set *set)
{
	free(set->words);
	*set = (struct kho_page_set){ 0 };
}

/* Converts @size bytes at @addr to @n pages at index @page. False unless all of them have a bit. */
static bool find(const struct kho_page_set *set, uint64_t addr, uint64_t size, uint64_t *page,
		 uint64_t *n)
{
	*page = addr >> set->page_shift;
	*n = size >> set->page_shift;
	if (*page < set->first)
		return false;
	*page -= set->first;
	return *page < set->n && *n <= set->n - *page;
}

/* Returns the bits in one word of the first of *@n pages at *@page, and skips these pages. */
static uint64_t step(uint64_t *page, uint64_t *n)
{
	uint64_t bit = *page % 64, count = *n < 64 - bit ? *n : 64 - bit;

	*page += count;
	*n -= count;
	return (count == 64 ? UINT64_MAX : (1ull << count) - 1) << bit;
}

bool kho_page_set_add(struct kho_page_set *set, uint64_t addr, uint64_t size)
{
	uint64_t page, n, there = 0;

	if (!find(set, addr, size, &page, &n))
		return true;
	while (n) {
		uint64_t *word = &set->words[page / 64], bits = step(&page, &n);

		there |= *word & bits;
		*word |= bits;
	}
	return !there;
}

bool kho_page_set_add_64(struct kho_page_set *set, uint64_t addr, uint64_t bits)
{
	uint64_t page = addr >> set->page_shift, *word, there;

	if (!set->words || page < set->first || page - set->first >= set->n)
		return true;
	word = &set->words[(page - set->first) / 64];
	there = *word & bits;
	*word |= bits;
	return !there;
}

bool kho_page_set_take(struct kho_page_set *set, uint64_t addr, uint64_t size)
{
	uint64_t page, n;
	bool all = true;

	if (!find(set, addr, size, &page, &n))
		return false;
	while (n) {
		uint64_t *word = &set->words[page / 64], bits = step(&page, &n);

		all &= (*word & bits) == bits;
		*word &= ~bits;
	}
	return all;
}

bool kho_page_set_has(const struct kho_page_set *set, uint64_t addr)
{
	uint64_t page, n;

	return find(set, addr, 1ull << set->page_shift, &page, &n) &&
	       set->words[page / 64] >> page % 64 & 1;
}
