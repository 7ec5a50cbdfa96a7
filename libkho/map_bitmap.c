// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The preserved-memory-map of kho-v1, see abi/kexec_handover.h: a chain of pages that
 * list bitmaps. The reader keeps the list, sorted (24 bytes for each bitmap).
 *
 * The reader rejects a page or a bitmap that occurs twice, so the size of the input bounds
 * work and memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr_set.h"
#include "error.h"
#include "map.h"

struct bitmap_ref {
	uint64_t addr;		/* of the block of bit 0 */
	uint64_t bitmap;
	unsigned int order;
};

struct kho_bitmap {
	struct kho_map map;
	struct bitmap_ref *refs;	/* sorted by order, then address */
	size_t nr_refs, room;
	struct kho_addr_set chunks;
	struct kho_addr_set bitmaps;
	unsigned int bytes;		/* of a bitmap */
};

/* Bytes of memory that a bitmap describes. @order is one that check_ref() accepted. */
static uint64_t span_of(const struct kho_bitmap *map, unsigned int order)
{
	return map->bytes * 8ull << (map->map.page_shift + order);
}

/* ------------------------------------------------------------- the chain */

static unsigned int page_of(const struct kho_bitmap *map)
{
	return 1u << map->map.page_shift;
}

static int keep_ref(struct kho_bitmap *map, const struct khoser_mem_bitmap_ptr *ptr,
		    unsigned int order, struct kho_error *err)
{
	int ret = ptr->bitmap ? kho_addr_set_add(&map->bitmaps, ptr->bitmap, err) : 1;

	if (ret < 0)
		return ret;
	if (!ret)
		return kho_fail(err, KHO_ERR_LOOP, ptr->bitmap,
				"preserved-memory-map: the bitmap at 0x%" PRIx64 " stands for two places",
				ptr->bitmap);

	if (map->nr_refs == map->room) {
		size_t room = map->room ? 2 * map->room : 256;
		struct bitmap_ref *refs = reallocarray(map->refs, room, sizeof(*refs));

		if (!refs)
			return kho_fail_nomem(err);
		map->refs = refs;
		map->room = room;
	}
	map->refs[map->nr_refs++] = (struct bitmap_ref){ ptr->phys_start, ptr->bitmap, order };
	return 0;
}

static int read_chunk(struct kho_bitmap *map, uint64_t addr, uint64_t *next,
		      struct kho_error *err)
{
	union {
		struct khoser_mem_chunk chunk;
		unsigned char page[KHO_ABI_MAX_PAGE];
	} buf;
	const struct khoser_mem_chunk *chunk = &buf.chunk;
	const size_t room = KHO_V1_CHUNK_BITMAPS(map->map.page_shift);
	int ret;

	if (addr & (page_of(map) - 1))
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"preserved-memory-map: 0x%" PRIx64 " cannot be a page of the chain",
				addr);
	ret = kho_addr_set_add(&map->chunks, addr, err);
	if (ret < 0)
		return ret;
	if (!ret)
		return kho_fail(err, KHO_ERR_LOOP, addr,
				"preserved-memory-map: the chain comes back to 0x%" PRIx64, addr);

	ret = kho_source_read(map->map.source, addr, &buf, page_of(map), err);
	if (ret)
		return ret;
	if (chunk->num_elms > room)
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"preserved-memory-map: the page at 0x%" PRIx64 " claims %u bitmaps, %zu fit",
				addr, chunk->num_elms, room);

	for (uint32_t i = 0; i < chunk->num_elms; i++) {
		ret = keep_ref(map, &chunk->bitmaps[i], chunk->order, err);
		if (ret)
			return ret;
	}
	*next = chunk->next;
	return 0;
}

unsigned int kho_v1_bitmap_of_release(const struct kho_source *source)
{
	unsigned int major, minor;

	if (sscanf(source->release, "%u.%u", &major, &minor) != 2)
		return 0;
	if (major == 6 && minor == 16)
		return KHO_V1_SMALL_BITMAP;
	return major > 6 || (major == 6 && minor >= 18) ? (unsigned int)kho_source_page(source) : 0;
}

/*
 * Bytes of a bitmap, 0 if unknown. The caller's choice decides, then the release, then the alignment
 * of the bitmaps.
 */
static unsigned int bytes_of(const struct kho_bitmap *map)
{
	unsigned int bytes = map->map.v1_bitmap;

	if (!bytes)
		bytes = kho_v1_bitmap_of_release(map->map.source);
	if (bytes)
		return bytes;
	if (!map->nr_refs)
		return page_of(map);

	for (size_t i = 0; i < map->nr_refs; i++) {
		if (map->refs[i].bitmap & (page_of(map) - 1))
			return KHO_V1_SMALL_BITMAP;
	}
	return 0;
}

