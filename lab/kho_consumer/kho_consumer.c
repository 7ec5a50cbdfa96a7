// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A test driver that uses preserved DMA allocations as the SMMUv3 driver does:
 * - Its platform devices have other names in each kernel.
 * - It probes at subsys_initcall.
 * - It restores managed tables, preserves them again and frees them.
 * - It keeps the cookies in memory of kho_alloc_preserve().
 * - It computes the sizes of the tables and does not hand them over.
 *
 * The kernel of the test machines contains it. It does nothing unless the command line has
 * kho_consumer.tables=N. It writes its results to the log. A line with "FAILED" is an error.
 */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>

#define CONSUMER_SUBTREE	"kho-consumer"
#define CONSUMER_DEVICES	2
#define CONSUMER_MAX_TABLES	64
#define CONSUMER_LESS		96	/* bytes; less than a page */

static unsigned int tables;
module_param(tables, uint, 0444);
MODULE_PARM_DESC(tables, "tables of each device, 64 at most (default: 0, do nothing)");

/* A device as the next kernel gets it. Its name is not part of it, because names change. */
struct consumer_device_ser {
	u64 base;		/* identifies the device, as the address of its registers would */
	u64 cookies_phys;	/* array of @nr cookies */
	u64 nr;
};

struct consumer_ser {
	u64 generation;
	struct consumer_device_ser devices[CONSUMER_DEVICES];
};

struct table {
	void *cpu_addr;
	dma_addr_t dma_addr;
	size_t size;
	u64 state;
};

struct consumer {
	struct device *dev;
	u64 base;
	u64 *cookies;
	struct table tables[CONSUMER_MAX_TABLES];
};

static struct consumer_ser incoming;	/* a copy; generation 0 if the previous kernel left none */
static u64 generation;			/* of this kernel; the first one has 1 */
static struct consumer *consumers[CONSUMER_DEVICES];

