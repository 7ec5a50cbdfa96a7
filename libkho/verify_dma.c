// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules about the DMA records. Each record must have preserved memory, and must not share memory or
 * its id with another. If v->unnamed has a bit for each preserved page, each record clears its
 * bits; only if one was clear before, compare_records() reads the records again, sorts and compares
 * them. Without these bits, the first reading collects the data to compare.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dma.h"
#include "extents.h"
#include "kho_output.h"
#include "map.h"
#include "source.h"
#include "verify.h"
#include "abi/dma_alloc.h"

/* Result of reading all records. */
struct records {
	bool compare;		/* records may be in conflict: compare all */
	bool kept;		/* the first reading fills @extents */
	bool short_of_memory;	/* @extents is incomplete */
	struct kho_extents extents; /* data to compare */
	uint64_t *ids;		/* a bit for each id seen so far, or NULL */
	uint64_t nr_ids;
	uint64_t all, pages;
	uint64_t damaged;	/* records whose fields are not reliable */
	uint64_t unplaced;	/* records with an impossible address or size, or outside RAM */
	bool pages_unknown;	/* a record has an impossible size */
	uint64_t doubtful;	/* damaged records that the kernel may not count */
	uint64_t without_fate;	/* incoming records without a fate */
	bool fates;		/* others have a fate; valid if without_fate is not 0 */
	uint64_t unclaimed, refused;
	uint64_t strange_fates;	/* records that may be unclaimed or refused, in a later format */
	uint64_t absent_contents; /* sealed, but not in this file */
	uint64_t unread_contents; /* sealed, but the caller had no time left */
};

/* Sealed content that is read for each byte that the file system has of a dump, and at all: zeroes are holes. */
#define CONTENT_RATIO	64
#define CONTENT_ONCE	(128u << 20)

/* ---------------------------------------------------------- one by one */

/* Records of a sound state share no memory, so their content is not more than the source has. */
static uint64_t most_content(const struct kho_source *source)
{
	if (!source->stored || source->bytes / CONTENT_RATIO <= source->stored)
		return source->bytes;
	return CONTENT_RATIO * source->stored + CONTENT_ONCE;
}

static void judge_content(struct kho_verify *v, const struct kho_dma_record *record,
			   struct records *records)
{
	uint64_t size = record->size;
	struct kho_error err;
	unsigned char byte;
	int ret;

	/* a driver that has restored it may write to it */
	if (!record->sealed || !record->preserved || v->options->skip_content)
		return;
	/* absent content costs nothing, and has a better reason than its size */
	if (size > v->content_left &&
	    kho_source_read(v->state->source, record->addr, &byte, 1, NULL) != KHO_ERR_NOT_PRESENT) {
		kho_report_unevaluated(v, KHO_RULE_K413, record->addr, record->id,
				       "the sealed records claim more content than the source holds");
		return;
	}

	ret = kho_dma_check_content_step(v->state, record, v->options, &v->progress, &err);
	if (ret < 0 && err.code == KHO_ERR_NOT_PRESENT && err.addr - record->addr < size)
		size = err.addr - record->addr;
	v->content_left -= size < v->content_left ? size : v->content_left;
	if (ret == KHO_ERR_STOPPED)
		records->unread_contents++;
	else if (ret < 0 && err.code == KHO_ERR_NOT_PRESENT && !v->state->source->has_all_ram &&
		 !v->state->source->cut_short)
		records->absent_contents++;
	else if (ret < 0)
		kho_report_unevaluated(v, KHO_RULE_K413, record->addr, record->id, "%s", err.message);
	else if (!ret)
		kho_report(v, KHO_RULE_K413, record->addr, record->id,
			   "record %" PRIu64 " of %s: its content at 0x%" PRIx64 " changed after it was sealed",
			   record->id, record->device, record->addr);
}

