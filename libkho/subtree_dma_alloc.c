// SPDX-License-Identifier: LGPL-2.1-or-later
/* The "dma-alloc" subtree, see abi/dma_alloc.h and docs/abi-dma-alloc.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* inlined: saves kexec -e and the initramfs a shared library */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "crc32c.h"
#include "decode.h"
#include "dma.h"
#include "kho_output.h"
#include "source.h"
#include "abi/dma_alloc.h"

/* The kernel may be changing a live record: bounds the repeated reads of all records together. */
#define LIVE_TRIES	5
#define CONTENT_CHUNK	(256u << 10)

struct kho_dma_iter {
	struct kho_state *state;
	uint64_t block;			/* address of the block in page[], or 0 */
	uint64_t next;			/* address of the next block, 0 at the end */
	size_t slot, slots;		/* next slot, and number of slots, in page[] */
	uint64_t bad_count;		/* first block with an impossible count, or KHO_NO_ADDR */
	int tries;			/* number of repeated reads that are left */
	uint64_t *blocks;		/* blocks read so far, in the order of the chain */
	size_t nr_blocks, room;
	const struct dma_alloc_record_ser *ser; /* current record, in page[] */
	struct kho_addr_set seen;	/* the same blocks, to detect a loop */
	uint64_t page[];		/* the block */
};

static size_t records_per_block(const struct kho_source *source)
{
	return (kho_source_page(source) - sizeof(struct kho_block_header_ser)) /
	       sizeof(struct dma_alloc_record_ser);
}

static void copy_text(char *to, size_t room, const char *from, size_t size)
{
	kho_text(to, room, from, strnlen(from, size));
}

/* ----------------------------------------------------------------- header */

static bool header_crc_ok(const struct dma_alloc_ser *ser)
{
	return kho_crc32c(ser, offsetof(struct dma_alloc_ser, crc32c)) == ser->crc32c;
}

/* The header of another format may be shorter; its missing fields read as 0. */
static int read_header(struct kho_state *state, const struct kho_subtree *subtree,
		       struct dma_alloc_ser *ser, struct kho_error *err)
{
	size_t size = subtree->size < sizeof(*ser) ? subtree->size : sizeof(*ser);

	memset(ser, 0, sizeof(*ser));
	for (int i = 0; ; i++) {
		int ret = kho_source_read(state->source, subtree->addr, ser, size, err);

		if (ret || header_crc_ok(ser) || !state->source->changes || i == LIVE_TRIES)
			return ret;
		usleep(1000);
	}
}

static int check_header(const struct dma_alloc_ser *ser, const struct kho_subtree *subtree,
			struct kho_error *err)
{
	char text[KHO_TEXT_ROOM(sizeof(ser->compatible))];

	copy_text(text, sizeof(text), ser->compatible, sizeof(ser->compatible));
	if (strncmp(ser->compatible, DMA_ALLOC_COMPATIBLE, sizeof(ser->compatible)))
		return kho_fail(err, KHO_ERR_UNSUPPORTED, subtree->addr,
				"dma-alloc at 0x%" PRIx64 ": its format is \"%s\", not \"%s\"",
				subtree->addr, text, DMA_ALLOC_COMPATIBLE);
	if (subtree->size != sizeof(*ser) || ser->header_size != sizeof(*ser) ||
	    ser->record_size != sizeof(struct dma_alloc_record_ser))
		return kho_fail(err, KHO_ERR_CORRUPT, subtree->addr,
				"dma-alloc at 0x%" PRIx64 ": blob of %" PRIu64 " bytes, header of %u and records of %u bytes cannot be",
				subtree->addr, subtree->size, ser->header_size, ser->record_size);
	return 0;
}

/* A subtree without address or size (K004) may be this one; only the name of the first is known. */
static int no_subtree(const struct kho_root *root, struct kho_error *err)
{
	if (root->bad_subtrees > 1 || (root->bad_subtrees && !strcmp(root->bad_subtree, DMA_ALLOC_KHO_SUBTREE)))
		return kho_fail(err, KHO_ERR_CORRUPT, root->addr,
				"subtree \"%s\" has no address or size, so there may be DMA records",
				root->bad_subtree);
	return kho_fail(err, KHO_ERR_NOT_FOUND, KHO_NO_ADDR, "there is no subtree \"%s\"",
			DMA_ALLOC_KHO_SUBTREE);
}

