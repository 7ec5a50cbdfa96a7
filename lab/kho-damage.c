// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kho-damage NAME IN OUT: copies a recorded snapshot and damages the copy in one named way. A test
 * then checks which rule reports the damage.
 *
 * kho-damage --list prints each damage of outgoing state with the rules that must report it. --list-in
 * prints those of incoming state, --list-v1 those of the ABI kho-v1, --list-luo those of live update
 * (luo-v5), --list-leak those that put other memory into the snapshot.
 *
 * kho-damage --all[-in|-v1|-luo|-leak] IN FOLDER makes all damages of such a list in one process. Each
 * damage gets a copy that has its name.
 */
#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <libfdt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "libkho/crc32c.h"
#include "libkho/source_kinds.h"
#include "libkho/state.h"
#include "libkho/abi/dma_alloc.h"
#include "libkho/abi/subtrees.h"

struct image {
	unsigned char *data;	/* the whole file, writable */
	size_t size;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_dma_record first, second;	/* the first two of the snapshot, if it has records */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "kho-damage: %s\n", what);
	exit(2);
}

static void __attribute__((noreturn)) die_of(const char *what, const char *path)
{
	fprintf(stderr, "kho-damage: %s %s: %m\n", what, path);
	exit(2);
}

static unsigned int page_size(const struct image *image)
{
	return kho_state_page_size(image->state);
}

/* Returns where the file has physical @addr. */
static void *at(struct image *image, uint64_t addr)
{
	uint64_t offset;

	if (!kho_elf_place(image->source, addr, &offset))
		die("the snapshot has no such page");
	return image->data + offset;
}

static void *fdt(struct image *image)
{
	return at(image, kho_state_fdt_addr(image->state));
}

static struct dma_alloc_ser *head(struct image *image)
{
	return at(image, kho_state_subtree(image->state, DMA_ALLOC_KHO_SUBTREE)->addr);
}

static struct dma_alloc_record_ser *record(struct image *image, const struct kho_dma_record *r)
{
	return at(image, r->record_addr);
}

/* Corrects the checksum, because otherwise its rule would report the damage too. */
static void fix_head(struct image *image)
{
	head(image)->crc32c = kho_crc32c(head(image), offsetof(struct dma_alloc_ser, crc32c));
}

static void fix_record(struct dma_alloc_record_ser *r)
{
	r->crc32c = kho_crc32c(r, offsetof(struct dma_alloc_record_ser, crc32c));
}

static unsigned int order_of(const struct image *image, uint64_t size)
{
	unsigned int order = 0;

	while (((uint64_t)page_size(image) << order) < size)
		order++;
	return order;
}

/* Returns the byte with the bit of a page in the radix tree; @mask selects the bit. */
static unsigned char *map_bit(struct image *image, uint64_t addr, unsigned int order,
			      unsigned char *mask)
{
	const unsigned int shift = image->source->page_shift;
	uint64_t key = 1ull << (64 - shift - order) | addr >> (shift + order);
	uint64_t node = kho_state_map_addr(image->state);

	for (unsigned int level = KHO_RADIX_LEVELS(shift) - 1; level > 0; level--) {
		const uint64_t *table = at(image, node);
		uint64_t index = key >> (KHO_RADIX_BITMAP_BITS(shift) +
					 KHO_RADIX_TABLE_BITS(shift) * (level - 1));

		node = table[index & (page_size(image) / 8 - 1)];
	}
	*mask = (unsigned char)(1u << (key % 8));
	return (unsigned char *)at(image, node) + key % (8 * page_size(image)) / 8;
}

/* Does the same in a map of kho-v1. Returns NULL if no bitmap contains the page. */
static unsigned char *v1_bit(struct image *image, uint64_t addr, unsigned int order,
			     unsigned char *mask)
{
	const struct khoser_mem_chunk *chunk;

	for (uint64_t pa = kho_state_map_addr(image->state); pa; pa = chunk->next) {
		chunk = at(image, pa);
		for (uint32_t i = 0; chunk->order == order && i < chunk->num_elms; i++) {
			uint64_t bit = (addr - chunk->bitmaps[i].phys_start) >> (12 + order);

			if (addr < chunk->bitmaps[i].phys_start || bit >= page_size(image) * 8)
				continue;
			*mask = (unsigned char)(1u << (bit % 8));
			return (unsigned char *)at(image, chunk->bitmaps[i].bitmap) + bit / 8;
		}
	}
	return NULL;
}

/* Removes the page from a map of kho-v1. Its block can have any order. */
static void v1_clear(struct image *image, uint64_t addr)
{
	for (unsigned int order = 0; order <= 10; order++) {
		unsigned char mask, *byte = v1_bit(image, addr, order, &mask);

		if (byte && *byte & mask) {
			*byte = (unsigned char)(*byte & ~mask);
			return;
		}
	}
	die("the undamaged snapshot does not preserve the page");
}

static void map_clear(struct image *image, uint64_t addr, unsigned int order)
{
	unsigned char mask, *byte = map_bit(image, addr, order, &mask);

	if (!(*byte & mask))
		die("the undamaged snapshot does not preserve the page");
	*byte = (unsigned char)(*byte & ~mask);
}

static void map_set(struct image *image, uint64_t addr, unsigned int order)
{
	unsigned char mask, *byte = map_bit(image, addr, order, &mask);

	*byte |= mask;
}

/* Replaces text of the notes with text of the same length. */
static void replace_note(struct image *image, const char *from, const char *to)
{
	unsigned char *hit = memmem(image->data, image->size, from, strlen(from));

	if (!hit || strlen(from) != strlen(to))
		die("the notes do not contain the text, or the new text has another length");
	memcpy(hit, to, strlen(to));
}

