// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Places an x86 kernel like the kernel's own loader: bzImage64_load() in
 * arch/x86/kernel/kexec-bzimage64.c, kho_locate_mem_hole() and locate_mem_hole_top_down() in
 * kernel/liveupdate/kexec_handover.c and kernel/kexec_file.c, all of Linux 7.3.
 */
#include "kho.h"

#define PAGE		4096ull
#define MAX_PIECES	5
#define ANY_ADDR	0x3000	/* MIN_PURGATORY_ADDR, MIN_BOOTPARAM_ADDR */
#define INITRD_MIN	(16ull << 20)
#define TABLE_ALIGN	(64ull << 10)

struct piece {
	uint64_t size, align, min;
};

static uint64_t align_down(uint64_t value, uint64_t align)
{
	return value - value % align;
}

/* Finds the highest address for @piece in @area outside the @n ranges in @used; false if none. */
static bool place_in(const struct piece *piece, const struct kho_range *area,
		     const struct kho_range *used, size_t n, uint64_t *addr)
{
	uint64_t least = area->addr > piece->min ? area->addr : piece->min;
	uint64_t end = area->addr + area->size;	/* end of the free part */
	bool again = true;

	while (again) {
		if (end < piece->size)
			return false;
		*addr = align_down(end - piece->size, piece->align);
		if (*addr < least)
			return false;
		again = false;
		for (size_t i = 0; i < n; i++) {
			if (used[i].addr >= *addr + piece->size ||
			    *addr >= used[i].addr + used[i].size)
				continue;
			end = used[i].addr;
			again = true;
			break;
		}
	}
	return true;
}

/* Puts @piece into the first area that has room, and adds it to @used. */
static bool place(const struct piece *piece, const struct kho_range *scratch, size_t nr_scratch,
		  struct kho_range *used, size_t *n)
{
	uint64_t addr;

	for (size_t i = 0; i < nr_scratch; i++) {
		if (scratch[i].size < piece->size || scratch[i].addr > UINT64_MAX - scratch[i].size)
			continue;
		if (!place_in(piece, &scratch[i], used, *n, &addr))
			continue;
		used[(*n)++] = (struct kho_range){ addr, piece->size };
		return true;
	}
	return false;
}

int kho_target_fits(const struct kho_target *target, uint64_t initrd_size,
		    const struct kho_range *scratch, size_t nr_scratch)
{
	uint64_t align = target->memory_align ? target->memory_align : PAGE;
	/* in the order of the loader: purgatory, parameters, kernel, initrd, table of scratch */
	struct piece pieces[MAX_PIECES] = {
		{ 5 * PAGE, PAGE, ANY_ADDR },
		{ 2 * PAGE, PAGE, ANY_ADDR },
		{ target->memory_size, align, target->memory_min },
		{ initrd_size, PAGE, INITRD_MIN },
		{ PAGE, TABLE_ALIGN, 0 },
	};
	struct kho_range used[MAX_PIECES];
	size_t n = 0;

	if (!target->memory_size)
		return KHO_ERR_UNSUPPORTED;
	for (size_t i = 0; i < MAX_PIECES; i++) {
		struct piece *piece = &pieces[i];

		if (piece->size > UINT64_MAX - PAGE)
			return 0;
		piece->size = align_down(piece->size + PAGE - 1, PAGE);
		if (piece->size && !place(piece, scratch, nr_scratch, used, &n))
			return 0;
	}
	return 1;
}
