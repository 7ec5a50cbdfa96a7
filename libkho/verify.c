// SPDX-License-Identifier: LGPL-2.1-or-later
/* The rules over a state, and what runs them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "dma.h"
#include "map.h"
#include "ranges.h"
#include "source.h"
#include "abi/dma_alloc.h"
#include "abi/subtrees.h"
#include "verify.h"

/* Looks at a live machine that changes all the time. */
#define LIVE_TRIES	5

int kho_expect_parse(const char *text, uint64_t *records, uint64_t *generation)
{
	const char *comma = strchr(text, ',');
	char number[32];
	uint64_t count, gen;

	if (!comma || (size_t)(comma - text) >= sizeof(number))
		return KHO_ERR_USAGE;
	memcpy(number, text, (size_t)(comma - text));
	number[comma - text] = '\0';
	if (!kho_parse_u64(number, &count) || !kho_parse_u64(comma + 1, &gen))
		return KHO_ERR_USAGE;

	*records = count;
	*generation = gen;
	return 0;
}

/* ------------------------------------------------------------------- root */

static bool in_ram(const struct kho_verify *v, uint64_t addr, uint64_t size)
{
	const struct kho_source *source = v->state->source;
	const struct kho_range *last = source->nr_ram ? &source->ram[source->nr_ram - 1] : NULL;

	/* mostly it is the last range, which is all that lies above 4 GiB on a PC */
	if (last && addr >= last->addr && addr - last->addr < last->size)
		return size <= last->size - (addr - last->addr);
	return kho_ranges_contain(source->ram, source->nr_ram, addr, size);
}

/* Returns whether there is a map to look at. */
static bool verify_root(struct kho_verify *v)
{
	struct kho_state *state = v->state;
	bool map = state->root.map_addr && !(state->root.map_addr % KHO_ABI_PAGE_SIZE) &&
		   in_ram(v, state->root.map_addr, KHO_ABI_PAGE_SIZE);

	if (state->root.abi == KHO_ABI_UNKNOWN)
		kho_report(v, KHO_RULE_K002, state->root.addr, 0,
			   "the root FDT is \"%s\"; known are kho-v1, kho-v3 and kho-v4",
			   state->root.compatible);
	if (!map)
		kho_report(v, KHO_RULE_K003, state->root.map_addr, 0,
			   "preserved-memory-map is at 0x%" PRIx64 ", which is no page of RAM",
			   state->root.map_addr);
	if (state->root.bad_subtrees)
		kho_report(v, KHO_RULE_K004, state->root.addr, 0,
			   "%zu subtree(s) without address or size of the blob, first \"%s\"",
			   state->root.bad_subtrees, state->root.bad_subtree);
	return map;
}

/* -------------------------------------------------------------------- map */

static void report_map_error(struct kho_verify *v, const struct kho_error *err)
{
	switch (err->code) {
	case KHO_ERR_LOOP:
		kho_report(v, KHO_RULE_K102, err->addr, 0, "%s", err->message);
		break;
	case KHO_ERR_CORRUPT:
		kho_report(v, err->addr == KHO_NO_ADDR ? KHO_RULE_K103 : KHO_RULE_K101, err->addr, 0, "%s",
			   err->message);
		break;
	case KHO_ERR_NOT_PRESENT:
		/* of live RAM all is there, a dump may be incomplete */
		if (v->state->source->live || !in_ram(v, err->addr, 1))
			kho_report(v, KHO_RULE_K101, err->addr, 0, "%s", err->message);
		else
			kho_report_unevaluated(v, KHO_RULE_K101, err->addr, 0, "%s", err->message);
		break;
	default:
		kho_report_unevaluated(v, KHO_RULE_K101, err->addr, 0, "%s", err->message);
	}
}

static void verify_map_entry(struct kho_verify *v, const struct kho_map_entry *entry,
			     uint64_t *last_end)
{
	const struct kho_range *scratch;

	if (!in_ram(v, entry->addr, entry->size))
		kho_report(v, KHO_RULE_K104, entry->addr, 0,
			   "preserved range 0x%" PRIx64 "+0x%" PRIx64 " is not RAM",
			   entry->addr, entry->size);
	if (entry->addr < *last_end)
		kho_report(v, KHO_RULE_K105, entry->addr, 0,
			   "preserved range 0x%" PRIx64 "+0x%" PRIx64 " overlaps the one before it",
			   entry->addr, entry->size);
	if (entry->addr + entry->size > *last_end)
		*last_end = entry->addr + entry->size;

	scratch = kho_ranges_overlap(v->state->scratch, v->state->nr_scratch, entry->addr,
				     entry->size);
	if (scratch)
		kho_report(v, KHO_RULE_K204, entry->addr, 0,
			   "preserved range 0x%" PRIx64 "+0x%" PRIx64 " lies in scratch 0x%" PRIx64 "+0x%" PRIx64,
			   entry->addr, entry->size, scratch->addr, scratch->size);
}

static int verify_node(uint64_t addr, void *data)
{
	struct kho_verify *v = data;

	if (kho_ranges_overlap(v->state->scratch, v->state->nr_scratch, addr, KHO_ABI_PAGE_SIZE))
		kho_report(v, KHO_RULE_K205, addr, 0,
			   "the page at 0x%" PRIx64 " of the preserved-memory-map lies in scratch",
			   addr);
	return 0;
}

static void verify_root_preserved(struct kho_verify *v)
{
	uint64_t addr = v->state->root.addr;
	struct kho_error err;
	int ret;

	if (addr == KHO_NO_ADDR) {
		kho_report_not_applicable(v, KHO_RULE_K005, "the address of the root FDT is not known on this kernel");
		return;
	}

	ret = kho_map_contains(v->state, addr, KHO_ABI_PAGE_SIZE, &err);
	if (ret < 0)
		kho_report_unevaluated(v, KHO_RULE_K005, addr, 0, "%s", err.message);
	else if (!ret)
		kho_report(v, KHO_RULE_K005, addr, 0,
			   "the page 0x%" PRIx64 " of the root FDT is not in the preserved-memory-map",
			   addr);
}

/* ---------------------------------------------------------- unnamed pages */

