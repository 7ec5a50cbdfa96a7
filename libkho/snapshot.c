// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chooses the memory for a snapshot: exactly the bytes of KHO's metadata. A snapshot must not
 * disclose other memory to its recipient. So this takes from an outgoing state only preserved
 * memory, from an incoming one only memory that is still as it arrived, and from both only RAM.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "decode.h"
#include "dma.h"
#include "kho_output.h"
#include "ranges.h"
#include "snapshot.h"
#include "source.h"

/* The metadata of a live machine may change between two reads: the number of tries. */
#define LIVE_TRIES	5

/* ----------------------------------------------------------------- pieces */

static void pieces_free(struct kho_pieces *pieces)
{
	free(pieces->list);
	*pieces = (struct kho_pieces){ 0 };
}

static void pieces_add(struct kho_pieces *pieces, uint64_t addr, uint64_t size)
{
	struct kho_range *last = pieces->n ? &pieces->list[pieces->n - 1] : NULL;

	if (!size || size > UINT64_MAX - addr)
		return;
	/* common case: the piece extends the last one */
	if (last && addr >= last->addr && addr - last->addr <= last->size) {
		if (size > last->size - (addr - last->addr))
			last->size = addr - last->addr + size;
		return;
	}
	if (pieces->n == pieces->room) {
		size_t room = pieces->room ? 2 * pieces->room : 64;
		struct kho_range *list = reallocarray(pieces->list, room, sizeof(*list));

		if (!list) {
			pieces->failed = true;
			return;
		}
		pieces->list = list;
		pieces->room = room;
	}
	pieces->list[pieces->n++] = (struct kho_range){ addr, size };
}

int kho_pieces_page(struct kho_source *source, const struct kho_pieces *pieces, size_t *next,
		    uint64_t addr, unsigned char *page, struct kho_error *err)
{
	const struct kho_range *piece = pieces->list + *next, *end = pieces->list + pieces->n;
	const uint64_t size = kho_source_page(source);

	memset(page, 0, size);
	while (piece < end && piece->addr < addr && addr - piece->addr >= piece->size)
		piece++;
	*next = (size_t)(piece - pieces->list);

	for (; piece < end && (piece->addr <= addr || piece->addr - addr < size);
	     piece++) {
		uint64_t from = piece->addr > addr ? piece->addr : addr;
		uint64_t left = piece->size - (from - piece->addr);
		uint64_t room = size - (from - addr);
		int ret = kho_source_read(source, from, page + (from - addr),
					  left < room ? left : room, err);

		if (ret)
			return ret;
	}
	return 0;
}

struct kho_range *kho_pieces_runs(const struct kho_source *source,
				  const struct kho_pieces *pieces, size_t *n)
{
	struct kho_range *runs = malloc((pieces->n + 1) * sizeof(*runs));
	const unsigned int shift = source->page_shift;

	*n = 0;
	for (size_t i = 0; runs && i < pieces->n; i++) {
		const struct kho_range *piece = &pieces->list[i];
		uint64_t before = piece->addr & (kho_source_page(source) - 1);
		uint64_t pages = ((before + piece->size - 1) >> shift) + 1;

		runs[i] = (struct kho_range){ piece->addr - before, pages << shift };
		*n = i + 1;
	}
	if (runs)
		*n = kho_ranges_merge(runs, *n);
	return runs;
}

/*
 * True if the bytes are RAM; with @digest, only if they are readable too. Adds their content to the
 * digest. Not a CRC: data that ends in its own CRC, such as a record, does not change the CRC of the
 * whole.
 */
static bool is_there(struct kho_source *source, uint64_t addr, uint64_t size, uint64_t *digest)
{
	unsigned char page[KHO_ABI_MAX_PAGE];

	if (kho_source_not_ram(source, addr, size))
		return false;
	if (!digest)
		return true;
	if (kho_source_read(source, addr, page, size, NULL))
		return false;
	*digest = XXH64(page, size, *digest);
	return true;
}

/* Sorts and merges the pieces and drops pages that are not there, see is_there(). */
static void pieces_finish(struct kho_source *source, struct kho_pieces *pieces, uint64_t *digest)
{
	const uint64_t page = kho_source_page(source);
	struct kho_pieces kept = { 0 };

	pieces->n = kho_ranges_merge(pieces->list, pieces->n);
	for (size_t i = 0; i < pieces->n; i++) {
		uint64_t addr = pieces->list[i].addr, left = pieces->list[i].size;

		while (left) {
			uint64_t room = page - (addr & (page - 1));
			uint64_t n = left < room ? left : room;

			if (is_there(source, addr, n, digest))
				pieces_add(&kept, addr, n);
			addr += n;
			left -= n;
		}
	}
	kept.failed |= pieces->failed;
	free(pieces->list);
	*pieces = kept;
}