static const struct kho_range *largest_scratch(struct image *image)
{
	const struct kho_range *largest = image->state->scratch;

	for (size_t i = 0; i < image->state->nr_scratch; i++) {
		if (image->state->scratch[i].size > largest->size)
			largest = &image->state->scratch[i];
	}
	return largest;
}

/* Replaces the largest scratch area with one page at @addr. */
static void shrink_scratch(struct image *image, uint64_t addr)
{
	const struct kho_range *s = largest_scratch(image);
	char from[80], to[80];
	int digits = snprintf(from, sizeof(from), "%llx", (unsigned long long)s->addr);
	int size_digits = snprintf(from, sizeof(from), "%llx", (unsigned long long)s->size);

	snprintf(from, sizeof(from), "scratch=0x%llx+0x%llx\n", (unsigned long long)s->addr,
		 (unsigned long long)s->size);
	snprintf(to, sizeof(to), "scratch=0x%0*llx+0x%0*x\n", digits,
		 (unsigned long long)addr, size_digits, page_size(image));
	replace_note(image, from, to);
}

/* Moves the largest scratch area to @addr, which must have as many digits as the old address. */
static void move_scratch(struct image *image, uint64_t addr)
{
	const struct kho_range *s = largest_scratch(image);
	char from[64], to[64];
	int digits = snprintf(from, sizeof(from), "%llx", (unsigned long long)s->addr);

	snprintf(from, sizeof(from), "scratch=0x%llx+", (unsigned long long)s->addr);
	snprintf(to, sizeof(to), "scratch=0x%0*llx+", digits, (unsigned long long)addr);
	replace_note(image, from, to);
}

/* ---------------------------------------------------------------- damages */

static void fdt_bad_magic(struct image *image) { *(unsigned char *)fdt(image) ^= 0xff; }

static void fdt_truncated(struct image *image)
{
	fdt_set_totalsize(fdt(image), page_size(image) + 1);
}

/* Before version 16, the name of a node was its full path. */
static void fdt_old_version(struct image *image)
{
	fdt_set_version(fdt(image), 13);
	fdt_set_last_comp_version(fdt(image), 13);
}

static void fdt_structure(struct image *image)
{
	/* cut off the end tag of the structure block */
	fdt_set_size_dt_struct(fdt(image), fdt_size_dt_struct(fdt(image)) - 4);
}

/* A reader that skips this property arrives at it again. */
static void fdt_endless(struct image *image)
{
	const struct fdt_property *prop =
		fdt_get_property(fdt(image), 0, "preserved-memory-map", NULL);

	if (!prop)
		die("the root FDT has no address of the map");
	((struct fdt_property *)prop)->len = cpu_to_fdt32(-(uint32_t)sizeof(*prop));
}

static void root_compatible(struct image *image)
{
	if (fdt_setprop_inplace(fdt(image), 0, "compatible", "kho-v9", 7))
		die("cannot change the compatible");
}

/* This is not a damage: these forms are under discussion for kernels after 7.3. */
static void set_compatible(struct image *image, const char *value, int size)
{
	unsigned char page[KHO_ABI_MAX_PAGE];

	if (fdt_open_into(fdt(image), page, (int)page_size(image)) ||
	    fdt_setprop(page, 0, "compatible", value, size) || fdt_pack(page))
		die("cannot change the compatible");
	memcpy(fdt(image), page, fdt_totalsize(page));
}

static void compatible_composite(struct image *image)
{
	set_compatible(image, "kho-v4;radix-v1", sizeof("kho-v4;radix-v1"));
}

static void compatible_list(struct image *image)
{
	set_compatible(image, "kho-v5\0kho-v4", sizeof("kho-v5\0kho-v4"));
}

static void set_root_map(struct image *image, uint64_t addr)
{
	if (fdt_setprop_inplace(fdt(image), 0, "preserved-memory-map", &addr, sizeof(addr)))
		die("cannot change the map's address");
}

static void map_missing(struct image *image) { set_root_map(image, 0); }
static void map_unaligned(struct image *image)
{
	set_root_map(image, kho_state_map_addr(image->state) + 8);
}

static void set_blob(struct image *image, const char *name, const char *prop, uint64_t value)
{
	int node = fdt_subnode_offset(fdt(image), 0, name);

	if (node < 0 || fdt_setprop_inplace(fdt(image), node, prop, &value, sizeof(value)))
		die("cannot change the subtree");
}

static void remove_size(struct image *image, const char *subtree)
{
	int node = fdt_subnode_offset(fdt(image), 0, subtree);

	if (node < 0 || fdt_nop_property(fdt(image), node, "blob-size"))
		die("cannot change the subtree");
}

static void subtree_no_size(struct image *image) { remove_size(image, "kho-edu"); }
static void dma_no_size(struct image *image) { remove_size(image, DMA_ALLOC_KHO_SUBTREE); }

static void blob_outside_ram(struct image *image)
{
	set_blob(image, "kho-edu", "preserved-data", 1ull << 45);
}

static void blob_huge(struct image *image)
{
	set_blob(image, "kho-edu", "blob-size", UINT64_MAX - 4);
}

static void blob_twice(struct image *image)
{
	set_blob(image, "kho-edu", "preserved-data",
		 kho_state_subtree(image->state, "kexec-metadata")->addr);
}

static void blob_not_preserved(struct image *image)
{
	map_clear(image, kho_state_subtree(image->state, "kho-edu")->addr, 0);
}

static void fdt_not_preserved(struct image *image)
{
	map_clear(image, kho_state_fdt_addr(image->state), 0);
}

