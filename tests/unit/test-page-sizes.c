// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes maps as kernels with pages of 4, 16 and 64 KiB do, and compares what libkho reads. The tree is
 * that of kho_radix_add_key() in kernel/liveupdate/kexec_handover.c of Linux 7.3, with the number of
 * levels as a parameter; the bitmaps are those of kernel/kexec_handover.c of Linux 6.18.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/error.h"
#include "libkho/map.h"

#define BASE	0x80000000ull
#define MEMORY	(128u << 20)
#define BLOCKS	300u
#define ORDERS	12u	/* more than any kernel has */

static struct {
	struct kho_source source;
	unsigned char *data;
	size_t used;
} memory;

static struct kho_root root;
static struct block {
	uint64_t addr;
	unsigned int order;
} blocks[BLOCKS];
static size_t nr_blocks;

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "test-page-sizes: pages of %llu bytes: %s\n",
		(unsigned long long)kho_source_page(&memory.source), what);
	exit(1);
}

static int memory_read(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		       struct kho_error *err)
{
	(void)source;
	if (addr < BASE || addr - BASE > MEMORY || size > MEMORY - (addr - BASE))
		return kho_fail(err, KHO_ERR_NOT_PRESENT, addr, "no memory");
	memcpy(buf, memory.data + (addr - BASE), size);
	return 0;
}

static const struct kho_source_ops memory_ops = { .read = memory_read };

static void *at(uint64_t addr)
{
	return memory.data + (addr - BASE);
}

static uint64_t new_page(void)
{
	uint64_t addr = BASE + memory.used;

	memory.used += kho_source_page(&memory.source);
	if (memory.used > MEMORY)
		fail("the test needs more memory");
	return addr;
}

static void begin(unsigned int shift, const char *release, enum kho_abi abi)
{
	memset(memory.data, 0, memory.used);
	memory.used = 0;
	memory.source.page_shift = shift;
	kho_source_set_release(&memory.source, release);
	root.side = KHO_SIDE_OUT;
	root.abi = abi;
	root.addr = new_page();
	root.map_addr = new_page();
	nr_blocks = 0;
}

/* ------------------------------------------------------------------- writers */

static void tree_add(uint64_t addr, unsigned int order, unsigned int levels)
{
	const unsigned int shift = memory.source.page_shift, bitmap = shift + 3, table = shift - 3;
	uint64_t key = 1ull << (64 - shift - order) | addr >> (shift + order);
	uint64_t *node = at(root.map_addr);

	for (unsigned int level = levels - 1; level; level--) {
		uint64_t *entry = &node[(key >> ((level - 1) * table + bitmap)) % (1u << table)];

		if (!*entry)
			*entry = new_page();
		node = at(*entry);
	}
	key %= 1ull << bitmap;
	node[key / 64] |= 1ull << key % 64;
}

static void bitmap_add(uint64_t addr, unsigned int order)
{
	const unsigned int shift = memory.source.page_shift;
	const uint64_t span = 8ull << (2 * shift + order), bit = addr % span >> (shift + order);
	struct khoser_mem_chunk *chunk = at(root.map_addr);
	struct khoser_mem_bitmap_ptr *ptr;

	for (;; chunk = at(chunk->next)) {
		if (!chunk->num_elms)
			chunk->order = order;
		ptr = chunk->bitmaps;
		while (ptr < chunk->bitmaps + chunk->num_elms && ptr->phys_start != addr - addr % span)
			ptr++;
		if (chunk->order == order &&
		    (ptr < chunk->bitmaps + chunk->num_elms ||
		     chunk->num_elms < KHO_V1_CHUNK_BITMAPS(shift)))
			break;
		if (!chunk->next)
			chunk->next = new_page();
	}
	if (ptr == chunk->bitmaps + chunk->num_elms) {
		*ptr = (struct khoser_mem_bitmap_ptr){ addr - addr % span, new_page() };
		chunk->num_elms++;
	}
	((uint64_t *)at(ptr->bitmap))[bit / 64] |= 1ull << bit % 64;
}

static void add(uint64_t addr, unsigned int order)
{
	for (size_t i = 0; i < nr_blocks; i++) {
		if (blocks[i].addr == addr && blocks[i].order == order)
			return;
	}
	blocks[nr_blocks++] = (struct block){ addr, order };
	if (root.abi == KHO_ABI_V1)
		bitmap_add(addr, order);
	else
		tree_add(addr, order, KHO_RADIX_LEVELS(memory.source.page_shift));
}

