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
	bool scratch_unknown;	/* a dump without KHO's notes, or a snapshot of one */
	const char *scratch_option; /* kernel option that sets the sizes */
	struct kho_map *map;	/* made on first use */
	unsigned int v1_bitmap;	/* bytes of a kho-v1 bitmap set by the caller, or 0 */
};

const struct kho_subtree *kho_state_subtree(const struct kho_state *state,
					    const char *name);

/* Opens the map on first use. Owned by the state. */
int kho_state_map(struct kho_state *state, struct kho_map **map, struct kho_error *err);

/*
 * On a live source, reads the root FDT again and drops the map. Pointers to the state's arrays
 * stay valid.
 */
int kho_state_refresh(struct kho_state *state, struct kho_error *err);

#endif /* KHO_STATE_H */
