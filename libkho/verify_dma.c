// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules about the DMA records. That each record has preserved memory, and none the memory or
 * the id of another, can be seen as the records come by: v->unnamed has a bit for each page that
 * is preserved and that no record has named. Only when a bit is found to be clear, the records
 * are read once more, kept, sorted and compared; see compare_records().
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dma.h"
#include "extents.h"
#include "map.h"
#include "source.h"
#include "verify.h"
#include "abi/dma_alloc.h"

/* What came out of reading all records. */
struct records {
	bool compare;		/* something may be wrong with some: compare all */
	uint64_t *ids;		/* that have been come by, a bit each, or NULL */
	uint64_t nr_ids;
	uint64_t in_use, pages, incoming, damaged;
	uint64_t absent_contents; /* sealed, and not in this file */
	uint64_t unread_contents; /* sealed, and the caller has no time left for them */
	bool pages_known;	/* no record with a size that cannot be */
};

/* ---------------------------------------------------------- one by one */

static void judge_content(struct kho_verify *v, const struct kho_dma_record *record,
			   struct records *records)
{
	struct kho_error err;
	int ret;

	/* a driver that has it back may write to it */
	if (!record->sealed || !record->in_use || v->options->skip_content)
		return;

	ret = kho_dma_check_content_step(v->state, record, v->options, &v->progress, &err);
	if (ret == KHO_ERR_STOPPED)
		records->unread_contents++;
	else if (ret < 0 && !v->state->source->has_all_ram && err.code == KHO_ERR_NOT_PRESENT)
		records->absent_contents++;
	else if (ret < 0)
		kho_report_unevaluated(v, KHO_RULE_K413, record->addr, record->id, "%s", err.message);
	else if (!ret)
		kho_report(v, KHO_RULE_K413, record->addr, record->id,
			   "record %" PRIu64 " of %s: its content at 0x%" PRIx64 " changed after it was sealed",
			   record->id, record->device, record->addr);
}

static void judge_fate(struct kho_verify *v, const struct kho_dma_record *record)
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
static bool judge_place(struct kho_verify *v, const struct kho_dma_record *record,
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
	if (!kho_verify_in_ram(v, record->addr, size)) {
		kho_report(v, KHO_RULE_K406, record->state, record->id,
			   "record %" PRIu64 ": 0x%" PRIx64 "+0x%" PRIx64 " is not RAM",
			   record->id, record->addr, size);
		return false;
	}
	if (!record->in_use)
		return true;
	if (kho_verify_in_scratch(v, record->addr, size))
		kho_report(v, KHO_RULE_K414, record->state, record->id,
			   "record %" PRIu64 ": 0x%" PRIx64 "+0x%" PRIx64 " lies in scratch",
			   record->id, record->addr, size);
	judge_content(v, record, records);
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

static void judge_record(struct kho_verify *v, const struct kho_dma_header *header,
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

	in_ram = judge_place(v, record, records);
	judge_fate(v, record);
	if (record->in_use && !records->compare)
		records->compare = !in_ram || !id_take(records, record->id) ||
				   !kho_page_set_take(&v->unnamed, record->addr,
						      record->pages * KHO_ABI_PAGE_SIZE);
}

/* ---------------------------------------------------- with each other */

static void judge_extent(struct kho_verify *v, const struct kho_extent *e)
{
	char what[64];
	int ret = 0;

	if (!kho_extent_in_ram(e) || v->state->root.side == KHO_SIDE_IN)
		return;
	/* mostly there is nothing to say, and then no words are made */
	if (v->map_readable)
		ret = kho_map_covers(v->map, kho_extent_addr(e), kho_extent_size(e), NULL);
	if (ret == 1)
		return;
	snprintf(what, sizeof(what), "memory of record %" PRIu64, e->id);
	kho_verify_preserved(v, KHO_RULE_K407, kho_extent_addr(e), kho_extent_size(e), e->id, what);
}

/* In the order of addresses, which is also the quick one to ask the map in. */
static void compare_places(struct kho_verify *v, const struct kho_extents *extents)
{
	const struct kho_extent *e = extents->list, *far = e;

	for (size_t i = 0; i < extents->n && kho_extent_has_place(&e[i]); i++) {
		uint64_t distance = kho_extent_addr(&e[i]) - kho_extent_addr(far);

		judge_extent(v, &e[i]);
		if (i && distance < kho_extent_size(far))
			kho_report(v, KHO_RULE_K408, kho_extent_addr(&e[i]), e[i].id,
				   "records %" PRIu64 " and %" PRIu64 " share memory at 0x%" PRIx64,
				   far->id, e[i].id, kho_extent_addr(&e[i]));
		/* the one that reaches farthest may overlap more than its neighbour */
		if (distance >= kho_extent_size(far) ||
		    kho_extent_size(&e[i]) > kho_extent_size(far) - distance)
			far = &e[i];
	}
}

static void compare_ids(struct kho_verify *v, const struct kho_extents *extents)
{
	const struct kho_extent *e = extents->list;

	for (size_t i = 1; i < extents->n; i++) {
		if (e[i].id == e[i - 1].id)
			kho_report(v, KHO_RULE_K410,
				   kho_extent_has_place(&e[i]) ? kho_extent_addr(&e[i]) : KHO_NO_ADDR,
				   e[i].id, "two records have id %" PRIu64, e[i].id);
	}
}

/* Reads the records again, and keeps what is compared of them. False if there is no memory. */
static bool collect(struct kho_verify *v, struct kho_extents *extents)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	struct kho_error err;
	bool ok = true;
	int ret;

	ret = kho_dma_iter_create(v->state, &iter, &err);
	if (ret)
		return ret != KHO_ERR_NOMEM;
	while (ok && (ret = kho_dma_iter_next(iter, &record, &err)) > 0) {
		uint64_t size = record.pages * KHO_ABI_PAGE_SIZE;

		if (record.crc_ok && record.in_use)
			ok = kho_extents_add(extents, &record, size && !(record.addr % size) &&
					     kho_verify_in_ram(v, record.addr, size));
	}
	kho_dma_iter_destroy(iter);
	/* where the chain breaks has been told of; what comes before is compared */
	return ok && ret != KHO_ERR_NOMEM;
}

