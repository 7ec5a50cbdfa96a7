// SPDX-License-Identifier: LGPL-2.1-or-later
/* Hash table with open addressing, at most half full. 0 marks a free slot. */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "addr_set.h"
#include "error.h"

uint64_t kho_addr_hash(uint64_t addr)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	XXH64_hash_t seed = 0;

	/* the seed differs in each process, so the maker of the input cannot know it */
	if (random)
		memcpy(&seed, random, sizeof(seed));
	return XXH64(&addr, sizeof(addr), seed);
}

static size_t slot_of(const struct kho_addr_set *set, uint64_t addr)
{
	size_t slot = kho_addr_hash(addr) & (set->room - 1);

	while (set->slots[slot] && set->slots[slot] != addr)
		slot = (slot + 1) & (set->room - 1);
	return slot;
}

static bool grow(struct kho_addr_set *set)
{
	struct kho_addr_set larger = { .room = set->room ? 2 * set->room : 64, .n = set->n };

	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < set->room; i++) {
		if (set->slots[i])
			larger.slots[slot_of(&larger, set->slots[i])] = set->slots[i];
	}
	free(set->slots);
	*set = larger;
	return true;
}

int kho_addr_set_add(struct kho_addr_set *set, uint64_t addr, struct kho_error *err)
{
	uint64_t *slot;

	if (set->n >= set->room / 2 && !grow(set))
		return kho_fail_nomem(err);

	slot = &set->slots[slot_of(set, addr)];
	if (*slot)
		return 0;
	*slot = addr;
	set->n++;
	return 1;
}

void kho_addr_set_free(struct kho_addr_set *set)
{
	free(set->slots);
	*set = (struct kho_addr_set){ 0 };
}
