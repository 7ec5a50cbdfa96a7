// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The preserved-memory-map as a radix tree (kho-v3, kho-v4), see
 * abi/kexec_handover.h. The top bit of a key gives the order, so each order is
 * a sub-tree sorted by address. The iterator merges these sub-trees.
 *
 * The depth is fixed, so the tree has an end; but a page that serves as several
 * nodes can make it look immense. The reader therefore records the place of
 * every node and rejects a page at two places.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "addr_set.h"
#include "error.h"
#include "map.h"

#define NODE_ENTRIES	(KHO_ABI_PAGE_SIZE / sizeof(uint64_t))
#define TOP_LEVEL	(KHO_RADIX_LEVELS - 1)

struct node_place {
	uint64_t addr;		/* 0: free entry of the table */
	uint64_t prefix;	/* first key below the node */
	unsigned int level;
};

/* Path to one leaf: a page for each level. */
struct radix_path {
	uint64_t empty_from, empty_to;	/* keys that are known to have no leaf */
	uint64_t addr[KHO_RADIX_LEVELS];	/* address of the node in page[], 0: none */
	uint64_t prefix[KHO_RADIX_LEVELS];	/* first key below it */
	uint64_t page[KHO_RADIX_LEVELS][NODE_ENTRIES];
};

struct kho_radix {
	struct kho_map map;
	struct node_place *nodes;	/* open addressing */
	size_t nr_nodes, nr_slots;
	bool walked;			/* nodes[] is complete */
	uint64_t orders;		/* a bit for each order that has a key */
	/* for look-ups: one for each order, so that orders do not evict each other's nodes */
	struct radix_path *paths[KHO_RADIX_ORDERS];
};

/* Base-2 logarithm of the number of keys below one entry of a node at @level. */
static unsigned int level_shift(unsigned int level)
{
	return KHO_RADIX_BITMAP_BITS + (level - 1) * KHO_RADIX_TABLE_BITS;
}

static uint64_t order_first_key(unsigned int order)
{
	return 1ull << (64 - KHO_ABI_PAGE_SHIFT - order);
}

static uint64_t key_of(uint64_t addr, unsigned int order)
{
	return order_first_key(order) | addr >> (KHO_ABI_PAGE_SHIFT + order);
}

/* ------------------------------------------------------------------ nodes */

static size_t place_slot(const struct kho_radix *radix, uint64_t addr)
{
	size_t slot = kho_addr_hash(addr) & (radix->nr_slots - 1);

	while (radix->nodes[slot].addr && radix->nodes[slot].addr != addr)
		slot = (slot + 1) & (radix->nr_slots - 1);
	return slot;
}

static bool places_grow(struct kho_radix *radix)
{
	struct node_place *old = radix->nodes;
	size_t n = radix->nr_slots;

	radix->nr_slots = n ? 2 * n : 256;
	radix->nodes = calloc(radix->nr_slots, sizeof(*radix->nodes));
	if (!radix->nodes) {
		radix->nodes = old;
		radix->nr_slots = n;
		return false;
	}

	for (size_t i = 0; i < n; i++) {
		if (old[i].addr)
			radix->nodes[place_slot(radix, old[i].addr)] = old[i];
	}
	free(old);
	return true;
}

static int place_check(struct kho_radix *radix, uint64_t addr, uint64_t prefix,
		       unsigned int level, struct kho_error *err)
{
	struct node_place *place;

	if (radix->nr_nodes >= radix->nr_slots / 2 && !places_grow(radix))
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");

	place = &radix->nodes[place_slot(radix, addr)];
	if (!place->addr) {
		*place = (struct node_place){ addr, prefix, level };
		radix->nr_nodes++;
		return 0;
	}
	if (place->prefix == prefix && place->level == level)
		return 0;

	return kho_fail(err, KHO_ERR_LOOP, addr,
			"preserved-memory-map: the page at 0x%" PRIx64 " is a node at two places (levels %u and %u)",
			addr, place->level, level);
}