/* Returns the first used entry of the top table. */
static uint64_t *top_entry(struct image *image)
{
	uint64_t *table = at(image, kho_state_map_addr(image->state));

	for (size_t i = 0; i < page_size(image) / 8; i++) {
		if (table[i])
			return &table[i];
	}
	die("the map is empty");
}

static void tree_node_unaligned(struct image *image) { *top_entry(image) |= 8; }
static void tree_node_absent(struct image *image) { *top_entry(image) = 1ull << 45; }
static void tree_loop(struct image *image)
{
	*top_entry(image) = kho_state_map_addr(image->state);
}

/* Returns the first used entry of a node. */
static uint64_t *first_entry(struct image *image, uint64_t node)
{
	uint64_t *table = at(image, node);

	for (size_t i = 0; i < page_size(image) / 8 - 1; i++) {
		if (table[i])
			return &table[i];
	}
	die("a node has no entry");
}

/* Two consecutive entries lead to the same leaf. */
static void tree_shared_leaf(struct image *image)
{
	uint64_t *entry = top_entry(image);

	for (unsigned int level = KHO_RADIX_LEVELS(image->source->page_shift) - 2; level >= 1; level--)
		entry = first_entry(image, *entry);
	entry[1] = entry[0];
}

/* All entries of a node lead to the same child. With pages of 4 KiB there are 512^5 paths. */
static void tree_endless(struct image *image)
{
	uint64_t *entry = top_entry(image);

	for (unsigned int level = KHO_RADIX_LEVELS(image->source->page_shift) - 1; level >= 1; level--) {
		uint64_t *table = (uint64_t *)((uintptr_t)entry & ~(uintptr_t)(page_size(image) - 1));
		uint64_t child = *entry;

		for (size_t i = 0; i < page_size(image) / 8; i++)
			table[i] = child;
		if (level > 1)
			entry = first_entry(image, child);
		else
			memset(at(image, child), 0, page_size(image));
	}
}

/* Moves the keys of one order to keys that belong to no order. */
static void key_without_order(struct image *image)
{
	uint64_t *entry = top_entry(image);

	entry[8] = entry[0];
	entry[0] = 0;
}

static void scratch_on_node(struct image *image)
{
	shrink_scratch(image, kho_state_map_addr(image->state));
}

static void range_outside_ram(struct image *image)
{
	map_set(image, 0xa0000, 0); /* the hole below 1 MiB */
}

static void ranges_overlap(struct image *image)
{
	struct kho_map_iter *iter;
	struct kho_map_entry entry;

	if (kho_map_iter_create(image->state, &iter, NULL))
		die("cannot read the map");
	while (kho_map_iter_next(iter, &entry, NULL) > 0) {
		if (entry.order) {
			map_set(image, entry.addr + page_size(image), 0);
			break;
		}
	}
	kho_map_iter_destroy(iter);
}

static void scratch_none(struct image *image)
{
	for (size_t i = 0; i < image->state->nr_scratch; i++) {
		const struct kho_range *s = &image->state->scratch[i];
		char from[80], to[80];
		int digits = snprintf(to, sizeof(to), "%llx", (unsigned long long)s->size);

		snprintf(from, sizeof(from), "scratch=0x%llx+0x%llx", (unsigned long long)s->addr,
			 (unsigned long long)s->size);
		snprintf(to, sizeof(to), "scratch=0x%llx+0x%0*d", (unsigned long long)s->addr,
			 digits, 0);
		replace_note(image, from, to);
	}
}

static void scratch_outside_ram(struct image *image) { move_scratch(image, 0xf0000000); }
static void scratch_on_record(struct image *image)
{
	shrink_scratch(image, image->first.addr);
}

static void scratch_overlap(struct image *image)
{
	const struct kho_range *largest = largest_scratch(image);

	for (size_t i = 0; i < image->state->nr_scratch; i++) {
		const struct kho_range *s = &image->state->scratch[i];

		if (s != largest && s->size) {
			move_scratch(image, s->addr);
			return;
		}
	}
	die("the snapshot has only one scratch area");
}

static void metadata_version(struct image *image)
{
	*(uint32_t *)at(image, kho_state_subtree(image->state, "kexec-metadata")->addr) = 99;
}

static void head_compatible(struct image *image)
{
	head(image)->compatible[11] = '9';
	fix_head(image);
}

static void head_record_size(struct image *image)
{
	head(image)->record_size = 0;
	fix_head(image);
}

static void head_crc(struct image *image) { head(image)->crc32c ^= 1; }
static void head_count(struct image *image)
{
	head(image)->nr_records++;
	fix_head(image);
}

static void head_pages(struct image *image)
{
	head(image)->nr_pages++;
	fix_head(image);
}

static struct kho_block_header_ser *block(struct image *image)
{
	return at(image, image->first.record_addr - image->first.record_addr % page_size(image));
}

static void chain_loop(struct image *image)
{
	block(image)->next = image->first.record_addr - image->first.record_addr % page_size(image);
}

static void chain_unaligned(struct image *image) { block(image)->next = 0x1001; }
static void chain_outside_ram(struct image *image) { block(image)->next = 1ull << 45; }
static void block_count(struct image *image) { block(image)->count = UINT64_MAX; }
static void block_count_lost(struct image *image) { block(image)->count = 1; }
static void block_not_preserved(struct image *image)
{
	map_clear(image, image->first.record_addr - image->first.record_addr % page_size(image), 0);
}

static void record_crc(struct image *image) { record(image, &image->first)->crc32c ^= 1; }
static void record_outside_ram(struct image *image)
{
	record(image, &image->first)->page_phys = 1ull << 45;
	fix_record(record(image, &image->first));
}

