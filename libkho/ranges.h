/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arrays of physical ranges. */
#ifndef KHO_RANGES_H
#define KHO_RANGES_H

#include "kho.h"

/* Sorts by address. */
void kho_ranges_sort(struct kho_range *ranges, size_t n);
/* Sorts by address and merges ranges that touch. Returns the new count. */
size_t kho_ranges_merge(struct kho_range *ranges, size_t n);
/* True if [addr, addr+size) lies within one of the sorted, merged ranges. */
bool kho_ranges_contain(const struct kho_range *ranges, size_t n, uint64_t addr,
			uint64_t size);
/* True if [addr, addr+size) overlaps one of the sorted, merged ranges. */
bool kho_ranges_meet(const struct kho_range *ranges, size_t n, uint64_t addr, uint64_t size);

#endif /* KHO_RANGES_H */
