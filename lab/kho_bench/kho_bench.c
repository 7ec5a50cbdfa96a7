// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures the cost to preserve coherent allocations of one page over a kexec, and to restore them in
 * the next kernel. It also measures the scheme of the RFC "dma-mapping: Add preservation of direct
 * allocations", which stores a record of 32 bytes for each allocation on a preserved page of its own.
 * The module implements only the steps of the RFC that cost time or memory. The schemes take turns,
 * because other load then affects both.
 *
 * The first kernel preserves, unpreserves and preserves again. In the next kernel the module restores
 * and frees. Results are lines in the log:
 *
 *	kho_bench: RESULT <scheme> <operation> <allocations> <TSC cycles for all>
 *	kho_bench: RESULT <scheme> metadata <allocations> <bytes handed over for all>
 */
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/dma_alloc.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sort.h>
#include <linux/timex.h>

#define BENCH_SUBTREE	"kho-bench"
#define BENCH_TURNS	16

static unsigned int count = 100;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "allocations to preserve with each scheme");

/* Handed to the next kernel: the states of both schemes. */
struct bench_ser {
	u64 count;
	u64 states[2];
};

/* The RFC's record. */
struct rfc_record {
	u64 page_phys;
	u64 size;
	u64 attrs;
	u8 force_decrypted;
	u8 padding[7];
} __packed;

struct bench_buffer {
	void *cpu_addr;
	dma_addr_t dma_addr;
};

struct bench_scheme {
	const char *name;
	int (*preserve)(struct device *dev, struct bench_buffer *buffer, u64 *state);
	void (*unpreserve)(struct device *dev, u64 state);
	int (*restore)(struct device *dev, struct bench_buffer *buffer, u64 state);
};

static int series_preserve(struct device *dev, struct bench_buffer *buffer, u64 *state)
{
	return dma_preserve_coherent_allocation(dev, buffer->cpu_addr, PAGE_SIZE,
						buffer->dma_addr, state);
}

static void series_unpreserve(struct device *dev, u64 state)
{
	dma_unpreserve_coherent_allocation(dev, state);
}

static int series_restore(struct device *dev, struct bench_buffer *buffer, u64 state)
{
	buffer->cpu_addr = dma_restore_coherent_allocation(dev, PAGE_SIZE, &buffer->dma_addr,
							   GFP_KERNEL, state);
	return buffer->cpu_addr ? 0 : -EIO;
}

static int rfc_preserve(struct device *dev, struct bench_buffer *buffer, u64 *state)
{
	phys_addr_t phys = dma_to_phys(dev, buffer->dma_addr);
	struct rfc_record *record;
	int err;

	record = kho_alloc_preserve(sizeof(*record));
	if (IS_ERR(record))
		return PTR_ERR(record);

	err = kho_preserve_pages(pfn_to_page(PHYS_PFN(phys)), 1);
	if (err) {
		kho_unpreserve_free(record);
		return err;
	}

	record->page_phys = phys;
	record->size = PAGE_SIZE;
	record->attrs = 0;
	record->force_decrypted = force_dma_unencrypted(dev);
	*state = virt_to_phys(record);
	return 0;
}

static void rfc_unpreserve(struct device *dev, u64 state)
{
	struct rfc_record *record = phys_to_virt(state);

	kho_unpreserve_pages(pfn_to_page(PHYS_PFN(record->page_phys)),
			     1UL << get_order(record->size));
	kho_unpreserve_free(record);
}

/* Like the RFC, trusts the record, and only warns about other attributes. */
static noinline void *rfc_restore_allocation_attrs(struct device *dev, size_t size,
						   dma_addr_t *dma_handle, gfp_t gfp,
						   unsigned long attrs, u64 state)
{
	struct rfc_record *record = phys_to_virt(state);
	unsigned long nr_pages = 1UL << get_order(record->size);
	struct page *page;

	page = kho_restore_pages(record->page_phys, nr_pages);
	if (!page || record->size != size)
		return NULL;
	for (unsigned long i = 1; i < nr_pages; i++)
		set_page_count(page + i, 0);

	WARN_ON(record->attrs != attrs);
	WARN_ON(record->force_decrypted != force_dma_unencrypted(dev));
	/* memory of a coherent device is used through the linear mapping */
	if (!dev_is_dma_coherent(dev))
		return NULL;

	*dma_handle = phys_to_dma(dev, record->page_phys);
	kho_restore_free(record);
	return page_address(page);
}

