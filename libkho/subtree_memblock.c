// SPDX-License-Identifier: LGPL-2.1-or-later
/* The "memblock" subtree: memory of reserve_mem=, see abi/subtrees.h. */
#include <libfdt.h>
#include <stdlib.h>

#include "decode.h"
#include "abi/subtrees.h"

static int decode_region(struct kho_decoder *d, const void *fdt, int node)
{
	uint64_t start, size;
	bool known;
	int ret;

	ret = kho_decode_compatible(d, fdt, node, RESERVE_MEM_COMPATIBLE, &known);
	if (ret || !known)
		return ret;
	ret = kho_decode_prop(d, fdt, node, "start", &start, sizeof(start));
	if (!ret)
		ret = kho_decode_prop(d, fdt, node, "size", &size, sizeof(size));
	return ret ? ret : kho_decode_memory(d, "memory", start, size, "");
}

static int decode_regions(struct kho_decoder *d, const void *fdt)
{
	bool known;
	int node, ret;

	ret = kho_decode_compatible(d, fdt, 0, MEMBLOCK_COMPATIBLE, &known);
	if (ret || !known)
		return ret;
	fdt_for_each_subnode(node, fdt, 0) {
		ret = kho_decode_group(d, fdt_get_name(fdt, node, NULL), "reserve_mem");
		if (!ret)
			ret = decode_region(d, fdt, node);
		kho_decode_end(d);
		if (ret)
			return ret;
	}
	return 0;
}

int kho_decode_memblock(struct kho_decoder *d, const struct kho_subtree *subtree)
{
	void *fdt;
	int ret = kho_decode_fdt(d, subtree, &fdt);

	if (ret)
		return ret;
	ret = decode_regions(d, fdt);
	free(fdt);
	return ret;
}