static void judge_not_taken(struct kho_verify *v, const struct kho_dma_record *record,
			    struct records *records)
{
	/* searched once for all records */
	if (!records->without_fate++)
		records->fates = kho_dma_has_fates(v->state, NULL) == 1;
	if (records->fates)
		kho_report(v, KHO_RULE_K504, record->addr, record->id,
			   "record %" PRIu64 " of %s: the kernel did not take it over, so no driver can restore it",
			   record->id, record->device);
}

static void judge_fate(struct kho_verify *v, const struct kho_dma_record *record,
		       struct records *records)
{
	if (record->carried_over)
		kho_report(v, KHO_RULE_K503, record->addr, record->id,
			   "record %" PRIu64 " of %s went unclaimed through an earlier kernel",
			   record->id, record->device);
	records->refused += record->fate == KHO_DMA_FATE_FAILED;
	records->unclaimed += record->fate == KHO_DMA_FATE_UNCLAIMED;
	records->strange_fates += record->fate == KHO_DMA_FATE_UNKNOWN;
	if (record->fate == KHO_DMA_FATE_FAILED)
		kho_report(v, KHO_RULE_K502, record->addr, record->id,
			   "record %" PRIu64 ": the kernel refused it to the driver of %s; its log says why",
			   record->id, record->device);
	if (record->fate == KHO_DMA_FATE_NONE && v->state->root.side == KHO_SIDE_IN)
		judge_not_taken(v, record, records);
	if (record->fate == KHO_DMA_FATE_UNCLAIMED && v->options->claims)
		kho_report(v, KHO_RULE_K501, record->addr, record->id,
			   "record %" PRIu64 " of %s (%s) is unclaimed: %" PRIu64 " bytes at 0x%" PRIx64,
			   record->id, record->device, record->tag, record->size, record->addr);
}

/* False if the memory of the record is not RAM. */
static bool judge_ram(struct kho_verify *v, const struct kho_dma_record *record, uint64_t size)
{
	char what[64];

	/* common case: build no text for a finding */
	if (kho_verify_in_ram(v, record->addr, size))
		return true;
	snprintf(what, sizeof(what), "the memory of record %" PRIu64, record->id);
	return kho_verify_ram(v, KHO_RULE_K406, record->addr, size, record->id, what);
}

/* True if the record has a place that can be looked up in the map. */
static bool judge_place(struct kho_verify *v, const struct kho_dma_record *record,
			 struct records *records)
{
	uint64_t size = record->pages << v->state->source->page_shift;

	/* size is a power of two */
	if (record->pages == KHO_SIZE_UNKNOWN || record->addr & (size - 1)) {
		kho_report(v, KHO_RULE_K409, record->record_addr, record->id,
			   "record %" PRIu64 ": %" PRIu64 " bytes at 0x%" PRIx64 " cannot be an allocation",
			   record->id, record->size, record->addr);
		return false;
	}
	if (!judge_ram(v, record, size))
		return false;
	if (!record->preserved)
		return true;
	if (kho_verify_in_scratch(v, record->addr, size))
		kho_report(v, KHO_RULE_K414, record->record_addr, record->id,
			   "record %" PRIu64 ": 0x%" PRIx64 "+0x%" PRIx64 " lies in scratch",
			   record->id, record->addr, size);
	judge_content(v, record, records);
	return true;
}

/* Ids are consecutive, so a bit for each takes less memory than the records. */
static void ids_create(const struct kho_verify *v, struct records *records,
		       const struct kho_dma_header *header)
{
	if (header->next_id > 64 * kho_dma_most_records(v->state, header))
		return;
	records->ids = calloc(header->next_id / 64 + 1, sizeof(*records->ids));
	records->nr_ids = header->next_id;
}

/* True if no earlier record had this id. */
static bool id_take(struct records *records, uint64_t id)
{
	uint64_t bit = 1ull << id % 64;

	if (!records->ids || id >= records->nr_ids || records->ids[id / 64] & bit)
		return false;
	records->ids[id / 64] |= bit;
	return true;
}

