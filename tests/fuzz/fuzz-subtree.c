// SPDX-License-Identifier: GPL-2.0-or-later
/* The decoder of one subtree, FUZZ_SUBTREE, and what reads the records of dma-alloc. */
#include <stdlib.h>
#include <string.h>

#include "libkho/abi/dma_alloc.h"
#include "memory.h"

#define MAX_ITEMS	2000000

static int see_item(const struct kho_item *item, void *data)
{
	if (!memchr(item->name, 0, sizeof(item->name)) || !memchr(item->text, 0, sizeof(item->text)))
		abort();
	for (const char *c = item->text; *c; c++) {
		if (*c < ' ' || *c > '~')
			abort(); /* bytes that a terminal would act on */
	}
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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

	if (kho_subtree_decode(state, state->root.subtrees, see_item, &items, &err) && !*err.message)
		abort(); /* an error without text */
	if (!strcmp(FUZZ_SUBTREE, DMA_ALLOC_KHO_SUBTREE))
		read_records(state);
	fuzz_close(state);
	return 0;
}
