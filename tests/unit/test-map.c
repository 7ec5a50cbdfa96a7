// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares a walk over a preserved-memory-map of a few leaves with a search for each block. The walk must
 * return each block once, sorted by address and then by order, even if blocks overlap; look-ups must
 * agree with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/map.h"
#include "libkho/abi/kexec_handover.h"

#define WORDS	2u
#define BITS	(WORDS * 64)
#define LEAVES	3u
#define ORDERS	3u	/* 0, 2 and 4: see order_of() */
#define PAGES	((uint64_t)BITS * LEAVES << 4)
#define ROUNDS	400u

struct memory_map {
	struct kho_map map;
	bool there[ORDERS][LEAVES];
	uint64_t bits[ORDERS][LEAVES][WORDS];
};

static uint64_t seed = 1;

static uint64_t random_u64(void)
{
	/* xorshift64 */
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static unsigned int order_of(unsigned int i)
{
	return 2 * i;
}

static int leaf_from(struct kho_map *base, unsigned int order, uint64_t from, uint64_t last,
		     struct kho_map_leaf *leaf, struct kho_error *err)
{
	const struct memory_map *map = (const void *)base;
	uint64_t span = (uint64_t)BITS << (base->page_shift + order);

	(void)err;
	for (unsigned int i = 0; i < LEAVES; i++) {
		if (!map->there[order / 2][i] || (i + 1) * span <= from || i * span > last)
			continue;
		leaf->addr = i * span;
		leaf->order = order;
		leaf->nr_words = WORDS;
		memcpy(leaf->bits, map->bits[order / 2][i], sizeof(map->bits[order / 2][i]));
		return 1;
	}
	return 0;
}

static void no_close(struct kho_map *map)
{
	(void)map;
}

static const struct kho_map_format format = { .leaf_from = leaf_from, .close = no_close };

/* Words without bits, with all bits, and random ones, so that runs begin and end everywhere. */
static void make(struct memory_map *map, unsigned int page_shift)
{
	*map = (struct memory_map){
		.map = { .format = &format, .page_shift = page_shift, .leaf_words = WORDS },
	};
	for (unsigned int k = 0; k < ORDERS; k++) {
		for (unsigned int i = 0; i < LEAVES; i++) {
			map->there[k][i] = random_u64() % 4;
			if (map->there[k][i])
				map->map.orders |= 1ull << order_of(k);
			for (unsigned int w = 0; w < WORDS; w++) {
				uint64_t kind = random_u64() % 4;

				map->bits[k][i][w] = kind == 0 ? 0 : kind == 1 ? UINT64_MAX :
						     random_u64() | random_u64();
			}
		}
	}
}

static bool is_set(const struct memory_map *map, unsigned int k, uint64_t page)
{
	uint64_t block = page >> order_of(k), leaf = block / BITS, bit = block % BITS;

	return leaf < LEAVES && map->there[k][leaf] && map->bits[k][leaf][bit / 64] >> bit % 64 & 1;
}

static void fail(const char *what, uint64_t page)
{
	fprintf(stderr, "test-map: %s at page %llu, seed %llu\n", what, (unsigned long long)page,
		(unsigned long long)seed);
	exit(1);
}

/* The next block of the iterator, from the ranges that it returns. */
static bool next_block(const struct memory_map *map, struct kho_map_iter *iter,
		       struct kho_map_entry *rest, uint64_t *page, unsigned int *order)
{
	const unsigned int shift = map->map.page_shift;
	uint64_t size;

	if (!rest->count && kho_map_iter_next(iter, rest, NULL) != 1)
		return false;
	if (!rest->count || rest->size != rest->count << (shift + rest->order))
		fail("an entry that has another size than its blocks", rest->addr >> shift);
	size = rest->size / rest->count;
	*page = rest->addr >> shift;
	*order = rest->order;
	rest->addr += size;
	rest->size -= size;
	rest->count--;
	return true;
}

static size_t check_walk(struct memory_map *map)
{
	struct kho_map_entry rest = { 0 };
	struct kho_map_iter *iter;
	unsigned int order;
	uint64_t found;
	size_t n = 0;

	if (kho_map_begin(&map->map, &iter, NULL))
		fail("no iterator", 0);
	for (uint64_t page = 0; page < PAGES; page++) {
		for (unsigned int k = 0; k < ORDERS; k++) {
			if (page % (1u << order_of(k)) || !is_set(map, k, page))
				continue;
			if (!next_block(map, iter, &rest, &found, &order) || found != page ||
			    order != order_of(k))
				fail("another block than the next one", page);
			n++;
		}
	}
	if (next_block(map, iter, &rest, &found, &order))
		fail("a block too many", found);
	kho_map_iter_destroy(iter);
	return n;
}

static int count(const struct kho_map_leaf *leaf, void *data)
{
	for (size_t i = 0; i < leaf->nr_words; i++)
		*(size_t *)data += (size_t)__builtin_popcountll(leaf->bits[i]);
	return 0;
}

static bool is_preserved(const struct memory_map *map, uint64_t page)
{
	for (unsigned int k = 0; k < ORDERS; k++) {
		if (is_set(map, k, page))
			return true;
	}
	return false;
}

static void check_lookups(struct memory_map *map)
{
	for (unsigned int i = 0; i < 200; i++) {
		uint64_t page = random_u64() % PAGES, n = random_u64() % 20 + 1;
		bool all = true;

		for (uint64_t k = 0; k < n; k++)
			all &= is_preserved(map, page + k);
		if (kho_map_covers(&map->map, page << map->map.page_shift, n << map->map.page_shift, NULL) != all)
			fail("a look-up that does not agree", page);
	}
}

int main(void)
{
	struct memory_map map;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		size_t blocks = 0;

		/* pages of 4, 16 and 64 KiB */
		make(&map, 12 + i % 3 * 2);
		if (kho_map_leaves(&map.map, count, &blocks, NULL))
			fail("leaves that cannot be read", 0);
		if (check_walk(&map) != blocks)
			fail("another number of blocks than the leaves have", 0);
		check_lookups(&map);
		kho_map_close(&map.map);
	}
	return 0;
}
