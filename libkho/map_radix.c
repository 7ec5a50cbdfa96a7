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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr_set.h"
#include "error.h"
#include "map.h"

/* PAGE_SHIFT of 16 KiB */
#define AMBIGUOUS_SHIFT	14u
/* 64-bit words of a page */
#define MAX_WORDS	(KHO_ABI_MAX_PAGE / sizeof(uint64_t))

struct node_place {
	uint64_t addr;		/* 0: free entry of the table */
	uint64_t prefix;	/* first key below the node */
	unsigned int level;
};

/* Path to the leaves: a page for each level. Only @addr is valid from the start. */
struct radix_path {
	uint64_t addr[KHO_RADIX_MAX_LEVELS];	/* address of the node in words[], 0: none */
	uint64_t prefix[KHO_RADIX_MAX_LEVELS];	/* first key below it */
	uint64_t words[];			/* a page for each level */
};

struct kho_radix {
	struct kho_map map;
	unsigned int top;		/* level of the first node */
	size_t words;			/* of 64 bits in a page */
	struct node_place *nodes;	/* open addressing */
	size_t nr_nodes, nr_slots;
	/* one for each order, so that orders do not evict each other's nodes */
	struct radix_path *paths[KHO_MAP_MAX_ORDERS];
};

/* Number of keys in a leaf. */
static uint64_t leaf_keys(const struct kho_radix *radix)
{
	return (uint64_t)radix->words * 64;
}

/* Base-2 logarithm of the number of keys below one entry of a node at @level. */
static unsigned int level_shift(const struct kho_radix *radix, unsigned int level)
{
	const unsigned int shift = radix->map.page_shift;

	return KHO_RADIX_BITMAP_BITS(shift) + (level - 1) * KHO_RADIX_TABLE_BITS(shift);
}

static uint64_t order_first_key(const struct kho_radix *radix, unsigned int order)
{
	return 1ull << (64 - radix->map.page_shift - order);
}

static uint64_t key_of(const struct kho_radix *radix, uint64_t addr, unsigned int order)
{
	return order_first_key(radix, order) | addr >> (radix->map.page_shift + order);
}

static struct radix_path *path_new(const struct kho_radix *radix)
{
	struct radix_path *path;

	/* to clear the pages would take longer than a search */
	path = malloc(sizeof(*path) + (radix->top + 1) * radix->words * sizeof(path->words[0]));
	if (path)
		memset(path->addr, 0, sizeof(path->addr));
	return path;
}

/* The page of the node at @level. */
static uint64_t *path_page(const struct kho_radix *radix, struct radix_path *path,
			   unsigned int level)
{
	return path->words + level * radix->words;
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

/* Records the place of a node or a leaf. Reads it, unless @page is NULL. */
static int page_load(struct kho_radix *radix, unsigned int level, uint64_t addr, uint64_t prefix,
		     void *page, struct kho_error *err)
{
	const size_t size = radix->words * sizeof(uint64_t);
	int ret;

	if (!addr || addr & (size - 1))
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"preserved-memory-map: 0x%" PRIx64 " cannot be a node of level %u",
				addr, level);
	ret = place_check(radix, addr, prefix, level, err);
	return ret || !page ? ret : kho_source_read(radix->map.source, addr, page, size, err);
}

