/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of memory goes into a snapshot: snapshot.c chooses, snapshot_elf.c writes. */
#ifndef KHO_SNAPSHOT_H
#define KHO_SNAPSHOT_H

#include "state.h"

/* Bytes of memory, sorted and merged once they are complete. All zeroes is none. */
struct kho_pieces {
	struct kho_range *list;
	size_t n, room;
	bool failed;		/* out of memory: not all were kept */
};

/*
 * The page at @addr with those bytes of it that are pieces, and zeroes. @next is the first
 * piece to look at; it moves on, for pages in the order of addresses.
 */
int kho_pieces_page(struct kho_source *source, const struct kho_pieces *pieces, size_t *next,
		    uint64_t addr, unsigned char *page, struct kho_error *err);

/* The runs of pages that pieces lie on, for the caller to free. NULL: out of memory. */
struct kho_range *kho_pieces_runs(const struct kho_pieces *pieces, size_t *n);

/* Writes the ELF core, see abi/snapshot.h. */
int kho_snapshot_write_elf(int fd, struct kho_state *state, const struct kho_pieces *pieces,
			   struct kho_error *err);

#endif /* KHO_SNAPSHOT_H */