static void record_in_scratch(struct image *image)
{
	record(image, &image->first)->page_phys = largest_scratch(image)->addr;
	fix_record(record(image, &image->first));
}

static void record_not_preserved(struct image *image)
{
	map_clear(image, image->first.addr, order_of(image, image->first.size));
}

static void set_flags(struct image *image, const struct kho_dma_record *r, uint32_t flags)
{
	record(image, r)->flags = DMA_ALLOC_FLAGS_WORD(flags);
}

static void record_overlap(struct image *image)
{
	/* both have one page; drop the seal, which does not match the content of that page */
	record(image, &image->second)->page_phys = image->first.addr;
	fix_record(record(image, &image->second));
	set_flags(image, &image->second, DMA_ALLOC_IN_USE);
}

static void record_unaligned(struct image *image)
{
	record(image, &image->first)->page_phys += 8;
	fix_record(record(image, &image->first));
}

static void record_huge(struct image *image)
{
	record(image, &image->first)->size = UINT64_MAX;
	fix_record(record(image, &image->first));
}

static void record_id_twice(struct image *image)
{
	record(image, &image->second)->id = image->first.id;
	fix_record(record(image, &image->second));
}

static void record_id_unknown(struct image *image)
{
	record(image, &image->first)->id = 1ull << 40;
	fix_record(record(image, &image->first));
}

static void record_flags(struct image *image)
{
	set_flags(image, &image->first, (uint32_t)image->first.flags | 1u << 31);
}

static void record_fate(struct image *image)
{
	set_flags(image, &image->first, (uint32_t)image->first.flags |
		  DMA_ALLOC_FATE_RESTORED << DMA_ALLOC_FATE_SHIFT);
}

/* Flips one bit of the word, which then does not match its complement. */
static void record_flags_word(struct image *image)
{
	record(image, &image->first)->flags ^= DMA_ALLOC_CARRIED_OVER;
}

/* The word matches its complement, but says that the slot is free. */
static void record_flags_lost(struct image *image)
{
	set_flags(image, &image->first, 0);
}

static void record_attrs(struct image *image)
{
	record(image, &image->first)->attrs |= 1ull << 63;
	fix_record(record(image, &image->first));
}

static void record_name(struct image *image)
{
	struct dma_alloc_record_ser *r = record(image, &image->first);

	memset(r->device, 'x', sizeof(r->device));
	fix_record(r);
}

static void record_reserved(struct image *image)
{
	record(image, &image->first)->padding[6] = 1;
	fix_record(record(image, &image->first));
}

static void record_shared(struct image *image)
{
	record(image, &image->first)->force_decrypted = 1;
	fix_record(record(image, &image->first));
}

/* Makes the record describe the page at @addr, which belongs to other metadata. */
static void record_on(struct image *image, uint64_t addr)
{
	if (image->first.pages != 1)
		die("the first record does not have one page");
	record(image, &image->first)->page_phys = addr - addr % page_size(image);
	fix_record(record(image, &image->first));
	set_flags(image, &image->first, DMA_ALLOC_IN_USE);
}

static void record_on_root(struct image *image) { record_on(image, kho_state_fdt_addr(image->state)); }
static void record_on_block(struct image *image) { record_on(image, image->first.record_addr); }
static void record_on_blob(struct image *image)
{
	record_on(image, kho_state_subtree(image->state, "kho-edu")->addr);
}

/* Makes the second record describe a page that the snapshot contains, with its correct digest. */
static void record_sealed(struct image *image)
{
	struct dma_alloc_record_ser *r = record(image, &image->second);
	uint64_t addr = kho_state_subtree(image->state, "kexec-metadata")->addr;

	if (image->second.pages != 1)
		die("the second record does not have one page");
	r->page_phys = addr - addr % page_size(image);
	set_flags(image, &image->second, (uint32_t)image->second.flags | DMA_ALLOC_SEALED);
	r->content_digest = XXH64(at(image, r->page_phys), r->size, 0);
	fix_record(r);
}

static void content_changed(struct image *image)
{
	record_sealed(image);
	/* no other rule judges the second byte of the release */
	((unsigned char *)at(image, kho_state_subtree(image->state, "kexec-metadata")->addr))[5] ^= 1;
}

static void set_fate(struct image *image, enum dma_alloc_fate fate)
{
	uint32_t flags = (uint32_t)image->first.flags & ~DMA_ALLOC_FATE_MASK;

	set_flags(image, &image->first, flags | (uint32_t)fate << DMA_ALLOC_FATE_SHIFT);
}

static void fate_failed(struct image *image) { set_fate(image, DMA_ALLOC_FATE_FAILED); }
static void fate_released(struct image *image) { set_fate(image, DMA_ALLOC_FATE_RELEASED); }
static void fate_unknown(struct image *image) { set_fate(image, DMA_ALLOC_FATE_MASK >> DMA_ALLOC_FATE_SHIFT); }

/* The kernel examined the record and did not take it over. */
static void not_taken_over(struct image *image) { set_fate(image, DMA_ALLOC_FATE_NONE); }

/* Clears @flags in all records. */
static void clear_flags(struct image *image, uint32_t flags)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;

	if (kho_dma_iter_create(image->state, &iter, NULL))
		die("cannot read the records");
	while (kho_dma_iter_next(iter, &record, NULL) > 0)
		set_flags(image, &record, (uint32_t)record.flags & ~flags);
	kho_dma_iter_destroy(iter);
}

static void no_fates(struct image *image) { clear_flags(image, DMA_ALLOC_FATE_MASK); }
/* Removes the seals, because a snapshot has no content to check them against. */
static void as_live(struct image *image) { clear_flags(image, DMA_ALLOC_SEALED); }

