// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The preserved-memory-map as a radix tree (kho-v3, kho-v4), see
 * abi/kexec_handover.h. The top bit of a key gives the order, so each order is
 * a sub-tree sorted by address.
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

/* Path to the leaves: a page for each level. */
struct radix_path {
	uint64_t addr[KHO_RADIX_LEVELS];	/* address of the node in page[], 0: none */
	uint64_t prefix[KHO_RADIX_LEVELS];	/* first key below it */
	uint64_t page[KHO_RADIX_LEVELS][NODE_ENTRIES];
};

struct kho_radix {
	struct kho_map map;
	struct node_place *nodes;	/* open addressing */
	size_t nr_nodes, nr_slots;
	/* one for each order, so that orders do not evict each other's nodes */
	struct radix_path *paths[KHO_MAP_ORDERS];
};

#define LEAF_KEYS	(1ull << KHO_RADIX_BITMAP_BITS)

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
		return kho_fail_nomem(err);

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

/* Reads the page of a node or a leaf, and records its place. */
static int page_load(struct kho_radix *radix, unsigned int level, uint64_t addr, uint64_t prefix,
		     void *page, struct kho_error *err)
{
	int ret;

	if (!addr || addr % KHO_ABI_PAGE_SIZE)
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"preserved-memory-map: 0x%" PRIx64 " cannot be a node of level %u",
				addr, level);
	ret = place_check(radix, addr, prefix, level, err);
	return ret ? ret : kho_source_read(radix->map.source, addr, page, KHO_ABI_PAGE_SIZE, err);
}

static int node_load(struct kho_radix *radix, struct radix_path *path, unsigned int level,
		     uint64_t addr, uint64_t prefix, struct kho_error *err)
{
	int ret;

	/* the same page below another entry is a different node */
	if (addr && path->addr[level] == addr && path->prefix[level] == prefix)
		return 0;
	path->addr[level] = 0;
	ret = page_load(radix, level, addr, prefix, path->page[level], err);
	if (ret)
		return ret;
	path->addr[level] = addr;
	path->prefix[level] = prefix;
	return 0;
}

/* -------------------------------------------------------------- searching */

/*
 * Finds the first leaf with keys in [@from, @to) below the node that @path holds at @level;
 * @prefix is the first key below that node. Returns 1 with the leaf's @bits and *first key, or 0 if
 * there is none.
 */