int kho_dma_read_header(struct kho_state *state, struct kho_dma_header *header,
			struct kho_error *err)
{
	const struct kho_subtree *subtree = kho_state_subtree(state, DMA_ALLOC_KHO_SUBTREE);
	struct dma_alloc_ser ser;
	int ret;

	if (!subtree)
		return no_subtree(&state->root, err);
	if (subtree->size < sizeof(ser.compatible))
		return kho_fail(err, KHO_ERR_CORRUPT, subtree->addr,
				"dma-alloc at 0x%" PRIx64 ": its blob of %" PRIu64 " bytes has no head",
				subtree->addr, subtree->size);

	ret = read_header(state, subtree, &ser, err);
	if (!ret)
		ret = check_header(&ser, subtree, err);
	if (ret)
		return ret;

	*header = (struct kho_dma_header){
		.addr = subtree->addr,
		.first_block = ser.first_block_pa,
		.nr_records = ser.nr_records,
		.nr_pages = ser.nr_pages,
		.generation = ser.generation,
		.next_id = ser.next_id,
		.crc_ok = header_crc_ok(&ser),
	};
	copy_text(header->compatible, sizeof(header->compatible), ser.compatible, sizeof(ser.compatible));
	return 0;
}

uint64_t kho_dma_most_records(const struct kho_state *state, const struct kho_dma_header *header)
{
	const uint64_t most = (uint64_t)KHO_DMA_MAX_BLOCKS * records_per_block(state->source);

	return header->nr_records < most ? header->nr_records : most;
}

/* ----------------------------------------------------------------- blocks */

int kho_dma_iter_create(struct kho_state *state, struct kho_dma_iter **out,
			struct kho_error *err)
{
	struct kho_dma_header header;
	struct kho_dma_iter *iter;
	int ret;

	ret = kho_dma_read_header(state, &header, err);
	if (ret)
		return ret;

	iter = calloc(1, sizeof(*iter) + kho_source_page(state->source));
	if (!iter)
		return kho_fail_nomem(err);

	iter->state = state;
	iter->next = header.first_block;
	iter->bad_count = KHO_NO_ADDR;
	iter->tries = state->source->changes ? LIVE_TRIES : 0;
	*out = iter;
	return 0;
}

void kho_dma_iter_destroy(struct kho_dma_iter *iter)
{
	if (!iter)
		return;
	kho_addr_set_free(&iter->seen);
	free(iter->blocks);
	free(iter);
}

uint64_t *kho_dma_iter_blocks(struct kho_dma_iter *iter, size_t *n)
{
	*n = iter->nr_blocks;
	return iter->blocks;
}

static int remember_block(struct kho_dma_iter *iter, uint64_t addr, struct kho_error *err)
{
	int ret = kho_addr_set_add(&iter->seen, addr, err);

	if (ret < 0)
		return ret;
	if (!ret)
		return kho_fail(err, KHO_ERR_LOOP, addr,
				"dma-alloc: the chain comes back to block 0x%" PRIx64, addr);
	if (iter->nr_blocks == iter->room) {
		size_t room = iter->room ? 2 * iter->room : 64;
		uint64_t *blocks = reallocarray(iter->blocks, room, sizeof(*blocks));

		if (!blocks)
			return kho_fail_nomem(err);
		iter->blocks = blocks;
		iter->room = room;
	}
	iter->blocks[iter->nr_blocks++] = addr;
	return 0;
}

static int next_block(struct kho_dma_iter *iter, struct kho_error *err)
{
	const struct kho_source *source = iter->state->source;
	const size_t size = kho_source_page(source), room = records_per_block(source);
	struct kho_block_header_ser header;
	uint64_t addr = iter->next;
	int ret;

	if (addr & (size - 1))
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"dma-alloc: block %zu of the chain is at 0x%" PRIx64 ", which is not the start of a page",
				iter->nr_blocks, addr);
	if (iter->nr_blocks == KHO_DMA_MAX_BLOCKS)
		return kho_fail(err, KHO_ERR_LOOP, addr,
				"dma-alloc: the chain has more than %u blocks", KHO_DMA_MAX_BLOCKS);

	ret = kho_source_read(iter->state->source, addr, iter->page, size, err);
	if (ret)
		return ret;
	ret = remember_block(iter, addr, err);
	if (ret)
		return ret;

	memcpy(&header, iter->page, sizeof(header));
	/* each record is checked separately, so read them all despite an impossible count */
	iter->slots = header.count <= room ? header.count : room;
	if (header.count > room && iter->bad_count == KHO_NO_ADDR)
		iter->bad_count = addr;
	iter->block = addr;
	iter->next = header.next;
	iter->slot = 0;
	return 0;
}