/*
 * That each record has preserved memory, and none the memory of another, can be seen as
 * the records come by, when there is a bit for each page of RAM: set for what the map has,
 * cleared for what a record names. Only when a bit is found to be clear, the records are
 * read once more, kept and compared; see compare_records(). For few records in much memory
 * the bits would take more than that.
 */
#define UNNAMED_FREE	(4u << 20)	/* bytes that do not matter: 128 GiB of RAM */

static void unnamed_create(struct kho_verify *v)
{
	const uint64_t most = (uint64_t)KHO_DMA_MAX_BLOCKS * 32;
	const struct kho_source *source = v->state->source;
	struct kho_dma_header header;
	uint64_t first, pages;

	if (!source->nr_ram || kho_dma_read_header(v->state, &header, NULL))
		return;
	/* so that a word of a leaf of the tree is a word of these */
	first = source->ram[0].addr / KHO_ABI_PAGE_SIZE / 64 * 64;
	pages = (source->ram[source->nr_ram - 1].addr +
		 source->ram[source->nr_ram - 1].size) / KHO_ABI_PAGE_SIZE;
	pages -= pages < first ? pages : first;
	if (pages / 8 > UNNAMED_FREE + 16 * (header.nr_records < most ? header.nr_records : most))
		return;

	v->unnamed = calloc(pages / 64 + 1, sizeof(*v->unnamed));
	v->first_page = first;
	v->nr_pages = pages;
}

/* Where @size bytes at @addr are among the bits; false when they are not in there. */
static bool unnamed_find(const struct kho_verify *v, uint64_t addr, uint64_t size,
			 uint64_t *page, uint64_t *n)
{
	*page = addr / KHO_ABI_PAGE_SIZE;
	*n = size / KHO_ABI_PAGE_SIZE;
	if (!v->unnamed || *page < v->first_page)
		return false;
	*page -= v->first_page;
	return *page < v->nr_pages && *n <= v->nr_pages - *page;
}

/* The bits of one word for the next of *@n pages at *@page, which go on behind them. */
static uint64_t unnamed_step(uint64_t *page, uint64_t *n)
{
	uint64_t bit = *page % 64, count = *n < 64 - bit ? *n : 64 - bit;

	*page += count;
	*n -= count;
	return (count == 64 ? UINT64_MAX : (1ull << count) - 1) << bit;
}

static void unnamed_add(struct kho_verify *v, uint64_t addr, uint64_t size)
{
	uint64_t page, n;

	if (!unnamed_find(v, addr, size, &page, &n))
		return;
	while (n) {
		uint64_t *word = &v->unnamed[page / 64];

		*word |= unnamed_step(&page, &n);
	}
}

/* Whether the page at @addr is preserved, and no record has named it so far. */
static bool unnamed_has(const struct kho_verify *v, uint64_t addr)
{
	uint64_t page, n;

	return unnamed_find(v, addr, KHO_ABI_PAGE_SIZE, &page, &n) &&
	       v->unnamed[page / 64] >> page % 64 & 1;
}

/* The word with the bit of the page at @addr, or NULL. */
static const uint64_t *unnamed_word(const struct kho_verify *v, uint64_t addr)
{
	uint64_t page, n;

	return unnamed_find(v, addr, KHO_ABI_PAGE_SIZE, &page, &n) ? &v->unnamed[page / 64] : NULL;
}

/* Whether all of it was there to be taken. */
static bool unnamed_take(struct kho_verify *v, uint64_t addr, uint64_t size)
{
	uint64_t page, n;
	bool all = true;

	if (!unnamed_find(v, addr, size, &page, &n))
		return false;
	while (n) {
		uint64_t *word = &v->unnamed[page / 64], bits = unnamed_step(&page, &n);

		all &= (*word & bits) == bits;
		*word &= ~bits;
	}
	return all;
}

/*
 * Mostly there is nothing to be said of the map. That can be seen without putting its entries
 * in order, and for 64 of them at a time: all are RAM, none is scratch, and the bits of none
 * have been set by another.
 */
static bool is_free_ram(const struct kho_verify *v, uint64_t addr, uint64_t size)
{
	return in_ram(v, addr, size) &&
	       !kho_ranges_overlap(v->state->scratch, v->state->nr_scratch, addr, size);
}

/* Sets the bits of the pages of one entry; false when there was one already. */
static bool unnamed_add_new(struct kho_verify *v, uint64_t addr, uint64_t size)
{
	uint64_t page, n;

	if (!unnamed_find(v, addr, size, &page, &n))
		return false;
	while (n) {
		uint64_t *word = &v->unnamed[page / 64], bits = unnamed_step(&page, &n);

		if (*word & bits)
			return false;
		*word |= bits;
	}
	return true;
}

static bool take_entries(struct kho_verify *v, uint64_t addr, unsigned int order, uint64_t bits,
			 bool free_ram)
{
	const unsigned int shift = KHO_ABI_PAGE_SHIFT + order;
	uint64_t page, n, *word;

	if (!order && free_ram && unnamed_find(v, addr, 64 * KHO_ABI_PAGE_SIZE, &page, &n)) {
		word = &v->unnamed[page / 64];
		if (*word & bits)
			return false;
		*word |= bits;
		return true;
	}
	for (; bits; bits &= bits - 1) {
		uint64_t entry = addr + ((uint64_t)__builtin_ctzll(bits) << shift);

		if (!free_ram && !is_free_ram(v, entry, 1ull << shift))
			return false;
		if (!unnamed_add_new(v, entry, 1ull << shift))
			return false;
	}
	return true;
}

static int take_leaf(const struct kho_map_leaf *leaf, void *data)
{
	const unsigned int shift = KHO_ABI_PAGE_SHIFT + leaf->order;
	struct kho_verify *v = data;
	bool leaf_free = is_free_ram(v, leaf->addr, (uint64_t)leaf->nr_words * 64 << shift);

	for (size_t i = 0; i < leaf->nr_words; i++) {
		uint64_t addr = leaf->addr + ((uint64_t)i * 64 << shift), bits = leaf->bits[i];

		if (!bits)
			continue;
		v->summary->ranges += (uint64_t)__builtin_popcountll(bits);
		if (!take_entries(v, addr, leaf->order, bits,
				  leaf_free || is_free_ram(v, addr, 64ull << shift)))
			return 1;
	}
	return 0;
}

