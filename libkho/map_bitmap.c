// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The preserved-memory-map of kho-v1, see abi/kexec_handover.h: a chain of pages that
 * list bitmaps. The reader keeps the list, sorted (24 bytes for each bitmap). The iterator
 * holds one bitmap of each order at a time and merges them by address.
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
	const struct bitmap_ref *loaded; /* bitmap in page[], for look-ups */
	uint64_t page[KHO_ABI_PAGE_SIZE / 8];
};

static uint64_t bits_of(const struct kho_bitmap *map)
{
	return map->bytes * 8ull;
}

/* Bytes of memory that a bitmap describes. @order is one that check_ref() accepted. */
static uint64_t span_of(const struct kho_bitmap *map, unsigned int order)
{
	return bits_of(map) << (KHO_ABI_PAGE_SHIFT + order);
}

/* ------------------------------------------------------------- the chain */

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
			return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
		map->refs = refs;
		map->room = room;
	}
	map->refs[map->nr_refs++] = (struct bitmap_ref){ ptr->phys_start, ptr->bitmap, order };
	return 0;
}

static int read_chunk(struct kho_bitmap *map, uint64_t addr, uint64_t *next,
		      struct kho_error *err)
{
	struct khoser_mem_chunk chunk;
	int ret;

	if (addr % KHO_ABI_PAGE_SIZE)
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"preserved-memory-map: 0x%" PRIx64 " cannot be a page of the chain",
				addr);
	ret = kho_addr_set_add(&map->chunks, addr, err);
	if (ret < 0)
		return ret;
	if (!ret)
		return kho_fail(err, KHO_ERR_LOOP, addr,
				"preserved-memory-map: the chain comes back to 0x%" PRIx64, addr);

	ret = kho_source_read(map->map.source, addr, &chunk, sizeof(chunk), err);
	if (ret)
		return ret;
	if (chunk.num_elms > KHO_V1_CHUNK_BITMAPS)
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"preserved-memory-map: the page at 0x%" PRIx64 " claims %u bitmaps, %zu fit",
				addr, chunk.num_elms, KHO_V1_CHUNK_BITMAPS);

	for (uint32_t i = 0; i < chunk.num_elms; i++) {
		ret = keep_ref(map, &chunk.bitmaps[i], chunk.order, err);
		if (ret)
			return ret;
	}
	*next = chunk.next;
	return 0;
}

/*
 * Bytes of a bitmap, 0 if unknown. The caller's choice decides, then the release (Linux 6.17
 * changed the size within its stable series), then the alignment of the bitmaps.
 */
static unsigned int bytes_of(const struct kho_bitmap *map)
{
	unsigned int major, minor;

	if (map->map.v1_bitmap)
		return map->map.v1_bitmap;
	if (sscanf(map->map.source->release, "%u.%u", &major, &minor) == 2) {
		if (major == 6 && minor == 16)
			return KHO_V1_SMALL_BITMAP;
		if (major > 6 || (major == 6 && minor >= 18))
			return KHO_ABI_PAGE_SIZE;
	}
	if (!map->nr_refs)
		return KHO_ABI_PAGE_SIZE;

	for (size_t i = 0; i < map->nr_refs; i++) {
		if (map->refs[i].bitmap % KHO_ABI_PAGE_SIZE)
			return KHO_V1_SMALL_BITMAP;
	}
	return 0;
}

static int check_ref(const struct kho_bitmap *map, const struct bitmap_ref *ref,
		     struct kho_error *err)
{
	const unsigned int max_shift = 64 - KHO_ABI_PAGE_SHIFT - 16;

