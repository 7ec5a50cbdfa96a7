// SPDX-License-Identifier: LGPL-2.1-or-later
/* The preserved-memory-map as one stream of sorted ranges, whatever the ABI. */
#include <inttypes.h>
#include <stdlib.h>

#include "error.h"
#include "map.h"

struct kho_map_iter {
	struct kho_radix_iter *radix;	/* one of these, the other is NULL */
	struct kho_bitmap_iter *bitmap;
};

static bool is_bitmap(const struct kho_state *state)
{
	return state->abi == KHO_ABI_V1;
}

static int check_side(const struct kho_state *state, struct kho_error *err)
{
	if (state->side != KHO_SIDE_IN)
		return 0;
	return kho_fail(err, KHO_ERR_NOT_PRESENT, KHO_NO_ADDR,
			"the incoming preserved-memory-map is gone: the kernel frees it once it has read it");
}

int kho_map_iter_create(struct kho_state *state, struct kho_map_iter **out,
			struct kho_error *err)
{
	struct kho_map_iter *iter;
	int ret = check_side(state, err);

	if (ret)
		return ret;

	iter = calloc(1, sizeof(*iter));
	if (!iter)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");

	ret = is_bitmap(state) ? kho_bitmap_iter_create(state, &iter->bitmap, err)
			       : kho_radix_iter_create(state, &iter->radix, err);
	if (ret) {
		free(iter);
		return ret;
	}
	*out = iter;
	return 0;
}

int kho_map_iter_next(struct kho_map_iter *iter, struct kho_map_entry *entry,
		      struct kho_error *err)
{
	return iter->bitmap ? kho_bitmap_iter_next(iter->bitmap, entry, err)
			    : kho_radix_iter_next(iter->radix, entry, err);
}

void kho_map_iter_destroy(struct kho_map_iter *iter)
{
	if (!iter)
		return;
	kho_bitmap_iter_destroy(iter->bitmap);
	kho_radix_iter_destroy(iter->radix);
	free(iter);
}

static int covered_until(struct kho_state *state, uint64_t addr, uint64_t size,
			 uint64_t *end, struct kho_error *err)
{
	return is_bitmap(state) ? kho_bitmap_covered_until(state, addr, end, err)
				: kho_radix_covered_until(state, addr, size, end, err);
}

int kho_map_contains(struct kho_state *state, uint64_t addr, uint64_t size,
		     struct kho_error *err)
{
	uint64_t last;
	int ret;

	if (!size || __builtin_add_overflow(addr, size - 1, &last))
		return kho_fail(err, KHO_ERR_USAGE, addr, "0x%" PRIx64 "+0x%" PRIx64 " is no range",
				addr, size);
	ret = check_side(state, err);
	if (ret)
		return ret;

	while (addr <= last) {
		uint64_t end;

		ret = covered_until(state, addr, size, &end, err);
		if (ret)
			return ret;
		if (end <= addr)
			return 0;
		addr = end;
	}
	return 1;
}

int kho_map_for_each_node(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			  void *data, struct kho_error *err)
{
	int ret = check_side(state, err);

	if (ret)
		return ret;
	return is_bitmap(state) ? kho_bitmap_for_each_node(state, fn, data, err)
				: kho_radix_for_each_node(state, fn, data, err);
}

int kho_state_set_v1_bitmap(struct kho_state *state, unsigned int bytes)
{
	if (bytes && bytes != KHO_V1_SMALL_BITMAP && bytes != KHO_ABI_PAGE_SIZE)
		return KHO_ERR_USAGE;
	kho_bitmap_destroy(state->bitmap);
	state->bitmap = NULL;
	state->v1_bitmap = bytes;
	return 0;
}