/* False: something may be wrong, and is to be found entry by entry. */
static bool map_is_sound(struct kho_verify *v)
{
	struct kho_map *map;

	if (!v->unnamed || kho_state_map(v->state, &map, NULL))
		return false;
	if (!kho_map_leaves(map, take_leaf, v, NULL))
		return true;
	memset(v->unnamed, 0, (v->nr_pages / 64 + 1) * sizeof(*v->unnamed));
	v->summary->ranges = 0;
	return false;
}

/* Tells what is wrong with which entry. False when the map cannot be read to its end. */
static bool verify_map_entries(struct kho_verify *v)
{
	struct kho_map_entry entry;
	struct kho_map_iter *iter;
	uint64_t last_end = 0;
	struct kho_error err;
	int ret;

	ret = kho_map_iter_create(v->state, &iter, &err);
	if (!ret) {
		while ((ret = kho_map_iter_next(iter, &entry, &err)) > 0) {
			v->summary->ranges++;
			verify_map_entry(v, &entry, &last_end);
			unnamed_add(v, entry.addr, entry.size);
		}
		kho_map_iter_destroy(iter);
	}
	if (ret)
		report_map_error(v, &err);
	return !ret;
}

static void verify_map(struct kho_verify *v)
{
	if (v->state->root.side == KHO_SIDE_IN) {
		kho_report_not_applicable(v, KHO_RULE_K101, "the incoming preserved-memory-map is not judged: the kernel frees it once it has read it");
		return;
	}

	unnamed_create(v);
	if (!map_is_sound(v) && !verify_map_entries(v))
		return;

	v->map_readable = true;
	kho_map_for_each_node(v->state, verify_node, v, NULL);

	verify_root_preserved(v);
}

/* Whether this was said of rule @id before: once is enough where nothing can be told. */
static bool told_already(struct kho_verify *v, enum kho_rule_number rule)
{
	size_t i;

	for (i = 0; i < sizeof(v->told) / sizeof(v->told[0]) && v->told[i]; i++) {
		if (v->told[i] == rule)
			return true;
	}
	if (i < sizeof(v->told) / sizeof(v->told[0]))
		v->told[i] = rule;
	return false;
}

/*
 * Whether memory is preserved, as far as the map can tell: a map that could not
 * be read has its own finding, and then nobody can say.
 */
static void verify_preserved(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr,
			     uint64_t size, uint64_t record_id, const char *what)
{
	struct kho_error err;
	int ret;

	if (v->state->root.side == KHO_SIDE_IN)
		return;
	if (!v->map_readable) {
		if (!told_already(v, rule))
			kho_report_unevaluated(v, rule, addr, record_id,
					       "whether %s at 0x%" PRIx64 " is preserved cannot be told, nor of others",
					       what, addr);
		return;
	}

	ret = kho_map_contains(v->state, addr, size, &err);
	if (ret < 0)
		kho_report_unevaluated(v, rule, addr, record_id, "%s", err.message);
	else if (!ret)
		kho_report(v, rule, addr, record_id,
			   "%s at 0x%" PRIx64 "+0x%" PRIx64 " is not in the preserved-memory-map",
			   what, addr, size);
}

/* ---------------------------------------------------------------- scratch */

static void verify_scratch(struct kho_verify *v)
{
	const struct kho_range *scratch = v->state->scratch;
	uint64_t total = 0;

	if (v->state->scratch_unknown) {
		kho_report_unevaluated(v, KHO_RULE_K201, KHO_NO_ADDR, 0,
				       "this file does not say where the scratch areas are, so neither what lies in them");
		return;
	}
	for (size_t i = 0; i < v->state->nr_scratch; i++) {
		const struct kho_range *other;

		if (!scratch[i].size)
			continue;
		total += scratch[i].size;
		if (!in_ram(v, scratch[i].addr, scratch[i].size))
			kho_report(v, KHO_RULE_K202, scratch[i].addr, 0,
				   "scratch area %zu, 0x%" PRIx64 "+0x%" PRIx64 ", is not RAM",
				   i, scratch[i].addr, scratch[i].size);
		other = kho_ranges_overlap(scratch, i, scratch[i].addr, scratch[i].size);
		if (other)
			kho_report(v, KHO_RULE_K203, scratch[i].addr, 0,
				   "scratch area %zu, 0x%" PRIx64 "+0x%" PRIx64 ", overlaps the one at 0x%" PRIx64,
				   i, scratch[i].addr, scratch[i].size, other->addr);
	}
	if (!total)
		kho_report(v, KHO_RULE_K201, KHO_NO_ADDR, 0, "none of %zu scratch areas has any size",
			   v->state->nr_scratch);
}

/* --------------------------------------------------------------- subtrees */

static void verify_kexec_metadata(struct kho_verify *v, const struct kho_subtree *subtree)
{
	struct kho_error err;
	uint32_t version;

	if (kho_source_read(v->state->source, subtree->addr, &version, sizeof(version), &err)) {
		kho_report_unevaluated(v, KHO_RULE_K304, subtree->addr, 0, "%s", err.message);
		return;
	}
	if (version != KHO_METADATA_VERSION || subtree->size < sizeof(struct kho_metadata_ser))
		kho_report(v, KHO_RULE_K304, subtree->addr, 0,
			   "kexec-metadata is of version %u and %" PRIu64 " bytes; known is version %u",
			   version, subtree->size, KHO_METADATA_VERSION);
}

/* False when there is nothing to be read. */
static bool verify_blob(struct kho_verify *v, const struct kho_subtree *subtree)
{
	uint64_t size = subtree->size ? subtree->size : 1;
	uint64_t first = subtree->addr - subtree->addr % KHO_ABI_PAGE_SIZE;
	uint64_t last;
	char what[80];

	if (__builtin_add_overflow(subtree->addr, size - 1, &last) ||
	    !in_ram(v, subtree->addr, size)) {
		kho_report(v, KHO_RULE_K302, subtree->addr, 0,
			   "blob of \"%s\", 0x%" PRIx64 "+0x%" PRIx64 ", is not RAM",
			   subtree->name, subtree->addr, subtree->size);
		return false;
	}
	snprintf(what, sizeof(what), "blob of \"%.63s\"", subtree->name);
	verify_preserved(v, KHO_RULE_K301, first, last - first + 1, 0, what);
	return true;
}