/* Judges the fields of one record. False if the kernel refuses it. */
static bool judge_fields(struct kho_verify *v, const struct kho_dma_header *header,
			 const struct kho_dma_record *record)
{
	bool outgoing = v->state->root.side == KHO_SIDE_OUT, sound = true;

	if ((uint32_t)record->flags & ~DMA_ALLOC_FLAGS_KNOWN ||
	    record->attrs & ~DMA_ALLOC_ATTRS_KNOWN || record->fate == KHO_DMA_FATE_UNKNOWN ||
	    (outgoing && record->fate != KHO_DMA_FATE_NONE)) {
		kho_report(v, KHO_RULE_K411, record->record_addr, record->id,
			   "record %" PRIu64 " has flags 0x%x and attributes 0x%" PRIx64 ", which no %s record has",
			   record->id, (uint32_t)record->flags, record->attrs,
			   kho_side_name(v->state->root.side));
		sound = false;
	}
	if (!record->fields_ok) {
		kho_report(v, KHO_RULE_K415, record->record_addr, record->id,
			   "record %" PRIu64 " (\"%s\", \"%s\") has an invalid name or reserved bytes: the next kernel would refuse it",
			   record->id, record->device, record->tag);
		sound = false;
	}
	if (!record->id || record->id > INT64_MAX ||
	    (header->crc_ok && record->id >= header->next_id)) {
		kho_report(v, KHO_RULE_K410, record->record_addr, record->id,
			   "record at 0x%" PRIx64 " has id %" PRIu64 ", the next to be given out is %" PRIu64,
			   record->record_addr, record->id, header->next_id);
		sound = false;
	}
	return sound;
}

/* True if the memory of the record can be looked up in the map. */
static bool has_place(const struct kho_verify *v, const struct kho_dma_record *record)
{
	uint64_t size = record->pages << v->state->source->page_shift;

	return record->pages != KHO_SIZE_UNKNOWN && !(record->addr & (size - 1)) &&
	       !kho_source_not_ram(v->state->source, record->addr, size);
}

/* Keeps the data of a record that compare_records() needs. */
static void keep(const struct kho_verify *v, const struct kho_dma_record *record,
		 struct records *records)
{
	if (!kho_extents_add(&records->extents, record, has_place(v, record)))
		records->short_of_memory = true;
}

static void judge_record(struct kho_verify *v, const struct kho_dma_header *header,
			  const struct kho_dma_record *record, struct records *records)
{
	bool placed, sound;

	records->all++;
	if (!record->crc_ok || !record->flags_ok) {
		kho_report(v, KHO_RULE_K405, record->record_addr, record->id,
			   "the record at 0x%" PRIx64 " (id %" PRIu64 ", \"%s\") has %s",
			   record->record_addr, record->id, record->device,
			   record->crc_ok ? "flags that do not agree with their complement"
					  : "a wrong checksum");
		records->doubtful++;
		v->devices.lost_records = true;
		records->damaged++;
		return;
	}

	if (record->pages == KHO_SIZE_UNKNOWN)
		records->pages_unknown = true;
	else
		records->pages += record->pages;
	sound = judge_fields(v, header, record);
	placed = judge_place(v, record, records);
	records->doubtful += !sound || !placed;
	records->unplaced += !placed;
	judge_fate(v, record, records);
	kho_verify_devices_record(v, record);
	if (!record->preserved)
		return;
	if (records->kept)
		keep(v, record, records);
	else if (!records->compare)
		records->compare = !placed || !id_take(records, record->id) ||
				   !kho_page_set_take(&v->unnamed, record->addr,
						      record->pages << v->state->source->page_shift);
}

/* ---------------------------------------------------- with each other */

