/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The "dma-alloc" KHO subtree, ABI "dma-alloc-v1".
 *
 * The definition is include/linux/kho/abi/dma_alloc.h in kernel-patches/; this
 * header states the same layout for userspace, and tests/unit compares the two.
 * All integers are native endian. Kernels: Linux 7.3 with kernel-patches/.
 *
 *   root FDT, subnode "dma-alloc": preserved-data -> struct dma_alloc_ser
 *   struct dma_alloc_ser.first_block_pa -> block -> block -> ... -> 0
 *   block: one page; struct kho_block_header_ser {next, count}, then count slots
 *          of record_size bytes (count is always the number of slots of a page)
 *
 * crc32c is the standard CRC-32C (Castagnoli, reflected, initial value and final
 * xor all ones): in the kernel ~crc32c(~0, data, size).
 *
 * A record never moves: its physical address is the "state" cookie that the
 * driver keeps. A block that arrived over a kexec is adopted as it is by the
 * next kernel, so the cookie stays valid over any number of kexecs.
 */
#ifndef LIBKHO_ABI_DMA_ALLOC_H
#define LIBKHO_ABI_DMA_ALLOC_H

#include <stdint.h>

#define DMA_ALLOC_KHO_SUBTREE	"dma-alloc"
#define DMA_ALLOC_COMPATIBLE	"dma-alloc-v1"

/* The kernel's own limit on the length of a chain of blocks (KHO_MAX_BLOCKS). */
#define DMA_ALLOC_MAX_BLOCKS	10000

struct dma_alloc_ser {
	char compatible[16];	/* DMA_ALLOC_COMPATIBLE, NUL padded */
	uint32_t header_size;	/* sizeof(struct dma_alloc_ser) */
	uint32_t record_size;	/* sizeof(struct dma_alloc_record_ser) */
	uint64_t first_block_pa; /* 0: no block yet */
	uint64_t nr_records;	/* records in use */
	uint64_t nr_pages;	/* sum of 1 << get_order(size) over them */
	uint64_t generation;	/* grows with every change, also over a kexec */
	uint64_t next_id;	/* id of the next record; continues over a kexec */
	uint32_t reserved;	/* 0 */
	uint32_t crc32c;	/* over the struct with this field 0 */
} __attribute__((packed));

/* Flags of a record. A slot whose flags lack IN_USE and INCOMING is free. */
#define DMA_ALLOC_IN_USE	(1u << 0) /* part of the outgoing state */
#define DMA_ALLOC_SEALED	(1u << 1) /* content_digest is valid */
#define DMA_ALLOC_CARRIED_OVER	(1u << 2) /* went unclaimed through at least one kernel */
#define DMA_ALLOC_INCOMING	(1u << 3) /* set by the kernel that received it */
#define DMA_ALLOC_FATE_SHIFT	8
#define DMA_ALLOC_FATE_MASK	(0xfu << DMA_ALLOC_FATE_SHIFT)
#define DMA_ALLOC_FLAGS_KNOWN	(0xfu | DMA_ALLOC_FATE_MASK)

/* Fate of an incoming record, in the kernel that received it. */
enum dma_alloc_fate {
	DMA_ALLOC_FATE_NONE = 0,	/* not incoming */
	DMA_ALLOC_FATE_UNCLAIMED = 1,	/* still IN_USE: carried over to the next kexec */
	DMA_ALLOC_FATE_RESTORED = 2,	/* a driver has it; not IN_USE */
	DMA_ALLOC_FATE_FAILED = 3,	/* a driver's restore was refused; still IN_USE */
	DMA_ALLOC_FATE_RELEASED = 4,	/* root let go of it; not IN_USE */
};

/* Attributes of an allocation as ABI bits, for DMA_ATTR_* may be renumbered. */
#define DMA_ALLOC_ATTR_WEAK_ORDERING		(1ull << 0)
#define DMA_ALLOC_ATTR_WRITE_COMBINE		(1ull << 1)
#define DMA_ALLOC_ATTR_NO_KERNEL_MAPPING	(1ull << 2)
#define DMA_ALLOC_ATTR_SKIP_CPU_SYNC		(1ull << 3)
#define DMA_ALLOC_ATTR_FORCE_CONTIGUOUS		(1ull << 4)
#define DMA_ALLOC_ATTR_ALLOC_SINGLE_PAGES	(1ull << 5)
#define DMA_ALLOC_ATTR_NO_WARN			(1ull << 6)
#define DMA_ALLOC_ATTR_PRIVILEGED		(1ull << 7)
#define DMA_ALLOC_ATTRS_KNOWN			0xffull

struct dma_alloc_record_ser {
	/* the first 32 bytes are those of the RFC's record */
	uint64_t page_phys;	/* first page; aligned to 1 << get_order(size) pages */
	uint64_t size;		/* bytes, as the driver asked for */
	uint64_t attrs;		/* DMA_ALLOC_ATTR_* */
	uint8_t force_decrypted; /* this allocation is shared with the host (CC guests) */
	uint8_t padding[7];	/* 0 */
	uint64_t dma_addr;	/* what the device was given */
	uint64_t id;		/* never reused, see next_id; 0 is no id */
	uint32_t flags;
	uint32_t crc32c;	/* over the record with this field 0 */
	uint64_t content_digest; /* XXH64, seed 0, over size bytes; when SEALED */
	char device[40];	/* "<bus>:<device>", NUL terminated: "pci:0000:00:04.0" */
	char tag[24];		/* driver's name, NUL terminated (may be cut) */
} __attribute__((packed));

_Static_assert(sizeof(struct dma_alloc_ser) == 72, "dma_alloc_ser is 72 bytes");
_Static_assert(sizeof(struct dma_alloc_record_ser) == 128, "record is 128 bytes");

#endif /* LIBKHO_ABI_DMA_ALLOC_H */