static void carried_over(struct image *image)
{
	set_flags(image, &image->first, (uint32_t)image->first.flags | DMA_ALLOC_CARRIED_OVER);
}

/* ----------------------------------------------------------------- kho-v1 */

static struct khoser_mem_chunk *v1_chunk(struct image *image)
{
	return at(image, kho_state_map_addr(image->state));
}

static void v1_chain_loop(struct image *image)
{
	v1_chunk(image)->next = kho_state_map_addr(image->state);
}

static void v1_chain_unaligned(struct image *image) { v1_chunk(image)->next = 0x1001; }
static void v1_chain_absent(struct image *image) { v1_chunk(image)->next = 1ull << 45; }
static void v1_chunk_count(struct image *image)
{
	v1_chunk(image)->num_elms = (uint32_t)KHO_V1_CHUNK_BITMAPS(image->source->page_shift) + 1;
}

static void v1_bitmap_shared(struct image *image)
{
	struct khoser_mem_chunk *chunk = v1_chunk(image);

	chunk->bitmaps[chunk->num_elms] = chunk->bitmaps[0];
	chunk->bitmaps[chunk->num_elms].phys_start = 1ull << 40;
	chunk->num_elms++;
}

static void v1_bitmap_twice(struct image *image)
{
	struct khoser_mem_chunk *chunk = v1_chunk(image);

	/* a second bitmap, on another page, describes the same memory */
	chunk->bitmaps[chunk->num_elms] = chunk->bitmaps[0];
	chunk->bitmaps[chunk->num_elms].bitmap = kho_state_fdt_addr(image->state);
	chunk->num_elms++;
}

static void v1_bitmap_unaligned(struct image *image) { v1_chunk(image)->bitmaps[0].bitmap += 8; }
static void v1_order_huge(struct image *image) { v1_chunk(image)->order = 60; }
static void v1_start_unaligned(struct image *image)
{
	v1_chunk(image)->bitmaps[0].phys_start += page_size(image);
}

static void v1_range_outside_ram(struct image *image)
{
	unsigned char mask, *byte = v1_bit(image, 0xa0000, 0, &mask);

	if (!byte)
		die("the map has no bitmap for the hole below 1 MiB");
	*byte |= mask;
}

static void v1_fdt_not_preserved(struct image *image)
{
	v1_clear(image, kho_state_fdt_addr(image->state));
}

static void v1_blob_not_preserved(struct image *image)
{
	v1_clear(image, kho_state_subtree(image->state, MEMBLOCK_SUBTREE)->addr);
}

static void v1_no_address(struct image *image)
{
	int node = fdt_subnode_offset(fdt(image), 0, KHO_TEST_SUBTREE);

	if (node < 0 || fdt_nop_property(fdt(image), node, "fdt"))
		die("cannot change the subtree");
}

/* ------------------------------------------ content of subtrees (any ABI) */

static void *blob(struct image *image, const char *name)
{
	const struct kho_subtree *subtree = kho_state_subtree(image->state, name);

	if (!subtree)
		die("the snapshot has no such subtree");
	return at(image, subtree->addr);
}

static uint64_t region_start(struct image *image, const char *name)
{
	const void *memblock = blob(image, MEMBLOCK_SUBTREE);
	int len, node = fdt_subnode_offset(memblock, 0, name);
	const void *start = node < 0 ? NULL : fdt_getprop(memblock, node, "start", &len);
	uint64_t addr;

	if (!start || len != sizeof(addr))
		die("the snapshot does not have the reserve_mem region");
	memcpy(&addr, start, sizeof(addr));
	return addr;
}

static void region_not_preserved(struct image *image)
{
	v1_clear(image, region_start(image, "pool"));
}

static void region_outside_ram(struct image *image)
{
	void *memblock = blob(image, MEMBLOCK_SUBTREE);
	uint64_t size = 1ull << 45;

	if (fdt_setprop_inplace(memblock, fdt_subnode_offset(memblock, 0, "pool"), "size", &size,
				sizeof(size)))
		die("cannot change the size");
}

static void memblock_unknown(struct image *image)
{
	if (fdt_setprop_inplace(blob(image, MEMBLOCK_SUBTREE), 0, "compatible", "memblock-v9", 12))
		die("cannot change the compatible");
}

static void region_no_start(struct image *image)
{
	void *memblock = blob(image, MEMBLOCK_SUBTREE);

	if (fdt_nop_property(memblock, fdt_subnode_offset(memblock, 0, "pool"), "start"))
		die("cannot remove the start");
}

static void memblock_no_fdt(struct image *image)
{
	*(unsigned char *)blob(image, MEMBLOCK_SUBTREE) ^= 0xff;
}

/* Returns the description of kho_test's vmalloc area in its FDT. */
static struct kho_vmalloc *test_info(struct image *image)
{
	void *test = blob(image, KHO_TEST_SUBTREE);
	int len, node = fdt_subnode_offset(test, 0, "data");
	void *info = node < 0 ? NULL : fdt_getprop_w(test, node, "folios_info", &len);

	if (!info || len != sizeof(struct kho_vmalloc))
		die("the snapshot has no vmalloc area of kho_test");
	return info;
}

static struct kho_vmalloc_chunk *test_chunk(struct image *image)
{
	struct kho_vmalloc info;

	memcpy(&info, test_info(image), sizeof(info));
	return at(image, info.first);
}

static void test_chunk_not_preserved(struct image *image)
{
	v1_clear(image, test_info(image)->first);
}

static void test_chunk_loop(struct image *image)
{
	test_chunk(image)->next = test_info(image)->first;
}

static void test_page_twice(struct image *image)
{
	test_chunk(image)->phys[1] = test_chunk(image)->phys[0];
	test_info(image)->total_pages++;
}

