/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * KHO's root FDT and the maps of preserved memory:
 * include/linux/kho/abi/kexec_handover.h of Linux 7.3, older kernels as noted below.
 *
 *   kho-v1		Linux 6.16 to 7.0	subtree property "fdt", bitmaps
 *   kho-v3		Linux 7.1		"preserved-data" + "blob-size", radix tree
 *   kho-v4		Linux 7.2, 7.3		the same
 */
#ifndef LIBKHO_ABI_KEXEC_HANDOVER_H
#define LIBKHO_ABI_KEXEC_HANDOVER_H

#include <stdint.h>

#define KHO_ABI_PAGE_SHIFT	12	/* the only page size that libkho supports */
#define KHO_ABI_PAGE_SIZE	(UINT64_C(1) << KHO_ABI_PAGE_SHIFT)

#define KHO_FDT_MEMORY_MAP_PROP	"preserved-memory-map"
#define KHO_FDT_DATA_PROP	"preserved-data"
#define KHO_FDT_SIZE_PROP	"blob-size"
#define KHO_FDT_V1_DATA_PROP	"fdt"

/*
 * Key of a page of order o at pa: 1 << (64 - PAGE_SHIFT - o) | pa >> (PAGE_SHIFT + o).
 * Level 0 is a bitmap of one page, levels 1 to 5 are pages of physical addresses.
 */
#define KHO_RADIX_LEVELS	6
#define KHO_RADIX_BITMAP_BITS	(KHO_ABI_PAGE_SHIFT + 3)
#define KHO_RADIX_TABLE_BITS	(KHO_ABI_PAGE_SHIFT - 3)
#define KHO_RADIX_ORDERS	(64 - KHO_ABI_PAGE_SHIFT)

/*
 * kho-v1: struct khoser_mem_chunk in kernel/kexec_handover.c of Linux 6.18. A chain of
 * pages, each with bitmaps of one order. Bit b of a bitmap is the block of this order at
 * addr + (b << (12 + order)). A bitmap has 512 bytes in Linux 6.16 and early 6.17, and a page
 * later, with the same compatible string. The map contains neither chunks nor bitmaps.
 */
struct khoser_mem_bitmap_ptr {
	uint64_t phys_start;
	uint64_t bitmap;
};

#define KHO_V1_CHUNK_BITMAPS	((KHO_ABI_PAGE_SIZE - 16) / sizeof(struct khoser_mem_bitmap_ptr))

struct khoser_mem_chunk {
	uint64_t next;
	uint32_t order;
	uint32_t num_elms;
	struct khoser_mem_bitmap_ptr bitmaps[KHO_V1_CHUNK_BITMAPS];
};

_Static_assert(sizeof(struct khoser_mem_chunk) == KHO_ABI_PAGE_SIZE, "a chunk is a page");

#define KHO_V1_SMALL_BITMAP	512u

/* Header of a kho_block page: include/linux/kho/abi/block.h of Linux 7.3. */
struct kho_block_header_ser {
	uint64_t next;
	uint64_t count;
} __attribute__((packed));

#endif /* LIBKHO_ABI_KEXEC_HANDOVER_H */