static int node_load(struct kho_radix *radix, struct radix_path *path, unsigned int level,
		     uint64_t addr, uint64_t prefix, struct kho_error *err)
{
	int ret;

	/* the same page below another entry is a different node */
	if (addr && path->addr[level] == addr && path->prefix[level] == prefix)
		return 0;
	if (!addr || addr % KHO_ABI_PAGE_SIZE)
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"preserved-memory-map: 0x%" PRIx64 " cannot be a node of level %u",
				addr, level);

	ret = place_check(radix, addr, prefix, level, err);
	if (ret)
		return ret;

	path->addr[level] = 0;
	ret = kho_source_read(radix->map.source, addr, path->page[level],
			      sizeof(path->page[level]), err);
	if (ret)
		return ret;
	path->addr[level] = addr;
	path->prefix[level] = prefix;
	return 0;
}

/* -------------------------------------------------------------- searching */

/* Finds the first bit at or after @from in the leaf; false if there is none. */
static bool leaf_next(const uint64_t *bitmap, uint64_t from, uint64_t *bit)
{
	const uint64_t bits = 1ull << KHO_RADIX_BITMAP_BITS;

	while (from < bits) {
		uint64_t word = bitmap[from / 64] >> (from % 64);

		if (word) {
			*bit = from + (uint64_t)__builtin_ctzll(word);
			return true;
		}
		from = (from / 64 + 1) * 64;
	}
	return false;
}

/*
 * Finds the first key in [@from, @to) below the node that @path holds at @level;
 * @prefix is the first key below that node. Returns 1 with *key, or 0 if there is none.
 */
static int node_next(struct kho_radix *radix, struct radix_path *path, unsigned int level,
		     uint64_t prefix, uint64_t from, uint64_t to, uint64_t *key,
		     struct kho_error *err)
{
	unsigned int shift;
	uint64_t bit;
	int ret;

	if (!level) {
		bit = from > prefix ? from - prefix : 0;
		if (!leaf_next(path->page[0], bit, &bit) || prefix + bit >= to)
			return 0;
		*key = prefix + bit;
		return 1;
	}

