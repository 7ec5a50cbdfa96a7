// SPDX-License-Identifier: LGPL-2.1-or-later
/* Compares the subtrees of a state with its preserved memory, to see if it holds more. */
#include <string.h>

#include "error.h"
#include "state.h"
#include "abi/dma_alloc.h"
#include "abi/subtrees.h"

static uint64_t pages_of(const struct kho_state *state, uint64_t size)
{
	uint64_t page = kho_state_page_size(state);

	return size / page + !!(size % page);
}

/* Returns 1 if exactly @pages pages are preserved, else 0, or an error. */
static int preserved_is(struct kho_state *state, uint64_t pages, struct kho_error *err)
{
	struct kho_map_iter *iter;
	struct kho_map_entry entry;
	uint64_t found = 0;
	int ret = kho_map_iter_create(state, &iter, err);

	if (ret)
		return ret;
	while ((ret = kho_map_iter_next(iter, &entry, err)) > 0 && found <= pages)
		found += pages_of(state, entry.size);
	kho_map_iter_destroy(iter);
	return ret < 0 ? ret : found == pages;
}

int kho_state_is_empty(struct kho_state *state, struct kho_error *err)
{
	const struct kho_subtree *subtrees;
	struct kho_dma_header header;
	uint64_t pages = 1;		/* the root */
	size_t n;
	int ret;

	if (kho_state_abi(state) == KHO_ABI_UNKNOWN)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR, "unknown ABI \"%s\"",
				kho_state_compatible(state));
	subtrees = kho_state_subtrees(state, &n);
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(subtrees[i].name, DMA_ALLOC_KHO_SUBTREE)) {
			ret = kho_dma_read_header(state, &header, err);
			if (ret)
				return ret;
			if (header.nr_records)
				return 0;
		} else if (strcmp(subtrees[i].name, KHO_METADATA_SUBTREE)) {
			return 0;
		}
		if (subtrees[i].size == KHO_SIZE_UNKNOWN)
			return 0;	/* kho-v1 has no sizes to count pages with */
		pages += pages_of(state, subtrees[i].size);
	}
	return preserved_is(state, pages, err);
}
