// SPDX-License-Identifier: GPL-2.0-or-later
/* A preserved-memory-map: that of kho-v1 (if FUZZ_ABI says so) or a radix tree. */
#include <stdlib.h>

#include "memory.h"

/* An upper bound of the blocks that the pages of one input can list. */
#define MAX_ENTRIES	2000000

static int see_node(uint64_t addr, void *data)
{
	(void)addr;
	return ++*(size_t *)data > MAX_ENTRIES;
}

static int count_bits(const struct kho_map_leaf *leaf, void *data)
{
	uint64_t *bits = data;

	for (size_t i = 0; i < leaf->nr_words; i++)
		*bits += (uint64_t)__builtin_popcountll(leaf->bits[i]);
	return 0;
}

/* A walk by leaves finds as many blocks as a walk by entries. */
static void read_leaves(struct kho_state *state, uint64_t blocks)
{
	struct kho_map *map;
	uint64_t bits = 0;

	if (!kho_state_map(state, &map, NULL) && !kho_map_leaves(map, count_bits, &bits, NULL) &&
	    bits != blocks)
		abort();
}

static void read_entries(struct kho_state *state)
{
	struct kho_map_entry entry = { 0 };
	struct kho_map_iter *iter;
	uint64_t last = 0, blocks = 0;
	size_t n = 0;
	int ret = 1;

	if (kho_map_iter_create(state, &iter, NULL))
		return;
	while (n < MAX_ENTRIES && (ret = kho_map_iter_next(iter, &entry, NULL)) > 0) {
		if (entry.addr < last)
			abort(); /* out of order */
		last = entry.addr;
		if (!entry.count || entry.size != entry.count << (state->source->page_shift + entry.order))
			abort();
		blocks += entry.count;
		if (n++ < 16 && kho_map_contains(state, entry.addr, entry.size, NULL) == 0)
			abort(); /* iterator and look-up disagree */
	}
	kho_map_iter_destroy(iter);
	if (!ret)
		read_leaves(state, blocks);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	struct fuzz_head head;
	struct kho_state *state = fuzz_state(data, size, &head);
	size_t nodes = 0;

	if (!state)
		return -1;
	state->root.abi = FUZZ_ABI;
	state->root.map_addr = head.addr;
	/* bits of the option: the release decides what the pages do not say */
	if (head.option & 2)
		kho_source_set_release(state->source, head.option & 4 ? "7.3.1" : "6.16.2");
	if (head.option & 8)
		state->root.addr = head.size & -kho_source_page(state->source);
	if (FUZZ_ABI == KHO_ABI_V1 && !(head.option & 16))
		kho_state_set_v1_bitmap(state, head.option % 2 ? 512 : kho_state_page_size(state));

	kho_map_for_each_node(state, see_node, &nodes, NULL);
	kho_map_contains(state, head.size, 1, NULL);
	read_entries(state);
	fuzz_close(state);
	return 0;
}
