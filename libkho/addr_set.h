/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of physical addresses. */
#ifndef KHO_ADDR_SET_H
#define KHO_ADDR_SET_H

#include "kho.h"

/* Addresses that were come by (not 0); begins as all zeroes. */
struct kho_addr_set {
	uint64_t *slots;
	size_t n, room;
};

/*
 * Where an address belongs in a table: keyed, so that no input can be made in which all
 * addresses belong in one place.
 */
uint64_t kho_addr_hash(uint64_t addr);
/* 1: added; 0: it was there before; negative: out of memory. */
int kho_addr_set_add(struct kho_addr_set *set, uint64_t addr, struct kho_error *err);
void kho_addr_set_free(struct kho_addr_set *set);

#endif /* KHO_ADDR_SET_H */
