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

/*
 * All these formats count in pages of the kernel that wrote them, and do not contain the page size:
 * 4 KiB, on arm64 also 16 or 64 KiB. @shift in the macros below is PAGE_SHIFT of that kernel.
 */
#define KHO_ABI_MIN_PAGE_SHIFT	12u
#define KHO_ABI_MAX_PAGE_SHIFT	16u
#define KHO_ABI_MAX_PAGE	(1u << KHO_ABI_MAX_PAGE_SHIFT)

#define KHO_FDT_MEMORY_MAP_PROP	"preserved-memory-map"
#define KHO_FDT_DATA_PROP	"preserved-data"
#define KHO_FDT_SIZE_PROP	"blob-size"
#define KHO_FDT_V1_DATA_PROP	"fdt"

/*
 * Key of a page of order o at pa: 1 << (64 - PAGE_SHIFT - o) | pa >> (PAGE_SHIFT + o).
 * Level 0 is a bitmap of one page, the levels above are pages of physical addresses: enum
 * kho_radix_consts. There are 6 levels for pages of 4 KiB, 5 for 16 KiB, 4 for 64 KiB. The first
 * kernels with a tree did not count the bit of order 0, which gave 4 levels for 16 KiB and lost
 * that bit. Linux 7.1.13, 7.2.12 and 7.3 count it.
 */
#define KHO_RADIX_BITMAP_BITS(shift)	((shift) + 3)
#define KHO_RADIX_TABLE_BITS(shift)	((shift) - 3)
#define KHO_RADIX_KEY_BITS(shift)	(64 - (shift) + 1)
#define KHO_RADIX_LEVELS(shift) \
	((KHO_RADIX_KEY_BITS(shift) - KHO_RADIX_BITMAP_BITS(shift) + \
	  KHO_RADIX_TABLE_BITS(shift) - 1) / KHO_RADIX_TABLE_BITS(shift) + 1)
#define KHO_RADIX_MAX_LEVELS		KHO_RADIX_LEVELS(KHO_ABI_MIN_PAGE_SHIFT)

_Static_assert(KHO_RADIX_LEVELS(12) == 6 && KHO_RADIX_LEVELS(14) == 5 && KHO_RADIX_LEVELS(16) == 4,
	       "levels of a tree");

/*
 * kho-v1: struct khoser_mem_chunk in kernel/kexec_handover.c of Linux 6.18. A chain of
 * pages, each with bitmaps of one order. Bit b of a bitmap is the block of this order at
 * addr + (b << (PAGE_SHIFT + order)). A bitmap has 512 bytes in Linux 6.16 and early 6.17, and a page
 * later, with the same compatible string. The map contains neither chunks nor bitmaps.
 */
struct khoser_mem_bitmap_ptr {
	uint64_t phys_start;
	uint64_t bitmap;
};

struct khoser_mem_chunk {
	uint64_t next;
	uint32_t order;
	uint32_t num_elms;
	struct khoser_mem_bitmap_ptr bitmaps[];	/* the rest of the page */
};

#define KHO_V1_CHUNK_BITMAPS(shift) \
	(((1u << (shift)) - sizeof(struct khoser_mem_chunk)) / sizeof(struct khoser_mem_bitmap_ptr))

#define KHO_V1_SMALL_BITMAP	512u

/* Header of a kho_block page: include/linux/kho/abi/block.h of Linux 7.3. */
struct kho_block_header_ser {
	uint64_t next;
	uint64_t count;
} __attribute__((packed));

#endif /* LIBKHO_ABI_KEXEC_HANDOVER_H */