/* What a walk over a subtree is about. */
struct walk {
	struct kho_verify *v;
	const struct kho_subtree *subtree;
	uint64_t last;		/* page that was judged before */
};

static void verify_unknown(struct walk *walk, const struct kho_item *item)
{
	bool luo = !strcmp(walk->subtree->name, LUO_SUBTREE) && !strcmp(item->name, "compatible");

	if (luo)
		kho_report(walk->v, KHO_RULE_K305, walk->subtree->addr, 0,
			   "LUO is \"%s\"; known are luo-v1 and luo-v5", item->text);
	else
		kho_report(walk->v, KHO_RULE_K309, walk->subtree->addr, 0,
			   "subtree \"%s\": %s \"%s\" is not known", walk->subtree->name,
			   item->name, item->text);
}

static int verify_item(const struct kho_item *item, void *data)
{
	struct walk *walk = data;
	struct kho_verify *v = walk->v;
	char what[160];

	if (item->type == KHO_ITEM_UNKNOWN)
		verify_unknown(walk, item);
	if (item->type != KHO_ITEM_MEMORY || v->state->root.side == KHO_SIDE_IN)
		return v->stopped;

	snprintf(what, sizeof(what), "%s of \"%s\"", item->name, walk->subtree->name);
	if (!item->size || !in_ram(v, item->value, item->size))
		kho_report(v, KHO_RULE_K306, item->value, 0, "%s, 0x%" PRIx64 "+0x%" PRIx64 ", is not RAM",
			   what, item->value, item->size);
	else
		verify_preserved(v, KHO_RULE_K306, item->value, item->size, 0, what);
	return v->stopped;
}

static int verify_touched(uint64_t addr, void *data)
{
	struct walk *walk = data;
	const struct kho_subtree *subtree = walk->subtree;
	uint64_t first = subtree->addr - subtree->addr % KHO_ABI_PAGE_SIZE;
	uint64_t size = subtree->addr % KHO_ABI_PAGE_SIZE + (subtree->size ? subtree->size : 1);
	char what[80];

	/* the blob itself is K301's */
	if (addr == walk->last || addr - first < size)
		return 0;
	walk->last = addr;
	snprintf(what, sizeof(what), "a page of \"%s\"", subtree->name);
	verify_preserved(walk->v, KHO_RULE_K308, addr, KHO_ABI_PAGE_SIZE, 0, what);
	return walk->v->stopped;
}

/*
 * What the subtree refers to. Of the incoming side only what the blob itself says: who takes
 * the rest frees it, and then it may be anything.
 */
static void verify_references(struct kho_verify *v, const struct kho_subtree *subtree)
{
	struct walk walk = { .v = v, .subtree = subtree, .last = KHO_NO_ADDR };
	bool in = v->state->root.side == KHO_SIDE_IN;
	struct kho_error err;
	int ret;

	/* that has rules of its own */
	if (!strcmp(subtree->name, DMA_ALLOC_KHO_SUBTREE))
		return;
	ret = kho_subtree_walk(v->state, subtree, verify_item, &walk, in ? NULL : verify_touched,
			       &walk, &err);
	if (!ret)
		return;
	if (in)
		kho_report_not_applicable(v, KHO_RULE_K307, "subtree \"%s\" cannot be read to its end, which is no damage once it was taken: %.100s",
			       subtree->name, err.message);
	else if (ret == KHO_ERR_CORRUPT || ret == KHO_ERR_LOOP ||
		 (ret == KHO_ERR_NOT_PRESENT && (v->state->source->live || !in_ram(v, err.addr, 1))))
		kho_report(v, KHO_RULE_K307, err.addr, 0, "subtree \"%s\": %s", subtree->name,
			   err.message);
	else
		kho_report_unevaluated(v, KHO_RULE_K307, err.addr, 0, "subtree \"%s\": %s",
				       subtree->name, err.message);
}

static void verify_subtrees(struct kho_verify *v)
{
	const struct kho_subtree *subtrees = v->state->root.subtrees;

	for (size_t i = 0; i < v->state->root.nr_subtrees; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(subtrees[i].name, subtrees[k].name) ||
			    subtrees[i].addr == subtrees[k].addr)
				kho_report(v, KHO_RULE_K303, subtrees[i].addr, 0,
					   "subtrees \"%s\" and \"%s\" have the same name or blob",
					   subtrees[k].name, subtrees[i].name);
		}
		if (!verify_blob(v, &subtrees[i]))
			continue;
		if (!strcmp(subtrees[i].name, KHO_METADATA_SUBTREE))
			verify_kexec_metadata(v, &subtrees[i]);
		verify_references(v, &subtrees[i]);
	}
}

/* ------------------------------------------------------------ DMA records */

/* What is kept of each record, to compare them with each other. */
struct extent {
	uint64_t place;		/* address, with the order and flags in its low bits */
	uint64_t id;
};

#define EXTENT_ORDER		0x3fu
#define EXTENT_NOT_RAM		0x40u	/* said already, so nobody asks the map */
#define EXTENT_NOWHERE		UINT64_MAX /* no place that could be compared */

struct records {
	bool compare;		/* something may be wrong with some: compare all */
	uint64_t *ids;		/* that have been come by, a bit each, or NULL */
	uint64_t nr_ids;
	struct extent *extents;	/* only when they are compared */
	size_t n, room;
	uint64_t in_use, pages, incoming, damaged;
	uint64_t absent_contents; /* sealed, and not in this file */
	uint64_t unread_contents; /* sealed, and the caller has no time left for them */
	bool pages_known;	/* no record with a size that cannot be */
	bool truncated;		/* out of memory: the comparison is not complete */
};

static uint64_t extent_addr(const struct extent *e)
{
	return e->place & ~(uint64_t)(KHO_ABI_PAGE_SIZE - 1);
}

static uint64_t extent_size(const struct extent *e)
{
	return (uint64_t)KHO_ABI_PAGE_SIZE << (e->place & EXTENT_ORDER);
}