static void judge_extent(struct kho_verify *v, const struct kho_extent *e)
{
	char what[64];
	int ret = 0;

	if (!kho_extent_in_ram(e) || kho_extent_is_own(e) || v->state->root.side == KHO_SIDE_IN)
		return;
	/* common case: build no text for a finding */
	if (v->map_readable)
		ret = kho_map_covers(v->map, kho_extent_addr(e), kho_extent_size(e), NULL);
	if (ret == 1)
		return;
	snprintf(what, sizeof(what), "memory of record %" PRIu64, e->id);
	kho_verify_preserved(v, KHO_RULE_K407, kho_extent_addr(e), kho_extent_size(e), e->id, what);
}

static void report_overlap(struct kho_verify *v, const struct kho_extent *a,
			   const struct kho_extent *b)
{
	uint64_t addr = kho_extent_addr(b);

	if (kho_extent_is_own(a) || kho_extent_is_own(b))
		kho_report(v, KHO_RULE_K408, addr, kho_extent_is_own(a) ? b->id : a->id,
			   "record %" PRIu64 " has memory of KHO itself at 0x%" PRIx64 ": the root FDT, a blob or a block of records",
			   kho_extent_is_own(a) ? b->id : a->id, addr);
	else
		kho_report(v, KHO_RULE_K408, addr, b->id,
			   "records %" PRIu64 " and %" PRIu64 " share memory at 0x%" PRIx64,
			   a->id, b->id, addr);
}

/* @extents is sorted by address, which also makes look-ups in the map fast. */
static void compare_places(struct kho_verify *v, const struct kho_extents *extents,
			   struct records *records)
{
	const struct kho_extent *e = extents->list, *far = e;

	for (size_t i = 0; i < extents->n && kho_extent_has_place(&e[i]); i++) {
		uint64_t distance = kho_extent_addr(&e[i]) - kho_extent_addr(far);

		judge_extent(v, &e[i]);
		/* overlaps between two parts of KHO's own memory are not about records */
		if (i && distance < kho_extent_size(far) &&
		    !(kho_extent_is_own(&e[i]) && kho_extent_is_own(far))) {
			report_overlap(v, far, &e[i]);
			records->doubtful++;
		}
		/* the extent that reaches farthest may overlap more than its neighbour */
		if (distance >= kho_extent_size(far) ||
		    kho_extent_size(&e[i]) > kho_extent_size(far) - distance)
			far = &e[i];
	}
}

static void compare_ids(struct kho_verify *v, const struct kho_extents *extents,
			struct records *records)
{
	const struct kho_extent *e = extents->list;

	for (size_t i = 1; i < extents->n; i++) {
		if (e[i].id != e[i - 1].id || kho_extent_is_own(&e[i]) || kho_extent_is_own(&e[i - 1]))
			continue;
		kho_report(v, KHO_RULE_K410,
			   kho_extent_has_place(&e[i]) ? kho_extent_addr(&e[i]) : KHO_NO_ADDR,
			   e[i].id, "two records have id %" PRIu64, e[i].id);
		records->doubtful++;
	}
}

/* Lists the pages of the root FDT and the blobs. Returns the number of ranges. */
static size_t own_pages(const struct kho_verify *v, struct kho_range pages[KHO_MAX_SUBTREES + 1])
{
	const struct kho_root *root = &v->state->root;
	const uint64_t page = kho_source_page(v->state->source);
	size_t n = 0;

	if (root->addr != KHO_NO_ADDR)
		pages[n++] = (struct kho_range){ root->addr, page };
	for (size_t i = 0; i < root->nr_subtrees; i++) {
		uint64_t addr = root->subtrees[i].addr, before = addr & (page - 1);

		if (!kho_source_not_ram(v->state->source, addr, root->subtrees[i].size))
			pages[n++] = (struct kho_range){
				addr - before, (before + root->subtrees[i].size + page - 1) & -page,
			};
	}
	return n;
}

/* Keeps KHO's own memory, including the blocks that @iter has read. */
static void keep_own(struct kho_verify *v, struct kho_dma_iter *iter, struct records *records)
{
	struct kho_range pages[KHO_MAX_SUBTREES + 1];
	size_t n = own_pages(v, pages), nr_blocks;
	const uint64_t *blocks = kho_dma_iter_blocks(iter, &nr_blocks);
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++)
		ok = kho_extents_add_own(&records->extents, pages[i].addr, pages[i].size);
	for (size_t i = 0; ok && i < nr_blocks; i++)
		ok = kho_extents_add_own(&records->extents, blocks[i],
					 kho_source_page(v->state->source));
	records->short_of_memory |= !ok;
}

