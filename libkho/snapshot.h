/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory in a snapshot: snapshot.c chooses it, snapshot_elf.c writes it. */
#ifndef KHO_SNAPSHOT_H
#define KHO_SNAPSHOT_H

#include "state.h"

struct kho_output;

/* Ranges of memory, sorted and merged once complete. All zeroes is an empty list. */
struct kho_pieces {
	struct kho_range *list;
	size_t n, room;
	bool failed;		/* out of memory: the list is incomplete */
};

/*
 * Reads the pieces in the page at @addr, and fills the rest with zeroes. *next is the first piece
 * to look at: start with 0 and call this for pages sorted by address.
 */
int kho_pieces_page(struct kho_source *source, const struct kho_pieces *pieces, size_t *next,
		    uint64_t addr, unsigned char *page, struct kho_error *err);

/* Returns the runs of pages that contain pieces; the caller frees them. NULL if out of memory. */
struct kho_range *kho_pieces_runs(const struct kho_source *source,
				  const struct kho_pieces *pieces, size_t *n);

/* Writes the ELF core, see abi/snapshot.h. */
int kho_snapshot_write_elf(const struct kho_output *output, struct kho_state *state,
			   const struct kho_pieces *pieces, struct kho_error *err);

#endif /* KHO_SNAPSHOT_H */