	/* the kernel makes bitmaps only for RAM, whose addresses do not overflow */
	if (ref->order > max_shift || ref->addr % span_of(map, ref->order) ||
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

	for (size_t i = 0; i < map->nr_refs; i++) {
		ret = check_ref(map, &map->refs[i], err);
		if (ret)
			return ret;
	}
	if (map->nr_refs)
		qsort(map->refs, map->nr_refs, sizeof(*map->refs), compare_refs);
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
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	map->map = *place;
	ret = read_chain(map, err);
	if (ret)
		bitmap_close(&map->map);
	else
		*out = &map->map;
	return ret;
}

/* --------------------------------------------------------------- iterator */

/* Position in the bitmaps of one order. */
struct order_cursor {
	const struct bitmap_ref *ref, *end;
	uint64_t next_bit;
	bool loaded, ended;
	struct kho_map_entry entry;
	uint64_t page[KHO_ABI_PAGE_SIZE / 8];
};

struct bitmap_iter {
	struct kho_map_iter iter;
	size_t nr_cursors;
	struct order_cursor cursors[];
};

/* Finds the first bit at or after @from; false if there is none. */
static bool next_bit(const struct kho_bitmap *map, const uint64_t *words, uint64_t from,
		     uint64_t *bit)
{
	while (from < bits_of(map)) {
		uint64_t word = words[from / 64] >> (from % 64);

		if (word) {
			*bit = from + (uint64_t)__builtin_ctzll(word);
			return true;
		}
		from = (from / 64 + 1) * 64;
	}
	return false;
}

static int cursor_advance(struct kho_bitmap *map, struct order_cursor *cursor,
			  struct kho_error *err)
{
	for (; cursor->ref < cursor->end; cursor->ref++) {
		unsigned int shift = KHO_ABI_PAGE_SHIFT + cursor->ref->order;
		uint64_t bit;
		int ret;

		if (!cursor->loaded) {
			ret = kho_source_read(map->map.source, cursor->ref->bitmap, cursor->page,
					      map->bytes, err);
			if (ret)
				return ret;
			cursor->loaded = true;
			cursor->next_bit = 0;
		}
		if (next_bit(map, cursor->page, cursor->next_bit, &bit)) {
			cursor->next_bit = bit + 1;
			cursor->entry = (struct kho_map_entry){
				cursor->ref->addr + (bit << shift), 1ull << shift,
				cursor->ref->order,
			};
			return 0;
		}
		cursor->loaded = false;
	}
	cursor->ended = true;
	return 0;
}

static size_t count_orders(const struct kho_bitmap *map)
{
	size_t n = 0;

	for (size_t i = 0; i < map->nr_refs; i++)
		n += !i || map->refs[i].order != map->refs[i - 1].order;
	return n;
}

static void bitmap_end(struct kho_map_iter *iter)
{
	free(iter);
}

static int bitmap_begin(struct kho_map *base, struct kho_map_iter **out, struct kho_error *err)
{
	struct kho_bitmap *map = bitmap_of(base);
	struct bitmap_iter *iter;

	iter = calloc(1, sizeof(*iter) + count_orders(map) * sizeof(iter->cursors[0]));
	if (!iter)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	iter->iter.map = base;

	for (size_t i = 0; i < map->nr_refs; i++) {
		if (!i || map->refs[i].order != map->refs[i - 1].order)
			iter->cursors[iter->nr_cursors++].ref = &map->refs[i];
		iter->cursors[iter->nr_cursors - 1].end = &map->refs[i + 1];
	}
	for (size_t i = 0; i < iter->nr_cursors; i++) {
		int ret = cursor_advance(map, &iter->cursors[i], err);

		if (ret) {
			bitmap_end(&iter->iter);
			return ret;
		}
	}

	*out = &iter->iter;
	return 0;
}

static int bitmap_next(struct kho_map_iter *base, struct kho_map_entry *entry,
		       struct kho_error *err)
{
	struct bitmap_iter *iter = (struct bitmap_iter *)base;
	struct order_cursor *first = NULL;
	struct kho_map_entry found;
	int ret;

	for (size_t i = 0; i < iter->nr_cursors; i++) {
		struct order_cursor *cursor = &iter->cursors[i];

		if (!cursor->ended && (!first || cursor->entry.addr < first->entry.addr))
			first = cursor;
	}
	if (!first)
		return 0;

	found = first->entry;
	ret = cursor_advance(bitmap_of(base->map), first, err);
	if (ret)
		return ret;

	*entry = found;
	return 1;
}

static int bitmap_for_each_leaf(struct kho_map *base,
				int (*fn)(const struct kho_map_leaf *leaf, void *data), void *data,
				struct kho_error *err)
{
	struct kho_bitmap *map = bitmap_of(base);
	uint64_t page[KHO_ABI_PAGE_SIZE / 8];

