/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internal interface to the dma-alloc subtree. */
#ifndef KHO_DMA_H
#define KHO_DMA_H

#include "state.h"

/*
 * Blocks that libkho reads of a chain, a GiB of records with pages of 4 KiB: more than DMA_ALLOC_MAX_BLOCKS, for
 * kernels that raise that limit. kho_dma_iter detects loops in another way.
 */
#define KHO_DMA_MAX_BLOCKS	(1u << 18)
/* The number of records in the header, but at most what a chain can have. */
uint64_t kho_dma_most_records(const struct kho_state *state, const struct kho_dma_header *header);

/*
 * Calls @fn for each block of records, until it returns non-zero. On error there may be more
 * blocks than those that @fn received. Errors: DMA.
 */
int kho_dma_for_each_block(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			   void *data, struct kho_error *err);
/* kho_dma_check_content(), but KHO_ERR_STOPPED if options->content_time_left() returns false. */
int kho_dma_check_content_step(struct kho_state *state, const struct kho_dma_record *record,
			       const struct kho_verify_options *options,
			       struct kho_progress *progress, struct kho_error *err);

/* The first block read so far that claims more records than a page holds, or KHO_NO_ADDR. */
uint64_t kho_dma_iter_bad_count(const struct kho_dma_iter *iter);
/* The blocks read so far. Owned by the iterator, but the caller may change and sort them. */
uint64_t *kho_dma_iter_blocks(struct kho_dma_iter *iter, size_t *n);

#endif /* KHO_DMA_H */