/* Reads the records again, up to a break of the chain, and keeps the data to compare. */
static void keep_all(struct kho_verify *v, struct records *records)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	int ret = kho_dma_iter_create(v->state, &iter, NULL);

	records->short_of_memory = ret == KHO_ERR_NOMEM;
	if (ret)
		return;
	while ((ret = kho_dma_iter_next(iter, &record, NULL)) > 0) {
		if (record.crc_ok && record.flags_ok && record.preserved)
			keep(v, &record, records);
	}
	records->short_of_memory |= ret == KHO_ERR_NOMEM;
	keep_own(v, iter, records);
	kho_dma_iter_destroy(iter);
}

static bool compare_all(struct kho_verify *v, struct records *records)
{
	if (records->short_of_memory || !kho_extents_sort_places(&records->extents))
		return false;
	compare_places(v, &records->extents, records);
	if (!kho_extents_sort_ids(&records->extents))
		return false;
	compare_ids(v, &records->extents, records);
	return true;
}

static void compare_records(struct kho_verify *v, struct records *records)
{
	static const enum kho_rule_number left_out[] = {
		KHO_RULE_K407, KHO_RULE_K408, KHO_RULE_K410,
	};

	if (!records->kept)
		keep_all(v, records);
	if (compare_all(v, records))
		return;
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		kho_report_unevaluated(v, left_out[i], KHO_NO_ADDR, 0,
				       "out of memory: the records were not compared");
}

/* ------------------------------------------------------- all of them */

/*
 * The head does not count records that the kernel found damaged. So its count may be lower, by at
 * most the number of doubtful records.
 */
static void compare_counts(struct kho_verify *v, const struct kho_dma_header *header,
			   const struct records *records)
{
	if (header->nr_records > records->all ||
	    records->all - header->nr_records > records->doubtful)
		kho_report(v, KHO_RULE_K412, header->addr, 0,
			   "the head says %" PRIu64 " records, there are %" PRIu64,
			   header->nr_records, records->all);
	else if (!records->doubtful && records->pages != header->nr_pages)
		kho_report(v, KHO_RULE_K412, header->addr, 0,
			   "the head says %" PRIu64 " pages, the records have %" PRIu64,
			   header->nr_pages, records->pages);
}

static int addr_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void judge_blocks(struct kho_verify *v, struct kho_dma_iter *iter,
			 struct records *records)
{
	size_t n, left = 0;
	uint64_t *blocks = kho_dma_iter_blocks(iter, &n);

	/* common case: the page set shows that the block is preserved */
	for (size_t i = 0; i < n; i++) {
		if (!v->map_readable || !kho_page_set_has(&v->unnamed, blocks[i]))
			blocks[left++] = blocks[i];
	}
	/* not preserved, or a record names its page */
	records->compare |= left != 0;
	/* sorting makes the look-ups in the map fast */
	if (left)
		qsort(blocks, left, sizeof(*blocks), addr_compare);
	for (size_t i = 0; i < left; i++)
		kho_verify_preserved(v, KHO_RULE_K404, blocks[i], kho_source_page(v->state->source), 0,
				     "block of DMA records");
}

static uint64_t bytes_of(const struct kho_verify *v, uint64_t pages)
{
	uint64_t bytes;

	if (pages == KHO_SIZE_UNKNOWN)
		return 0;
	return __builtin_mul_overflow(pages, kho_source_page(v->state->source), &bytes) ? UINT64_MAX : bytes;
}