static int rfc_restore(struct device *dev, struct bench_buffer *buffer, u64 state)
{
	buffer->cpu_addr = rfc_restore_allocation_attrs(dev, PAGE_SIZE, &buffer->dma_addr,
							GFP_KERNEL, 0, state);
	return buffer->cpu_addr ? 0 : -EIO;
}

static const struct bench_scheme schemes[] = {
	{ "series", series_preserve, series_unpreserve, series_restore },
	{ "rfc", rfc_preserve, rfc_unpreserve, rfc_restore },
};

struct bench {
	struct device *dev;
	unsigned int count;
	u64 *states[2];
	struct bench_buffer *buffers[2];
};

enum bench_op { BENCH_PRESERVE, BENCH_UNPRESERVE, BENCH_RESTORE };

static int bench_one(struct bench *bench, int s, enum bench_op op, unsigned int i)
{
	switch (op) {
	case BENCH_PRESERVE:
		return schemes[s].preserve(bench->dev, &bench->buffers[s][i],
					   &bench->states[s][i]);
	case BENCH_UNPRESERVE:
		schemes[s].unpreserve(bench->dev, bench->states[s][i]);
		return 0;
	default:
		return schemes[s].restore(bench->dev, &bench->buffers[s][i],
					  bench->states[s][i]);
	}
}

/* Measures both schemes for all allocations. They take turns. */
static int bench_measure(struct bench *bench, enum bench_op op, const char *name)
{
	u64 cycles[2] = { };

	for (unsigned int turn = 0; turn < BENCH_TURNS; turn++) {
		unsigned int from = (u64)bench->count * turn / BENCH_TURNS;
		unsigned int to = (u64)bench->count * (turn + 1) / BENCH_TURNS;

		for (int s = 0; s < ARRAY_SIZE(schemes); s++) {
			cycles_t start = get_cycles();

			for (unsigned int i = from; i < to; i++) {
				int err = bench_one(bench, s, op, i);

				if (err) {
					pr_err("kho_bench: %s: %s of allocation %u: %d\n",
					       schemes[s].name, name, i, err);
					return err;
				}
			}
			cycles[s] += get_cycles() - start;
			cond_resched();
		}
	}

	for (int s = 0; s < ARRAY_SIZE(schemes); s++)
		pr_info("kho_bench: RESULT %s %s %u %llu\n", schemes[s].name, name,
			bench->count, cycles[s]);
	return 0;
}

/* Counts the pages of the list that the kernel itself hands over: its head and its blocks. */
static int series_metadata(u64 *pages)
{
	const struct dma_alloc_ser *head;
	phys_addr_t phys;
	size_t size;
	int err;

	err = kho_retrieve_subtree(DMA_ALLOC_KHO_SUBTREE, &phys, &size);
	if (err)
		return err;

	head = phys_to_virt(phys);
	*pages = 1;
	for (u64 pa = head->first_block_pa; pa; ++*pages) {
		const struct kho_block_header_ser *block = phys_to_virt(pa);

		pa = block->next;
	}
	return 0;
}

