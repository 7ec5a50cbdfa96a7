// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>

#include "ranges.h"

static int range_compare(const void *a, const void *b)
{
	const struct kho_range *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

void kho_ranges_sort(struct kho_range *ranges, size_t n)
{
	if (n)
		qsort(ranges, n, sizeof(*ranges), range_compare);
}

size_t kho_ranges_merge(struct kho_range *ranges, size_t n)
{
	size_t kept = 0;

	if (!n)
		return 0;

	kho_ranges_sort(ranges, n);
	for (size_t i = 1; i < n; i++) {
		uint64_t end = ranges[kept].addr + ranges[kept].size;
		uint64_t next_end = ranges[i].addr + ranges[i].size;

		if (ranges[i].addr > end)
			ranges[++kept] = ranges[i];
		else if (next_end > end)
			ranges[kept].size = next_end - ranges[kept].addr;
	}
	return kept + 1;
}

bool kho_ranges_contain(const struct kho_range *ranges, size_t n, uint64_t addr,
			uint64_t size)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (addr < ranges[mid].addr)
			high = mid;
		else if (addr - ranges[mid].addr >= ranges[mid].size)
			low = mid + 1;
		else
			return size <= ranges[mid].size - (addr - ranges[mid].addr);
	}
	return false;
}

bool kho_ranges_meet(const struct kho_range *ranges, size_t n, uint64_t addr, uint64_t size)
{
	size_t low = 0, high = n;

	/* find the first range that does not end before @addr */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (addr >= ranges[mid].addr && addr - ranges[mid].addr >= ranges[mid].size)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && size && (ranges[low].addr <= addr || ranges[low].addr - addr < size);
}
