// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reads a preserved-memory-map of any format as one stream of sorted ranges. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "error.h"
#include "map.h"

static const struct kho_map_format *format_of(enum kho_abi abi)
{
	switch (abi) {
	case KHO_ABI_V1: return &kho_map_bitmap;
	case KHO_ABI_V3:
	case KHO_ABI_V4: return &kho_map_radix;
	case KHO_ABI_UNKNOWN: break;
	}
	return NULL;
}

int kho_map_open(struct kho_source *source, const struct kho_root *root, unsigned int v1_bitmap,
		 struct kho_map **out, struct kho_error *err)
{
	struct kho_map place = {
		.format = format_of(root->abi), .source = source, .addr = root->map_addr,
		.v1_bitmap = v1_bitmap,
	};

	if (root->side == KHO_SIDE_IN)
		return kho_fail(err, KHO_ERR_NOT_PRESENT, KHO_NO_ADDR,
				"the incoming preserved-memory-map is gone: the kernel frees it once it has read it");
	if (!place.format)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"the preserved-memory-map of \"%s\" cannot be read by this version",
				root->compatible);
	return place.format->open(&place, out, err);
}

void kho_map_close(struct kho_map *map)
{
	if (map)
		map->format->close(map);
}

int kho_map_begin(struct kho_map *map, struct kho_map_iter **out, struct kho_error *err)
{
	return map->format->begin(map, out, err);
}

int kho_map_iter_next(struct kho_map_iter *iter, struct kho_map_entry *entry,
		      struct kho_error *err)
{
	return iter->map->format->next(iter, entry, err);
}

void kho_map_iter_destroy(struct kho_map_iter *iter)
{
	if (iter)
		iter->map->format->end(iter);
}

int kho_map_covers(struct kho_map *map, uint64_t addr, uint64_t size, struct kho_error *err)
{
	uint64_t last;

	if (!size || __builtin_add_overflow(addr, size - 1, &last))
		return kho_fail(err, KHO_ERR_USAGE, addr, "0x%" PRIx64 "+0x%" PRIx64 " is not a range",
				addr, size);

	while (addr <= last) {
		uint64_t end;
		int ret = map->format->covered_until(map, addr, size, &end, err);

		if (ret)
			return ret;
		if (end <= addr)
			return 0;
		addr = end;
	}
	return 1;
}

struct nodes {
	uint64_t *list;
	size_t n, room;
	bool failed;
};

static int keep_node(uint64_t addr, void *data)
{
	struct nodes *nodes = data;

	if (nodes->n == nodes->room) {
		size_t room = nodes->room ? 2 * nodes->room : 64;
		uint64_t *list = reallocarray(nodes->list, room, sizeof(*list));

		if (!list) {
			nodes->failed = true;
			return 1;
		}
		nodes->list = list;
		nodes->room = room;
	}
	nodes->list[nodes->n++] = addr;
	return 0;
}

static int compare_nodes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int kho_map_nodes(struct kho_map *map, int (*fn)(uint64_t addr, void *data), void *data,
		  struct kho_error *err)
{
	struct nodes nodes = { 0 };
	int ret = map->format->for_each_node(map, keep_node, &nodes, err);

	if (!ret && nodes.failed)
		ret = kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	/* the formats' hash tables have another order in each process */
	if (!ret && nodes.n)
		qsort(nodes.list, nodes.n, sizeof(*nodes.list), compare_nodes);
	for (size_t i = 0; !ret && i < nodes.n; i++) {
		if (fn(nodes.list[i], data))
			break;
	}
	free(nodes.list);
	return ret;
}

int kho_map_leaves(struct kho_map *map, int (*fn)(const struct kho_map_leaf *leaf, void *data),
		   void *data, struct kho_error *err)
{
	return map->format->for_each_leaf(map, fn, data, err);
}

int kho_map_has_larger(struct kho_map *map, uint64_t addr, uint64_t size, unsigned int order,
		       struct kho_error *err)
{
	return map->format->has_larger(map, addr, size, order, err);
}