static void keep_extent(struct records *records, const struct kho_dma_record *record,
			bool in_ram)
{
	uint64_t place = EXTENT_NOWHERE;

	if (records->n == records->room) {
		size_t room = records->room ? 2 * records->room : 256;
		struct extent *extents = reallocarray(records->extents, room, sizeof(*extents));

		if (!extents) {
			records->truncated = true;
			return;
		}
		records->extents = extents;
		records->room = room;
	}
	if (record->pages && !(record->addr % KHO_ABI_PAGE_SIZE) &&
	    record->addr <= UINT64_MAX - record->pages * KHO_ABI_PAGE_SIZE)
		place = record->addr | (unsigned int)__builtin_ctzll(record->pages) |
			(in_ram ? 0 : EXTENT_NOT_RAM);
	records->extents[records->n++] = (struct extent){ place, record->id };
}

static void verify_content(struct kho_verify *v, const struct kho_dma_record *record,
			   struct records *records)
{
	struct kho_error err;
	int ret;

	/* a driver that has it back may write to it */
	if (!record->sealed || !record->in_use || v->options->skip_content)
		return;

	ret = kho_dma_check_content_step(v->state, record, v->options, &err);
	if (ret == KHO_ERR_STOPPED)
		records->unread_contents++;
	else if (ret < 0 && !v->state->source->live && err.code == KHO_ERR_NOT_PRESENT)
		records->absent_contents++;
	else if (ret < 0)
		kho_report_unevaluated(v, KHO_RULE_K413, record->addr, record->id, "%s", err.message);
	else if (!ret)
		kho_report(v, KHO_RULE_K413, record->addr, record->id,
			   "record %" PRIu64 " of %s: its content at 0x%" PRIx64 " changed after it was sealed",
			   record->id, record->device, record->addr);
}

static void verify_fate(struct kho_verify *v, const struct kho_dma_record *record)
{
	if (record->carried_over)
		kho_report(v, KHO_RULE_K503, record->addr, record->id,
			   "record %" PRIu64 " of %s went unclaimed through an earlier kernel",
			   record->id, record->device);
	if (record->fate == KHO_DMA_FATE_FAILED)
		kho_report(v, KHO_RULE_K502, record->addr, record->id,
			   "record %" PRIu64 ": the driver of %s was refused it; the kernel's log says why",
			   record->id, record->device);
	if (record->fate == KHO_DMA_FATE_UNCLAIMED && v->options->claims)
		kho_report(v, KHO_RULE_K501, record->addr, record->id,
			   "record %" PRIu64 " of %s (%s) is unclaimed: %" PRIu64 " bytes at 0x%" PRIx64,
			   record->id, record->device, record->tag, record->size, record->addr);
}

/* Whether the record has a place in RAM, so that the map can be asked for it. */
static bool verify_place(struct kho_verify *v, const struct kho_dma_record *record,
			 struct records *records)
{
	uint64_t size = record->pages * KHO_ABI_PAGE_SIZE;

	/* a power of two */
	if (!record->pages || record->addr & (size - 1)) {
		kho_report(v, KHO_RULE_K409, record->state, record->id,
			   "record %" PRIu64 ": %" PRIu64 " bytes at 0x%" PRIx64 " cannot be an allocation",
			   record->id, record->size, record->addr);
		return false;
	}
	if (!in_ram(v, record->addr, size)) {
		kho_report(v, KHO_RULE_K406, record->state, record->id,
			   "record %" PRIu64 ": 0x%" PRIx64 "+0x%" PRIx64 " is not RAM",
			   record->id, record->addr, size);
		return false;
	}
	if (!record->in_use)
		return true;
	if (kho_ranges_overlap(v->state->scratch, v->state->nr_scratch, record->addr, size))
		kho_report(v, KHO_RULE_K414, record->state, record->id,
			   "record %" PRIu64 ": 0x%" PRIx64 "+0x%" PRIx64 " lies in scratch",
			   record->id, record->addr, size);
	verify_content(v, record, records);
	return true;
}

/* Ids are given out in a row, so that a bit for each takes less than the records do. */
static void ids_create(struct records *records, const struct kho_dma_header *header)
{
	const uint64_t most = (uint64_t)KHO_DMA_MAX_BLOCKS * 32;

	if (header->next_id > 64 * (header->nr_records < most ? header->nr_records : most))
		return;
	records->ids = calloc(header->next_id / 64 + 1, sizeof(*records->ids));
	records->nr_ids = header->next_id;
}

/* Whether nobody had it. */
static bool id_take(struct records *records, uint64_t id)
{
	uint64_t bit = 1ull << id % 64;

	if (!records->ids || id >= records->nr_ids || records->ids[id / 64] & bit)
		return false;
	records->ids[id / 64] |= bit;
	return true;
}

static void verify_record(struct kho_verify *v, const struct kho_dma_header *header,
			  const struct kho_dma_record *record, struct records *records)
{
	bool in_ram;

	v->summary->records++;
	v->summary->pages += record->pages;

	if (!record->crc_ok) {
		kho_report(v, KHO_RULE_K405, record->state, record->id,
			   "the record at 0x%" PRIx64 " (id %" PRIu64 ", \"%s\") has a wrong checksum",
			   record->state, record->id, record->device);
		records->damaged++;
		/* nothing that it says can be believed */
		return;
	}

	records->in_use += record->in_use;
	records->pages += record->in_use ? record->pages : 0;
	records->pages_known &= !record->in_use || record->pages;
	records->incoming += record->incoming;
	if (record->flags & ~DMA_ALLOC_FLAGS_KNOWN || record->attrs & ~DMA_ALLOC_ATTRS_KNOWN)
		kho_report(v, KHO_RULE_K411, record->state, record->id,
			   "record %" PRIu64 ": flags 0x%x, attributes 0x%" PRIx64,
			   record->id, record->flags, record->attrs);
	if (!record->fields_ok)
		kho_report(v, KHO_RULE_K415, record->state, record->id,
			   "record %" PRIu64 " (\"%s\", \"%s\"): the next kernel would not take such a one",
			   record->id, record->device, record->tag);
	/* on the incoming side the head is older than the records */
	if (!record->id || (v->state->root.side == KHO_SIDE_OUT && record->id >= header->next_id))
		kho_report(v, KHO_RULE_K410, record->state, record->id,
			   "record at 0x%" PRIx64 " has id %" PRIu64 ", the next to be given out is %" PRIu64,
			   record->state, record->id, header->next_id);

	in_ram = verify_place(v, record, records);
	verify_fate(v, record);
	if (record->in_use && !records->compare)
		records->compare = !in_ram || !id_take(records, record->id) ||
				   !unnamed_take(v, record->addr,
						 record->pages * KHO_ABI_PAGE_SIZE);
}