static int state_cmp(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Counts the pages with records of the RFC. A state is the address of a record. */
static int rfc_metadata(const struct bench *bench, const u64 *states, u64 *pages)
{
	u64 *sorted = kvmalloc_array(bench->count, sizeof(u64), GFP_KERNEL);

	if (!sorted)
		return -ENOMEM;

	memcpy(sorted, states, bench->count * sizeof(u64));
	sort(sorted, bench->count, sizeof(u64), state_cmp, NULL);
	*pages = 0;
	for (unsigned int i = 0; i < bench->count; i++) {
		if (!i || PHYS_PFN(sorted[i]) != PHYS_PFN(sorted[i - 1]))
			++*pages;
	}
	kvfree(sorted);
	return 0;
}

/* The next kernel calls this before it restores anything. */
static int bench_metadata(const struct bench *bench)
{
	u64 pages[2];
	int err;

	err = series_metadata(&pages[0]);
	if (!err)
		err = rfc_metadata(bench, bench->states[1], &pages[1]);
	for (int s = 0; !err && s < ARRAY_SIZE(schemes); s++)
		pr_info("kho_bench: RESULT %s metadata %u %llu\n", schemes[s].name,
			bench->count, pages[s] * PAGE_SIZE);
	return err;
}

static int bench_alloc(struct bench *bench)
{
	for (int s = 0; s < ARRAY_SIZE(schemes); s++) {
		for (unsigned int i = 0; i < bench->count; i++) {
			struct bench_buffer *buffer = &bench->buffers[s][i];

			buffer->cpu_addr = dma_alloc_coherent(bench->dev, PAGE_SIZE,
							      &buffer->dma_addr, GFP_KERNEL);
			if (!buffer->cpu_addr)
				return -ENOMEM;
			/* the next kernel checks this word */
			*(u64 *)buffer->cpu_addr = ((u64)s << 32) + i;
		}
	}
	return 0;
}

static int bench_first(struct bench *bench)
{
	struct bench_ser *ser = kho_alloc_preserve(sizeof(*ser));
	int err;

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->count = bench->count;

	for (int s = 0; s < ARRAY_SIZE(schemes); s++) {
		bench->states[s] = kho_alloc_preserve(bench->count * sizeof(u64));
		if (IS_ERR(bench->states[s]))
			return PTR_ERR(bench->states[s]);
		ser->states[s] = virt_to_phys(bench->states[s]);
	}

	err = bench_alloc(bench);
	if (!err)
		err = bench_measure(bench, BENCH_PRESERVE, "preserve");
	if (!err)
		err = bench_measure(bench, BENCH_UNPRESERVE, "unpreserve");
	/* the next kernel restores these */
	if (!err)
		err = bench_measure(bench, BENCH_PRESERVE, "preserve-again");
	if (!err)
		err = kho_add_subtree(BENCH_SUBTREE, ser, sizeof(*ser));
	return err;
}

static int bench_second(struct bench *bench, const struct bench_ser *ser)
{
	int err;

	for (int s = 0; s < ARRAY_SIZE(schemes); s++)
		bench->states[s] = phys_to_virt(ser->states[s]);

	err = bench_metadata(bench);
	if (!err)
		err = bench_measure(bench, BENCH_RESTORE, "restore");
	if (err)
		return err;

	for (int s = 0; s < ARRAY_SIZE(schemes); s++) {
		for (unsigned int i = 0; i < bench->count; i++) {
			struct bench_buffer *buffer = &bench->buffers[s][i];

			if (*(u64 *)buffer->cpu_addr != ((u64)s << 32) + i) {
				pr_err("kho_bench: %s: allocation %u has other content than before\n",
				       schemes[s].name, i);
				return -EIO;
			}
			dma_free_coherent(bench->dev, PAGE_SIZE, buffer->cpu_addr,
					  buffer->dma_addr);
		}
	}
	return 0;
}

static int bench_buffers(struct bench *bench)
{
	for (int s = 0; s < ARRAY_SIZE(schemes); s++) {
		bench->buffers[s] = kvcalloc(bench->count, sizeof(**bench->buffers), GFP_KERNEL);
		if (!bench->buffers[s])
			return -ENOMEM;
	}
	return 0;
}

static int __init kho_bench_init(void)
{
	const struct bench_ser *ser = NULL;
	struct bench bench = { .count = count };
	struct platform_device *pdev;
	phys_addr_t phys;
	size_t size;
	int err;

	pdev = platform_device_register_simple("kho_bench", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	bench.dev = &pdev->dev;

	err = dma_coerce_mask_and_coherent(bench.dev, DMA_BIT_MASK(64));
	if (err)
		return err;

	if (!kho_retrieve_subtree(BENCH_SUBTREE, &phys, &size) && size == sizeof(*ser)) {
		ser = phys_to_virt(phys);
		bench.count = ser->count;
	}

	/* do not clean up after a failure, because the machine then ends */
	err = bench_buffers(&bench);
	if (!err)
		err = ser ? bench_second(&bench, ser) : bench_first(&bench);
	if (err)
		pr_err("kho_bench: failed: %d\n", err);
	else
		pr_info("kho_bench: done\n");
	return err;
}
module_init(kho_bench_init);

MODULE_DESCRIPTION("Measure the preservation of DMA allocations beside the RFC's scheme");
MODULE_LICENSE("GPL");
