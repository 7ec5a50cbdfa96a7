/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root FDT of one side: one page and its content, parsed. */
#ifndef KHO_ROOT_H
#define KHO_ROOT_H

#include "source.h"
#include "abi/kexec_handover.h"

/* A subtree takes at least 32 bytes of the page: its node and one property. */
#define KHO_MAX_SUBTREES	(KHO_ABI_MAX_PAGE / 32)

/* Only the used parts of the two arrays are set: copy it with kho_root_copy(). */
struct kho_root {
	enum kho_side side;
	enum kho_found_by found_by;
	uint64_t addr;		/* of the page; KHO_NO_ADDR: unknown, fdt[] is from debugfs */
	enum kho_abi abi;
	uint64_t map_addr;	/* 0: none */
	char compatible[64];
	size_t nr_subtrees;
	size_t bad_subtrees;	/* subnodes without the properties they must have */
	char bad_subtree[64];	/* name of the first of them */
	size_t fdt_size;
	struct kho_subtree subtrees[KHO_MAX_SUBTREES];
	unsigned char fdt[KHO_ABI_MAX_PAGE];
};

void kho_root_copy(struct kho_root *to, const struct kho_root *from);

/* "in" or "out", as in KHO's debugfs and in notes of snapshots. */
const char *kho_side_folder(enum kho_side side);

/* True if the page of @size bytes is an FDT with a compatible string of KHO. */
bool kho_root_looks_like(const unsigned char *page, size_t size);

/*
 * Parses the first @size bytes of a page at @addr (or KHO_NO_ADDR). KHO_ERR_CORRUPT: not a root
 * FDT; KHO_ERR_UNSUPPORTED: debugfs truncated it. On error, *root is undefined.
 */
int kho_root_parse(struct kho_root *root, enum kho_side side, enum kho_found_by found_by,
		   uint64_t addr, const void *page, size_t size, struct kho_error *err);

/* Reads and parses the page at @addr; tries a corrupt page again if the source changes. */
int kho_root_read(struct kho_root *root, struct kho_source *source, enum kho_side side,
		  enum kho_found_by found_by, uint64_t addr, struct kho_error *err);

#endif /* KHO_ROOT_H */