static int read_records(struct kho_verify *v, const struct kho_dma_header *header,
			struct records *records, struct kho_error *err)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	uint64_t done;
	int ret;

	ret = kho_dma_iter_create(v->state, &iter, err);
	if (ret)
		return ret;
	while ((ret = kho_dma_iter_next(iter, &record, err)) > 0) {
		done = v->progress.done;
		judge_record(v, header, &record, records);
		/* count all of its bytes, read or not */
		done = v->progress.done - done;
		if (done < bytes_of(v, record.pages))
			kho_progress_add(&v->progress, bytes_of(v, record.pages) - done);
	}
	if (kho_dma_iter_bad_count(iter) != KHO_NO_ADDR)
		kho_report(v, KHO_RULE_K403, kho_dma_iter_bad_count(iter), 0,
			   "dma-alloc: block 0x%" PRIx64 " claims more records than a page has",
			   kho_dma_iter_bad_count(iter));
	if (records->kept)
		keep_own(v, iter, records);
	judge_blocks(v, iter, records);
	kho_dma_iter_destroy(iter);
	return ret;
}

/* Takes KHO's own pages out of v->unnamed, so that a record that names one is in conflict. */
static void take_own(struct kho_verify *v)
{
	struct kho_range pages[KHO_MAX_SUBTREES + 1];
	size_t n = own_pages(v, pages);

	for (size_t i = 0; i < n; i++)
		kho_page_set_take(&v->unnamed, pages[i].addr, pages[i].size);
}

/* Call this after all records were read. Only K405 covers damaged ones. */
static void say_evaluated(struct kho_verify *v, const struct kho_dma_header *header,
			  const struct records *records)
{
	bool incoming = v->state->root.side == KHO_SIDE_IN;

	kho_evaluated(v, KHO_RULE_K403);
	kho_evaluated(v, KHO_RULE_K405);
	kho_evaluated(v, KHO_RULE_K412);
	if (v->map_readable)
		kho_evaluated(v, KHO_RULE_K404);
	if (records->damaged)
		return;
	kho_evaluated(v, KHO_RULE_K406);
	kho_evaluated(v, KHO_RULE_K409);
	kho_evaluated(v, KHO_RULE_K411);
	kho_evaluated(v, KHO_RULE_K415);
	kho_evaluated(v, KHO_RULE_K503);
	if (header->crc_ok)
		kho_evaluated(v, KHO_RULE_K410);
	if (incoming) {
		kho_evaluated(v, KHO_RULE_K502);
		kho_evaluated(v, KHO_RULE_K504);
	}
	if (incoming && v->options->claims)
		kho_evaluated(v, KHO_RULE_K501);
	if (records->unplaced)
		return;
	kho_evaluated(v, KHO_RULE_K408);
	if (v->map_readable)
		kho_evaluated(v, KHO_RULE_K407);
	if (kho_verify_knows_scratch(v))
		kho_evaluated(v, KHO_RULE_K414);
	if (!v->options->skip_content)
		kho_evaluated(v, KHO_RULE_K413);
}

static void report_no_fates(struct kho_verify *v, const struct records *records)
{
	static const enum kho_rule_number rules[] = { KHO_RULE_K501, KHO_RULE_K502, KHO_RULE_K504 };

	for (size_t i = v->options->claims ? 0 : 1; i < sizeof(rules) / sizeof(rules[0]); i++)
		kho_report_unevaluated(v, rules[i], KHO_NO_ADDR, 0,
				       "the kernel gave none of the %" PRIu64 " record(s) a fate: it took none over, or it does not write fates",
				       records->without_fate);
}

/* A record with unknown fate may be unclaimed or refused too: then the counts stay unknown. */
static void count_claims(struct kho_verify *v, const struct records *records)
{
	if (v->state->root.side != KHO_SIDE_IN || records->damaged || records->strange_fates ||
	    (records->without_fate && !records->fates))
		return;
	v->summary->refused = records->refused;
	if (v->options->claims)
		v->summary->unclaimed = records->unclaimed;
}