uint64_t kho_dma_iter_bad_count(const struct kho_dma_iter *iter)
{
	return iter->bad_count;
}

/* ---------------------------------------------------------------- records */

static bool record_crc_ok(const struct dma_alloc_record_ser *ser)
{
	return kho_crc32c(ser, offsetof(struct dma_alloc_record_ser, crc32c)) == ser->crc32c;
}

/* True if the flags match their complement and mark a record in use. */
static bool flags_ok(uint64_t word)
{
	return word == DMA_ALLOC_FLAGS_WORD(word) && word & DMA_ALLOC_IN_USE;
}

/* 1 << get_order(size), KHO_SIZE_UNKNOWN if no allocation is that large. */
static uint64_t pages_of(uint64_t size, unsigned int page_shift)
{
	if (!size || size > 1ull << 40)
		return KHO_SIZE_UNKNOWN;
	size = (size - 1) >> page_shift;
	return size ? 1ull << (64 - __builtin_clzll(size)) : 1;
}

/* Only an unusual name needs memchr(): the kernel fills the rest with zeroes. */
static bool is_terminated(const char *name, size_t size)
{
	return !name[size - 1] || memchr(name, '\0', size);
}

/* The kernel's requirements for fields that no other check covers. */
static bool fields_ok(const struct dma_alloc_record_ser *ser)
{
	static const uint8_t zeros[sizeof(ser->padding)];

	return !ser->force_decrypted && !ser->reserved &&
	       !memcmp(ser->padding, zeros, sizeof(zeros)) &&
	       is_terminated(ser->device, sizeof(ser->device)) &&
	       is_terminated(ser->tag, sizeof(ser->tag));
}

static enum kho_dma_fate fate_of(uint64_t flags)
{
	unsigned int fate = (flags & DMA_ALLOC_FATE_MASK) >> DMA_ALLOC_FATE_SHIFT;

	return fate <= DMA_ALLOC_FATE_RELEASED ? (enum kho_dma_fate)fate : KHO_DMA_FATE_UNKNOWN;
}

static void decode(const struct kho_source *source, const struct dma_alloc_record_ser *ser,
		   uint64_t addr, bool crc_ok, struct kho_dma_record *record)
{
	record->record_addr = addr;
	record->addr = ser->page_phys;
	record->size = ser->size;
	record->pages = pages_of(ser->size, source->page_shift);
	record->attrs = ser->attrs;
	record->dma_addr = ser->dma_addr;
	record->id = ser->id;
	record->content_digest = ser->content_digest;
	record->flags = ser->flags;
	record->crc_ok = crc_ok;
	record->flags_ok = flags_ok(ser->flags);
	record->fields_ok = fields_ok(ser);
	record->sealed = record->flags_ok && ser->flags & DMA_ALLOC_SEALED;
	record->carried_over = record->flags_ok && ser->flags & DMA_ALLOC_CARRIED_OVER;
	record->fate = record->flags_ok ? fate_of(ser->flags) : KHO_DMA_FATE_UNKNOWN;
	record->preserved = record->fate != KHO_DMA_FATE_RESTORED &&
			    record->fate != KHO_DMA_FATE_RELEASED;
	copy_text(record->device, sizeof(record->device), ser->device, sizeof(ser->device));
	copy_text(record->tag, sizeof(record->tag), ser->tag, sizeof(ser->tag));
}

static bool is_sound(const struct dma_alloc_record_ser *ser, bool *crc_ok)
{
	*crc_ok = !ser->flags || record_crc_ok(ser);
	return !ser->flags || (*crc_ok && flags_ok(ser->flags));
}

/*
 * Makes the record at @offset in page[] the current one. Reads a damaged one again, because on a
 * live machine it may be half written; but iter->tries bounds this for a chain full of damage.
 */
