// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * RAM that kexec_file_load tells the target of. It is the map with which the running kernel was
 * booted: memory that was added later (ACPI DIMM, virtio-mem, dax/kmem) is not in it. With kexec_load,
 * kexec-tools passes the same map on arm64. On x86 it also passes memory that /sys/firmware/memmap
 * or /proc/iomem calls "System RAM", a DIMM for example. This does not count that.
 */
#include <elf.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fdt_check.h"
#include "files.h"
#include "ranges.h"
#include "source.h"
#include "target.h"
#include "abi/efi_memory.h"
#include "abi/x86_boot.h"

#define BOOT_PARAMS	"/sys/kernel/boot_params/data"
#define SETUP_DATA	"/sys/kernel/boot_params/setup_data"
#define DEVICE_TREE	"/sys/firmware/fdt"
#define MAX_FILE	(4u << 20)	/* a map has up to thousands of entries of tens of bytes */
#define MAX_SETUP_DATA	1000

/* ------------------------------------------------------------------- x86 */

struct e820 {
	struct x86_e820_entry *entries;
	size_t n;
};

static int add_entries(struct e820 *e820, const void *data, size_t n, struct kho_error *err)
{
	struct x86_e820_entry *entries = realloc(e820->entries, (e820->n + n + 1) * sizeof(*entries));

	if (!entries)
		return kho_fail_nomem(err);
	memcpy(entries + e820->n, data, n * sizeof(*entries));
	e820->entries = entries;
	e820->n += n;
	return 0;
}

static int read_boot_params(const struct kho_files *files, struct e820 *e820, struct kho_error *err)
{
	size_t size, n;
	char *data;
	int ret;

	ret = kho_files_read(files, BOOT_PARAMS, MAX_FILE, &data, &size, err);
	if (ret)
		return ret;
	n = size > X86_E820_COUNT_AT ? (unsigned char)data[X86_E820_COUNT_AT] : 0;
	if (!n || n > X86_E820_MAX || size < X86_E820_TABLE_AT + n * sizeof(*e820->entries))
		ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, BOOT_PARAMS " has no memory map");
	else
		ret = add_entries(e820, data + X86_E820_TABLE_AT, n, err);
	free(data);
	return ret;
}

/* Adds the entries of one node of setup_data, if it has any. KHO_ERR_NOT_FOUND after the last node. */
static int read_setup_data(const struct kho_files *files, unsigned int i, struct e820 *e820,
			   struct kho_error *err)
{
	char path[sizeof(SETUP_DATA) + 32], *data;
	int ret, used = snprintf(path, sizeof(path), SETUP_DATA "/%u", i);
	size_t size;

	if (!kho_files_exist(files, path))
		return KHO_ERR_NOT_FOUND;
	strcpy(path + used, "/type");
	ret = kho_files_read(files, path, MAX_FILE, &data, &size, err);
	if (ret)
		return ret;
	if (strtoul(data, NULL, 16) == X86_SETUP_E820_EXT) {
		free(data);
		strcpy(path + used, "/data");
		/* a limit for all nodes: sparse files take no space */
		ret = kho_files_read(files, path, MAX_FILE - e820->n * sizeof(*e820->entries), &data, &size, err);
		if (ret)
			return ret;
		ret = add_entries(e820, data, size / sizeof(*e820->entries), err);
	}
	free(data);
	return ret;
}

static int compare_entries(const void *a, const void *b)
{
	const struct x86_e820_entry *left = a, *right = b;

	return left->addr < right->addr ? -1 : left->addr > right->addr;
}

/*
 * Merges entries as e820__update_table() in arch/x86/kernel/e820.c does. False if they overlap: then
 * this is left to has_range() of target_memory.c.
 */
static bool merge_entries(struct e820 *e820)
{
	size_t n = 0;

	qsort(e820->entries, e820->n, sizeof(*e820->entries), compare_entries);
	for (size_t i = 0; i < e820->n; i++) {
		struct x86_e820_entry *last = n ? &e820->entries[n - 1] : NULL;
		struct x86_e820_entry entry = e820->entries[i];

		if (last && entry.addr - last->addr < last->size)
			return false;
		if (last && entry.addr - last->addr == last->size && entry.type == last->type)
			last->size += entry.size;
		else if (entry.size)
			e820->entries[n++] = entry;
	}
	e820->n = n;
	return true;
}

