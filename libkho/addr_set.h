/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of physical addresses, to detect loops in chains. */
#ifndef KHO_ADDR_SET_H
#define KHO_ADDR_SET_H

#include "kho.h"

/* All zeroes is an empty set. 0 cannot be a member. */
struct kho_addr_set {
	uint64_t *slots;
	size_t n, room;
};

/* Keyed hash, so that nobody can make an input whose addresses all collide. */
uint64_t kho_addr_hash(uint64_t addr);
/* Returns 1 if it added @addr, 0 if the set had it before, or KHO_ERR_NOMEM. */
int kho_addr_set_add(struct kho_addr_set *set, uint64_t addr, struct kho_error *err);
void kho_addr_set_free(struct kho_addr_set *set);

#endif /* KHO_ADDR_SET_H */