static int node_load(struct kho_radix *radix, struct radix_path *path, unsigned int level,
		     uint64_t addr, uint64_t prefix, struct kho_error *err)
{
	int ret;

	/* the same page below another entry is a different node */
	if (addr && path->addr[level] == addr && path->prefix[level] == prefix)
		return 0;
	path->addr[level] = 0;
	ret = page_load(radix, level, addr, prefix, path_page(radix, path, level), err);
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
 * there is none. Does not read the leaf if @bits is NULL.
 */
static int node_search(struct kho_radix *radix, struct radix_path *path, unsigned int level,
		       uint64_t prefix, uint64_t from, uint64_t to, uint64_t *bits,
		       uint64_t *first, struct kho_error *err)
{
	const unsigned int shift = level_shift(radix, level);
	const uint64_t *page = path_page(radix, path, level);
	const size_t words = radix->words;

	for (uint64_t i = from > prefix ? (from - prefix) >> shift : 0; i < words; i++) {
		uint64_t child = prefix + (i << shift), addr = page[i];
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
	int ret = node_load(radix, path, radix->top, radix->map.addr, 0, err);

	return ret ? ret : node_search(radix, path, radix->top, 0, from, to, bits, first, err);
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
	const unsigned int shift = base->page_shift + order;
	uint64_t first, index;
	int ret;

	if (!path) {
		path = radix->paths[order] = path_new(radix);
		if (!path)
			return kho_fail_nomem(err);
	}
	ret = radix_search(radix, path, key_of(radix, from, order), key_of(radix, last, order) + 1,
			   leaf->bits, &first, err);
	if (ret <= 0)
		return ret;
	/* the kernel makes keys only for RAM, whose addresses do not overflow */
	index = first - order_first_key(radix, order);
	if (index + leaf_keys(radix) > UINT64_MAX >> shift)
		return not_an_address(first, err);
	leaf->addr = index << shift;
	leaf->order = order;
	leaf->nr_words = radix->words;
	return 1;
}

/* Fails if a key of [@from, @to) is set: no address has such a key. */
static int check_none(struct kho_radix *radix, struct radix_path *path, uint64_t from, uint64_t to,
		      struct kho_error *err)
{
	uint64_t bits[MAX_WORDS], first;
	int ret;

	while ((ret = radix_search(radix, path, from, to, bits, &first, err)) > 0) {
		for (size_t i = 0; i < radix->words; i++) {
			if (bits[i])
				return not_an_address(first + i * 64 + (uint64_t)__builtin_ctzll(bits[i]),
						      err);
		}
		from = first + leaf_keys(radix);
	}
	return ret;
}

static int find_orders(struct kho_radix *radix, struct radix_path *path, struct kho_error *err)
{
	const unsigned int orders = KHO_MAP_ORDERS(radix->map.page_shift);
	uint64_t first;
	int ret;

	for (unsigned int order = 0; order < orders; order++) {
		uint64_t from = order_first_key(radix, order);

		ret = radix_search(radix, path, from, from * 2, NULL, &first, err);
		if (ret < 0)
			return ret;
		if (ret)
			radix->map.orders |= 1ull << order;
	}
	/* no key is valid below the last order or above the first */
	ret = check_none(radix, path, 0, order_first_key(radix, orders - 1), err);
	return ret ? ret : check_none(radix, path, order_first_key(radix, 0) * 2, UINT64_MAX, err);
}

/*
 * False if the tree may have one level less than KHO_RADIX_LEVELS(), see abi/kexec_handover.h. That
 * is so for one page size, and the tree does not say.
 */
static bool levels_are_certain(const struct kho_map *map)
{
	unsigned int major, minor;

	return map->page_shift != AMBIGUOUS_SHIFT ||
	       (sscanf(map->source->release, "%u.%u", &major, &minor) == 2 &&
		(major > 7 || (major == 7 && minor >= 3)));
}

/*
 * Every kernel preserves the page of its root FDT, so only the right number of levels finds it. Returns 1 if the
 * map has it, else 0 or an error.
 */
static int finds_root(struct kho_map *map)
{
	if (map->root == KHO_NO_ADDR)
		return 0;
	return kho_map_covers(map, map->root, kho_source_page(map->source), NULL);
}

/* True for errors that reading with the wrong number of levels can cause. */
static bool is_misread(int ret)
{
	return ret == KHO_ERR_CORRUPT || ret == KHO_ERR_LOOP || ret == KHO_ERR_NOT_PRESENT;
}

static int ambiguous(const struct kho_map *map, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "the preserved-memory-map is ambiguous: on pages of 16 KiB, the tree of kernel \"%.40s\" may have 4 or 5 levels",
			   map->source->release);

	return kho_remedy(err, ret, "A tree of 4 levels loses single pages: use Linux 7.3 or later.");
}

static void radix_close(struct kho_map *base)
{
	struct kho_radix *radix = radix_of(base);

	for (unsigned int order = 0; order < KHO_MAP_MAX_ORDERS; order++)
		free(radix->paths[order]);
	free(radix->nodes);
	free(radix);
}

static int radix_open(const struct kho_map *place, struct kho_map **out, struct kho_error *err)
{
	struct kho_radix *radix = calloc(1, sizeof(*radix));
	struct radix_path *path;
	int ret;

	if (!radix)
		return kho_fail_nomem(err);
	radix->map = *place;
	radix->top = KHO_RADIX_LEVELS(place->page_shift) - 1;
	radix->words = (1u << place->page_shift) / sizeof(uint64_t);
	radix->map.leaf_words = radix->words;

	path = path_new(radix);
	ret = path ? find_orders(radix, path, err) : kho_fail_nomem(err);
	free(path);
	if (!levels_are_certain(place)) {
		int found = ret ? ret : finds_root(&radix->map);

		if (found == KHO_ERR_NOMEM)
			ret = kho_fail_nomem(err);
		else if (ret ? is_misread(ret) : found != 1)
			ret = ambiguous(place, err);
	}
	if (ret)
		kho_map_close(&radix->map);
	else
		*out = &radix->map;
	return ret;
}

static int radix_find_nodes(struct kho_map *base, struct kho_error *err)
{
	struct kho_radix *radix = radix_of(base);
	struct radix_path *path = path_new(radix);
	uint64_t from = 0, first;
	int ret;

	if (!path)
		return kho_fail_nomem(err);
	while ((ret = radix_search(radix, path, from, UINT64_MAX, NULL, &first, err)) > 0)
		from = first + leaf_keys(radix);
	free(path);
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
	.find_nodes = radix_find_nodes,
	.for_each_node = radix_for_each_node,
};
