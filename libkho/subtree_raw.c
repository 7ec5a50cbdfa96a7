// SPDX-License-Identifier: LGPL-2.1-or-later
/* A subtree of an unknown format: shows an FDT as properties, anything else as bytes. */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "kho_output.h"

/* Bytes to show of a blob of unknown size (kho-v1), and of any blob. */
#define SIZE_UNKNOWN	256u
#define MAX_SHOWN	(64u << 10)
/* Bytes of one item. */
#define PART		4096u
#define MAX_DEPTH	16

static int decode_bytes(struct kho_decoder *d, const char *name, uint64_t addr,
			const unsigned char *bytes, size_t size)
{
	struct kho_item item = {
		.depth = d->depth, .type = KHO_ITEM_BYTES, .value = addr, .size = size,
		.bytes = bytes,
	};

	if (!d->walk->fn)
		return 0;
	kho_text(item.name, sizeof(item.name), name, strlen(name));
	return d->walk->fn(&item, d->walk->data) ? KHO_DECODE_STOPPED : 0;
}

static bool is_text(const char *value, int len)
{
	if (len < 2 || value[len - 1])
		return false;
	for (int i = 0; i < len - 1; i++) {
		if (value[i] < ' ' || value[i] > '~')
			return false;
	}
	return true;
}

static int decode_property(struct kho_decoder *d, const char *name, const void *value, int len)
{
	uint64_t number = 0;

	if (is_text(value, len))
		return kho_decode_text(d, name, value, (size_t)len);
	if (len == 4 || len == 8) {
		/* KHO's integers are native endian */
		if (len == 4) {
			uint32_t small;

			memcpy(&small, value, sizeof(small));
			number = small;
		} else {
			memcpy(&number, value, sizeof(number));
		}
		return kho_decode_hex(d, name, number);
	}
	return decode_bytes(d, name, KHO_NO_ADDR, value, (size_t)len);
}

static int decode_node(struct kho_decoder *d, const void *fdt, int node, int depth)
{
	int property, child, ret;

	fdt_for_each_property_offset(property, fdt, node) {
		const char *name;
		int len;
		const void *value = fdt_getprop_by_offset(fdt, property, &name, &len);

		if (!value)
			return kho_decode_corrupt(d, KHO_NO_ADDR, "an FDT has a property without a value");
		ret = decode_property(d, name, value, len);
		if (ret)
			return ret;
	}
	if (depth == MAX_DEPTH)
		return 0;
	fdt_for_each_subnode(child, fdt, node) {
		ret = kho_decode_group(d, fdt_get_name(fdt, child, NULL), "");
		if (!ret)
			ret = decode_node(d, fdt, child, depth + 1);
		kho_decode_end(d);
		if (ret)
			return ret;
	}
	return 0;
}

static int decode_as_bytes(struct kho_decoder *d, const struct kho_subtree *subtree)
{
	uint64_t size = subtree->size == KHO_SIZE_UNKNOWN ? SIZE_UNKNOWN : subtree->size;
	unsigned char part[PART];
	int ret;

	for (uint64_t done = 0; done < size; done += sizeof(part)) {
		size_t n = size - done < sizeof(part) ? (size_t)(size - done) : sizeof(part);

		if (done == MAX_SHOWN)
			return kho_decode_size(d, "not shown", size - done);
		ret = kho_decode_read(d, subtree->addr + done, part, n);
		if (!ret)
			ret = decode_bytes(d, "bytes", subtree->addr + done, part, n);
		if (ret)
			return ret;
	}
	return 0;
}

int kho_decode_raw(struct kho_decoder *d, const struct kho_subtree *subtree)
{
	struct kho_error *outer = d->err, local;
	void *fdt;
	int ret;

	if (d->walk->known_only)
		return 0;
	/* a blob need not be an FDT */
	d->err = &local;
	ret = kho_decode_fdt(d, subtree, &fdt);
	d->err = outer;
	if (ret == KHO_ERR_NOMEM)
		return kho_fail_nomem(d->err);
	if (ret)
		return ret == KHO_DECODE_STOPPED ? ret : decode_as_bytes(d, subtree);

	ret = decode_node(d, fdt, 0, 0);
	free(fdt);
	return ret;
}
