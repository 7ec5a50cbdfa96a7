// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of the decoders of subtrees, and the functions that they share. */
#include <inttypes.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "fdt_check.h"
#include "kho_output.h"
#include "source.h"
#include "abi/dma_alloc.h"
#include "abi/subtrees.h"

/* The FDTs of the kernel's subtrees are a page, kho_test's a few pages. */
#define MAX_FDT		(1u << 20)
/* Blocks of 4 GiB; the kernel has no larger order. */
#define MAX_ORDER	20

/* Reasons why memory was not read, shown in its place. */
#define NOT_PRESERVED	"it is not preserved"
#define FREED		"the kernel frees it after the handover"
#define MAYBE_FREED	"its owner may have freed it"

static const struct decoder {
	const char *name;
	int (*decode)(struct kho_decoder *d, const struct kho_subtree *subtree);
	bool keeps_blob;	/* the next kernel never frees the blob: docs/incoming.md */
} decoders[] = {
	{ MEMBLOCK_SUBTREE, kho_decode_memblock, true },
	{ KHO_TEST_SUBTREE, kho_decode_test, true },
	{ KHO_METADATA_SUBTREE, kho_decode_metadata, true },
	{ LUO_SUBTREE, kho_decode_luo, false },
	{ DMA_ALLOC_KHO_SUBTREE, kho_decode_dma, true },
};

static const struct decoder raw_decoder = { "", kho_decode_raw, false };

static const struct decoder *decoder_of(const struct kho_subtree *subtree)
{
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++) {
		if (!strcmp(decoders[i].name, subtree->name))
			return &decoders[i];
	}
	return &raw_decoder;
}

/* --------------------------------------------------------------- reading */

static bool is_incoming(const struct kho_decoder *d)
{
	return d->state->root.side == KHO_SIDE_IN;
}

/* Returns 0 or KHO_ERR_NOMEM. An unreadable map leaves the answer unknown, but a lack of memory must not. */
static int kept_of(const struct kho_decoder *d, uint64_t addr, size_t size, enum kho_kept *kept)
{
	int ret;

	*kept = KHO_KEPT;
	/* an incoming state: the decoders read only blobs that are kept */
	if (is_incoming(d) || !size)
		return 0;
	*kept = KHO_KEPT_UNKNOWN;
	if (!d->map)
		return 0;
	ret = kho_map_covers(d->map, addr, size, NULL);
	if (ret == KHO_ERR_NOMEM)
		return kho_fail_nomem(d->err);
	if (ret >= 0)
		*kept = ret ? KHO_KEPT : KHO_NOT_KEPT;
	return 0;
}

/*
 * Bytes that may be read for one subtree. Overlapping links can make a blob look immense, but
 * reading a sound one takes less than a few times the size of the source.
 */
static uint64_t budget_of(const struct kho_source *source)
{
	return source->bytes > UINT64_MAX / 8 ? UINT64_MAX : (1u << 20) + 4 * source->bytes;
}

int kho_decode_read(struct kho_decoder *d, uint64_t addr, void *buf, size_t size)
{
	enum kho_kept kept;
	int ret;

	if (size > d->budget)
		return kho_fail(d->err, KHO_ERR_LOOP, addr, "it refers to more memory than exists");
	d->budget -= size;

	ret = kept_of(d, addr, size, &kept);
	if (ret)
		return ret;
	if (d->walk->touch && d->walk->touch(addr, size, kept, d->walk->touch_data))
		return KHO_DECODE_STOPPED;
	if (kept == KHO_NOT_KEPT) {
		ret = kho_decode_text(d, "not read", NOT_PRESERVED, sizeof(NOT_PRESERVED));
		return ret ? ret : KHO_DECODE_STOPPED;
	}
	return kho_source_read(d->state->source, addr, buf, size, d->err);
}

