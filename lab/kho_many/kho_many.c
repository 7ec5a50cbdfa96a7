// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preserves many allocations of one page each, for benchmarks. The device does nothing. The module
 * and its allocations stay until the machine ends.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/platform_device.h>

static unsigned int count = 100;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "allocations to preserve");

static int __init kho_many_init(void)
{
	struct platform_device *pdev;
	int err;

	pdev = platform_device_register_simple("kho_many", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));

	for (unsigned int i = 0; !err && i < count; i++) {
		dma_addr_t dma_addr;
		void *buffer;
		u64 state;

		buffer = dma_alloc_coherent(&pdev->dev, PAGE_SIZE, &dma_addr, GFP_KERNEL);
		if (!buffer)
			err = -ENOMEM;
		else
			err = dma_preserve_coherent_allocation(&pdev->dev, buffer, PAGE_SIZE,
							       dma_addr, &state);
	}
	/* after an error, what is preserved stays so: the benchmark ends before any kexec */
	if (err)
		pr_err("kho_many: cannot preserve %u allocations: %d\n", count, err);
	return err;
}
module_init(kho_many_init);

MODULE_DESCRIPTION("Preserve many DMA allocations, for benchmarks");
MODULE_LICENSE("GPL");
