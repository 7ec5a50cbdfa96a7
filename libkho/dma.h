/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dma-alloc subtree inside the library. */
#ifndef KHO_DMA_H
#define KHO_DMA_H

#include "state.h"

/*
 * The longest chain of blocks that is read, a GiB of records: for a kernel that takes
 * more of them than DMA_ALLOC_MAX_BLOCKS. That a chain comes to an end is seen otherwise.
 */
#define KHO_DMA_MAX_BLOCKS	(1u << 18)

/*
 * Calls @fn for each block of records, until it returns non-zero; then what the
 * walk of the chain returned: an error means that there may be more blocks.
 */
int kho_dma_for_each_block(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			   void *data, struct kho_error *err);
/* kho_dma_check_content() as one step of a verify, which its options may stop. */
int kho_dma_check_content_step(struct kho_state *state, const struct kho_dma_record *record,
			       const struct kho_verify_options *options,
			       struct kho_progress *progress, struct kho_error *err);

/* The first block so far with more records than a page holds, or KHO_NO_ADDR. */
uint64_t kho_dma_iter_bad_count(const struct kho_dma_iter *iter);
/* The blocks that an iterator has come by, its own; the caller may change and sort them. */
uint64_t *kho_dma_iter_blocks(struct kho_dma_iter *iter, size_t *n);

#endif /* KHO_DMA_H */
