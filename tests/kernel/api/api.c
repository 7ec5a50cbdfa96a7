// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls every function of the series' interface with the types of the RFC, so that it compiles and
 * links with any configuration. Never runs.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>

static int __init api_init(void)
{
	struct device *dev = NULL;
	dma_addr_t dma_addr = 0;
	unsigned long attrs = 0;
	void *cpu_addr = NULL;
	size_t size = 0;
	u64 state = 0;
	int err;

	err = dma_set_preservable(dev);
	err = err ?: dma_preserve_allocation_attrs(dev, cpu_addr, size, dma_addr, attrs, &state);
	err = err ?: dma_preserve_coherent_allocation(dev, cpu_addr, size, dma_addr, &state);
	err = err ?: dmam_preserve_coherent_allocation(dev, cpu_addr, size, dma_addr, &state);
	err = err ?: dma_seal_allocation(dev, state);
	err = err ?: dma_unseal_allocation(dev, state);
	err = err ?: dma_verify_allocation(dev, state);
	cpu_addr = dma_restore_allocation_attrs(dev, size, &dma_addr, GFP_KERNEL, attrs, state);
	cpu_addr = cpu_addr ?: dma_restore_coherent_allocation(dev, size, &dma_addr, GFP_KERNEL, state);
	cpu_addr = cpu_addr ?: dmam_restore_allocation_attrs(dev, size, &dma_addr, GFP_KERNEL, attrs, state);
	cpu_addr = cpu_addr ?: dmam_restore_coherent_allocation(dev, size, &dma_addr, GFP_KERNEL, state);
	dma_unpreserve_allocation(dev, state);
	dma_unpreserve_coherent_allocation(dev, state);
	dmam_unpreserve_coherent_allocation(dev, cpu_addr, size, dma_addr, state);
	return err;
}
module_init(api_init);

MODULE_DESCRIPTION("Compiles against the interface of preserved DMA allocations");
MODULE_LICENSE("GPL");