static void test_pages(struct image *image) { test_info(image)->total_pages++; }
static void test_order(struct image *image) { test_info(image)->order = 60; }
/* The size of a page of this order does not fit in 32 bits. */
static void test_order_large(struct image *image)
{
	test_info(image)->order = 20;
	test_info(image)->total_pages = 1u << 20;
}

static void test_folios(struct image *image)
{
	void *test = blob(image, KHO_TEST_SUBTREE);
	uint32_t n = UINT32_MAX;

	if (fdt_setprop_inplace(test, fdt_subnode_offset(test, 0, "data"), "nr_folios", &n,
				sizeof(n)))
		die("cannot change the number of folios");
}

static void test_folio_not_preserved(struct image *image)
{
	const uint64_t *folios = at(image, test_chunk(image)->phys[0]);

	v1_clear(image, folios[0] & ~(uint64_t)(page_size(image) - 1));
}

/* ------------------------------------------------------- live update, luo-v5 */

static struct luo_ser *luo(struct image *image) { return blob(image, LUO_SUBTREE); }
static struct luo_flb_header_ser *flbs(struct image *image)
{
	return at(image, luo(image)->flbs_pa);
}

static void luo_other(struct image *image) { memcpy(luo(image)->compatible, "luo-v99", 8); }
static void luo_flb_count(struct image *image) { flbs(image)->count = UINT64_MAX; }
static void luo_flb_not_preserved(struct image *image)
{
	map_clear(image, luo(image)->flbs_pa, 0);
}

/* Turns the block of FLBs into an empty block of sessions. */
static void luo_sessions(struct image *image)
{
	struct kho_block_header_ser *header = at(image, luo(image)->flbs_pa);

	luo(image)->sessions_pa = luo(image)->flbs_pa;
	luo(image)->flbs_pa = 0;
	header->next = 0;
	header->count = 0;
}

static struct kho_block_header_ser *session_block(struct image *image)
{
	luo_sessions(image);
	return at(image, luo(image)->sessions_pa);
}

static void luo_session_loop(struct image *image)
{
	session_block(image)->next = luo(image)->sessions_pa;
}

static void luo_session_count(struct image *image)
{
	session_block(image)->count = page_size(image);
}

/* Writes one session without files, as the kernel does. */
static struct luo_session_ser *one_session(struct image *image)
{
	struct kho_block_header_ser *header = session_block(image);
	struct luo_session_ser *session = (struct luo_session_ser *)(header + 1);

	header->count = 1;
	memset(session, 0, sizeof(*session));
	memcpy(session->name, "session", 7);
	return session;
}

static void luo_session(struct image *image) { one_session(image); }
static void luo_session_files(struct image *image) { one_session(image)->count = 3; }

/* ---------------------------------------------- memory that is not KHO's */

#define SECRET	"PASSWORD"

static void fill_secret(struct image *image, uint64_t addr, size_t size)
{
	unsigned char *to = at(image, addr);

	for (size_t i = 0; i < size; i++)
		to[i] = (unsigned char)SECRET[i % strlen(SECRET)];
}

/* Fills the rest of the pages of the root FDT and the blobs. */
static void leak_beside(struct image *image)
{
	const struct kho_subtree *subtrees;
	uint64_t fdt_addr = kho_state_fdt_addr(image->state);
	size_t n, size = fdt_totalsize(fdt(image));

	fill_secret(image, fdt_addr + size, page_size(image) - size);
	subtrees = kho_state_subtrees(image->state, &n);
	for (size_t i = 0; i < n; i++) {
		size_t used = (subtrees[i].addr + subtrees[i].size) % page_size(image);

		fill_secret(image, subtrees[i].addr + subtrees[i].size, page_size(image) - used);
	}
}

/* Fills a blob whose format libkho does not know. */
static void leak_unknown(struct image *image)
{
	fill_secret(image, kho_state_subtree(image->state, "kho-edu")->addr, 512);
}

/* A driver freed the blob, and its page has other data now. */
static void leak_not_preserved(struct image *image)
{
	uint64_t addr = kho_state_subtree(image->state, KHO_METADATA_SUBTREE)->addr;

	fill_secret(image, addr + 4, 69);
	map_clear(image, addr, 0);
}

/* Fills LUO's blob, which the next kernel took over and freed. */
static void leak_taken(struct image *image)
{
	const struct kho_subtree *luo = kho_state_subtree(image->state, LUO_SUBTREE);

	fill_secret(image, luo->addr, (size_t)luo->size);
}

/* The line before "release=" in the notes, and that word. */
static const char side_in[] = "side=in\nrelease=", side_out[] = "side=out\nrelease=";

/*
 * Makes the incoming side outgoing: libkho reads LUO only there, and only on the incoming side the
 * kernel has filled it in. The release loses a character to "side=out".
 */
static void as_outgoing(struct image *image)
{
	char *notes = memmem(image->data, image->size, side_in, sizeof(side_in) - 1), *end;

	end = notes ? memchr(notes + sizeof(side_in), '\n', 128) : NULL;
	if (!end)
		die("the snapshot does not say its side");
	memmove(notes + sizeof(side_out) - 1, notes + sizeof(side_in) - 1,
		(size_t)(end - notes) - (sizeof(side_out) - 1));
	memcpy(notes, side_out, sizeof(side_out) - 1);
}

/*
 * Fills a blob of an unknown format that the next kernel took over and freed. Only an outgoing
 * snapshot holds such a blob, so this one becomes incoming. The release gains a character.
 */