	for (size_t i = 0; i < map->nr_refs; i++) {
		const struct kho_map_leaf leaf = {
			map->refs[i].addr, map->refs[i].order, page, map->bytes / 8,
		};
		int ret = kho_source_read(base->source, map->refs[i].bitmap, page, map->bytes, err);

		if (ret)
			return ret;
		if (fn(&leaf, data))
			return 1;
	}
	return 0;
}

/* ---------------------------------------------------------------- look-up */

/* Finds the bitmap of @addr among those of the order at *@from; moves *@from to the next order. */
static const struct bitmap_ref *find_ref(const struct kho_bitmap *map, size_t *from, uint64_t addr)
{
	unsigned int order = map->refs[*from].order;
	size_t low = *from, high = map->nr_refs;

	/* find the end of this order, then the last bitmap that begins at or before @addr */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (map->refs[mid].order > order)
			high = mid;
		else
			low = mid + 1;
	}
	low = *from;
	*from = high;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (map->refs[mid].addr > addr)
			high = mid;
		else
			low = mid + 1;
	}
	if (!low || map->refs[low - 1].order != order || map->refs[low - 1].addr > addr ||
	    addr - map->refs[low - 1].addr >= span_of(map, order))
		return NULL;
	return &map->refs[low - 1];
}

/* Reads the bitmap into map->page, unless it is there. */
static int load_ref(struct kho_bitmap *map, const struct bitmap_ref *ref, struct kho_error *err)
{
	int ret;

	if (map->loaded == ref)
		return 0;
	map->loaded = NULL;
	ret = kho_source_read(map->map.source, ref->bitmap, map->page, map->bytes, err);
	if (!ret)
		map->loaded = ref;
	return ret;
}

static int bitmap_has_larger(struct kho_map *base, uint64_t addr, uint64_t size,
			     unsigned int order, struct kho_error *err)
{
	struct kho_bitmap *map = bitmap_of(base);
	size_t i = 0;

	while (i < map->nr_refs) {
		const struct bitmap_ref *ref = find_ref(map, &i, addr);
		unsigned int shift;
		uint64_t bit;
		int ret;

		if (!ref || ref->order <= order)
			continue;
		ret = load_ref(map, ref, err);
		if (ret)
			return ret;
		shift = KHO_ABI_PAGE_SHIFT + ref->order;
		if (next_bit(map, map->page, (addr - ref->addr) >> shift, &bit) &&
		    bit <= (addr - ref->addr + (size - 1)) >> shift)
			return 1;
	}
	return 0;
}

static int bitmap_covered_until(struct kho_map *base, uint64_t addr, uint64_t size,
				uint64_t *end, struct kho_error *err)
{
	struct kho_bitmap *map = bitmap_of(base);
	size_t i = 0;

	(void)size;
	*end = 0;
	while (i < map->nr_refs) {
		const struct bitmap_ref *ref = find_ref(map, &i, addr);
		uint64_t bit;
		int ret;

		if (!ref)
			continue;
		ret = load_ref(map, ref, err);
		if (ret)
			return ret;
		bit = (addr - ref->addr) >> (KHO_ABI_PAGE_SHIFT + ref->order);
		if (map->page[bit / 64] & 1ull << (bit % 64)) {
			*end = ref->addr + ((bit + 1) << (KHO_ABI_PAGE_SHIFT + ref->order));
			return 0;
		}
	}
	return 0;
}

static int bitmap_for_each_node(struct kho_map *base, int (*fn)(uint64_t addr, void *data),
				void *data, struct kho_error *err)
{
	struct kho_bitmap *map = bitmap_of(base);

	(void)err;
	for (size_t i = 0; i < map->chunks.room; i++) {
		if (map->chunks.slots[i] && fn(map->chunks.slots[i], data))
			return 0;
	}
	for (size_t i = 0; i < map->bitmaps.room; i++) {
		if (map->bitmaps.slots[i] && fn(map->bitmaps.slots[i], data))
			return 0;
	}
	return 0;
}

const struct kho_map_format kho_map_bitmap = {
	.open = bitmap_open,
	.close = bitmap_close,
	.begin = bitmap_begin,
	.next = bitmap_next,
	.end = bitmap_end,
	.covered_until = bitmap_covered_until,
	.has_larger = bitmap_has_larger,
	.for_each_node = bitmap_for_each_node,
	.for_each_leaf = bitmap_for_each_leaf,
};