	shift = level_shift(level);
	for (uint64_t i = from > prefix ? (from - prefix) >> shift : 0; i < NODE_ENTRIES; i++) {
		uint64_t child = prefix + (i << shift);

		if (child >= to)
			return 0;
		if (!path->page[level][i])
			continue;

		ret = node_load(radix, path, level - 1, path->page[level][i], child, err);
		if (ret)
			return ret;
		ret = node_next(radix, path, level - 1, child, from, to, key, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int radix_next(struct kho_radix *radix, struct radix_path *path, uint64_t from,
		      uint64_t to, uint64_t *key, struct kho_error *err)
{
	int ret = node_load(radix, path, TOP_LEVEL, radix->map.addr, 0, err);

	return ret ? ret : node_next(radix, path, TOP_LEVEL, 0, from, to, key, err);
}

/* The kernel makes keys only for RAM, whose addresses do not overflow. */
static int key_decode(uint64_t key, unsigned int order, struct kho_map_entry *entry,
		      struct kho_error *err)
{
	uint64_t index = key & (order_first_key(order) - 1);
	unsigned int shift = KHO_ABI_PAGE_SHIFT + order;

	if (order >= KHO_RADIX_ORDERS || index > (UINT64_MAX >> shift) - 1) {
		kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
			 "preserved-memory-map: key 0x%" PRIx64 " is not an address", key);
		/* a constant lets the compiler see that 0 implies that *entry is set */
		return KHO_ERR_CORRUPT;
	}

	entry->addr = index << shift;
	entry->size = 1ull << shift;
	entry->order = order;
	return 0;
}

static int find_orders(struct kho_radix *radix, struct kho_error *err)
{
	struct radix_path *path = calloc(1, sizeof(*path));
	uint64_t key;
	int ret = 0;

	if (!path)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	for (unsigned int order = 0; ret >= 0 && order < KHO_RADIX_ORDERS; order++) {
		ret = radix_next(radix, path, order_first_key(order),
				 order_first_key(order) * 2, &key, err);
		if (ret > 0)
			radix->orders |= 1ull << order;
	}

	/* no key is valid below the first order or above the last */
	if (ret >= 0)
		ret = radix_next(radix, path, 0, order_first_key(KHO_RADIX_ORDERS - 1), &key, err);
	if (!ret)
		ret = radix_next(radix, path, order_first_key(0) * 2, UINT64_MAX, &key, err);
	free(path);
	if (ret > 0)
		return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
				"preserved-memory-map: key 0x%" PRIx64 " has no order", key);
	return ret;
}

static struct kho_radix *radix_of(struct kho_map *map)
{
	return (struct kho_radix *)map;
}

static void radix_close(struct kho_map *base)
{
	struct kho_radix *radix = radix_of(base);

	for (unsigned int order = 0; order < KHO_RADIX_ORDERS; order++)
		free(radix->paths[order]);
	free(radix->nodes);
	free(radix);
}

static int radix_open(const struct kho_map *place, struct kho_map **out, struct kho_error *err)
{
	struct kho_radix *radix = calloc(1, sizeof(*radix));
	int ret;

	if (!radix)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	radix->map = *place;
	ret = find_orders(radix, err);
	if (ret)
		radix_close(&radix->map);
	else
		*out = &radix->map;
	return ret;
}

/* --------------------------------------------------------------- iterator */

struct order_cursor {
	unsigned int order;
	uint64_t next_key;		/* where the search continues */
	struct kho_map_entry entry;
	struct radix_path path;
};

struct radix_iter {
	struct kho_map_iter iter;
	size_t nr_cursors;
	struct order_cursor *cursors;
	/* by cursor: address of its entry with the cursor's index in the low bits, or ENDED */
	uint64_t heads[KHO_RADIX_ORDERS];
};

/* Cannot be the address of a page. */
#define ENDED	UINT64_MAX
_Static_assert(KHO_RADIX_ORDERS <= KHO_ABI_PAGE_SIZE, "a page's address has room for the number of an order");

/* True if @path holds the leaf of @key; *bit is then the bit of the key in it. */
static bool path_has_leaf(const struct radix_path *path, uint64_t key, uint64_t *bit)
{
	*bit = key - path->prefix[0];
	return path->addr[0] && key >= path->prefix[0] && *bit < 1ull << KHO_RADIX_BITMAP_BITS;
}

static int cursor_advance(struct radix_iter *iter, struct order_cursor *cursor,
			  struct kho_error *err)
{
	uint64_t *head = &iter->heads[cursor - iter->cursors];
	uint64_t key, bit;
	int ret;

	*head = ENDED;
	/* common case: the next key is in the same leaf */
	if (path_has_leaf(&cursor->path, cursor->next_key, &bit) &&
	    leaf_next(cursor->path.page[0], bit, &bit) &&
	    cursor->path.prefix[0] + bit < order_first_key(cursor->order) * 2) {
		key = cursor->path.prefix[0] + bit;
	} else {
		ret = radix_next(radix_of(iter->iter.map), &cursor->path, cursor->next_key,
				 order_first_key(cursor->order) * 2, &key, err);
		if (ret <= 0)
			return ret;
	}