static int check_slot(struct kho_dma_iter *iter, size_t offset, bool *crc_ok,
		      struct kho_error *err)
{
	struct dma_alloc_record_ser *ser = (void *)((char *)iter->page + offset);
	int ret;

	iter->ser = ser;
	while (!is_sound(ser, crc_ok) && iter->tries) {
		iter->tries--;
		usleep(1000);
		ret = kho_source_read(iter->state->source, iter->block + offset, ser,
				      sizeof(*ser), err);
		if (ret)
			return ret;
	}
	return 0;
}

int kho_dma_iter_next(struct kho_dma_iter *iter, struct kho_dma_record *record,
		      struct kho_error *err)
{
	size_t offset;
	bool crc_ok;
	int ret;

	do {
		while (iter->slot == iter->slots) {
			if (!iter->next)
				return 0;
			ret = next_block(iter, err);
			if (ret)
				return ret;
		}
		offset = sizeof(struct kho_block_header_ser) + iter->slot++ * sizeof(*iter->ser);
		ret = check_slot(iter, offset, &crc_ok, err);
		if (ret)
			return ret;
	} while (!iter->ser->flags);

	decode(iter->state->source, iter->ser, iter->block + offset, crc_ok, record);
	return 1;
}

int kho_dma_read_record(struct kho_state *state, uint64_t record_addr, struct kho_dma_record *record,
			struct kho_error *err)
{
	struct dma_alloc_record_ser ser;
	int ret;

	ret = kho_source_read(state->source, record_addr, &ser, sizeof(ser), err);
	if (ret)
		return ret;
	decode(state->source, &ser, record_addr, !ser.flags || record_crc_ok(&ser), record);
	return 0;
}

int kho_dma_for_each_block(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			   void *data, struct kho_error *err)
{
	struct kho_dma_iter *iter = NULL;
	int ret;

	ret = kho_dma_iter_create(state, &iter, err);
	if (ret)
		return ret;
	while (!ret && iter->next)
		ret = next_block(iter, err);
	for (size_t i = 0; i < iter->nr_blocks; i++) {
		if (fn(iter->blocks[i], data))
			break;
	}
	kho_dma_iter_destroy(iter);
	return ret;
}

int kho_dma_check_memory(struct kho_state *state, const struct kho_dma_record *record,
			 struct kho_error *err)
{
	const struct kho_source *source = state->source;
	uint64_t size = record->pages << source->page_shift;
	int ret;

	if (!record->crc_ok || record->pages == KHO_SIZE_UNKNOWN || record->addr > UINT64_MAX - size)
		return kho_fail(err, KHO_ERR_CORRUPT, record->record_addr,
				"the record of allocation %" PRIu64 " is damaged: it does not say where its memory is",
				record->id);
	if (kho_source_not_ram(source, record->addr, size))
		return kho_fail(err, KHO_ERR_NOT_PRESENT, record->addr,
				"the memory of allocation %" PRIu64 " at 0x%" PRIx64 " is not RAM",
				record->id, record->addr);
	if (state->root.side == KHO_SIDE_IN) {
		if (record->fate == KHO_DMA_FATE_RELEASED)
			return kho_fail(err, KHO_ERR_NOT_PRESENT, record->addr,
					"allocation %" PRIu64 " was released: its memory may be in use for something else",
					record->id);
		return 0;
	}

	ret = kho_map_contains(state, record->addr, size, err);
	if (!ret)
		return kho_fail(err, KHO_ERR_NOT_PRESENT, record->addr,
				"the memory of allocation %" PRIu64 " at 0x%" PRIx64 " is not preserved",
				record->id, record->addr);
	return ret < 0 ? ret : 0;
}

int kho_dma_has_fates(struct kho_state *state, struct kho_error *err)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	bool found = false;
	int ret = kho_dma_iter_create(state, &iter, err);

	if (ret)
		return ret;
	/* the unknown fate of a damaged record does not show that this kernel writes fates */
	while (!found && (ret = kho_dma_iter_next(iter, &record, err)) > 0)
		found = record.flags_ok && record.fate != KHO_DMA_FATE_NONE;
	kho_dma_iter_destroy(iter);
	return found ? 1 : ret;
}

