// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reads a preserved-memory-map of any format as one stream of sorted ranges. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "error.h"
#include "map.h"

static const struct kho_map_format *format_of(enum kho_abi abi)
{
	switch (abi) {
	case KHO_ABI_V1: return &kho_map_bitmap;
	case KHO_ABI_V3:
	case KHO_ABI_V4: return &kho_map_radix;
	case KHO_ABI_UNKNOWN: break;
	}
	return NULL;
}

int kho_map_open(struct kho_source *source, const struct kho_root *root, unsigned int v1_bitmap,
		 struct kho_map **out, struct kho_error *err)
{
	struct kho_map place = {
		.format = format_of(root->abi), .source = source, .addr = root->map_addr,
		.v1_bitmap = v1_bitmap,
	};

	if (root->side == KHO_SIDE_IN)
		return kho_fail(err, KHO_ERR_NOT_PRESENT, KHO_NO_ADDR,
				"the incoming preserved-memory-map is gone: the kernel frees it once it has read it");
	if (!place.format)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"the preserved-memory-map of \"%s\" cannot be read by this version",
				root->compatible);
	return place.format->open(&place, out, err);
}

void kho_map_close(struct kho_map *map)
{
	if (!map)
		return;
	for (size_t order = 0; order < KHO_MAP_ORDERS; order++)
		free(map->found[order]);
	map->format->close(map);
}

/* ------------------------------------------------------------------ leaves */

static unsigned int block_shift(const struct kho_map_leaf *leaf)
{
	return KHO_ABI_PAGE_SHIFT + leaf->order;
}

static uint64_t leaf_span(const struct kho_map *map, unsigned int order)
{
	return (uint64_t)map->leaf_words * 64 << (KHO_ABI_PAGE_SHIFT + order);
}

/* Returns the first set bit at or after @bit, or the number of bits if there is none. */
static uint64_t next_set(const struct kho_map_leaf *leaf, uint64_t bit)
{
	while (bit < leaf->nr_words * 64) {
		uint64_t word = leaf->bits[bit / 64] >> bit % 64;

		if (word)
			return bit + (uint64_t)__builtin_ctzll(word);
		bit = (bit / 64 + 1) * 64;
	}
	return bit;
}

/* Returns the first clear bit at or after @bit, or @end if none comes before it. */
static uint64_t next_clear(const struct kho_map_leaf *leaf, uint64_t bit, uint64_t end)
{
	while (bit < end) {
		uint64_t word = ~leaf->bits[bit / 64] >> bit % 64;

		if (word) {
			bit += (uint64_t)__builtin_ctzll(word);
			break;
		}
		bit = (bit / 64 + 1) * 64;
	}
	return bit < end ? bit : end;
}

int kho_map_leaves(struct kho_map *map, int (*fn)(const struct kho_map_leaf *leaf, void *data),
		   void *data, struct kho_error *err)
{
	struct kho_map_leaf leaf;

	for (uint64_t left = map->orders; left; left &= left - 1) {
		unsigned int order = (unsigned int)__builtin_ctzll(left);
		uint64_t from = 0;
		int ret;

		while ((ret = map->format->leaf_from(map, order, from, UINT64_MAX, &leaf, err)) > 0) {
			from = leaf.addr + leaf_span(map, order);
			if (fn(&leaf, data))
				return 1;
		}
		if (ret)
			return ret;
	}
	map->walked = true;
	return 0;
}

/* ---------------------------------------------------------------- iterator */

/* Position in the leaves of one order. */
struct cursor {
	bool placed;		/* at the next block */
	uint64_t bit, addr;	/* of this block; @addr is UINT64_MAX after the last one */
	struct kho_map_leaf leaf;
};

struct kho_map_iter {
	struct kho_map *map;
	size_t nr_cursors;
	struct cursor cursors[];	/* by order */
};

int kho_map_begin(struct kho_map *map, struct kho_map_iter **out, struct kho_error *err)
{
	size_t n = (size_t)__builtin_popcountll(map->orders);
	struct kho_map_iter *iter = calloc(1, sizeof(*iter) + n * sizeof(iter->cursors[0]));

	if (!iter)
		return kho_fail_nomem(err);
	iter->map = map;
	for (uint64_t left = map->orders; left; left &= left - 1)
		iter->cursors[iter->nr_cursors++].leaf.order = (unsigned int)__builtin_ctzll(left);
	*out = iter;
	return 0;
}

void kho_map_iter_destroy(struct kho_map_iter *iter)
{
	free(iter);
}

/* Moves to the next block, in the next leaf if necessary. */
static int place(struct kho_map *map, struct cursor *cursor, struct kho_error *err)
{
	struct kho_map_leaf *leaf = &cursor->leaf;
	int ret = 1;

	while ((cursor->bit = next_set(leaf, cursor->bit)) == leaf->nr_words * 64) {
		/* before the first leaf there is nothing to skip */
		uint64_t from = leaf->nr_words ? leaf->addr + leaf_span(map, leaf->order) : 0;

		ret = map->format->leaf_from(map, leaf->order, from, UINT64_MAX, leaf, err);
		if (ret < 0)
			return ret;
		if (!ret)
			break;
		cursor->bit = 0;
	}
	cursor->addr = ret ? leaf->addr + (cursor->bit << block_shift(leaf)) : UINT64_MAX;
	cursor->placed = true;
	return 0;
}

/*
 * Finds the cursor with the lowest address, NULL after the last block; *limit is the second lowest
 * address, or UINT64_MAX.
 */
static int find_first(struct kho_map_iter *iter, struct cursor **first, uint64_t *limit,
		      struct kho_error *err)
{
	uint64_t lowest = UINT64_MAX;

