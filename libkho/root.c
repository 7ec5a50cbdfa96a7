// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The root FDT: kernel/liveupdate/kexec_handover.c of Linux 7.1 to 7.3,
 * kernel/kexec_handover.c of 6.16 to 7.0.
 */
#include <libfdt.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "fdt_check.h"
#include "kho_output.h"
#include "root.h"

/* The kernel may be editing a live page. */
#define LIVE_TRIES	5

const char *kho_side_folder(enum kho_side side)
{
	return side == KHO_SIDE_IN ? "in" : "out";
}

void kho_root_copy(struct kho_root *to, const struct kho_root *from)
{
	memcpy(to, from, offsetof(struct kho_root, subtrees));
	memcpy(to->subtrees, from->subtrees, from->nr_subtrees * sizeof(from->subtrees[0]));
	memcpy(to->fdt, from->fdt, from->fdt_size);
}

bool kho_root_looks_like(const unsigned char *page, size_t size)
{
	const char *compatible;
	int len;

	if (fdt_magic(page) != FDT_MAGIC || fdt_totalsize(page) > size || kho_fdt_check(page, size))
		return false;
	compatible = fdt_getprop(page, 0, "compatible", &len);
	return compatible && len > 5 && !compatible[len - 1] && !strncmp(compatible, "kho-v", 5);
}

static enum kho_abi abi_of(const char *compatible, int len)
{
	static const struct {
		const char *name;
		enum kho_abi abi;
	} known[] = {
		{ "kho-v4", KHO_ABI_V4 }, { "kho-v3", KHO_ABI_V3 }, { "kho-v1", KHO_ABI_V1 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i].name);

		if (fdt_stringlist_contains(compatible, len, known[i].name))
			return known[i].abi;
		/* a composite such as "kho-v4;radix-v1" */
		if (!strncmp(compatible, known[i].name, n) && compatible[n] == ';')
			return known[i].abi;
	}
	return KHO_ABI_UNKNOWN;
}

/* Raw native-endian u64: not the big-endian cells of a device tree. */
static bool prop_u64(const void *fdt, int node, const char *name, uint64_t *value)
{
	int len;
	const void *prop = fdt_getprop(fdt, node, name, &len);

	if (!prop || len != (int)sizeof(*value))
		return false;
	memcpy(value, prop, sizeof(*value));
	return true;
}

static bool parse_subtree(const struct kho_root *root, int node, struct kho_subtree *subtree)
{
	const void *fdt = root->fdt;

	subtree->size = KHO_SIZE_UNKNOWN;
	if (root->abi == KHO_ABI_V1)
		return prop_u64(fdt, node, KHO_FDT_V1_DATA_PROP, &subtree->addr);
	return prop_u64(fdt, node, KHO_FDT_DATA_PROP, &subtree->addr) &&
	       prop_u64(fdt, node, KHO_FDT_SIZE_PROP, &subtree->size);
}

static void parse_subtrees(struct kho_root *root)
{
	int node;

	fdt_for_each_subnode(node, root->fdt, 0) {
		struct kho_subtree subtree = { 0 };
		const char *name = fdt_get_name(root->fdt, node, NULL);

		kho_text(subtree.name, sizeof(subtree.name), name ? name : "", name ? strlen(name) : 0);
		if (parse_subtree(root, node, &subtree) && root->nr_subtrees < KHO_MAX_SUBTREES)
			root->subtrees[root->nr_subtrees++] = subtree;
		else if (!root->bad_subtrees++)
			memcpy(root->bad_subtree, subtree.name, sizeof(subtree.name));
	}
}

static int cut_off(const struct kho_root *root, size_t size, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "debugfs kho/%s/fdt gives %zu of %u bytes: this kernel cuts it off, its state may be sound",
			   kho_side_folder(root->side), size, fdt_totalsize(root->fdt));

	return kho_remedy(err, ret, "Use a kernel with kernel-patches/, which has out/fdt_phys.");
}

int kho_root_parse(struct kho_root *root, enum kho_side side, enum kho_found_by found_by,
		   uint64_t addr, const void *page, size_t size, struct kho_error *err)
{
	const char *compatible;
	int len, ret;

	if (size > sizeof(root->fdt))
		return kho_fail(err, KHO_ERR_USAGE, addr, "a root FDT has at most %zu bytes",
				sizeof(root->fdt));
	memset(root, 0, offsetof(struct kho_root, subtrees));
	root->side = side;
	root->found_by = found_by;
	root->addr = addr;
	memcpy(root->fdt, page, size);

	if (found_by == KHO_FOUND_DEBUGFS && size >= sizeof(struct fdt_header) &&
	    fdt_magic(root->fdt) == FDT_MAGIC && fdt_totalsize(root->fdt) > size)
		return cut_off(root, size, err);
	ret = kho_fdt_check(root->fdt, size);
	if (ret)
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"the root FDT of side \"%s\" is not valid: %s",
				kho_side_folder(side), fdt_strerror(ret));
	root->fdt_size = fdt_totalsize(root->fdt);

	compatible = fdt_getprop(root->fdt, 0, "compatible", &len);
	if (!compatible || len < 1 || compatible[len - 1])
		return kho_fail(err, KHO_ERR_CORRUPT, addr,
				"the root FDT of side \"%s\" has no compatible string",
				kho_side_folder(side));

	kho_text(root->compatible, sizeof(root->compatible), compatible, strlen(compatible));
	root->abi = abi_of(compatible, len);
	if (!prop_u64(root->fdt, 0, KHO_FDT_MEMORY_MAP_PROP, &root->map_addr))
		root->map_addr = 0;
	parse_subtrees(root);
	return 0;
}

int kho_root_read(struct kho_root *root, struct kho_source *source, enum kho_side side,
		  enum kho_found_by found_by, uint64_t addr, struct kho_error *err)
{
	const size_t size = kho_source_page(source);
	unsigned char page[KHO_ABI_MAX_PAGE];
	int ret;

	for (int i = 0; ; i++) {
		ret = kho_source_read(source, addr, page, size, err);
		if (!ret)
			ret = kho_root_parse(root, side, found_by, addr, page, size, err);
		if (ret != KHO_ERR_CORRUPT || !source->changes || i == LIVE_TRIES)
			return ret;
		usleep(1000);
	}
}
