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
		.root = root->addr, .page_shift = source->page_shift, .v1_bitmap = v1_bitmap,
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
	for (size_t order = 0; order < KHO_MAP_MAX_ORDERS; order++)
		free(map->found[order]);
	map->format->close(map);
}

/* ------------------------------------------------------------------ leaves */

static struct kho_map_leaf *leaf_new(const struct kho_map *map)
{
	struct kho_map_leaf *leaf = malloc(sizeof(*leaf) + map->leaf_words * sizeof(leaf->bits[0]));

	if (leaf)
		*leaf = (struct kho_map_leaf){ .addr = KHO_NO_ADDR };
	return leaf;
}

static unsigned int block_shift(const struct kho_map *map, const struct kho_map_leaf *leaf)
{
	return map->page_shift + leaf->order;
}

static uint64_t leaf_span(const struct kho_map *map, unsigned int order)
{
	return (uint64_t)map->leaf_words * 64 << (map->page_shift + order);
}

/*
 * Returns the first bit of [@bit, @end) that is set, or clear if @flip is all ones; @end if there is
 * none.
 */
static uint64_t next_bit(const struct kho_map_leaf *leaf, uint64_t flip, uint64_t bit, uint64_t end)
{
	uint64_t start = bit / 64 * 64, word = 0;

	if (bit < end)
		word = (leaf->bits[start / 64] ^ flip) & UINT64_MAX << bit % 64;
	while (!word) {
		start += 64;
		if (start >= end)
			return end;
		word = leaf->bits[start / 64] ^ flip;
	}
	bit = start + (uint64_t)__builtin_ctzll(word);
	return bit < end ? bit : end;
}

int kho_map_leaves(struct kho_map *map, int (*fn)(const struct kho_map_leaf *leaf, void *data),
		   void *data, struct kho_error *err)
{
	struct kho_map_leaf *leaf = leaf_new(map);
	int ret = 0;

	if (!leaf)
		return kho_fail_nomem(err);
	for (uint64_t left = map->orders; left && !ret; left &= left - 1) {
		unsigned int order = (unsigned int)__builtin_ctzll(left);
		uint64_t from = 0;

		while ((ret = map->format->leaf_from(map, order, from, UINT64_MAX, leaf, err)) > 0) {
			from = leaf->addr + leaf_span(map, order);
			if (fn(leaf, data))
				break;
		}
	}
	map->walked |= !ret;
	free(leaf);
	return ret;
}

/* ---------------------------------------------------------------- iterator */

/* Position in the leaves of one order. */
struct cursor {
	uint64_t bit, addr;	/* of the next block; @addr is UINT64_MAX after the last one */
	struct kho_map_leaf *leaf;
};

struct kho_map_iter {
	struct kho_map *map;
	struct cursor *first;		/* of the last entry, or NULL */
	uint64_t limit;			/* lowest address of the other cursors, or UINT64_MAX */
	size_t nr_cursors;
	struct cursor cursors[];	/* by order */
};

/* Moves to the block at or after @cursor->bit, in the next leaf if necessary. */
static int place(struct kho_map *map, struct cursor *cursor, struct kho_error *err)
{
	struct kho_map_leaf *leaf = cursor->leaf;
	int ret = 1;

	while ((cursor->bit = next_bit(leaf, 0, cursor->bit, leaf->nr_words * 64)) ==
	       leaf->nr_words * 64) {
		/* the cursor has no leaf yet */
		uint64_t from = leaf->nr_words ? leaf->addr + leaf_span(map, leaf->order) : 0;

		ret = map->format->leaf_from(map, leaf->order, from, UINT64_MAX, leaf, err);
		if (ret < 0)
			return ret;
		if (!ret)
			break;
		cursor->bit = 0;
	}
	cursor->addr = ret ? leaf->addr + (cursor->bit << block_shift(map, leaf)) : UINT64_MAX;
	return 0;
}