static void leak_unknown_taken(struct image *image)
{
	char *notes = memmem(image->data, image->size, side_out, sizeof(side_out) - 1);

	if (!notes)
		die("the snapshot does not say its side");
	leak_unknown(image);
	memcpy(notes, side_in, sizeof(side_in) - 1);
	notes[sizeof(side_in) - 1] = 'v';
}

static const struct {
	const char *name;	/* the prefix selects the list; see is_of_list() */
	void (*apply)(struct image *image);
	const char *rules;	/* must report the damage; no other rule above info may */
} damages[] = {
	{ "fdt-magic", fdt_bad_magic, "K001" },
	{ "fdt-truncated", fdt_truncated, "K001" },
	{ "fdt-structure", fdt_structure, "K001" },
	{ "fdt-old-version", fdt_old_version, "K001" },
	{ "fdt-endless", fdt_endless, "K001" },
	{ "root-compatible", root_compatible, "K002" },
	{ "compatible-composite", compatible_composite, "" },
	{ "compatible-list", compatible_list, "" },
	{ "map-missing", map_missing, "K003" },
	{ "map-unaligned", map_unaligned, "K003" },
	{ "subtree-no-size", subtree_no_size, "K004" },
	{ "dma-no-size", dma_no_size, "K004" },
	{ "fdt-not-preserved", fdt_not_preserved, "K005" },
	{ "tree-node-unaligned", tree_node_unaligned, "K101" },
	{ "tree-node-absent", tree_node_absent, "K101" },
	{ "tree-loop", tree_loop, "K102" },
	{ "tree-shared-leaf", tree_shared_leaf, "K102" },
	{ "tree-endless", tree_endless, "K102" },
	{ "key-without-order", key_without_order, "K103" },
	{ "range-outside-ram", range_outside_ram, "K104" },
	{ "ranges-overlap", ranges_overlap, "K105" },
	{ "scratch-none", scratch_none, "K201" },
	{ "scratch-outside-ram", scratch_outside_ram, "K202" },
	{ "scratch-overlap", scratch_overlap, "K203" },
	{ "scratch-on-record", scratch_on_record, "K204 K414" },
	{ "scratch-on-node", scratch_on_node, "K205" },
	{ "blob-not-preserved", blob_not_preserved, "K301" },
	{ "blob-outside-ram", blob_outside_ram, "K302" },
	{ "blob-huge", blob_huge, "K302" },
	{ "blob-twice", blob_twice, "K303" },
	{ "metadata-version", metadata_version, "K304" },
	{ "head-compatible", head_compatible, "K401" },
	{ "head-record-size", head_record_size, "K401" },
	{ "head-crc", head_crc, "K402" },
	{ "chain-loop", chain_loop, "K403" },
	{ "chain-unaligned", chain_unaligned, "K403" },
	{ "chain-outside-ram", chain_outside_ram, "K403" },
	{ "block-count", block_count, "K403" },
	{ "block-count-lost", block_count_lost, "K412" },
	{ "block-not-preserved", block_not_preserved, "K404" },
	{ "record-crc", record_crc, "K405" },
	{ "record-outside-ram", record_outside_ram, "K406" },
	{ "record-in-scratch", record_in_scratch, "K407 K414" },
	{ "record-not-preserved", record_not_preserved, "K407" },
	{ "record-overlap", record_overlap, "K408" },
	{ "record-on-root", record_on_root, "K408" },
	{ "record-on-blob", record_on_blob, "K408" },
	{ "record-on-block", record_on_block, "K408" },
	{ "record-unaligned", record_unaligned, "K409" },
	{ "record-huge", record_huge, "K409" },
	{ "record-id-twice", record_id_twice, "K410" },
	{ "record-id-unknown", record_id_unknown, "K410" },
	{ "record-flags", record_flags, "K411" },
	{ "record-fate", record_fate, "K411" },
	{ "record-attrs", record_attrs, "K411" },
	{ "record-flags-word", record_flags_word, "K405" },
	{ "record-flags-lost", record_flags_lost, "K405" },
	{ "record-sealed", record_sealed, "K408" },
	{ "content-changed", content_changed, "K408 K413" },
	{ "record-name", record_name, "K415" },
	{ "record-reserved", record_reserved, "K415" },
	{ "record-shared", record_shared, "K415" },
	{ "head-count", head_count, "K412" },
	{ "head-pages", head_pages, "K412" },

	{ "v1-chain-loop", v1_chain_loop, "K102" },
	{ "v1-chain-unaligned", v1_chain_unaligned, "K101" },
	{ "v1-chain-absent", v1_chain_absent, "K101" },
	{ "v1-chunk-count", v1_chunk_count, "K101" },
	{ "v1-bitmap-shared", v1_bitmap_shared, "K102" },
	{ "v1-bitmap-twice", v1_bitmap_twice, "K101" },
	{ "v1-bitmap-unaligned", v1_bitmap_unaligned, "K101" },
	{ "v1-order-huge", v1_order_huge, "K103" },
	{ "v1-start-unaligned", v1_start_unaligned, "K103" },
	{ "v1-range-outside-ram", v1_range_outside_ram, "K104" },
	{ "v1-fdt-not-preserved", v1_fdt_not_preserved, "K005" },
	{ "v1-blob-not-preserved", v1_blob_not_preserved, "K301" },
	{ "v1-no-address", v1_no_address, "K004" },
	{ "v1-region-not-preserved", region_not_preserved, "K306" },
	{ "v1-region-outside-ram", region_outside_ram, "K306" },
	{ "v1-folio-not-preserved", test_folio_not_preserved, "K306" },
	{ "v1-region-no-start", region_no_start, "K307" },
	{ "v1-memblock-no-fdt", memblock_no_fdt, "K307" },
	{ "v1-vmalloc-loop", test_chunk_loop, "K307" },
	{ "v1-vmalloc-page-twice", test_page_twice, "K307" },
	{ "v1-vmalloc-pages", test_pages, "K307" },
	{ "v1-vmalloc-order", test_order, "K307" },
	{ "v1-vmalloc-order-large", test_order_large, "K307" },
	{ "v1-folios-huge", test_folios, "K307" },
	{ "v1-vmalloc-not-preserved", test_chunk_not_preserved, "K308" },
	{ "v1-memblock-unknown", memblock_unknown, "K309" },

	{ "luo-unknown", luo_other, "K305" },
	{ "luo-flb-count", luo_flb_count, "K307" },
	{ "luo-flb-not-preserved", luo_flb_not_preserved, "K308" },
	{ "luo-sessions", luo_sessions, "" },
	{ "luo-session", luo_session, "" },
	{ "luo-session-loop", luo_session_loop, "K307" },
	{ "luo-session-count", luo_session_count, "K307" },
	{ "luo-session-files", luo_session_files, "K307" },

	{ "as-outgoing", as_outgoing, "" },
	{ "as-live", as_live, "" },

	{ "leak-beside", leak_beside, "" },
	{ "leak-unknown", leak_unknown, "" },
	{ "leak-not-preserved", leak_not_preserved, "K301" },
	{ "leak-taken", leak_taken, "" },
	{ "leak-unknown-taken", leak_unknown_taken, "" },

	{ "in-fdt-magic", fdt_bad_magic, "K001" },
	{ "in-head-crc", head_crc, "K402" },
	{ "in-record-crc", record_crc, "K405" },
	{ "in-record-flags-lost", record_flags_lost, "K405" },
	{ "in-chain-loop", chain_loop, "K403" },
	{ "in-head-count", head_count, "K412" },
	{ "in-fate-failed", fate_failed, "K502" },
	{ "in-fate-released", fate_released, "" },
	{ "in-carried-over", carried_over, "" },
	{ "in-fate-unknown", fate_unknown, "K411" },
	{ "in-not-taken-over", not_taken_over, "K504" },
	{ "in-no-fates", no_fates, "" },
};