/* setup_e820_entries() in arch/x86/kernel/kexec-bzimage64.c passes the first entries only. */
static int cut_entries(struct e820 *e820, struct kho_error *err)
{
	if (merge_entries(e820)) {
		if (e820->n > X86_E820_MAX)
			e820->n = X86_E820_MAX;
		return 0;
	}
	/* entries that overlap can become twice as many */
	if (e820->n > X86_E820_MAX / 2)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"the %zu entries of the machine's memory map overlap", e820->n);
	return 0;
}

static int take_e820(const struct e820 *e820, struct kho_target_memory *out, struct kho_error *err)
{
	out->ram = calloc(e820->n + 1, sizeof(*out->ram));
	out->taken = calloc(e820->n + 1, sizeof(*out->taken));
	if (!out->ram || !out->taken)
		return kho_fail_nomem(err);
	for (size_t i = 0; i < e820->n; i++) {
		const struct x86_e820_entry *entry = &e820->entries[i];

		/* of two types for an address, the one with the higher number counts */
		if (entry->type == X86_E820_RAM)
			kho_target_add_range(out->ram, &out->nr_ram, entry->addr, entry->size);
		else
			kho_target_add_range(out->taken, &out->nr_taken, entry->addr, entry->size);
	}
	return 0;
}

static int read_e820(const struct kho_files *files, struct kho_target_memory *out,
		     struct kho_error *err)
{
	struct e820 e820 = { NULL, 0 };
	int ret = read_boot_params(files, &e820, err);

	for (unsigned int i = 0; !ret && i < MAX_SETUP_DATA; i++)
		ret = read_setup_data(files, i, &e820, err);
	if (!ret || ret == KHO_ERR_NOT_FOUND)
		ret = cut_entries(&e820, err);
	if (!ret)
		ret = take_e820(&e820, out, err);
	free(e820.entries);
	return ret;
}

/* ----------------------------------------------------------------- arm64 */

static int bad_tree(struct kho_error *err, const char *what)
{
	return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, DEVICE_TREE " %s", what);
}

/* A number of @cells cells. */
static uint64_t take_cells(const fdt32_t **cell, int cells)
{
	uint64_t value = 0;

	for (int i = 0; i < cells; i++)
		value = value << 32 | fdt32_to_cpu(*(*cell)++);
	return value;
}

/* A property of /chosen with one number; false if it is not there. */
static bool chosen_number(const void *fdt, const char *name, uint64_t *value)
{
	int len, chosen = fdt_path_offset(fdt, "/chosen");
	const fdt32_t *cell = chosen < 0 ? NULL : fdt_getprop(fdt, chosen, name, &len);

	if (!cell || (len != 4 && len != 8))
		return false;
	*value = take_cells(&cell, len / 4);
	return true;
}

/* reserve_regions() in drivers/firmware/efi/efi-init.c */
static bool efi_is_memory(const struct efi_memory_descriptor *md)
{
	return md->attribute & (EFI_MEMORY_WB | EFI_MEMORY_WT | EFI_MEMORY_WC) &&
	       !(md->attribute & EFI_MEMORY_SP);
}

/* The stub left the firmware's map in memory, and each kexec hands it on. */
static int read_efi_map(struct kho_source *source, const void *fdt, uint64_t addr,
			struct kho_target_memory *out, struct kho_error *err)
{
	struct efi_memory_descriptor md;
	uint64_t size, step;
	char *map;
	int ret;

	if (!chosen_number(fdt, "linux,uefi-mmap-size", &size) ||
	    !chosen_number(fdt, "linux,uefi-mmap-desc-size", &step) ||
	    step < sizeof(md) || size < step || size > MAX_FILE)
		return bad_tree(err, "does not say how large the map of the firmware (EFI) is");
	map = malloc(size);
	out->ram = calloc(size / step, sizeof(*out->ram));
	ret = map && out->ram ? kho_source_read(source, addr, map, size, err) : kho_fail_nomem(err);
	for (uint64_t at = 0; !ret && size - at >= step; at += step) {
		memcpy(&md, map + at, sizeof(md));
		if (efi_is_memory(&md) && md.pages <= UINT64_MAX / EFI_PAGE)
			kho_target_add_range(out->ram, &out->nr_ram, md.addr, md.pages * EFI_PAGE);
	}
	free(map);
	return ret;
}