/* A kernel with support for the subtree also hands over the records that it does not accept. */
int kho_dma_left_behind(struct kho_state *incoming, struct kho_state *outgoing,
			uint64_t *records, struct kho_error *err)
{
	bool supported = outgoing && kho_state_subtree(outgoing, DMA_ALLOC_KHO_SUBTREE);
	struct kho_dma_record record;
	struct kho_dma_iter *iter = NULL;
	uint64_t n = 0;
	int ret;

	ret = kho_dma_iter_create(incoming, &iter, err);
	if (ret == KHO_ERR_NOT_FOUND)
		*records = 0;
	if (ret)
		return ret == KHO_ERR_NOT_FOUND ? 0 : ret;
	while ((ret = kho_dma_iter_next(iter, &record, err)) > 0)
		n += !supported && (record.fate == KHO_DMA_FATE_NONE ||
				    record.fate == KHO_DMA_FATE_UNKNOWN);
	kho_dma_iter_destroy(iter);
	if (!ret)
		*records = n;
	return ret;
}

int kho_dma_check_content_step(struct kho_state *state, const struct kho_dma_record *record,
			       const struct kho_verify_options *options,
			       struct kho_progress *progress, struct kho_error *err)
{
	uint64_t addr = record->addr, left = record->size;
	unsigned char *chunk;
	XXH64_state_t *hash;
	int ret = 0;

	chunk = malloc(CONTENT_CHUNK);
	hash = XXH64_createState();
	if (!chunk || !hash) {
		ret = kho_fail_nomem(err);
		goto out;
	}

	XXH64_reset(hash, 0);
	while (left) {
		size_t n = left < CONTENT_CHUNK ? left : CONTENT_CHUNK;

		if (options->content_time_left &&
		    !options->content_time_left(options->content_data)) {
			ret = kho_fail(err, KHO_ERR_STOPPED, addr, "no time is left to read content");
			goto out;
		}
		ret = kho_source_read(state->source, addr, chunk, n, err);
		if (ret)
			goto out;
		XXH64_update(hash, chunk, n);
		kho_progress_add(progress, n);
		addr += n;
		left -= n;
	}
	ret = XXH64_digest(hash) == record->content_digest;
out:
	XXH64_freeState(hash);
	free(chunk);
	return ret;
}

int kho_dma_check_content(struct kho_state *state, const struct kho_dma_record *record,
			  struct kho_error *err)
{
	const struct kho_verify_options options = { 0 };
	struct kho_progress progress = kho_source_progress(state->source, record->size);

	return kho_dma_check_content_step(state, record, &options, &progress, err);
}

char *kho_dma_attrs_format(uint64_t attrs, char *buf, size_t size)
{
	static const char *const names[] = {
		"weak-ordering", "write-combine", "force-contiguous",
	};
	size_t used = 0;

	if (!size)
		return buf;
	if (!attrs && size > 1)
		return strcpy(buf, "-");	/* common case */

	snprintf(buf, size, "-");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(attrs & 1ull << i) || used >= size)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "," : "", names[i]);
	}
	if (attrs & ~DMA_ALLOC_ATTRS_KNOWN && used < size)
		snprintf(buf + used, size - used, "%s0x%" PRIx64, used ? "," : "",
			 (uint64_t)(attrs & ~DMA_ALLOC_ATTRS_KNOWN));
	return buf;
}

/* Shows only the header: kho_dma_iter_next() and "kho-inspect list" show the records. */
int kho_decode_dma(struct kho_decoder *d, const struct kho_subtree *subtree)
{
	struct kho_dma_header header;
	struct dma_alloc_ser ser;
	int ret;

	ret = kho_decode_read(d, subtree->addr, &ser,
			      subtree->size < sizeof(ser) ? subtree->size : sizeof(ser));
	if (!ret)
		ret = kho_dma_read_header(d->state, &header, d->err);
	if (!ret)
		ret = kho_decode_text(d, "compatible", header.compatible, sizeof(header.compatible));
	if (!ret)
		ret = kho_decode_number(d, "records", header.nr_records);
	if (!ret)
		ret = kho_decode_number(d, "pages", header.nr_pages);
	if (!ret)
		ret = kho_decode_number(d, "generation", header.generation);
	if (!ret)
		ret = kho_decode_number(d, "next_id", header.next_id);
	return ret ? ret : kho_decode_hex(d, "first_block", header.first_block);
}