/* Without records, every rule about them holds. */
static void say_nothing_there(struct kho_verify *v)
{
	const struct kho_rule *rules;
	size_t n;

	rules = kho_rules(&n);
	for (size_t i = 0; i < n; i++) {
		if (rules[i].area == KHO_AREA_DMA)
			kho_evaluated(v, rules[i].number);
	}
	kho_evaluated(v, KHO_RULE_K503);
	if (v->state->root.side == KHO_SIDE_IN) {
		kho_evaluated(v, KHO_RULE_K501);
		kho_evaluated(v, KHO_RULE_K502);
		kho_evaluated(v, KHO_RULE_K504);
		count_claims(v, &(const struct records){ 0 });
	}
	v->summary->records = 0;
	v->summary->pages = 0;
}

static void judge_records(struct kho_verify *v, const struct kho_dma_header *header)
{
	const bool bits = v->unnamed.words;
	struct records records = {
		.compare = !bits, .kept = !bits,
		.extents.page_shift = v->state->source->page_shift,
	};
	struct kho_error err;
	int ret;

	if (bits) {
		ids_create(v, &records, header);
		take_own(v);
	}
	v->progress = kho_source_progress(v->state->source, bytes_of(v, header->nr_pages));
	v->content_left = most_content(v->state->source);
	ret = read_records(v, header, &records, &err);
	if (ret)
		kho_report_error(v, KHO_RULE_K403, 0, &err, "");
	v->devices.lost_records |= ret != 0;

	if (records.absent_contents)
		kho_report_unevaluated(v, KHO_RULE_K413, KHO_NO_ADDR, 0,
				       "this file does not hold the content of %" PRIu64 " sealed allocation(s)",
				       records.absent_contents);
	if (records.unread_contents)
		kho_report_unevaluated(v, KHO_RULE_K413, KHO_NO_ADDR, 0,
				       "no time was left to read the content of %" PRIu64 " sealed allocation(s)",
				       records.unread_contents);
	if (records.without_fate && !records.fates)
		report_no_fates(v, &records);
	if (records.compare)
		compare_records(v, &records);
	if (!ret) {
		compare_counts(v, header, &records);
		say_evaluated(v, header, &records);
		count_claims(v, &records);
		v->summary->records = records.all;
		if (!records.damaged && !records.pages_unknown)
			v->summary->pages = records.pages;
	}
	kho_extents_free(&records.extents);
	free(records.ids);
}

void kho_verify_dma(struct kho_verify *v)
{
	const struct kho_subtree *subtree = kho_state_subtree(v->state, DMA_ALLOC_KHO_SUBTREE);
	struct kho_error err;
	int ret;

	/* a subtree without an address may be this one */
	if (!subtree && !v->state->root.bad_subtrees)
		say_nothing_there(v);
	if (!subtree)
		return;
	/* cleared below if the header is readable */
	v->devices.lost_records = true;
	if (kho_source_not_ram(v->state->source, subtree->addr, 1)) {
		/* K302 reports it */
		kho_report_unevaluated(v, KHO_RULE_K401, subtree->addr, 0,
				       "the head of the DMA records at 0x%" PRIx64 " is not RAM",
				       subtree->addr);
		return;
	}
	ret = kho_dma_read_header(v->state, &v->header, &err);
	/* the next kernel cannot read an unknown format either */
	if (ret == KHO_ERR_UNSUPPORTED)
		kho_report(v, KHO_RULE_K401, err.addr, 0, "%s", err.message);
	else if (ret)
		kho_report_error(v, KHO_RULE_K401, 0, &err, "");
	if (ret)
		return;

	v->have_header = true;
	v->devices.lost_records = false;
	kho_evaluated(v, KHO_RULE_K401);
	kho_evaluated(v, KHO_RULE_K402);
	if (!v->header.crc_ok)
		kho_report(v, KHO_RULE_K402, v->header.addr, 0,
			   "the head of the DMA records at 0x%" PRIx64 " has a wrong checksum",
			   v->header.addr);
	judge_records(v, &v->header);
}