static bool pieces_same(const struct kho_pieces *a, const struct kho_pieces *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->list, b->list, a->n * sizeof(*a->list)));
}

/* --------------------------------------------------------------- metadata */

struct choice {
	struct kho_state *state;
	struct kho_pieces pieces;
};

/*
 * The snapshot leaves out unreadable pieces. A lack of memory must not have that effect, so it is
 * an error.
 */
static void note_memory(struct choice *choice, int ret)
{
	choice->pieces.failed |= ret == KHO_ERR_NOMEM;
}

static int add_node(uint64_t addr, void *data)
{
	struct choice *choice = data;

	pieces_add(&choice->pieces, addr, kho_source_page(choice->state->source));
	return choice->pieces.failed;
}

static int add_touched(uint64_t addr, size_t size, enum kho_kept kept, void *data)
{
	struct choice *choice = data;

	if (kept == KHO_KEPT)
		pieces_add(&choice->pieces, addr, size);
	return choice->pieces.failed;
}

static int add_block(uint64_t addr, void *data)
{
	struct choice *choice = data;
	struct kho_state *state = choice->state;
	const uint64_t page = kho_source_page(state->source);
	/* the kernel keeps incoming blocks */
	int ret = state->root.side == KHO_SIDE_IN ? 1 : kho_map_contains(state, addr, page, NULL);

	note_memory(choice, ret);
	if (ret == 1)
		pieces_add(&choice->pieces, addr, page);
	return choice->pieces.failed;
}

/*
 * Leaves out freed memory and, with @digest, unreadable memory; a reader of the snapshot reports it
 * as missing.
 */
static int choose_metadata(struct kho_state *state, bool unknown_blobs, struct kho_pieces *pieces,
			   uint64_t *digest, struct kho_error *err)
{
	struct choice choice = { .state = state };
	const struct kho_walk walk = {
		.touch = add_touched, .touch_data = &choice, .known_only = !unknown_blobs,
	};

	pieces_add(&choice.pieces, state->root.addr, state->root.fdt_size);
	note_memory(&choice, kho_map_for_each_node(state, add_node, &choice, NULL));
	for (size_t i = 0; i < state->root.nr_subtrees; i++)
		note_memory(&choice, kho_subtree_walk(state, &state->root.subtrees[i], &walk, NULL));
	note_memory(&choice, kho_dma_for_each_block(state, add_block, &choice, NULL));
	pieces_finish(state->source, &choice.pieces, digest);
	if (choice.pieces.failed) {
		pieces_free(&choice.pieces);
		return kho_fail_nomem(err);
	}
	*pieces = choice.pieces;
	return 0;
}

/* ---------------------------------------------------------------- content */

/* Adds the content of an allocation; all of it must be readable. */
static int add_allocation(struct kho_state *state, const struct kho_dma_record *record,
			  struct kho_pieces *pieces, struct kho_error *err)
{
	int ret = kho_dma_check_memory(state, record, err);

	if (ret)
		return ret;
	pieces_add(pieces, record->addr, record->size);
	return pieces->failed ? kho_fail_nomem(err) : 0;
}

/* An allocation with content in the snapshot. */
struct wanted {
	uint64_t id;
	bool found;
};

static int wanted_compare(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Adds the first record of each id in @wanted, which is sorted. */
static int add_wanted(struct kho_state *state, struct wanted *wanted, size_t n, struct kho_pieces *pieces,
		      struct kho_error *err)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	int ret = kho_dma_iter_create(state, &iter, err);
	size_t left = n;

	if (ret)
		return ret == KHO_ERR_NOT_FOUND ? 0 : ret;
	while ((ret = kho_dma_iter_next(iter, &record, err)) > 0) {
		const struct wanted key = { .id = record.id };
		struct wanted *hit = bsearch(&key, wanted, n, sizeof(key), wanted_compare);

		if (!hit || hit->found)
			continue;
		hit->found = true;
		ret = add_allocation(state, &record, pieces, err);
		/* not to the end: the records after those may be damaged */
		if (ret || !--left)
			break;
	}
	kho_dma_iter_destroy(iter);
	return ret;
}

static int add_content(struct kho_state *state, const struct kho_snapshot_options *options,
		       struct kho_pieces *pieces, struct kho_error *err)
{
	struct wanted *wanted = calloc(options->nr_ids + 1, sizeof(*wanted));
	size_t n = 0;
	int ret;

