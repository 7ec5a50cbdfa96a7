/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * KHO's root FDT and the radix tree of preserved memory, as in
 * include/linux/kho/abi/kexec_handover.h of Linux 7.3.
 *
 *   kho-v1		Linux 6.16 to 7.0	subtree property "fdt", bitmaps
 *   kho-v3		Linux 7.1		"preserved-data" + "blob-size", radix tree
 *   kho-v4		Linux 7.2, 7.3		the same
 */
#ifndef LIBKHO_ABI_KEXEC_HANDOVER_H
#define LIBKHO_ABI_KEXEC_HANDOVER_H

#define KHO_ABI_PAGE_SHIFT	12	/* the only page size that we read so far */
#define KHO_ABI_PAGE_SIZE	(1u << KHO_ABI_PAGE_SHIFT)

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

/* Header of a kho_block page: include/linux/kho/abi/block.h of Linux 7.3. */
struct kho_block_header_ser {
	uint64_t next;
	uint64_t count;
} __attribute__((packed));

#endif /* LIBKHO_ABI_KEXEC_HANDOVER_H */