int kho_decode_enter(struct kho_decoder *d, uint64_t addr, uint64_t alignment, const char *what)
{
	int ret;

	if (is_incoming(d)) {
		ret = kho_decode_text(d, "not read", FREED, sizeof(FREED));
		return ret ? ret : KHO_DECODE_STOPPED;
	}
	if (!addr || addr % alignment)
		return kho_decode_corrupt(d, addr, "0x%" PRIx64 " cannot be %s", addr, what);
	ret = kho_addr_set_add(&d->entered, addr, d->err);
	if (ret)
		return ret < 0 ? ret : 0;
	return kho_fail(d->err, KHO_ERR_LOOP, addr, "%s at 0x%" PRIx64 " is named twice", what, addr);
}

int kho_decode_corrupt(struct kho_decoder *d, uint64_t addr, const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return kho_fail(d->err, KHO_ERR_CORRUPT, addr, "%s", text);
}

/* ----------------------------------------------------------------- output */

static int tell(struct kho_decoder *d, const char *name, const char *text, size_t text_size,
		struct kho_item *item)
{
	if (!d->walk->fn)
		return 0;
	item->depth = d->depth;
	kho_text(item->name, sizeof(item->name), name, strlen(name));
	kho_text(item->text, sizeof(item->text), text, strnlen(text, text_size));
	return d->walk->fn(item, d->walk->data) ? KHO_DECODE_STOPPED : 0;
}

int kho_decode_group(struct kho_decoder *d, const char *name, const char *text)
{
	int ret = tell(d, name, text, strlen(text), &(struct kho_item){ .type = KHO_ITEM_GROUP });

	d->depth++;
	return ret;
}

void kho_decode_end(struct kho_decoder *d)
{
	d->depth--;
}

int kho_decode_text(struct kho_decoder *d, const char *name, const char *text, size_t size)
{
	return tell(d, name, text, size, &(struct kho_item){ .type = KHO_ITEM_TEXT });
}

int kho_decode_number(struct kho_decoder *d, const char *name, uint64_t value)
{
	return tell(d, name, "", 0, &(struct kho_item){ .type = KHO_ITEM_NUMBER, .value = value });
}

int kho_decode_hex(struct kho_decoder *d, const char *name, uint64_t value)
{
	return tell(d, name, "", 0, &(struct kho_item){ .type = KHO_ITEM_HEX, .value = value });
}

int kho_decode_size(struct kho_decoder *d, const char *name, uint64_t value)
{
	return tell(d, name, "", 0, &(struct kho_item){ .type = KHO_ITEM_SIZE, .value = value });
}

int kho_decode_memory(struct kho_decoder *d, const char *name, uint64_t addr, uint64_t size,
		      const char *text)
{
	return tell(d, name, text, strlen(text), &(struct kho_item){
		.type = KHO_ITEM_MEMORY, .value = addr, .size = size,
	});
}

int kho_decode_unknown(struct kho_decoder *d, const char *name, const char *format, size_t size)
{
	return tell(d, name, format, size, &(struct kho_item){ .type = KHO_ITEM_UNKNOWN });
}

/* -------------------------------------------------------------------- FDT */

int kho_decode_fdt(struct kho_decoder *d, const struct kho_subtree *subtree, void **fdt)
{
	struct fdt_header header;
	size_t size;
	int ret;

	ret = kho_decode_read(d, subtree->addr, &header, sizeof(header));
	if (ret)
		return ret;
	size = fdt_totalsize(&header);
	if (fdt_magic(&header) != FDT_MAGIC || size < sizeof(header) || size > MAX_FDT ||
	    size > subtree->size)
		return kho_decode_corrupt(d, subtree->addr, "subtree \"%s\": its blob at 0x%" PRIx64 " is not an FDT",
					  subtree->name, subtree->addr);

	*fdt = malloc(size);
	if (!*fdt)
		return kho_fail_nomem(d->err);
	ret = kho_decode_read(d, subtree->addr, *fdt, size);
	if (!ret && kho_fdt_check(*fdt, size))
		ret = kho_decode_corrupt(d, subtree->addr, "subtree \"%s\": its FDT at 0x%" PRIx64 " is not valid: %s",
					 subtree->name, subtree->addr,
					 fdt_strerror(kho_fdt_check(*fdt, size)));
	if (ret)
		free(*fdt);
	return ret;
}

