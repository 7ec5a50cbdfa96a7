/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One side: its source, root, scratch table and map. */
#ifndef KHO_STATE_H
#define KHO_STATE_H

#include "map.h"
#include "root.h"
#include "source.h"

struct kho_state {
	struct kho_source *source;
	struct kho_root root;
	struct kho_range *scratch;
	size_t nr_scratch;
	bool scratch_unknown;	/* a dump without a word of it */
	const char *scratch_option; /* of the kernel, that sets their sizes */
	struct kho_map *map;	/* made on first use */
	unsigned int v1_bitmap;	/* bytes of a bitmap of kho-v1 as told by the caller, or 0 */
};

const struct kho_subtree *kho_state_subtree(const struct kho_state *state,
					    const char *name);

/* The map, which belongs to the state. */
int kho_state_map(struct kho_state *state, struct kho_map **map, struct kho_error *err);

/*
 * Where memory changes: reads the root FDT again and forgets what was read of the map.
 * Arrays that the state gave out stay where they are.
 */
int kho_state_refresh(struct kho_state *state, struct kho_error *err);

#endif /* KHO_STATE_H */