static int check_ref(const struct kho_bitmap *map, const struct bitmap_ref *ref,
		     struct kho_error *err)
{
	/* the kernel makes bitmaps only for RAM, whose addresses do not overflow */
	if (ref->order >= KHO_MAP_ORDERS(map->map.page_shift) || ref->addr % span_of(map, ref->order) ||
	    ref->addr > UINT64_MAX - span_of(map, ref->order))
		return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
				"preserved-memory-map: no bitmap of order %u and %u bytes can begin at 0x%" PRIx64,
				ref->order, map->bytes, ref->addr);
	if (!ref->bitmap || ref->bitmap % map->bytes)
		return kho_fail(err, KHO_ERR_CORRUPT, ref->bitmap,
				"preserved-memory-map: 0x%" PRIx64 " cannot be a bitmap of %u bytes",
				ref->bitmap, map->bytes);
	return 0;
}

static int compare_refs(const void *a, const void *b)
{
	const struct bitmap_ref *x = a, *y = b;

	if (x->order != y->order)
		return x->order > y->order ? 1 : -1;
	return (x->addr > y->addr) - (x->addr < y->addr);
}

static int check_refs(struct kho_bitmap *map, struct kho_error *err)
{
	int ret;

	map->bytes = bytes_of(map);
	if (!map->bytes) {
		ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			       "the preserved-memory-map is ambiguous: kernel \"%.40s\" may have bitmaps of 512 bytes or of a page",
			       map->map.source->release);
		return kho_remedy(err, ret, "Say which: --v1-bitmap=512 (Linux 6.16, early 6.17) or --v1-bitmap=page.");
	}

	map->map.leaf_words = map->bytes / 8;
	for (size_t i = 0; i < map->nr_refs; i++) {
		ret = check_ref(map, &map->refs[i], err);
		if (ret)
			return ret;
	}
	if (map->nr_refs)
		qsort(map->refs, map->nr_refs, sizeof(*map->refs), compare_refs);
	for (size_t i = 0; i < map->nr_refs; i++)
		map->map.orders |= 1ull << map->refs[i].order;
	for (size_t i = 1; i < map->nr_refs; i++) {
		if (!compare_refs(&map->refs[i - 1], &map->refs[i]))
			return kho_fail(err, KHO_ERR_CORRUPT, map->refs[i].bitmap,
					"preserved-memory-map: two bitmaps of order %u for 0x%" PRIx64,
					map->refs[i].order, map->refs[i].addr);
	}
	return 0;
}

static int read_chain(struct kho_bitmap *map, struct kho_error *err)
{
	uint64_t addr = map->map.addr;

	while (addr) {
		int ret = read_chunk(map, addr, &addr, err);

		if (ret)
			return ret;
	}
	return check_refs(map, err);
}

static struct kho_bitmap *bitmap_of(struct kho_map *map)
{
	return (struct kho_bitmap *)map;
}

static void bitmap_close(struct kho_map *base)
{
	struct kho_bitmap *map = bitmap_of(base);

	kho_addr_set_free(&map->chunks);
	kho_addr_set_free(&map->bitmaps);
	free(map->refs);
	free(map);
}

static int bitmap_open(const struct kho_map *place, struct kho_map **out, struct kho_error *err)
{
	struct kho_bitmap *map = calloc(1, sizeof(*map));
	int ret;

	if (!map)
		return kho_fail_nomem(err);
	map->map = *place;
	map->map.walked = true;		/* the chain lists every page */
	ret = read_chain(map, err);
	if (ret)
		bitmap_close(&map->map);
	else
		*out = &map->map;
	return ret;
}

/* ------------------------------------------------------------------ leaves */

/* Index of the first bitmap of @order at or after @addr, or of a larger order; nr_refs if none. */
static size_t find_ref(const struct kho_bitmap *map, unsigned int order, uint64_t addr)
{
	const struct bitmap_ref key = { .order = order, .addr = addr };
	size_t low = 0, high = map->nr_refs;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_refs(&map->refs[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int bitmap_leaf_from(struct kho_map *base, unsigned int order, uint64_t from, uint64_t last,
			    struct kho_map_leaf *leaf, struct kho_error *err)
{
	struct kho_bitmap *map = bitmap_of(base);
	size_t i = find_ref(map, order, from / span_of(map, order) * span_of(map, order));
	const struct bitmap_ref *ref = &map->refs[i];
	int ret;

	if (i == map->nr_refs || ref->order != order || ref->addr > last)
		return 0;
	ret = kho_source_read(base->source, ref->bitmap, leaf->bits, map->bytes, err);
	if (ret)
		return ret;
	leaf->addr = ref->addr;
	leaf->order = order;
	leaf->nr_words = map->bytes / 8;
	return 1;
}

static void bitmap_for_each_node(struct kho_map *base, int (*fn)(uint64_t addr, void *data),
				 void *data)
{
	const struct kho_bitmap *map = bitmap_of(base);

	for (size_t i = 0; i < map->chunks.room; i++) {
		if (map->chunks.slots[i] && fn(map->chunks.slots[i], data))
			return;
	}
	for (size_t i = 0; i < map->bitmaps.room; i++) {
		if (map->bitmaps.slots[i] && fn(map->bitmaps.slots[i], data))
			return;
	}
}

const struct kho_map_format kho_map_bitmap = {
	.open = bitmap_open,
	.close = bitmap_close,
	.leaf_from = bitmap_leaf_from,
	.for_each_node = bitmap_for_each_node,
};