	*first = NULL;
	*limit = UINT64_MAX;
	for (size_t i = 0; i < iter->nr_cursors; i++) {
		struct cursor *cursor = &iter->cursors[i];
		int ret = cursor->placed ? 0 : place(iter->map, cursor, err);

		if (ret)
			return ret;
		if (cursor->addr < lowest) {
			*limit = lowest;
			lowest = cursor->addr;
			*first = cursor;
		} else {
			*limit = cursor->addr < *limit ? cursor->addr : *limit;
		}
	}
	return 0;
}

int kho_map_iter_next(struct kho_map_iter *iter, struct kho_map_entry *entry,
		      struct kho_error *err)
{
	struct cursor *first;
	uint64_t limit, end;
	int ret = find_first(iter, &first, &limit, err);

	if (ret)
		return ret;
	if (!first) {
		iter->map->walked = true;
		return 0;
	}

	entry->addr = first->addr;
	entry->order = first->leaf.order;
	/* a block of another order ends the entry, so that overlapping blocks are sorted too */
	end = first->bit + 1;
	if (limit > entry->addr)
		end += (limit - entry->addr - 1) >> block_shift(&first->leaf);
	if (end > first->leaf.nr_words * 64)
		end = first->leaf.nr_words * 64;
	entry->count = next_clear(&first->leaf, first->bit, end) - first->bit;
	entry->size = entry->count << block_shift(&first->leaf);
	first->bit += entry->count;
	first->placed = false;
	return 1;
}

/* ---------------------------------------------------------------- look-ups */

/* Returns 1 if the block of @order that contains @addr is preserved, else 0. */
static int is_preserved(struct kho_map *map, unsigned int order, uint64_t addr,
			struct kho_error *err)
{
	uint64_t span = leaf_span(map, order), start = addr & -span, bit;
	struct kho_map_leaf *leaf = map->found[order];
	int ret;

	if (!leaf) {
		leaf = map->found[order] = calloc(1, sizeof(*leaf));
		if (!leaf)
			return kho_fail_nomem(err);
		leaf->addr = KHO_NO_ADDR;
	}
	if (leaf->addr != start) {
		leaf->addr = KHO_NO_ADDR;
		ret = map->format->leaf_from(map, order, start, start + (span - 1), leaf, err);
		if (ret < 0)
			return ret;
		/* remember a missing leaf as well */
		leaf->addr = start;
		leaf->nr_words = ret ? leaf->nr_words : 0;
	}
	bit = (addr - start) >> (KHO_ABI_PAGE_SHIFT + order);
	return leaf->nr_words && leaf->bits[bit / 64] >> bit % 64 & 1;
}

/*
 * Finds the end of the preserved block that covers @addr; *end is 0 if none does. @size is the
 * likely size of the block, which only affects speed.
 */
static int covered_until(struct kho_map *map, uint64_t addr, uint64_t size, uint64_t *end,
			 struct kho_error *err)
{
	unsigned int order = size < KHO_ABI_PAGE_SIZE ? 0 :
			     63u - KHO_ABI_PAGE_SHIFT - (unsigned int)__builtin_clzll(size);
	uint64_t likely = map->orders & 1ull << order, left = map->orders & ~likely;
	int ret = likely ? is_preserved(map, order, addr, err) : 0;

	for (; !ret && left; left &= left - 1) {
		order = (unsigned int)__builtin_ctzll(left);
		ret = is_preserved(map, order, addr, err);
	}
	if (ret < 0)
		return ret;
	order += KHO_ABI_PAGE_SHIFT;
	*end = ret ? ((addr >> order) + 1) << order : 0;
	return 0;
}

int kho_map_covers(struct kho_map *map, uint64_t addr, uint64_t size, struct kho_error *err)
{
	uint64_t last;

	if (!size || __builtin_add_overflow(addr, size - 1, &last))
		return kho_fail(err, KHO_ERR_USAGE, addr, "0x%" PRIx64 "+0x%" PRIx64 " is not a range",
				addr, size);

	while (addr <= last) {
		uint64_t end;
		int ret = covered_until(map, addr, size, &end, err);

		if (ret)
			return ret;
		if (!end)
			return 0;
		addr = end;
	}
	return 1;
}

/* ------------------------------------------------------------------- pages */

struct nodes {
	uint64_t *list;
	size_t n, room;
	bool failed;
};

static int keep_node(uint64_t addr, void *data)
{
	struct nodes *nodes = data;

	if (nodes->n == nodes->room) {
		size_t room = nodes->room ? 2 * nodes->room : 64;
		uint64_t *list = reallocarray(nodes->list, room, sizeof(*list));

		if (!list) {
			nodes->failed = true;
			return 1;
		}
		nodes->list = list;
		nodes->room = room;
	}
	nodes->list[nodes->n++] = addr;
	return 0;
}

static int compare_nodes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int see_leaf(const struct kho_map_leaf *leaf, void *data)
{
	(void)leaf;
	(void)data;
	return 0;
}

int kho_map_nodes(struct kho_map *map, int (*fn)(uint64_t addr, void *data), void *data,
		  struct kho_error *err)
{
	struct nodes nodes = { 0 };
	/* a complete walk finds every page */
	int ret = map->walked ? 0 : kho_map_leaves(map, see_leaf, NULL, err);

	if (ret)
		return ret;
	map->format->for_each_node(map, keep_node, &nodes);
	if (nodes.failed)
		ret = kho_fail_nomem(err);
	/* the formats' hash tables have another order in each process */
	if (!ret && nodes.n)
		qsort(nodes.list, nodes.n, sizeof(*nodes.list), compare_nodes);
	for (size_t i = 0; !ret && i < nodes.n; i++) {
		if (fn(nodes.list[i], data))
			break;
	}
	free(nodes.list);
	return ret;
}