#define failed(consumer, fmt, ...) \
	dev_err((consumer)->dev, "FAILED: " fmt "\n", ##__VA_ARGS__)

/*
 * Returns the size that a register of the device would give. In every other kernel it is not a
 * multiple of the page size.
 */
static size_t table_size(u64 base, unsigned int slot)
{
	size_t size = slot ? PAGE_SIZE << (base / SZ_64K + slot) % 4 : SZ_64K;

	return size - (generation % 2 ? CONSUMER_LESS : 0);
}

/* Returns how many words have content. The count is the same in every kernel. */
static size_t table_words(const struct table *table)
{
	return (PAGE_ALIGN(table->size) - CONSUMER_LESS) / sizeof(u64);
}

/* The first word is the DMA address; the others depend on the device, the table and the index. */
static u64 table_word(const struct consumer *consumer, unsigned int slot, size_t i)
{
	u64 word = consumer->base + slot;

	return i ? (word + i) * 0x9e3779b97f4a7c15ull : consumer->tables[slot].dma_addr;
}

static void fill_table(struct consumer *consumer, unsigned int slot)
{
	u64 *words = consumer->tables[slot].cpu_addr;

	for (size_t i = 0; i < table_words(&consumer->tables[slot]); i++)
		words[i] = table_word(consumer, slot, i);
}

static bool is_intact(struct consumer *consumer, unsigned int slot)
{
	u64 *words = consumer->tables[slot].cpu_addr;

	for (size_t i = 0; i < table_words(&consumer->tables[slot]); i++) {
		if (words[i] != table_word(consumer, slot, i))
			return false;
	}
	return true;
}

static int alloc_table(struct consumer *consumer, unsigned int slot)
{
	struct table *table = &consumer->tables[slot];

	table->size = table_size(consumer->base, slot);
	table->cpu_addr = dmam_alloc_coherent(consumer->dev, table->size, &table->dma_addr,
					      GFP_KERNEL);
	if (!table->cpu_addr)
		return -ENOMEM;
	fill_table(consumer, slot);
	return 0;
}

/* ---------------------------------------------------------------- restore */

static int restore_table(struct consumer *consumer, unsigned int slot, u64 state)
{
	struct table *table = &consumer->tables[slot];
	dma_addr_t unused;
	int err;

	table->size = table_size(consumer->base, slot);
	/* the previous kernel sealed only the first table */
	err = dma_verify_allocation(consumer->dev, state);
	if (err != (slot ? -ENODATA : 0))
		failed(consumer, "wrong result of the check of table %u's seal: %d", slot, err);

	table->cpu_addr = dmam_restore_coherent_allocation(consumer->dev, table->size,
							   &table->dma_addr, GFP_KERNEL, state);
	if (!table->cpu_addr) {
		failed(consumer, "cannot restore table %u", slot);
		return -EIO;
	}
	if (!is_intact(consumer, slot))
		failed(consumer, "table %u has another address or content", slot);

	/* a cookie is valid for one restore */
	if (dma_restore_coherent_allocation(consumer->dev, table->size, &unused, GFP_KERNEL, state))
		failed(consumer, "the kernel restored table %u twice", slot);
	return 0;
}

static int restore_tables(struct consumer *consumer, const struct consumer_device_ser *ser)
{
	u64 *cookies = phys_to_virt(ser->cookies_phys);
	int err = 0;

	if (ser->nr != tables)
		err = -EINVAL;
	for (unsigned int slot = 0; !err && slot < tables; slot++)
		err = restore_table(consumer, slot, cookies[slot]);
	kho_restore_free(cookies);
	if (!err)
		dev_info(consumer->dev, "base %#llx, generation %llu: restored %u of %u tables, content intact\n",
			 consumer->base, generation, tables, tables);
	return err;
}

static int consumer_probe(struct platform_device *pdev)
{
	struct consumer *consumer;
	u64 state, *base = dev_get_platdata(&pdev->dev);
	int err;

	consumer = devm_kzalloc(&pdev->dev, sizeof(*consumer), GFP_KERNEL);
	if (!consumer)
		return -ENOMEM;
	consumer->dev = &pdev->dev;
	consumer->base = *base;

	err = dma_set_preservable(consumer->dev);
	if (err)
		failed(consumer, "the device cannot preserve memory: %d", err);
	if (incoming.generation) {
		unsigned int i = 0;

		while (i < CONSUMER_DEVICES - 1 && incoming.devices[i].base != *base)
			i++;
		err = restore_tables(consumer, &incoming.devices[i]);
	} else {
		for (unsigned int slot = 0; !err && slot < tables; slot++)
			err = alloc_table(consumer, slot);
	}
	if (err)
		return err;

	/* KHO has no outgoing tree at this initcall */
	err = dmam_preserve_coherent_allocation(consumer->dev, consumer->tables[0].cpu_addr,
						consumer->tables[0].size,
						consumer->tables[0].dma_addr, &state);
	if (err != -EPROBE_DEFER)
		failed(consumer, "preserving at subsys_initcall returned %d, not -EPROBE_DEFER", err);
	consumers[*base / SZ_64K % CONSUMER_DEVICES] = consumer;
	return 0;
}

static struct platform_driver consumer_driver = {
	.driver = { .name = "kho-smmu" },
	.probe = consumer_probe,
};

static void read_incoming(void)
{
	phys_addr_t phys;
	size_t size;

	if (!kho_retrieve_subtree(CONSUMER_SUBTREE, &phys, &size)) {
		memcpy(&incoming, phys_to_virt(phys), sizeof(incoming));
		kho_restore_free(phys_to_virt(phys));
	}
	generation = incoming.generation + 1;
}

/*
 * Registers the devices in another order in each kernel, and after a number of other devices. So the
 * name of a device belongs to another device in the next kernel.
 */
static int __init consumer_init(void)
{
	struct platform_device *pdev;
	int err;

	if (!tables)
		return 0;
	if (!kho_is_enabled() || tables > CONSUMER_MAX_TABLES) {
		pr_err("kho_consumer: FAILED: KHO is off, or tables= is above %u\n", CONSUMER_MAX_TABLES);
		return -EINVAL;
	}
	read_incoming();
	err = platform_driver_register(&consumer_driver);
	for (u64 i = 0; !err && i < generation % 3; i++) {
		pdev = platform_device_register_simple("kho-other", PLATFORM_DEVID_AUTO, NULL, 0);
		err = PTR_ERR_OR_ZERO(pdev);
	}
	for (u64 i = 0; !err && i < CONSUMER_DEVICES; i++) {
		u64 base = SZ_64K * (8 + (generation + i) % CONSUMER_DEVICES);
		struct platform_device_info info = {
			.name = "kho-smmu", .id = PLATFORM_DEVID_AUTO,
			.data = &base, .size_data = sizeof(base), .dma_mask = DMA_BIT_MASK(64),
		};

		pdev = platform_device_register_full(&info);
		err = PTR_ERR_OR_ZERO(pdev);
	}
	return err;
}
subsys_initcall(consumer_init);

/* --------------------------------------------------------------- preserve */

static int preserve_table(struct consumer *consumer, unsigned int slot)
{
	struct table *table = &consumer->tables[slot];

	return dmam_preserve_coherent_allocation(consumer->dev, table->cpu_addr, table->size,
						 table->dma_addr, &table->state);
}

static void unpreserve_table(struct consumer *consumer, unsigned int slot)
{
	struct table *table = &consumer->tables[slot];

	dmam_unpreserve_coherent_allocation(consumer->dev, table->cpu_addr, table->size,
					    table->dma_addr, table->state);
}

/* Frees a table, which may be a restored one, and allocates a new one. */
static int replace_table(struct consumer *consumer, unsigned int slot)
{
	struct table *table = &consumer->tables[slot];

	dmam_free_coherent(consumer->dev, table->size, table->cpu_addr, table->dma_addr);
	return alloc_table(consumer, slot);
}

/* Checks that a cookie is invalid after unpreserve, and that preserving again gives another cookie. */
static int preserve_again(struct consumer *consumer, unsigned int slot)
{
	u64 stale = consumer->tables[slot].state;
	int err;

	unpreserve_table(consumer, slot);
	if (dma_seal_allocation(consumer->dev, stale) != -ENOENT)
		failed(consumer, "the stale cookie of table %u is still valid", slot);
	err = preserve_table(consumer, slot);
	if (!err && consumer->tables[slot].state == stale)
		failed(consumer, "table %u got the same cookie again", slot);
	return err;
}

static int preserve_tables(struct consumer *consumer, struct consumer_device_ser *ser)
{
	int err = replace_table(consumer, generation % tables);

	for (unsigned int slot = 0; !err && slot < tables; slot++)
		err = preserve_table(consumer, slot);
	if (!err)
		err = preserve_again(consumer, (generation + 1) % tables);
	if (!err)
		err = dma_seal_allocation(consumer->dev, consumer->tables[0].state);
	if (err)
		return err;

	consumer->cookies = kho_alloc_preserve(tables * sizeof(u64));
	if (IS_ERR(consumer->cookies))
		return PTR_ERR(consumer->cookies);
	for (unsigned int slot = 0; slot < tables; slot++)
		consumer->cookies[slot] = consumer->tables[slot].state;
	*ser = (struct consumer_device_ser){
		.base = consumer->base,
		.cookies_phys = virt_to_phys(consumer->cookies),
		.nr = tables,
	};
	dev_info(consumer->dev, "base %#llx, generation %llu: preserved %u tables\n",
		 consumer->base, generation, tables);
	return 0;
}

/* The SMMUv3 driver does this when user space requests it. */
static int __init consumer_preserve(void)
{
	struct consumer_ser *ser;
	int err = 0;

	if (!tables || !generation)
		return 0;
	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->generation = generation;
	for (unsigned int i = 0; !err && i < CONSUMER_DEVICES; i++)
		err = consumers[i] ? preserve_tables(consumers[i], &ser->devices[i]) : -ENODEV;
	if (!err)
		err = kho_add_subtree(CONSUMER_SUBTREE, ser, sizeof(*ser));
	if (err)
		pr_err("kho_consumer: FAILED: cannot preserve: %d\n", err);
	return err;
}
late_initcall(consumer_preserve);