	if (!wanted)
		return kho_fail_nomem(err);
	for (size_t i = 0; i < options->nr_ids; i++)
		wanted[i].id = options->ids[i];
	qsort(wanted, options->nr_ids, sizeof(*wanted), wanted_compare);
	for (size_t i = 0; i < options->nr_ids; i++) {
		if (!n || wanted[n - 1].id != wanted[i].id)
			wanted[n++] = wanted[i];
	}
	ret = add_wanted(state, wanted, n, pieces, err);
	for (size_t i = 0; !ret && i < n; i++) {
		if (!wanted[i].found)
			ret = kho_fail(err, KHO_ERR_NOT_FOUND, KHO_NO_ADDR, "there is no allocation %" PRIu64,
				       wanted[i].id);
	}
	free(wanted);
	return ret;
}

/* Sets *all to the metadata and the requested content. */
static int choose_all(struct kho_state *state, const struct kho_pieces *metadata,
		      const struct kho_snapshot_options *options, struct kho_pieces *all,
		      struct kho_error *err)
{
	struct kho_pieces pieces = { 0 };
	int ret = 0;

	for (size_t i = 0; i < metadata->n; i++)
		pieces_add(&pieces, metadata->list[i].addr, metadata->list[i].size);
	if (options->nr_ids)
		ret = add_content(state, options, &pieces, err);
	if (!ret && pieces.failed)
		ret = kho_fail_nomem(err);
	if (ret) {
		pieces_free(&pieces);
		return ret;
	}
	pieces.n = kho_ranges_merge(pieces.list, pieces.n);
	*all = pieces;
	return 0;
}

/* ------------------------------------------------------------- one moment */

/*
 * Chooses the metadata. With @digest, also reads it, to leave out unreadable pages and to detect a
 * change.
 */
static int look(struct kho_state *state, const struct kho_snapshot_options *options,
		struct kho_pieces *metadata, uint64_t *digest, struct kho_error *err)
{
	int ret = kho_state_refresh(state, err);

	return ret ? ret : choose_metadata(state, options->unknown_blobs, metadata, digest, err);
}

/* Returns 1 if the metadata changed during the write. */
static int changed(struct kho_state *state, const struct kho_snapshot_options *options,
		   const struct kho_pieces *before, uint64_t digest_before, struct kho_error *err)
{
	struct kho_pieces now;
	uint64_t digest = 0;
	int ret;

	if (!state->source->changes)
		return 0;
	ret = look(state, options, &now, &digest, err);
	if (ret)
		return ret;
	ret = digest != digest_before || !pieces_same(before, &now);
	pieces_free(&now);
	return ret;
}

/* Returns 1 if the state changed meanwhile. Reads the metadata before the write if @read. */
static int write_once(struct kho_state *state, struct kho_output *output,
		      const struct kho_snapshot_options *options, bool read, struct kho_error *err)
{
	struct kho_pieces metadata, all;
	uint64_t digest = 0;
	int ret;

	ret = look(state, options, &metadata, read ? &digest : NULL, err);
	if (ret)
		return ret;
	ret = choose_all(state, &metadata, options, &all, err);
	if (!ret) {
		ret = kho_snapshot_write_elf(output, state, &all, err);
		pieces_free(&all);
	}
	if (!ret)
		ret = changed(state, options, &metadata, digest, err);
	pieces_free(&metadata);
	return ret;
}

int kho_snapshot_write_to(struct kho_state *state, struct kho_output *output,
			  const struct kho_snapshot_options *options, struct kho_error *err)
{
	bool read = state->source->changes;
	int ret;

	ret = kho_check_reserved(options->reserved, err);
	if (!ret)
		ret = kho_state_locate(state, err);
	if (ret)
		return ret;
	for (int i = 0; ; i++) {
		ret = write_once(state, output, options, read, err);
		/* in a dump, a page that is missing is rare: find out only then which one it is */
		if (ret <= 0 && (ret != KHO_ERR_NOT_PRESENT || read))
			return ret;
		read = true;
		if (i == LIVE_TRIES) {
			ret = kho_fail(err, KHO_ERR_NOT_PRESENT, KHO_NO_ADDR,
				       "the state changed each time it was read: the snapshot would not be of one moment, and was not written");
			return kho_remedy(err, ret, "Run this again when drivers are at rest.");
		}
		if (ftruncate(kho_output_fd(output), 0))
			return kho_fail_os(err, "write", kho_output_path(output));
	}
}

int kho_snapshot_write(struct kho_state *state, const char *path, struct kho_error *err)
{
	const struct kho_snapshot_options options = { 0 };
	struct kho_output *output;
	int ret;

	ret = kho_output_open(path, 0600, KHO_OUTPUT_SEEKABLE, &output, err);
	if (ret)
		return ret;
	ret = kho_snapshot_write_to(state, output, &options, err);
	if (!ret)
		return kho_output_commit(output, err);
	kho_output_discard(output);
	return ret;
}
