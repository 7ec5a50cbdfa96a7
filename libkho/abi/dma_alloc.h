/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The "dma-alloc" KHO subtree, ABI "dma-alloc-v1".
 *
 * include/linux/kho/abi/dma_alloc.h in kernel-patches/ defines it; this header
 * declares the same layout for userspace, and tests/unit compares the two.
 * All integers are native endian. Kernels: Linux 7.3 with kernel-patches/.
 *
 *   root FDT, subnode "dma-alloc": preserved-data -> struct dma_alloc_ser
 *   struct dma_alloc_ser.first_block_pa -> block -> block -> ... -> 0
 *   block: one page; struct kho_block_header_ser {next, count}, then count slots
 *          of struct dma_alloc_record_ser, each a record or free
 *
 * crc32c is the standard CRC-32C (Castagnoli, reflected, initial value and final
 * xor all ones): in the kernel ~crc32c(~0, data, size). It covers the fields before it.
 *
 * Each side has a chain of its own. In an incoming chain, the kernel that
 * received it writes only the fate of a record.
 */
#ifndef LIBKHO_ABI_DMA_ALLOC_H
#define LIBKHO_ABI_DMA_ALLOC_H

#include <stdint.h>

#define DMA_ALLOC_KHO_SUBTREE	"dma-alloc"
#define DMA_ALLOC_COMPATIBLE	"dma-alloc-v1"

/* The kernel's limit on the length of a chain (KHO_MAX_BLOCKS). */
#define DMA_ALLOC_MAX_BLOCKS	10000

struct dma_alloc_ser {
	char compatible[16];	/* DMA_ALLOC_COMPATIBLE, NUL padded */
	uint32_t header_size;	/* sizeof(struct dma_alloc_ser) */
	uint32_t record_size;	/* sizeof(struct dma_alloc_record_ser) */
	uint64_t first_block_pa; /* 0: no block yet */
	uint64_t nr_records;	/* records in use, except those that the kernel found damaged */
	uint64_t nr_pages;	/* sum of 1 << get_order(size) over these */
	uint64_t generation;	/* grows with every change, also over a kexec */
	uint64_t next_id;	/* id of the next record; continues over a kexec */
	uint32_t reserved;	/* 0 */
	uint32_t crc32c;
} __attribute__((packed));

/* "flags" of a record: 0 in a free slot, else these in the lower half, their complement above. */
#define DMA_ALLOC_IN_USE	(1u << 0) /* set in every record */
#define DMA_ALLOC_SEALED	(1u << 1) /* content_digest is valid */
#define DMA_ALLOC_CARRIED_OVER	(1u << 2) /* from an earlier kernel, unclaimed */
#define DMA_ALLOC_FATE_SHIFT	8
#define DMA_ALLOC_FATE_MASK	(0xfu << DMA_ALLOC_FATE_SHIFT)
#define DMA_ALLOC_FLAGS_KNOWN	(0x7u | DMA_ALLOC_FATE_MASK)

#define DMA_ALLOC_FLAGS_WORD(flags)	((uint64_t)~(uint32_t)(flags) << 32 | (uint32_t)(flags))

/* State of a record in the kernel that received it; NONE in an outgoing chain. */
enum dma_alloc_fate {
	DMA_ALLOC_FATE_NONE = 0,	/* not received yet, or refused as damaged */
	DMA_ALLOC_FATE_UNCLAIMED = 1,	/* carried over to the next kernel */
	DMA_ALLOC_FATE_RESTORED = 2,	/* claimed by a driver */
	DMA_ALLOC_FATE_FAILED = 3,	/* the kernel refused a restore; carried over too */
	DMA_ALLOC_FATE_RELEASED = 4,	/* released by root */
};

/* Attributes of the memory. ABI bits of their own, because DMA_ATTR_* may be renumbered. */
#define DMA_ALLOC_ATTR_WEAK_ORDERING		(1ull << 0)
#define DMA_ALLOC_ATTR_WRITE_COMBINE		(1ull << 1)
#define DMA_ALLOC_ATTR_FORCE_CONTIGUOUS		(1ull << 2)
#define DMA_ALLOC_ATTRS_KNOWN			0x7ull

struct dma_alloc_record_ser {
	/* the first 32 bytes are those of the RFC's record */
	uint64_t page_phys;	/* first page; aligned to 1 << get_order(size) pages */
	uint64_t size;		/* bytes that the driver asked for */
	uint64_t attrs;		/* DMA_ALLOC_ATTR_* */
	uint8_t force_decrypted; /* 0: memory shared with a hypervisor is not preserved */
	uint8_t padding[7];	/* 0 */
	uint64_t dma_addr;	/* the device's address of the memory */
	uint64_t id;		/* the driver's cookie; never reused, never 0, at most INT64_MAX */
	char device[40];	/* "<bus>:<device>", terminated, maybe truncated: "pci:0000:00:04.0" */
	char tag[16];		/* driver's name, terminated, maybe truncated */
	uint32_t reserved;	/* 0 */
	uint32_t crc32c;
	/* these change while the record is in use */
	uint64_t content_digest; /* XXH64, seed 0, over size bytes; if SEALED */
	uint64_t flags;		/* DMA_ALLOC_FLAGS_WORD(), or 0 */
} __attribute__((packed));

_Static_assert(sizeof(struct dma_alloc_ser) == 72, "dma_alloc_ser is 72 bytes");
_Static_assert(sizeof(struct dma_alloc_record_ser) == 128, "record is 128 bytes");

#endif /* LIBKHO_ABI_DMA_ALLOC_H */