/* Blocks of all orders in a few regions, so that some are adjacent, and the highest page of arm64. */
static void add_blocks(void)
{
	const unsigned int shift = memory.source.page_shift;

	add(root.addr, 0);
	add((1ull << 52) - (1ull << shift), 0);
	while (nr_blocks < BLOCKS) {
		unsigned int order = (unsigned int)rand() % ORDERS;
		uint64_t region = (uint64_t)rand() % 4 << (34 + rand() % 4);

		add(region + ((uint64_t)rand() % 32 << (shift + order)), order);
	}
}

/* ------------------------------------------------------------------- readers */

static int compare(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr > y->addr ? 1 : -1;
	return (x->order > y->order) - (x->order < y->order);
}

static void check_walk(struct kho_map *map)
{
	const unsigned int shift = memory.source.page_shift;
	struct kho_map_entry entry;
	struct kho_map_iter *iter;
	size_t n = 0;
	int ret;

	if (kho_map_begin(map, &iter, NULL))
		fail("no iterator");
	while ((ret = kho_map_iter_next(iter, &entry, NULL)) > 0) {
		if (entry.size != entry.count << (shift + entry.order))
			fail("an entry of another size than its blocks");
		for (uint64_t i = 0; i < entry.count; i++, n++) {
			uint64_t addr = entry.addr + (i << (shift + entry.order));

			if (n == nr_blocks || blocks[n].addr != addr || blocks[n].order != entry.order)
				fail("another block than the next one");
		}
	}
	kho_map_iter_destroy(iter);
	if (ret || n != nr_blocks)
		fail("blocks are missing");
}

static void check_lookups(struct kho_map *map)
{
	const unsigned int shift = memory.source.page_shift;

	for (size_t i = 0; i < nr_blocks; i++) {
		if (kho_map_covers(map, blocks[i].addr, 1ull << (shift + blocks[i].order), NULL) != 1)
			fail("a block that is not preserved");
	}
	if (kho_map_covers(map, 1ull << 45, 1, NULL))
		fail("memory that nobody preserved");
}

static void check(unsigned int shift, const char *release, enum kho_abi abi)
{
	struct kho_error err;
	struct kho_map *map;

	begin(shift, release, abi);
	add_blocks();
	qsort(blocks, nr_blocks, sizeof(blocks[0]), compare);
	if (kho_map_open(&memory.source, &root, 0, &map, &err))
		fail(err.message);
	check_walk(map);
	check_lookups(map);
	kho_map_close(map);
}

/* Opens the map and returns true if it is ambiguous. */
static bool is_ambiguous(void)
{
	struct kho_error err;
	struct kho_map *map;
	int ret = kho_map_open(&memory.source, &root, 0, &map, &err);

	if (!ret)
		kho_map_close(map);
	return ret == KHO_ERR_UNSUPPORTED && strstr(err.message, "ambiguous");
}

/*
 * A tree on pages of 16 KiB of a release that may have 4 levels or 5. Only one of 5 levels that
 * contains the root is certain.
 */
static void check_levels(const char *release)
{
	begin(14, release, KHO_ABI_V3);
	for (unsigned int i = 1; i < 32; i++)
		tree_add(BASE + i * (1ull << 30), i % ORDERS, 5);
	if (!is_ambiguous())
		fail("a tree without the root's page is not ambiguous");
	tree_add(root.addr, 0, 5);
	if (is_ambiguous())
		fail("a tree of 5 levels that contains the root is ambiguous");

	begin(14, release, KHO_ABI_V3);
	tree_add(root.addr, 0, 4);
	if (!is_ambiguous())
		fail("a tree of 4 levels with one block is not ambiguous");
	for (unsigned int i = 1; i < 32; i++)
		tree_add(BASE + i * (1ull << 30), i % ORDERS, 4);
	if (!is_ambiguous())
		fail("a tree of 4 levels is not ambiguous");
}

int main(void)
{
	memory.data = calloc(1, MEMORY);
	if (!memory.data || kho_source_init(&memory.source, &memory_ops, "test", NULL))
		return 1;
	for (unsigned int shift = KHO_ABI_MIN_PAGE_SHIFT; shift <= KHO_ABI_MAX_PAGE_SHIFT; shift += 2) {
		check(shift, "7.3.4", KHO_ABI_V4);
		check(shift, "7.1.0", KHO_ABI_V3);
		check(shift, "", KHO_ABI_V4);
		check(shift, "6.18.1", KHO_ABI_V1);
	}
	check_levels("7.1.2");
	check_levels("7.2.0");
	check_levels("");
	/* the release decides: then the page of the root is a matter for K005 */
	begin(14, "7.3.4", KHO_ABI_V4);
	tree_add(BASE, 3, 5);
	if (is_ambiguous())
		fail("a tree of Linux 7.3 is ambiguous");
	free(memory.source.path);
	free(memory.data);
	return 0;
}