/* Digits of 11 bits: their counters and the ends of the buckets stay in the cache. */
#define DIGIT_BITS	11u
#define DIGITS		(1u << DIGIT_BITS)

static void sort_digit(const struct extent *from, struct extent *to, size_t n, bool by_id,
		       unsigned int shift)
{
	size_t next[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		next[((by_id ? from[i].id : from[i].place) >> shift) & (DIGITS - 1)]++;
	for (size_t i = 0; i < DIGITS; i++) {
		size_t count = next[i];

		next[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[next[((by_id ? from[i].id : from[i].place) >> shift) & (DIGITS - 1)]++] = from[i];
}

/*
 * Sorts by place or by id, digit by digit: a comparing sort takes longer than all of the
 * other checks together, and the C library's takes as much memory.
 */
static bool sort_extents(struct records *records, bool by_id)
{
	struct extent *e = records->extents, *spare, *swap;
	uint64_t differ = 0, last = 0;
	bool sorted = true;

	for (size_t i = 0; i < records->n; i++) {
		uint64_t key = by_id ? e[i].id : e[i].place;

		differ |= key ^ (by_id ? e[0].id : e[0].place);
		sorted &= key >= last;
		last = key;
	}
	if (sorted)
		return true;

	spare = malloc(records->n * sizeof(*spare));
	if (!spare)
		return false;
	for (unsigned int shift = (unsigned int)__builtin_ctzll(differ);
	     shift < 64 && differ >> shift; shift += DIGIT_BITS) {
		if (!(differ >> shift & (DIGITS - 1)))
			continue;
		sort_digit(e, spare, records->n, by_id, shift);
		swap = e;
		e = spare;
		spare = swap;
	}
	free(spare);
	records->extents = e;
	records->room = records->n;
	return true;
}

static void verify_extent_preserved(struct kho_verify *v, const struct extent *e)
{
	char what[64];
	int ret = 0;

	if (e->place & EXTENT_NOT_RAM || v->state->root.side == KHO_SIDE_IN)
		return;
	/* mostly there is nothing to say, and then no words are made */
	if (v->map_readable)
		ret = kho_map_contains(v->state, extent_addr(e), extent_size(e), NULL);
	if (ret == 1)
		return;
	snprintf(what, sizeof(what), "memory of record %" PRIu64, e->id);
	verify_preserved(v, KHO_RULE_K407, extent_addr(e), extent_size(e), e->id, what);
}

/* In the order of addresses, which is also the quick one to ask the map in. */
static void compare_places(struct kho_verify *v, const struct records *records)
{
	const struct extent *e = records->extents, *far = e;

	for (size_t i = 0; i < records->n && e[i].place != EXTENT_NOWHERE; i++) {
		uint64_t distance = extent_addr(&e[i]) - extent_addr(far);

		verify_extent_preserved(v, &e[i]);
		if (i && distance < extent_size(far))
			kho_report(v, KHO_RULE_K408, extent_addr(&e[i]), e[i].id,
				   "records %" PRIu64 " and %" PRIu64 " share memory at 0x%" PRIx64,
				   far->id, e[i].id, extent_addr(&e[i]));
		/* the one that reaches farthest may overlap more than its neighbour */
		if (distance >= extent_size(far) ||
		    extent_size(&e[i]) > extent_size(far) - distance)
			far = &e[i];
	}
}

static void report_same_id(struct kho_verify *v, const struct extent *e)
{
	kho_report(v, KHO_RULE_K410, e->place == EXTENT_NOWHERE ? KHO_NO_ADDR : extent_addr(e), e->id,
		   "two records have id %" PRIu64, e->id);
}

static void compare_ids(struct kho_verify *v, struct records *records)
{
	if (!sort_extents(records, true)) {
		kho_report_unevaluated(v, KHO_RULE_K410, KHO_NO_ADDR, 0,
				       "out of memory: the ids were not compared");
		return;
	}
	for (size_t i = 1; i < records->n; i++) {
		if (records->extents[i].id == records->extents[i - 1].id)
			report_same_id(v, &records->extents[i]);
	}
}

/* Reads the records again, and keeps what is compared of them. */
static int collect_extents(struct kho_verify *v, struct records *records,
			   struct kho_error *err)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	int ret;

	ret = kho_dma_iter_create(v->state, &iter, err);
	if (ret)
		return ret;
	while (!records->truncated && (ret = kho_dma_iter_next_bare(iter, &record, err)) > 0) {
		uint64_t size = record.pages * KHO_ABI_PAGE_SIZE;

		if (record.crc_ok && record.in_use)
			keep_extent(records, &record, record.pages && !(record.addr % size) &&
				    in_ram(v, record.addr, size));
	}
	kho_dma_iter_destroy(iter);
	return records->truncated ? KHO_ERR_NOMEM : ret;
}

static void compare_records(struct kho_verify *v, struct records *records)
{
	static const enum kho_rule_number left_out[] = {
		KHO_RULE_K407, KHO_RULE_K408, KHO_RULE_K410,
	};
	struct kho_error err;
	int ret;

	ret = collect_extents(v, records, &err);
	/* the way to where the chain breaks has been told of; what comes before is compared */
	if (ret == KHO_ERR_NOMEM || !sort_extents(records, false)) {
		for (size_t i = 0; i < 3; i++)
			kho_report_unevaluated(v, left_out[i], KHO_NO_ADDR, 0,
					       "out of memory: the records were not compared");
		return;
	}
	compare_places(v, records);
	compare_ids(v, records);
}

/*
 * Whether the head counts a record that is damaged depends on where the damage
 * was done: the next kernel leaves it where it is, and out of its own count.
 */
static void compare_counts(struct kho_verify *v, const struct kho_dma_header *header,
			   const struct records *records)
{
	uint64_t sound = v->state->root.side == KHO_SIDE_OUT ? records->in_use : records->incoming;

	if (header->nr_records < sound || header->nr_records - sound > records->damaged)
		kho_report(v, KHO_RULE_K412, header->addr, 0,
			   "the head says %" PRIu64 " records, there are %" PRIu64 "%s",
			   header->nr_records, sound + records->damaged,
			   v->state->root.side == KHO_SIDE_IN ? " that this kernel took over" : "");
	else if (v->state->root.side == KHO_SIDE_OUT && !records->damaged && records->pages_known &&
		 records->pages != header->nr_pages)
		kho_report(v, KHO_RULE_K412, header->addr, 0,
			   "the head says %" PRIu64 " pages, the records have %" PRIu64,
			   header->nr_pages, records->pages);
}

static int addr_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void verify_blocks(struct kho_verify *v, struct kho_dma_iter *iter)
{
	size_t n, left = 0;
	uint64_t *blocks = kho_dma_iter_blocks(iter, &n);

	/* of most of them the bits say it */
	for (size_t i = 0; i < n; i++) {
		if (!v->map_readable || !unnamed_has(v, blocks[i]))
			blocks[left++] = blocks[i];
	}
	/* sorted, because then the map is asked in its own order */
	if (left)
		qsort(blocks, left, sizeof(*blocks), addr_compare);
	for (size_t i = 0; i < left; i++)
		verify_preserved(v, KHO_RULE_K404, blocks[i], KHO_ABI_PAGE_SIZE, 0,
				 "block of DMA records");
}

/* Whether any rule has something to say of the record that calls it by its names. */
static bool may_be_named(const struct kho_dma_record *record)
{
	return !record->crc_ok || !record->fields_ok ||
	       record->flags & (DMA_ALLOC_SEALED | DMA_ALLOC_CARRIED_OVER | DMA_ALLOC_FATE_MASK);
}

static uint64_t bytes_of(uint64_t pages)
{
	uint64_t bytes;

	return __builtin_mul_overflow(pages, KHO_ABI_PAGE_SIZE, &bytes) ? UINT64_MAX : bytes;
}

static void verify_records(struct kho_verify *v, const struct kho_dma_header *header)
{
	struct records records = { .pages_known = true };
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	struct kho_error err;
	uint64_t done, block = 0, addr;
	int ret;

	ids_create(&records, header);
	kho_source_progress_begin(v->state->source, bytes_of(header->nr_pages));
	ret = kho_dma_iter_create(v->state, &iter, &err);
	if (!ret) {
		while ((ret = kho_dma_iter_next_bare(iter, &record, &err)) > 0) {
			if ((record.state ^ block) >= KHO_ABI_PAGE_SIZE) {
				block = record.state;
				for (size_t i = 0; kho_dma_iter_ahead(iter, i, &addr); i++)
					__builtin_prefetch(unnamed_word(v, addr));
			}
			if (may_be_named(&record))
				kho_dma_iter_names(iter, &record);
			done = v->state->source->progress_done;
			verify_record(v, header, &record, &records);
			/* all of it, whatever was read of its content */
			done = v->state->source->progress_done - done;
			if (done < bytes_of(record.pages))
				kho_source_progress_add(v->state->source,
							bytes_of(record.pages) - done);
		}
		verify_blocks(v, iter);
		kho_dma_iter_destroy(iter);
	}

	if (ret == KHO_ERR_NOT_PRESENT && !v->state->source->live && in_ram(v, err.addr, 1))
		kho_report_unevaluated(v, KHO_RULE_K403, err.addr, 0, "%s", err.message);
	else if (ret)
		kho_report(v, KHO_RULE_K403, err.addr, 0, "%s", err.message);
	else
		compare_counts(v, header, &records);

	if (records.absent_contents)
		kho_report_not_applicable(v, KHO_RULE_K413, "this file does not hold the content of %" PRIu64 " sealed allocation(s)",
			       records.absent_contents);
	if (records.unread_contents)
		kho_report_unevaluated(v, KHO_RULE_K413, KHO_NO_ADDR, 0,
				       "no time was left to read the content of %" PRIu64 " sealed allocation(s)",
				       records.unread_contents);
	if (records.compare)
		compare_records(v, &records);
	free(records.extents);
	free(records.ids);
}

static void verify_dma(struct kho_verify *v)
{
	struct kho_error err;
	int ret;

	ret = kho_dma_read_header(v->state, &v->header, &err);
	if (ret == KHO_ERR_NOT_FOUND)
		return;
	if (ret == KHO_ERR_UNSUPPORTED || ret == KHO_ERR_CORRUPT) {
		kho_report(v, KHO_RULE_K401, err.addr, 0, "%s", err.message);
		return;
	}
	if (ret) {
		kho_report_unevaluated(v, KHO_RULE_K401, err.addr, 0, "%s", err.message);
		return;
	}

	v->have_header = true;
	if (!v->header.crc_ok)
		kho_report(v, KHO_RULE_K402, v->header.addr, 0,
			   "the head of the DMA records at 0x%" PRIx64 " has a wrong checksum",
			   v->header.addr);
	verify_records(v, &v->header);
}

/* ----------------------------------------------------------------- expect */

static void verify_expect(struct kho_verify *v)
{
	const struct kho_verify_options *o = v->options;

	if (!o->have_expect)
		return;
	if (!v->have_header && !kho_state_subtree(v->state, DMA_ALLOC_KHO_SUBTREE)) {
		/* no list was expected either when nothing was to be on it */
		if (o->expect_records)
			kho_report(v, KHO_RULE_K511, KHO_NO_ADDR, 0,
				   "%" PRIu64 " records of generation %" PRIu64 " were expected, and there is no list of them",
				   o->expect_records, o->expect_generation);
		return;
	}
	if (!v->have_header) {
		kho_report_unevaluated(v, KHO_RULE_K511, KHO_NO_ADDR, 0,
				       "%" PRIu64 " records of generation %" PRIu64 " were expected, and their list cannot be read",
				       o->expect_records, o->expect_generation);
		return;
	}
	if (v->header.generation > o->expect_generation) {
		kho_report(v, KHO_RULE_K512, v->header.addr, 0,
			   "generation %" PRIu64 " with %" PRIu64 " records came; %" PRIu64 " with %" PRIu64 " was there at the load",
			   v->header.generation, v->header.nr_records, o->expect_generation,
			   o->expect_records);
		return;
	}
	if (v->header.generation < o->expect_generation ||
	    v->header.nr_records != o->expect_records)
		kho_report(v, KHO_RULE_K511, v->header.addr, 0,
			   "generation %" PRIu64 " with %" PRIu64 " records came; expected was %" PRIu64 " with %" PRIu64,
			   v->header.generation, v->header.nr_records, o->expect_generation,
			   o->expect_records);
}

/* ------------------------------------------------------------- public API */

static const struct kho_verify_options no_options;

static void run_rules(struct kho_verify *v)
{
	bool map = verify_root(v);

	verify_scratch(v);
	if (map)
		verify_map(v);
	verify_subtrees(v);
	verify_dma(v);
	verify_expect(v);
	free(v->unnamed);
	v->unnamed = NULL;
}

static bool held_above_info(const struct kho_verify *v)
{
	for (size_t i = 0; i < v->nr_held; i++) {
		if (v->held[i].severity > KHO_SEVERITY_INFO)
			return true;
	}
	return false;
}

/* What a look at a live machine may have fallen between. */
struct moment {
	bool have_header;
	uint64_t generation;
	unsigned char fdt[KHO_ABI_PAGE_SIZE];
};

static void moment_take(struct kho_state *state, struct moment *moment)
{
	struct kho_dma_header header;

	memset(moment, 0, sizeof(*moment));
	moment->have_header = !kho_dma_read_header(state, &header, NULL);
	moment->generation = moment->have_header ? header.generation : 0;
	if (state->root.addr != KHO_NO_ADDR)
		kho_source_read(state->source, state->root.addr, moment->fdt,
				sizeof(moment->fdt), NULL);
}

static bool moment_same(const struct moment *a, const struct moment *b)
{
	return a->have_header == b->have_header && a->generation == b->generation &&
	       !memcmp(a->fdt, b->fdt, sizeof(a->fdt));
}

/* One look. 1: its findings prove nothing, for the state changed; they are still held. */
static int look_live(struct kho_verify *v, struct kho_error *err)
{
	struct moment *moments = calloc(2, sizeof(*moments));
	int ret;

	v->held = calloc(KHO_MAX_HELD, sizeof(*v->held));
	if (!moments || !v->held) {
		ret = kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
		goto out;
	}

	ret = kho_state_refresh(v->state, err);
	if (ret)
		goto out;
	moment_take(v->state, &moments[0]);
	run_rules(v);
	moment_take(v->state, &moments[1]);
	/* so many that they are not held any more are no passing disturbance */
	ret = v->held && held_above_info(v) && !moment_same(&moments[0], &moments[1]);
out:
	free(moments);
	return ret;
}

/*
 * Drivers go on while a live machine is looked at, and records, map and tree are
 * read one after the other. Findings of a look during which anything changed
 * prove nothing: it is made again.
 */
static int run_rules_live(struct kho_verify *v, struct kho_error *err)
{
	for (int i = 0; ; i++) {
		struct kho_verify look = *v;
		int ret = look_live(&look, err);

		if (ret == 1 && i < LIVE_TRIES) {
			free(look.held);
			*v->summary = (struct kho_verify_summary){ .rules = v->summary->rules };
			continue;
		}
		if (ret < 0) {
			free(look.held);
			return ret;
		}

		if (ret == 1)
			kho_report_unevaluated(&look, KHO_RULE_K412, KHO_NO_ADDR, 0,
					       "the state changed each time it was read; run this again");
		kho_verify_deliver(&look);
		return 0;
	}
}

int kho_verify(struct kho_state *state, const struct kho_verify_options *options,
	       int (*fn)(const struct kho_finding *finding, void *data), void *data,
	       struct kho_verify_summary *summary, struct kho_error *err)
{
	struct kho_verify v = {
		.state = state, .options = options ? options : &no_options,
		.fn = fn, .data = data, .summary = summary,
	};

	if (!state || !summary)
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR, "no state, or no summary");

	memset(summary, 0, sizeof(*summary));
	summary->rules = kho_rules_count(v.options, KHO_AREA_ROOT, KHO_AREA_BOOT);
	if (state->source->live)
		return run_rules_live(&v, err);

	run_rules(&v);
	return 0;
}

int kho_verify_absent(const struct kho_verify_options *options, const struct kho_error *reason,
		      int (*fn)(const struct kho_finding *finding, void *data), void *data,
		      struct kho_verify_summary *summary)
{
	struct kho_verify v = {
		.options = options ? options : &no_options,
		.fn = fn, .data = data, .summary = summary,
	};

	const char *why = reason && *reason->message ? reason->message : "nothing came";
	char expected[96] = "state was left for this kernel";

	memset(summary, 0, sizeof(*summary));
	if (v.options->have_expect)
		snprintf(expected, sizeof(expected),
			 "%" PRIu64 " records of generation %" PRIu64 " were expected",
			 v.options->expect_records, v.options->expect_generation);
	/* a kernel that shows nothing of KHO may have taken the state all the same */
	if (reason && reason->code != KHO_ERR_NO_STATE)
		kho_report_unevaluated(&v, KHO_RULE_K510, KHO_NO_ADDR, 0, "%s: %s", expected, why);
	else
		kho_report(&v, KHO_RULE_K510, KHO_NO_ADDR, 0, "%s: %s", expected, why);
	return 0;
}

int kho_verify_open_error(const struct kho_error *reason,
			  int (*fn)(const struct kho_finding *finding, void *data),
			  void *data, struct kho_verify_summary *summary)
{
	struct kho_verify v = {
		.options = &no_options, .fn = fn, .data = data, .summary = summary,
	};

	if (reason->code != KHO_ERR_CORRUPT && reason->code != KHO_ERR_LOOP &&
	    reason->code != KHO_ERR_NOT_PRESENT)
		return 0;

	memset(summary, 0, sizeof(*summary));
	if (reason->code == KHO_ERR_NOT_PRESENT)
		kho_report_unevaluated(&v, KHO_RULE_K001, reason->addr, 0, "%s", reason->message);
	else
		kho_report(&v, KHO_RULE_K001, reason->addr, 0, "%s", reason->message);
	return 1;
}