	cursor->next_key = key + 1;
	ret = key_decode(key, cursor->order, &cursor->entry, err);
	if (!ret)
		*head = cursor->entry.addr | (uint64_t)(cursor - iter->cursors);
	return ret;
}

static void radix_end(struct kho_map_iter *base)
{
	struct radix_iter *iter = (struct radix_iter *)base;

	free(iter->cursors);
	free(iter);
}

static int radix_begin(struct kho_map *base, struct kho_map_iter **out, struct kho_error *err)
{
	struct kho_radix *radix = radix_of(base);
	struct radix_iter *iter = calloc(1, sizeof(*iter));

	if (!iter)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	iter->iter.map = base;

	iter->cursors = calloc((size_t)__builtin_popcountll(radix->orders) + 1,
			       sizeof(*iter->cursors));
	if (!iter->cursors) {
		free(iter);
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	}

	for (unsigned int order = 0; order < KHO_RADIX_ORDERS; order++) {
		struct order_cursor *cursor = &iter->cursors[iter->nr_cursors];
		int ret;

		if (!(radix->orders & 1ull << order))
			continue;
		cursor->order = order;
		cursor->next_key = order_first_key(order);
		iter->nr_cursors++;
		ret = cursor_advance(iter, cursor, err);
		if (ret) {
			radix_end(&iter->iter);
			return ret;
		}
	}

	*out = &iter->iter;
	return 0;
}

static int radix_iter_next(struct kho_map_iter *base, struct kho_map_entry *entry,
			   struct kho_error *err)
{
	struct radix_iter *iter = (struct radix_iter *)base;
	struct order_cursor *first;
	struct kho_map_entry found;
	uint64_t head = ENDED;
	int ret;

	for (size_t i = 0; i < iter->nr_cursors; i++)
		head = iter->heads[i] < head ? iter->heads[i] : head;
	if (head == ENDED) {
		radix_of(base->map)->walked = true;
		return 0;
	}

	first = &iter->cursors[head % KHO_ABI_PAGE_SIZE];
	found = first->entry;
	ret = cursor_advance(iter, first, err);
	if (ret)
		return ret;

	*entry = found;
	return 1;
}

static int radix_for_each_leaf(struct kho_map *base,
			       int (*fn)(const struct kho_map_leaf *leaf, void *data), void *data,
			       struct kho_error *err)
{
	struct kho_radix *radix = radix_of(base);
	struct kho_map_leaf leaf = { .nr_words = (1u << KHO_RADIX_BITMAP_BITS) / 64 };
	struct radix_path *path;
	int ret = 0;

	path = calloc(1, sizeof(*path));
	if (!path)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");

	for (uint64_t left = radix->orders; ret >= 0 && left; left &= left - 1) {
		unsigned int order = (unsigned int)__builtin_ctzll(left);
		uint64_t from = order_first_key(order), to = 2 * from, key;
		struct kho_map_entry entry;

		/* blocks this large (a ZiB) would share a leaf with another order */
		if (from < 1ull << KHO_RADIX_BITMAP_BITS) {
			ret = kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
				       "preserved-memory-map: blocks of order %u cannot be", order);
			break;
		}
		while ((ret = radix_next(radix, path, from, to, &key, err)) > 0) {
			from = path->prefix[0] + (1ull << KHO_RADIX_BITMAP_BITS);
			/* if the last key of the leaf does not overflow, no key in it does */
			ret = key_decode(from - 1, order, &entry, err);
			if (!ret)
				ret = key_decode(path->prefix[0], order, &entry, err);
			if (ret)
				break;
			leaf.addr = entry.addr;
			leaf.order = order;
			leaf.bits = path->page[0];
			if (fn(&leaf, data)) {
				free(path);
				return 1;
			}
		}
	}
	free(path);
	if (!ret)
		radix->walked = true;
	return ret;
}

/* ---------------------------------------------------------------- look-up */

/* True if a bit of [@from, @to) is set. */
static bool leaf_any(const uint64_t *bitmap, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t n = to - from < 64 - from % 64 ? to - from : 64 - from % 64;

		if (bitmap[from / 64] >> (from % 64) << (64 - n))
			return true;
		from += n;
	}
	return false;
}

/* Returns 1 if [@from, @to), which lies in one leaf of @order, has a key, else 0. */
static int any_key(struct kho_radix *radix, unsigned int order, uint64_t from, uint64_t to,
		   struct kho_error *err)
{
	struct radix_path *path = radix->paths[order];
	uint64_t bit, found;
	int ret;

