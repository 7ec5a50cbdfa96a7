// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Damages the record of a preserved allocation, or its content, to test the checks. The running
 * kernel is not affected, because it does not read its own records again.
 */
#include <linux/crc32.h>
#include <linux/io.h>
#include <linux/kho/abi/dma_alloc.h>
#include <linux/module.h>
#include <linux/sizes.h>

static ullong record;
module_param(record, ullong, 0444);
MODULE_PARM_DESC(record, "physical address of the record, see debugfs kho/out/dma_alloc");

static char *damage = "";
module_param(damage, charp, 0444);
MODULE_PARM_DESC(damage, "crc, size or outside (both with a correct checksum), loop (of the chain of blocks) or content");

static int __init kho_damage_init(void)
{
	struct dma_alloc_record_ser *ser = phys_to_virt(record);
	struct kho_block_header_ser *block = (void *)((unsigned long)ser & PAGE_MASK);

	if (!record)
		return -EINVAL;

	if (!strcmp(damage, "crc")) {
		ser->crc32c ^= 0xff;
	} else if (!strcmp(damage, "loop")) {
		block->next = virt_to_phys(block);
	} else if (!strcmp(damage, "content")) {
		*(u8 *)phys_to_virt(ser->page_phys) ^= 0xff;
	} else {
		if (!strcmp(damage, "size"))
			ser->size += SZ_1M;
		else if (!strcmp(damage, "outside"))
			ser->page_phys |= BIT_ULL(45);
		else
			return -EINVAL;
		ser->crc32c = ~crc32c(~0, ser, offsetof(struct dma_alloc_record_ser, crc32c));
	}

	add_taint(TAINT_TEST, LOCKDEP_STILL_OK);
	pr_warn("damaged the record at 0x%llx or its content, as requested: %s\n", record, damage);
	return 0;
}
module_init(kho_damage_init);

MODULE_DESCRIPTION("Damage records of preserved DMA allocations, for tests");
MODULE_LICENSE("GPL");