#define NR_DAMAGES (sizeof(damages) / sizeof(damages[0]))

static void copy_file(const char *from, const char *to)
{
	char buf[65536];
	ssize_t n;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (in < 0 || out < 0)
		die_of("cannot copy the snapshot to", to);
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, (size_t)n) != n)
			die_of("cannot write", to);
	}
	if (n < 0 || close(in) || close(out))
		die_of("cannot copy the snapshot to", to);
}

static void find_records(struct image *image)
{
	struct kho_dma_iter *iter;

	if (kho_dma_iter_create(image->state, &iter, NULL) ||
	    kho_dma_iter_next(iter, &image->first, NULL) != 1 ||
	    kho_dma_iter_next(iter, &image->second, NULL) != 1)
		die("the snapshot has fewer than two records");
	kho_dma_iter_destroy(iter);
}

static void open_image(const char *path, struct image *image)
{
	struct stat st;
	int fd;

	if (kho_source_open_file(path, &image->source, NULL) ||
	    (kho_state_open(image->source, KHO_SIDE_OUT, &image->state, NULL) &&
	     kho_state_open(image->source, KHO_SIDE_IN, &image->state, NULL)))
		die("libkho cannot open the snapshot");
	if (kho_state_subtree(image->state, DMA_ALLOC_KHO_SUBTREE))
		find_records(image);

	fd = open(path, O_RDWR);
	if (fd < 0 || fstat(fd, &st))
		die_of("cannot open", path);
	image->size = (size_t)st.st_size;
	image->data = mmap(NULL, image->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (image->data == MAP_FAILED)
		die_of("cannot map", path);
	close(fd);
}

static void close_image(struct image *image)
{
	munmap(image->data, image->size);
	kho_state_close(image->state);
	kho_source_close(image->source);
}

/* @list is "", "-in", "-v1", "-luo", "-leak" or "-as". */
static bool is_of_list(const char *name, const char *list)
{
	static const char *const prefixes[] = { "in-", "v1-", "luo-", "leak-", "as-" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return *list && !strncmp(list + 1, prefixes[i], strlen(prefixes[i]) - 1);
	}
	return !*list;
}

static void damage_one(size_t i, const char *from, const char *to)
{
	struct image image = { 0 };

	copy_file(from, to);
	open_image(to, &image);
	damages[i].apply(&image);
	close_image(&image);
}

static void damage_all(const char *list, const char *from, const char *folder)
{
	char to[4096];

	for (size_t i = 0; i < NR_DAMAGES; i++) {
		if (!is_of_list(damages[i].name, list))
			continue;
		snprintf(to, sizeof(to), "%s/%s", folder, damages[i].name);
		damage_one(i, from, to);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strncmp(argv[1], "--list", 6)) {
		for (size_t i = 0; i < NR_DAMAGES; i++) {
			if (is_of_list(damages[i].name, argv[1] + 6))
				printf("%s %s\n", damages[i].name, damages[i].rules);
		}
		return 0;
	}
	if (argc == 4 && !strncmp(argv[1], "--all", 5)) {
		damage_all(argv[1] + 5, argv[2], argv[3]);
		return 0;
	}
	if (argc != 4)
		die("usage: kho-damage NAME IN OUT | --list[-in|-v1|-luo|-leak] | --all[-in|-v1|-luo|-leak] IN FOLDER");

	for (size_t i = 0; i < NR_DAMAGES; i++) {
		if (strcmp(damages[i].name, argv[1]))
			continue;
		damage_one(i, argv[2], argv[3]);
		return 0;
	}
	die("unknown damage: --list prints their names");
}
