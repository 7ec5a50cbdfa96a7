// SPDX-License-Identifier: GPL-2.0-or-later
/* Walks over the records and over the entries of the map. */
#include "inspect.h"

int for_each_record(struct opened *opened, bool progress,
		    int (*fn)(const struct kho_dma_record *record, void *data), void *data,
		    struct kho_error *err)
{
	struct kho_dma_header header = { 0 };
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	uint64_t done = 0;
	int ret;

	progress_begin(opened, "reading records");
	/* the total is only for the progress */
	if (progress)
		kho_dma_read_header(opened->state, &header, NULL);
	ret = kho_dma_iter_create(opened->state, &iter, err);
	if (ret)
		return ret == KHO_ERR_NOT_FOUND ? 0 : ret;
	while ((ret = kho_dma_iter_next(iter, &record, err)) > 0) {
		ret = fn(&record, data);
		if (ret)
			break;
		if (progress)
			progress_tell(opened, ++done, header.nr_records);
	}
	progress_hide(opened->progress);
	kho_dma_iter_destroy(iter);
	return ret;
}

/* End of RAM: the progress of a walk over the map, whose entries are sorted. */
static uint64_t ram_end(const struct kho_state *state)
{
	size_t n;
	const struct kho_range *ram = kho_state_ram(state, &n);

	return n ? ram[n - 1].addr + ram[n - 1].size : 0;
}

int for_each_entry(struct opened *opened, bool progress,
		   int (*fn)(const struct kho_map_entry *entry, void *data), void *data,
		   struct kho_error *err)
{
	const uint64_t end = progress ? ram_end(opened->state) : 0;
	struct kho_map_entry entry;
	struct kho_map_iter *iter;
	int ret;

	ret = kho_map_iter_create(opened->state, &iter, err);
	if (ret)
		return ret;
	progress_begin(opened, "reading the map");
	while ((ret = kho_map_iter_next(iter, &entry, err)) > 0) {
		ret = fn(&entry, data);
		if (ret)
			break;
		if (end)
			progress_tell(opened, entry.addr, end);
	}
	progress_hide(opened->progress);
	kho_map_iter_destroy(iter);
	return ret;
}
