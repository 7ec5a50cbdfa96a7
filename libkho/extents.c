// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>

#include "extents.h"
#include "abi/kexec_handover.h"

/* In the low bits of a place: a page has at least so many, so addresses do not use them. */
#define LOW_BITS	((1ull << KHO_ABI_MIN_PAGE_SHIFT) - 1)
#define ORDER		0x3fu	/* base-2 logarithm of the size in bytes */
#define NOT_RAM		0x40u
#define OWN		0x80u	/* memory of KHO itself */
#define NOWHERE		UINT64_MAX

bool kho_extent_has_place(const struct kho_extent *e)
{
	return e->place != NOWHERE;
}

bool kho_extent_in_ram(const struct kho_extent *e)
{
	return !(e->place & NOT_RAM);
}

bool kho_extent_is_own(const struct kho_extent *e)
{
	return kho_extent_has_place(e) && e->place & OWN;
}

uint64_t kho_extent_addr(const struct kho_extent *e)
{
	return e->place & ~LOW_BITS;
}

uint64_t kho_extent_size(const struct kho_extent *e)
{
	return 1ull << (e->place & ORDER);
}

static bool add(struct kho_extents *extents, uint64_t place, uint64_t id)
{
	if (extents->n == extents->room) {
		size_t room = extents->room ? 2 * extents->room : 256;
		struct kho_extent *list = reallocarray(extents->list, room, sizeof(*list));

		if (!list)
			return false;
		extents->list = list;
		extents->room = room;
	}
	extents->list[extents->n++] = (struct kho_extent){ place, id };
	return true;
}

bool kho_extents_add(struct kho_extents *extents, const struct kho_dma_record *record,
		     bool in_ram)
{
	const unsigned int shift = extents->page_shift;
	uint64_t place = NOWHERE;

	if (record->pages != KHO_SIZE_UNKNOWN && !(record->addr & ((1ull << shift) - 1)) &&
	    record->addr <= UINT64_MAX - (record->pages << shift))
		place = record->addr | ((unsigned int)__builtin_ctzll(record->pages) + shift) |
			(in_ram ? 0 : NOT_RAM);
	return add(extents, place, record->id);
}

bool kho_extents_add_own(struct kho_extents *extents, uint64_t addr, uint64_t size)
{
	const unsigned int shift = extents->page_shift;
	const uint64_t mask = (1ull << shift) - 1;
	uint64_t page = addr >> shift;
	uint64_t left = ((addr & mask) + size + mask) >> shift;

	/* an extent describes only an aligned power of two */
	while (left) {
		unsigned int order = 0;

		while (order < 40 && !(page >> order & 1) && 2ull << order <= left)
			order++;
		if (!add(extents, page << shift | (order + shift) | OWN, 0))
			return false;
		page += 1ull << order;
		left -= 1ull << order;
	}
	return true;
}

void kho_extents_free(struct kho_extents *extents)
{
	free(extents->list);
	extents->list = NULL;
	extents->n = extents->room = 0;
}

/* Digits of 11 bits: their counters and the ends of the buckets stay in the cache. */
#define DIGIT_BITS	11u
#define DIGITS		(1u << DIGIT_BITS)

static uint64_t key_of(const struct kho_extent *e, bool by_id)
{
	return by_id ? e->id : e->place;
}

static void sort_digit(const struct kho_extent *from, struct kho_extent *to, size_t n, bool by_id,
		       unsigned int shift)
{
	size_t next[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		next[(key_of(&from[i], by_id) >> shift) & (DIGITS - 1)]++;
	for (size_t i = 0; i < DIGITS; i++) {
		size_t count = next[i];

		next[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[next[(key_of(&from[i], by_id) >> shift) & (DIGITS - 1)]++] = from[i];
}

/*
 * Radix sort. A comparing sort takes longer than all other checks of the records together, and
 * qsort() needs as much memory.
 */
static bool sort(struct kho_extents *extents, bool by_id)
{
	struct kho_extent *e = extents->list, *spare, *swap;
	uint64_t differ = 0, last = 0;
	bool sorted = true;

	for (size_t i = 0; i < extents->n; i++) {
		uint64_t key = key_of(&e[i], by_id);

		differ |= key ^ key_of(&e[0], by_id);
		sorted &= key >= last;
		last = key;
	}
	if (sorted)
		return true;

	spare = malloc(extents->n * sizeof(*spare));
	if (!spare)
		return false;
	for (unsigned int shift = (unsigned int)__builtin_ctzll(differ);
	     shift < 64 && differ >> shift; shift += DIGIT_BITS) {
		if (!(differ >> shift & (DIGITS - 1)))
			continue;
		sort_digit(e, spare, extents->n, by_id, shift);
		swap = e;
		e = spare;
		spare = swap;
	}
	free(spare);
	extents->list = e;
	extents->room = extents->n;
	return true;
}

bool kho_extents_sort_places(struct kho_extents *extents)
{
	return sort(extents, false);
}

bool kho_extents_sort_ids(struct kho_extents *extents)
{
	return sort(extents, true);
}