static int node_search(struct kho_radix *radix, struct radix_path *path, unsigned int level,
		       uint64_t prefix, uint64_t from, uint64_t to, uint64_t *bits,
		       uint64_t *first, struct kho_error *err)
{
	const unsigned int shift = level_shift(level);

	for (uint64_t i = from > prefix ? (from - prefix) >> shift : 0; i < NODE_ENTRIES; i++) {
		uint64_t child = prefix + (i << shift), addr = path->page[level][i];
		int ret;

		if (child >= to)
			return 0;
		if (!addr)
			continue;
		if (level == 1) {
			*first = child;
			ret = page_load(radix, 0, addr, child, bits, err);
			return ret ? ret : 1;
		}
		ret = node_load(radix, path, level - 1, addr, child, err);
		if (!ret)
			ret = node_search(radix, path, level - 1, child, from, to, bits, first, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int radix_search(struct kho_radix *radix, struct radix_path *path, uint64_t from,
			uint64_t to, uint64_t *bits, uint64_t *first, struct kho_error *err)
{
	int ret = node_load(radix, path, TOP_LEVEL, radix->map.addr, 0, err);

	return ret ? ret : node_search(radix, path, TOP_LEVEL, 0, from, to, bits, first, err);
}

static int not_an_address(uint64_t key, struct kho_error *err)
{
	return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
			"preserved-memory-map: key 0x%" PRIx64 " is not an address", key);
}

static struct kho_radix *radix_of(struct kho_map *map)
{
	return (struct kho_radix *)map;
}

static int radix_leaf_from(struct kho_map *base, unsigned int order, uint64_t from, uint64_t last,
			   struct kho_map_leaf *leaf, struct kho_error *err)
{
	struct kho_radix *radix = radix_of(base);
	struct radix_path *path = radix->paths[order];
	const unsigned int shift = KHO_ABI_PAGE_SHIFT + order;
	uint64_t first, index;
	int ret;

	if (!path) {
		path = radix->paths[order] = calloc(1, sizeof(*path));
		if (!path)
			return kho_fail_nomem(err);
	}
	ret = radix_search(radix, path, key_of(from, order), key_of(last, order) + 1, leaf->bits,
			   &first, err);
	if (ret <= 0)
		return ret;
	/* the kernel makes keys only for RAM, whose addresses do not overflow */
	index = first - order_first_key(order);
	if (index + LEAF_KEYS > UINT64_MAX >> shift)
		return not_an_address(first, err);
	leaf->addr = index << shift;
	leaf->order = order;
	leaf->nr_words = LEAF_KEYS / 64;
	return 1;
}

/* Fails if a key of [@from, @to) is set: no address has such a key. */
static int check_none(struct kho_radix *radix, struct radix_path *path, uint64_t from, uint64_t to,
		      struct kho_error *err)
{
	uint64_t bits[NODE_ENTRIES], first;
	int ret;

	while ((ret = radix_search(radix, path, from, to, bits, &first, err)) > 0) {
		for (size_t i = 0; i < NODE_ENTRIES; i++) {
			if (bits[i])
				return not_an_address(first + i * 64 + (uint64_t)__builtin_ctzll(bits[i]),
						      err);
		}
		from = first + LEAF_KEYS;
	}
	return ret;
}

static int find_orders(struct kho_radix *radix, struct radix_path *path, struct kho_error *err)
{
	uint64_t bits[NODE_ENTRIES], first;
	int ret;

	for (unsigned int order = 0; order < KHO_MAP_ORDERS; order++) {
		ret = radix_search(radix, path, order_first_key(order), order_first_key(order) * 2,
				   bits, &first, err);
		if (ret < 0)
			return ret;
		if (ret)
			radix->map.orders |= 1ull << order;
	}
	/* no key is valid below the last order or above the first */
	ret = check_none(radix, path, 0, order_first_key(KHO_MAP_ORDERS - 1), err);
	return ret ? ret : check_none(radix, path, order_first_key(0) * 2, UINT64_MAX, err);
}

static void radix_close(struct kho_map *base)
{
	struct kho_radix *radix = radix_of(base);

	for (unsigned int order = 0; order < KHO_MAP_ORDERS; order++)
		free(radix->paths[order]);
	free(radix->nodes);
	free(radix);
}

static int radix_open(const struct kho_map *place, struct kho_map **out, struct kho_error *err)
{
	struct kho_radix *radix = calloc(1, sizeof(*radix));
	struct radix_path *path = calloc(1, sizeof(*path));
	int ret;

	if (radix && path) {
		radix->map = *place;
		radix->map.leaf_words = LEAF_KEYS / 64;
		ret = find_orders(radix, path, err);
	} else {
		ret = kho_fail_nomem(err);
	}
	free(path);
	if (!ret)
		*out = &radix->map;
	else if (radix)
		radix_close(&radix->map);
	return ret;
}

static void radix_for_each_node(struct kho_map *base, int (*fn)(uint64_t addr, void *data),
				void *data)
{
	const struct kho_radix *radix = radix_of(base);

	for (size_t i = 0; i < radix->nr_slots; i++) {
		if (radix->nodes[i].addr && fn(radix->nodes[i].addr, data))
			return;
	}
}

const struct kho_map_format kho_map_radix = {
	.open = radix_open,
	.close = radix_close,
	.leaf_from = radix_leaf_from,
	.for_each_node = radix_for_each_node,
};
