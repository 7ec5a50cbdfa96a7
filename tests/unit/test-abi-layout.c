// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the layout of the dma-alloc ABI. Compiled with the library's header and with the kernel's:
 * both outputs must be equal.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef KERNEL_ABI
/* definitions that the kernel's header uses from other headers of the kernel */
typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define BIT(n) (1ul << (n))
#define BIT_ULL(n) (1ull << (n))
#define GENMASK(h, l) ((~0ul << (l)) & (~0ul >> (63 - (h))))
#define GENMASK_ULL(h, l) GENMASK(h, l)
#include "kernel-abi.h"
#else
#include "libkho/abi/dma_alloc.h"
#endif

#define FIELD(type, field) \
	printf("%s.%s %zu %zu\n", #type, #field, offsetof(struct type, field), \
	       sizeof(((struct type *)0)->field))
#define VALUE(name) printf("%s 0x%llx\n", #name, (unsigned long long)(name))

int main(void)
{
	printf("%s %s\n", DMA_ALLOC_KHO_SUBTREE, DMA_ALLOC_COMPATIBLE);
	printf("%zu %zu\n", sizeof(struct dma_alloc_ser), sizeof(struct dma_alloc_record_ser));

	FIELD(dma_alloc_ser, compatible);
	FIELD(dma_alloc_ser, header_size);
	FIELD(dma_alloc_ser, record_size);
	FIELD(dma_alloc_ser, first_block_pa);
	FIELD(dma_alloc_ser, nr_records);
	FIELD(dma_alloc_ser, nr_pages);
	FIELD(dma_alloc_ser, generation);
	FIELD(dma_alloc_ser, next_id);
	FIELD(dma_alloc_ser, reserved);
	FIELD(dma_alloc_ser, crc32c);

	FIELD(dma_alloc_record_ser, page_phys);
	FIELD(dma_alloc_record_ser, size);
	FIELD(dma_alloc_record_ser, attrs);
	FIELD(dma_alloc_record_ser, force_decrypted);
	FIELD(dma_alloc_record_ser, padding);
	FIELD(dma_alloc_record_ser, dma_addr);
	FIELD(dma_alloc_record_ser, id);
	FIELD(dma_alloc_record_ser, device);
	FIELD(dma_alloc_record_ser, tag);
	FIELD(dma_alloc_record_ser, reserved);
	FIELD(dma_alloc_record_ser, crc32c);
	FIELD(dma_alloc_record_ser, content_digest);
	FIELD(dma_alloc_record_ser, flags);

	VALUE(DMA_ALLOC_MAX_BLOCKS);
	VALUE(DMA_ALLOC_IN_USE);
	VALUE(DMA_ALLOC_SEALED);
	VALUE(DMA_ALLOC_CARRIED_OVER);
	VALUE(DMA_ALLOC_FATE_SHIFT);
	VALUE(DMA_ALLOC_FATE_MASK);
	VALUE(DMA_ALLOC_FLAGS_KNOWN);
	VALUE(DMA_ALLOC_FLAGS_WORD(DMA_ALLOC_IN_USE));
	VALUE(DMA_ALLOC_FATE_NONE);
	VALUE(DMA_ALLOC_FATE_UNCLAIMED);
	VALUE(DMA_ALLOC_FATE_RESTORED);
	VALUE(DMA_ALLOC_FATE_FAILED);
	VALUE(DMA_ALLOC_FATE_RELEASED);
	VALUE(DMA_ALLOC_ATTR_WEAK_ORDERING);
	VALUE(DMA_ALLOC_ATTR_WRITE_COMBINE);
	VALUE(DMA_ALLOC_ATTR_FORCE_CONTIGUOUS);
	VALUE(DMA_ALLOC_ATTRS_KNOWN);
	return 0;
}