int kho_decode_compatible(struct kho_decoder *d, const void *fdt, int node, const char *expected,
			  bool *known)
{
	int len;
	const char *compatible = fdt_getprop(fdt, node, "compatible", &len);

	*known = compatible && fdt_stringlist_contains(compatible, len, expected);
	if (*known)
		return kho_decode_text(d, "compatible", compatible, (size_t)len);
	return kho_decode_unknown(d, "compatible", compatible ? compatible : "",
				  compatible ? (size_t)len : 0);
}

int kho_decode_prop(struct kho_decoder *d, const void *fdt, int node, const char *name,
		    void *value, size_t size)
{
	int len;
	const void *prop = fdt_getprop(fdt, node, name, &len);

	if (!prop || (size_t)len != size)
		return kho_decode_corrupt(d, KHO_NO_ADDR, "node \"%.40s\" has no property \"%s\" of %zu bytes",
					  fdt_get_name(fdt, node, NULL), name, size);
	memcpy(value, prop, size);
	return 0;
}

/* ---------------------------------------------------------------- vmalloc */

static int vmalloc_chunk(struct kho_decoder *d, const struct kho_vmalloc_chunk *chunk,
			 unsigned int order, uint64_t *left,
			 int (*fn)(struct kho_decoder *d, uint64_t addr, size_t size, void *data),
			 void *data)
{
	const unsigned int shift = d->state->source->page_shift;
	uint64_t pages = 1ull << order;
	int ret;

	for (size_t i = 0; i < KHO_VMALLOC_PAGES(shift) && chunk->phys[i]; i++) {
		if (*left < pages)
			return kho_decode_corrupt(d, chunk->phys[i], "a vmalloc area has more pages than it says");
		*left -= pages;
		ret = kho_decode_enter(d, chunk->phys[i], pages << shift, "a page of a vmalloc area");
		if (!ret)
			ret = fn(d, chunk->phys[i], pages << shift, data);
		if (ret)
			return ret;
	}
	return 0;
}

int kho_decode_vmalloc(struct kho_decoder *d, const struct kho_vmalloc *vmalloc,
		       int (*fn)(struct kho_decoder *d, uint64_t addr, size_t size, void *data),
		       void *data)
{
	const size_t page = kho_source_page(d->state->source);
	uint64_t left = vmalloc->total_pages;
	union {
		struct kho_vmalloc_chunk chunk;
		unsigned char page[KHO_ABI_MAX_PAGE];
	} buf;
	int ret;

	if (vmalloc->order > MAX_ORDER)
		return kho_decode_corrupt(d, KHO_NO_ADDR, "a vmalloc area has pages of order %u",
					  vmalloc->order);
	for (uint64_t addr = vmalloc->first; addr; addr = buf.chunk.next) {
		ret = kho_decode_enter(d, addr, page, "a chunk of a vmalloc area");
		if (!ret)
			ret = kho_decode_read(d, addr, &buf, page);
		if (!ret)
			ret = vmalloc_chunk(d, &buf.chunk, vmalloc->order, &left, fn, data);
		if (ret)
			return ret;
	}
	if (left)
		return kho_decode_corrupt(d, vmalloc->first, "a vmalloc area lacks %" PRIu64 " of %u pages",
					  left, vmalloc->total_pages);
	return 0;
}

struct array_walk {
	uint64_t left;
	size_t entry;
	int (*fn)(struct kho_decoder *d, const void *entry, void *data);
	void *data;
};

static int array_piece(struct kho_decoder *d, uint64_t addr, size_t size, void *data)
{
	unsigned char part[1u << KHO_ABI_MIN_PAGE_SHIFT];
	struct array_walk *walk = data;
	int ret;

	/* an entry does not straddle two parts, because its size is a power of two */
	for (size_t done = 0; done < size && walk->left; done += sizeof(part)) {
		uint64_t fit = sizeof(part) / walk->entry;

		/* memory after the last entry does not belong to the array */
		ret = kho_decode_read(d, addr + done, part,
				      walk->entry * (walk->left < fit ? walk->left : fit));
		if (ret)
			return ret;
		for (size_t i = 0; i + walk->entry <= sizeof(part) && walk->left; i += walk->entry) {
			walk->left--;
			ret = walk->fn(d, part + i, walk->data);
			if (ret)
				return ret;
		}
	}
	return 0;
}

