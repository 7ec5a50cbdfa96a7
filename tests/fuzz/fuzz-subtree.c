// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The decoder of one subtree, FUZZ_SUBTREE, and the reader of the records of dma-alloc. With FUZZ_MEND
 * it corrects the checksums of dma-alloc first, so that a change of one byte is more than a wrong
 * checksum.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/abi/dma_alloc.h"
#include "libkho/crc32c.h"
#include "libkho/kho_output.h"
#include "memory.h"
#include "nomem.h"

#define MAX_ITEMS	2000000

static int see_item(const struct kho_item *item, void *data)
{
	char text[4 * sizeof(item->text)];

	if (!memchr(item->name, 0, sizeof(item->name)) || !memchr(item->text, 0, sizeof(item->text)))
		abort();
	/* decoders escape control characters, so that this must not change the text */
	kho_text_message(text, sizeof(text), item->text);
	if (strcmp(text, item->text))
		abort();
	return ++*(size_t *)data > MAX_ITEMS;
}

static void read_records(struct kho_state *state)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;

	if (kho_dma_iter_create(state, &iter, NULL))
		return;
	while (kho_dma_iter_next(iter, &record, NULL) > 0)
		kho_dma_check_content(state, &record, NULL);
	kho_dma_iter_destroy(iter);
}

/* Records follow the block's two words; their length is the ABI's. */
#define BLOCK_HEAD	16

static void mend_record(unsigned char *p)
{
	uint32_t crc = kho_crc32c(p, offsetof(struct dma_alloc_record_ser, crc32c));

	memcpy(p + offsetof(struct dma_alloc_record_ser, crc32c), &crc, sizeof(crc));
}

/* The blob is the head; all other pages contain records. */
static void mend_page(const struct fuzz_head *head, uint64_t addr, unsigned char *page, size_t size)
{
	const uint64_t page_size = 1ull << fuzz_page_shift(head);
	const size_t record = sizeof(struct dma_alloc_record_ser), at = head->addr & (page_size - 1);
	uint32_t crc;

	if (addr == head->addr - at) {
		if (size < at + sizeof(struct dma_alloc_ser))
			return;
		crc = kho_crc32c(page + at, offsetof(struct dma_alloc_ser, crc32c));
		memcpy(page + at + offsetof(struct dma_alloc_ser, crc32c), &crc, sizeof(crc));
		return;
	}
	for (size_t i = BLOCK_HEAD; size >= record && i <= size - record; i += record)
		mend_record(page + i);
}

/* The input has the layout of memory.h. */
static void mend(unsigned char *data, size_t size)
{
	struct fuzz_head head;
	struct fuzz_page page;

	if (size < sizeof(head))
		return;
	memcpy(&head, data, sizeof(head));
	for (size_t at = sizeof(head); size - at > sizeof(page); at += page.length) {
		memcpy(&page, data + at, sizeof(page));
		at += sizeof(page);
		if (page.length > size - at)
			page.length = (uint16_t)(size - at);
		mend_page(&head, page.addr & -(1ull << fuzz_page_shift(&head)), data + at, page.length);
	}
}

static int use(const uint8_t *data, size_t size)
{
	struct fuzz_head head;
	struct kho_state *state = fuzz_state(data, size, &head);
	struct kho_error err = { 0 };
	size_t items = 0;

	if (!state)
		return -1;
	state->root.abi = KHO_ABI_V4;
	state->root.side = head.option % 2 ? KHO_SIDE_IN : KHO_SIDE_OUT;
	state->root.nr_subtrees = 1;
	strcpy(state->root.subtrees->name, FUZZ_SUBTREE);
	state->root.subtrees->addr = head.addr;
	state->root.subtrees->size = head.size;

	if (kho_subtree_decode(state, state->root.subtrees, see_item, &items, &err))
		fuzz_memory_error(&err);
	if (!strcmp(FUZZ_SUBTREE, DMA_ALLOC_KHO_SUBTREE))
		read_records(state);
	fuzz_close(state);
	return 0;
}

int fuzz_one(const uint8_t *data, size_t size)
{
	unsigned char *copy;
	int ret;

	if (!FUZZ_MEND)
		return use(data, size);
	fuzz_memory_hold();
	copy = malloc(size + 1);
	fuzz_memory_release();
	if (!copy)
		abort();
	memcpy(copy, data, size);
	mend(copy, size);
	ret = use(copy, size);
	free(copy);
	return ret;
}