static void compare_records(struct kho_verify *v)
{
	static const enum kho_rule_number left_out[] = {
		KHO_RULE_K407, KHO_RULE_K408, KHO_RULE_K410,
	};
	struct kho_extents extents = { 0 };
	bool ok = collect(v, &extents) && kho_extents_sort_places(&extents);

	if (ok) {
		compare_places(v, &extents);
		ok = kho_extents_sort_ids(&extents);
		if (ok)
			compare_ids(v, &extents);
	}
	for (size_t i = 0; !ok && i < sizeof(left_out) / sizeof(left_out[0]); i++)
		kho_report_unevaluated(v, left_out[i], KHO_NO_ADDR, 0,
				       "out of memory: the records were not compared");
	kho_extents_free(&extents);
}

/* ------------------------------------------------------- all of them */

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

static void judge_blocks(struct kho_verify *v, struct kho_dma_iter *iter)
{
	size_t n, left = 0;
	uint64_t *blocks = kho_dma_iter_blocks(iter, &n);

	/* of most of them the bits say it */
	for (size_t i = 0; i < n; i++) {
		if (!v->map_readable || !kho_page_set_has(&v->unnamed, blocks[i]))
			blocks[left++] = blocks[i];
	}
	/* sorted, because then the map is asked in its own order */
	if (left)
		qsort(blocks, left, sizeof(*blocks), addr_compare);
	for (size_t i = 0; i < left; i++)
		kho_verify_preserved(v, KHO_RULE_K404, blocks[i], KHO_ABI_PAGE_SIZE, 0,
				 "block of DMA records");
}

static uint64_t bytes_of(uint64_t pages)
{
	uint64_t bytes;

	return __builtin_mul_overflow(pages, KHO_ABI_PAGE_SIZE, &bytes) ? UINT64_MAX : bytes;
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
		/* all of it, whatever was read of its content */
		done = v->progress.done - done;
		if (done < bytes_of(record.pages))
			kho_progress_add(&v->progress, bytes_of(record.pages) - done);
	}
	judge_blocks(v, iter);
	kho_dma_iter_destroy(iter);
	return ret;
}

static void judge_records(struct kho_verify *v, const struct kho_dma_header *header)
{
	struct records records = { .pages_known = true };
	struct kho_error err;

	ids_create(&records, header);
	v->progress = kho_source_progress(v->state->source, bytes_of(header->nr_pages));
	if (read_records(v, header, &records, &err))
		kho_report_error(v, KHO_RULE_K403, 0, &err, "");
	else
		compare_counts(v, header, &records);

	if (records.absent_contents)
		kho_report_not_applicable(v, KHO_RULE_K413,
					  "this file does not hold the content of %" PRIu64 " sealed allocation(s)",
					  records.absent_contents);
	if (records.unread_contents)
		kho_report_unevaluated(v, KHO_RULE_K413, KHO_NO_ADDR, 0,
				       "no time was left to read the content of %" PRIu64 " sealed allocation(s)",
				       records.unread_contents);
	if (records.compare)
		compare_records(v);
	free(records.ids);
}

void kho_verify_dma(struct kho_verify *v)
{
	const struct kho_subtree *subtree = kho_state_subtree(v->state, DMA_ALLOC_KHO_SUBTREE);
	struct kho_error err;
	int ret;

	if (!subtree)
		return;
	if (!kho_verify_in_ram(v, subtree->addr, 1)) {
		/* which is K302's */
		kho_report_unevaluated(v, KHO_RULE_K401, subtree->addr, 0,
				       "the head of the DMA records at 0x%" PRIx64 " is not RAM",
				       subtree->addr);
		return;
	}
	ret = kho_dma_read_header(v->state, &v->header, &err);
	/* a format that is not known is one that the next kernel cannot read either */
	if (ret == KHO_ERR_UNSUPPORTED)
		kho_report(v, KHO_RULE_K401, err.addr, 0, "%s", err.message);
	else if (ret)
		kho_report_error(v, KHO_RULE_K401, 0, &err, "");
	if (ret)
		return;

	v->have_header = true;
	if (!v->header.crc_ok)
		kho_report(v, KHO_RULE_K402, v->header.addr, 0,
			   "the head of the DMA records at 0x%" PRIx64 " has a wrong checksum",
			   v->header.addr);
	judge_records(v, &v->header);
}
