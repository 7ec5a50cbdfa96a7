/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One side: its root FDT, subtrees, scratch table and map. */
#ifndef KHO_STATE_H
#define KHO_STATE_H

#include "source.h"
#include "abi/kexec_handover.h"

struct kho_radix;
struct kho_bitmap;

struct kho_state {
	struct kho_source *source;
	enum kho_side side;
	enum kho_abi abi;
	enum kho_found_by found_by;
	uint64_t fdt_addr;
	uint64_t map_addr;
	unsigned char fdt[KHO_ABI_PAGE_SIZE];
	size_t fdt_size;
	char compatible[64];
	char release[128];
	struct kho_subtree *subtrees;
	size_t nr_subtrees;
	size_t bad_subtrees;	/* subnodes without the properties they must have */
	char bad_subtree[64];	/* name of the first of them */
	struct kho_range *scratch;
	size_t nr_scratch;
	bool scratch_unknown;	/* a dump without a word of it */
	struct kho_radix *radix; /* made on first use, like the next one */
	struct kho_bitmap *bitmap;
	unsigned int v1_bitmap;	/* bytes of a bitmap of kho-v1 as told by the caller, or 0 */
};

const struct kho_subtree *kho_state_subtree(const struct kho_state *state,
					    const char *name);

/*
 * On a live machine: reads the root FDT again and forgets what was read of the
 * map. Arrays that the state gave out stay where they are.
 */
int kho_state_refresh(struct kho_state *state, struct kho_error *err);

/* A state of the outgoing side from a page that may be its root; NULL when it is none. */
struct kho_state *kho_state_probe(struct kho_source *source, uint64_t addr,
				  const unsigned char *page);

#endif /* KHO_STATE_H */