	if (!path) {
		path = radix->paths[order] = calloc(1, sizeof(*path));
		if (!path)
			return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	}
	if (path_has_leaf(path, from, &bit))
		return leaf_any(path->page[0], bit, bit + (to - from));
	if (from >= path->empty_from && to <= path->empty_to)
		return 0;

	ret = radix_next(radix, path, from, to, &found, err);
	/* not even a leaf was found: none of the keys of that leaf exists */
	if (!ret && !path_has_leaf(path, from, &bit)) {
		path->empty_from = from >> KHO_RADIX_BITMAP_BITS << KHO_RADIX_BITMAP_BITS;
		path->empty_to = path->empty_from + (1ull << KHO_RADIX_BITMAP_BITS);
	}
	return ret;
}

/* Returns 1 if the block of @order that contains @addr is preserved, else 0. */
static int is_preserved(struct kho_radix *radix, uint64_t addr, unsigned int order,
			struct kho_error *err)
{
	uint64_t key = key_of(addr, order);

	return any_key(radix, order, key, key + 1, err);
}

static int radix_has_larger(struct kho_map *base, uint64_t addr, uint64_t size,
			    unsigned int order, struct kho_error *err)
{
	struct kho_radix *radix = radix_of(base);
	uint64_t left;

	for (left = radix->orders & ~((2ull << order) - 1); left; left &= left - 1) {
		unsigned int larger = (unsigned int)__builtin_ctzll(left);
		int ret = any_key(radix, larger, key_of(addr, larger),
				  key_of(addr + (size - 1), larger) + 1, err);

		if (ret)
			return ret;
	}
	return 0;
}

static int radix_covered_until(struct kho_map *base, uint64_t addr, uint64_t size, uint64_t *end,
			       struct kho_error *err)
{
	struct kho_radix *radix = radix_of(base);
	unsigned int likely = size < KHO_ABI_PAGE_SIZE ? 0 :
			      63u - KHO_ABI_PAGE_SHIFT - (unsigned int)__builtin_clzll(size);
	unsigned int order = likely;
	uint64_t left;
	int ret = 0;

	if (radix->orders & 1ull << likely)
		ret = is_preserved(radix, addr, likely, err);
	for (left = radix->orders & ~(1ull << likely); !ret && left; left &= left - 1) {
		order = (unsigned int)__builtin_ctzll(left);
		ret = is_preserved(radix, addr, order, err);
	}
	if (ret < 0)
		return ret;

	order += KHO_ABI_PAGE_SHIFT;
	*end = ret ? ((addr >> order) + 1) << order : 0;
	return 0;
}

static int radix_for_each_node(struct kho_map *base, int (*fn)(uint64_t addr, void *data),
			       void *data, struct kho_error *err)
{
	struct kho_radix *radix = radix_of(base);
	struct kho_map_entry entry;
	struct kho_map_iter *iter;
	int ret;

	/* a complete walk fills nodes[] */
	if (!radix->walked) {
		ret = radix_begin(base, &iter, err);
		if (ret)
			return ret;
		while ((ret = radix_iter_next(iter, &entry, err)) > 0)
			;
		radix_end(iter);
		if (ret)
			return ret;
	}

	for (size_t i = 0; i < radix->nr_slots; i++) {
		if (radix->nodes[i].addr && fn(radix->nodes[i].addr, data))
			break;
	}
	return 0;
}

const struct kho_map_format kho_map_radix = {
	.open = radix_open,
	.close = radix_close,
	.begin = radix_begin,
	.next = radix_iter_next,
	.end = radix_end,
	.covered_until = radix_covered_until,
	.has_larger = radix_has_larger,
	.for_each_node = radix_for_each_node,
	.for_each_leaf = radix_for_each_leaf,
};