int kho_decode_vmalloc_array(struct kho_decoder *d, const struct kho_vmalloc *vmalloc,
			     uint64_t n, size_t entry,
			     int (*fn)(struct kho_decoder *d, const void *entry, void *data),
			     void *data)
{
	struct array_walk walk = { n, entry, fn, data };

	if (n > ((uint64_t)vmalloc->total_pages << d->state->source->page_shift) / entry)
		return kho_decode_corrupt(d, vmalloc->first, "%" PRIu64 " entries of %zu bytes are not in %u pages",
					  n, entry, vmalloc->total_pages);
	return kho_decode_vmalloc(d, vmalloc, array_piece, &walk);
}

/* ------------------------------------------------------------- public API */

bool kho_subtree_is_freed(const struct kho_state *state, const struct kho_subtree *subtree)
{
	return state->root.side == KHO_SIDE_IN && !decoder_of(subtree)->keeps_blob;
}

/*
 * Finds a subtree before @subtree with the same blob, which is then read only once: many of them
 * would multiply the work.
 */
static const struct kho_subtree *twin_of(const struct kho_state *state,
					 const struct kho_subtree *subtree)
{
	for (size_t i = 0; i < state->root.nr_subtrees; i++) {
		const struct kho_subtree *other = &state->root.subtrees[i];

		if (other == subtree)
			return NULL;
		if (other->addr == subtree->addr && decoder_of(other) == decoder_of(subtree))
			return other;
	}
	return NULL;
}

int kho_subtree_walk(struct kho_state *state, const struct kho_subtree *subtree,
		     const struct kho_walk *walk, struct kho_error *err)
{
	const struct kho_subtree *twin;
	struct kho_error local;
	struct kho_decoder d = {
		.state = state, .err = err ? err : &local, .walk = walk,
		.budget = budget_of(state->source),
	};
	int ret;

	ret = kho_state_map(state, &d.map, NULL);
	if (ret == KHO_ERR_NOMEM)
		return kho_fail_nomem(err);
	if (ret)
		d.map = NULL;
	twin = twin_of(state, subtree);
	if (twin)
		ret = kho_decode_text(&d, "the same blob as", twin->name, sizeof(twin->name));
	else if (kho_subtree_is_freed(state, subtree))
		ret = kho_decode_text(&d, "not read", decoder_of(subtree) == &raw_decoder ?
				      MAYBE_FREED : FREED, sizeof(FREED));
	else
		ret = decoder_of(subtree)->decode(&d, subtree);
	kho_addr_set_free(&d.entered);
	return ret == KHO_DECODE_STOPPED ? 0 : ret;
}

struct compatible {
	char *buf;
	size_t size;
	bool found;
};

static int take_compatible(const struct kho_item *item, void *data)
{
	struct compatible *compatible = data;

	if (item->depth || strcmp(item->name, "compatible"))
		return 0;
	snprintf(compatible->buf, compatible->size, "%s", item->text);
	compatible->found = true;
	return 1;
}

int kho_subtree_compatible(struct kho_state *state, const struct kho_subtree *subtree,
			   char *buf, size_t size, struct kho_error *err)
{
	struct compatible compatible = { buf, size, false };
	const struct kho_walk walk = { .fn = take_compatible, .data = &compatible };
	int ret;

	*buf = '\0';
	ret = kho_subtree_walk(state, subtree, &walk, err);
	if (ret || compatible.found)
		return compatible.found ? 0 : ret;
	return kho_fail(err, KHO_ERR_NOT_FOUND, subtree->addr,
			"subtree \"%.63s\" does not say its format, or is not preserved", subtree->name);
}

int kho_subtree_decode(struct kho_state *state, const struct kho_subtree *subtree,
		       int (*fn)(const struct kho_item *item, void *data), void *data,
		       struct kho_error *err)
{
	const struct kho_walk walk = { .fn = fn, .data = data };

	return kho_subtree_walk(state, subtree, &walk, err);
}
