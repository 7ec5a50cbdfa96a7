// SPDX-License-Identifier: LGPL-2.1-or-later
/* The "kho_test" subtree of the kernel's own test, see abi/subtrees.h. */
#include <inttypes.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "abi/subtrees.h"

static int decode_folio(struct kho_decoder *d, const void *entry, void *data)
{
	const unsigned int shift = d->state->source->page_shift;
	uint64_t folio, order;

	(void)data;
	memcpy(&folio, entry, sizeof(folio));
	order = folio & ((1ull << shift) - 1);
	folio -= order;
	if (order > 64 - shift - 1)
		return kho_decode_corrupt(d, folio, "kho_test: a folio at 0x%" PRIx64 " of order %" PRIu64,
					  folio, order);
	return kho_decode_memory(d, "folio", folio, 1ull << (shift + order), "");
}

static int decode_data(struct kho_decoder *d, const void *fdt, int node)
{
	struct kho_vmalloc info;
	uint32_t n, csum;
	int ret;

	ret = kho_decode_prop(d, fdt, node, "nr_folios", &n, sizeof(n));
	if (!ret)
		ret = kho_decode_number(d, "nr_folios", n);
	if (!ret)
		ret = kho_decode_prop(d, fdt, node, "csum", &csum, sizeof(csum));
	if (!ret)
		ret = kho_decode_hex(d, "csum", csum);
	if (!ret)
		ret = kho_decode_prop(d, fdt, node, "folios_info", &info, sizeof(info));
	if (!ret)
		ret = kho_decode_vmalloc_array(d, &info, n, sizeof(uint64_t), decode_folio, NULL);
	return ret;
}

static int decode_test(struct kho_decoder *d, const void *fdt)
{
	uint32_t magic;
	bool known;
	int node, ret;

	ret = kho_decode_compatible(d, fdt, 0, KHO_TEST_COMPATIBLE, &known);
	if (ret || !known)
		return ret;
	ret = kho_decode_prop(d, fdt, 0, "magic", &magic, sizeof(magic));
	if (!ret)
		ret = kho_decode_hex(d, "magic", magic);
	if (ret)
		return ret;

	node = fdt_subnode_offset(fdt, 0, "data");
	if (node < 0)
		return kho_decode_corrupt(d, KHO_NO_ADDR, "kho_test has no node \"data\"");
	ret = kho_decode_group(d, "data", "");
	if (!ret)
		ret = decode_data(d, fdt, node);
	kho_decode_end(d);
	return ret;
}

int kho_decode_test(struct kho_decoder *d, const struct kho_subtree *subtree)
{
	void *fdt;
	int ret = kho_decode_fdt(d, subtree, &fdt);

	if (ret)
		return ret;
	ret = decode_test(d, fdt);
	free(fdt);
	return ret;
}