int kho_map_begin(struct kho_map *map, struct kho_map_iter **out, struct kho_error *err)
{
	size_t n = (size_t)__builtin_popcountll(map->orders);
	struct kho_map_iter *iter = calloc(1, sizeof(*iter) + n * sizeof(iter->cursors[0]));
	int ret = 0;

	if (!iter)
		return kho_fail_nomem(err);
	iter->map = map;
	for (uint64_t left = map->orders; left && !ret; left &= left - 1) {
		struct cursor *cursor = &iter->cursors[iter->nr_cursors++];

		cursor->leaf = leaf_new(map);
		if (!cursor->leaf) {
			ret = kho_fail_nomem(err);
			break;
		}
		cursor->leaf->order = (unsigned int)__builtin_ctzll(left);
		ret = place(map, cursor, err);
	}
	if (ret)
		kho_map_iter_destroy(iter);
	else
		*out = iter;
	return ret;
}

void kho_map_iter_destroy(struct kho_map_iter *iter)
{
	for (size_t i = 0; iter && i < iter->nr_cursors; i++)
		free(iter->cursors[i].leaf);
	free(iter);
}

/* Finds the cursor with the lowest address: NULL after the last block. */
static void find_first(struct kho_map_iter *iter)
{
	uint64_t lowest = UINT64_MAX;

	iter->first = NULL;
	iter->limit = UINT64_MAX;
	for (size_t i = 0; i < iter->nr_cursors; i++) {
		struct cursor *cursor = &iter->cursors[i];

		if (cursor->addr < lowest) {
			iter->limit = lowest;
			lowest = cursor->addr;
			iter->first = cursor;
		} else if (cursor->addr < iter->limit) {
			iter->limit = cursor->addr;
		}
	}
}

int kho_map_iter_next(struct kho_map_iter *iter, struct kho_map_entry *entry,
		      struct kho_error *err)
{
	struct cursor *first = iter->first;
	const struct kho_map_leaf *leaf;
	unsigned int shift;
	uint64_t end;
	int ret = first ? place(iter->map, first, err) : 0;

	if (ret)
		return ret;
	/* the other cursors have not moved */
	if (!first || first->addr >= iter->limit)
		find_first(iter);
	first = iter->first;
	if (!first) {
		iter->map->walked = true;
		return 0;
	}

	leaf = first->leaf;
	shift = block_shift(iter->map, leaf);
	entry->addr = first->addr;
	entry->order = leaf->order;
	/* a block of another order ends the entry, so that overlapping blocks are sorted too */
	end = first->bit + 1;
	if (iter->limit > entry->addr)
		end += (iter->limit - entry->addr - 1) >> shift;
	if (end > leaf->nr_words * 64)
		end = leaf->nr_words * 64;
	entry->count = next_bit(leaf, UINT64_MAX, first->bit, end) - first->bit;
	entry->size = entry->count << shift;
	first->bit += entry->count;
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
		leaf = map->found[order] = leaf_new(map);
		if (!leaf)
			return kho_fail_nomem(err);
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
	bit = (addr - start) >> (map->page_shift + order);
	return leaf->nr_words && leaf->bits[bit / 64] >> bit % 64 & 1;
}

/*
 * Finds the end of the preserved block that covers @addr; *end is 0 if none does. @size is the
 * likely size of the block, which only affects speed.
 */
static int covered_until(struct kho_map *map, uint64_t addr, uint64_t size, uint64_t *end,
			 struct kho_error *err)
{
	unsigned int order = !(size >> map->page_shift) ? 0 :
			     63u - map->page_shift - (unsigned int)__builtin_clzll(size);
	uint64_t likely = map->orders & 1ull << order, left = map->orders & ~likely;
	int ret = likely ? is_preserved(map, order, addr, err) : 0;

	for (; !ret && left; left &= left - 1) {
		order = (unsigned int)__builtin_ctzll(left);
		ret = is_preserved(map, order, addr, err);
	}
	if (ret < 0)
		return ret;
	order += map->page_shift;
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

int kho_map_nodes(struct kho_map *map, int (*fn)(uint64_t addr, void *data), void *data,
		  struct kho_error *err)
{
	struct nodes nodes = { 0 };
	int ret = map->walked ? 0 : map->format->find_nodes(map, err);

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