/* Adds the ranges of one memory node: early_init_dt_scan_memory() in drivers/of/fdt.c */
static int add_node(const void *fdt, int node, int addr_cells, int size_cells,
		    struct kho_target_memory *out, struct kho_error *err)
{
	int len;
	const fdt32_t *cell = fdt_getprop(fdt, node, "linux,usable-memory", &len), *end;
	struct kho_range *ram;

	if (!cell)
		cell = fdt_getprop(fdt, node, "reg", &len);
	if (!cell)
		return 0;
	end = cell + len / 4;
	ram = realloc(out->ram, (out->nr_ram + (size_t)len / 4 + 1) * sizeof(*ram));
	if (!ram)
		return kho_fail_nomem(err);
	out->ram = ram;
	while (end - cell >= addr_cells + size_cells) {
		uint64_t addr = take_cells(&cell, addr_cells);

		kho_target_add_range(out->ram, &out->nr_ram, addr, take_cells(&cell, size_cells));
	}
	return 0;
}

static bool is_memory_node(const void *fdt, int node)
{
	const char *type = fdt_getprop(fdt, node, "device_type", NULL);
	const char *status = fdt_getprop(fdt, node, "status", NULL);

	return type && !strcmp(type, "memory") &&
	       (!status || !strcmp(status, "okay") || !strcmp(status, "ok"));
}

static int read_memory_nodes(const void *fdt, struct kho_target_memory *out, struct kho_error *err)
{
	/* once: libfdt searches all properties of the root */
	int addr_cells = fdt_address_cells(fdt, 0), size_cells = fdt_size_cells(fdt, 0), node, ret = 0;

	if (addr_cells < 1 || addr_cells > 2 || size_cells < 1 || size_cells > 2)
		return bad_tree(err, "has addresses that are not of 32 or 64 bits");
	fdt_for_each_subnode(node, fdt, 0) {
		if (!ret && is_memory_node(fdt, node))
			ret = add_node(fdt, node, addr_cells, size_cells, out, err);
	}
	if (!ret && !out->nr_ram)
		return bad_tree(err, "has no memory");
	return ret;
}

static int read_device_tree(struct kho_source *source, struct kho_target_memory *out,
			    struct kho_error *err)
{
	uint64_t addr;
	size_t size;
	char *fdt;
	int ret;

	ret = kho_files_read(source->files, DEVICE_TREE, MAX_FILE, &fdt, &size, err);
	if (ret)
		return ret;
	if (kho_fdt_check(fdt, size))
		ret = bad_tree(err, "is not a sound device tree");
	else if (chosen_number(fdt, "linux,uefi-mmap-start", &addr))
		ret = read_efi_map(source, fdt, addr, out, err);
	else
		ret = read_memory_nodes(fdt, out, err);
	free(fdt);
	return ret;
}

/* -------------------------------------------------------------------- all */

int kho_target_read_ram(struct kho_source *source, struct kho_target_memory *out,
			struct kho_error *err)
{
	int ret;

	*out = (struct kho_target_memory){ 0 };
	if (!source->files)
		return KHO_ERR_NOT_FOUND;
	ret = source->machine == EM_AARCH64 ? read_device_tree(source, out, err) :
					      read_e820(source->files, out, err);
	if (ret) {
		kho_target_memory_free(out);
		return ret == KHO_ERR_NOT_FOUND ? KHO_ERR_FORMAT : ret;
	}
	out->nr_ram = kho_ranges_merge(out->ram, out->nr_ram);
	out->nr_taken = kho_ranges_merge(out->taken, out->nr_taken);
	return 0;
}

void kho_target_memory_free(struct kho_target_memory *memory)
{
	free(memory->ram);
	free(memory->taken);
	*memory = (struct kho_target_memory){ 0 };
}
