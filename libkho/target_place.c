// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Places a kernel like the kernel's own loader: bzImage64_load() in
 * arch/x86/kernel/kexec-bzimage64.c, image_load() and load_other_segments() in
 * arch/arm64/kernel/kexec_image.c and machine_kexec_file.c, kho_locate_mem_hole() and
 * locate_mem_hole_top_down() in kernel/liveupdate/kexec_handover.c and kernel/kexec_file.c, all of
 * Linux 7.3.
 */
#include "target.h"

#define PAGE		4096ull
#define MAX_PIECES	5
#define ANY_ADDR	0x3000	/* MIN_PURGATORY_ADDR, MIN_BOOTPARAM_ADDR */
#define INITRD_MIN	(16ull << 20)
#define TABLE_ALIGN	(64ull << 10)

/* The size of an arm64 device tree is unknown before the load; real ones are smaller. */
#define ARM64_DTB_SIZE	(256ull << 10)
#define ARM64_DTB_ALIGN	(2ull << 20)
#define ARM64_WINDOW	(32ull << 30)	/* window for kernel and initrd */
#define ARM64_UNIT	(1ull << 30)	/* alignment of the window */

struct piece {
	uint64_t size, align, min;
	uint64_t max;		/* upper bound of its end; 0: none */
	bool bottom_up;		/* use the lowest address instead of the highest */
};

static uint64_t align_down(uint64_t value, uint64_t align)
{
	return value - value % align;
}

/* Finds the first of the @n ranges in @used that overlaps [@addr, @addr + @size), or NULL. */
static const struct kho_range *find_used(const struct kho_range *used, size_t n, uint64_t addr,
					 uint64_t size)
{
	for (size_t i = 0; i < n; i++) {
		if (used[i].addr < addr + size && addr < used[i].addr + used[i].size)
			return &used[i];
	}
	return NULL;
}

/* Finds the highest address for @piece in [@from, @end) outside the @n ranges in @used; false if none. */
static bool place_high(const struct piece *piece, uint64_t from, uint64_t end,
		       const struct kho_range *used, size_t n, uint64_t *addr)
{
	const struct kho_range *other;

	for (;;) {
		if (end < piece->size)
			return false;
		*addr = align_down(end - piece->size, piece->align);
		if (*addr < from)
			return false;
		other = find_used(used, n, *addr, piece->size);
		if (!other)
			return true;
		end = other->addr;
	}
}

/* Finds the lowest address in the same way. */
static bool place_low(const struct piece *piece, uint64_t from, uint64_t end,
		      const struct kho_range *used, size_t n, uint64_t *addr)
{
	const struct kho_range *other;

	for (;;) {
		if (from > end || end - from < piece->align)
			return false;
		*addr = align_down(from + piece->align - 1, piece->align);
		if (end - *addr < piece->size)
			return false;
		other = find_used(used, n, *addr, piece->size);
		if (!other)
			return true;
		from = other->addr + other->size;
	}
}

/* Puts @piece into the first area that has room, and adds it to @used. */
static bool place(struct piece piece, const struct kho_range *scratch, size_t nr_scratch,
		  struct kho_range *used, size_t *n)
{
	if (piece.size > UINT64_MAX - PAGE)
		return false;
	piece.size = align_down(piece.size + PAGE - 1, PAGE);
	if (!piece.size)
		return true;
	for (size_t i = 0; i < nr_scratch; i++) {
		uint64_t from = scratch[i].addr, end = from + scratch[i].size, addr;

		if (scratch[i].size < piece.size || from > UINT64_MAX - scratch[i].size)
			continue;
		if (from < piece.min)
			from = piece.min;
		if (piece.max && end > piece.max)
			end = piece.max;
		if (!(piece.bottom_up ? place_low : place_high)(&piece, from, end, used, *n, &addr))
			continue;
		used[(*n)++] = (struct kho_range){ addr, piece.size };
		return true;
	}
	return false;
}

/* Order of the loader: purgatory, parameters, kernel, initrd, table of scratch. */
static bool x86_fits(const struct kho_target *target, uint64_t initrd_size,
		     const struct kho_range *scratch, size_t nr_scratch)
{
	uint64_t align = target->memory_align ? target->memory_align : PAGE;
	const struct piece pieces[MAX_PIECES] = {
		{ .size = 5 * PAGE, .align = PAGE, .min = ANY_ADDR },
		{ .size = 2 * PAGE, .align = PAGE, .min = ANY_ADDR },
		{ .size = target->memory_size, .align = align, .min = target->memory_min },
		{ .size = initrd_size, .align = PAGE, .min = INITRD_MIN },
		{ .size = PAGE, .align = TABLE_ALIGN },
	};
	struct kho_range used[MAX_PIECES];
	size_t n = 0;

	for (size_t i = 0; i < MAX_PIECES; i++) {
		if (!place(pieces[i], scratch, nr_scratch, used, &n))
			return false;
	}
	return true;
}

static uint64_t area_end(const struct kho_range *scratch, uint64_t addr)
{
	while (addr < scratch->addr || addr - scratch->addr >= scratch->size)
		scratch++;
	return scratch->addr + scratch->size;
}

/*
 * Initrd and device tree lie above the kernel. If they do not fit, the loader moves the kernel up,
 * step by step. Within an area that only reduces their room, so this tries the next area.
 */
static bool arm64_fits(const struct kho_target *target, uint64_t initrd_size,
		       const struct kho_range *scratch, size_t nr_scratch)
{
	uint64_t align = target->memory_align ? target->memory_align : PAGE;
	struct piece kernel = { .size = target->memory_size, .align = align, .bottom_up = true };
	struct piece initrd = { .size = initrd_size, .align = PAGE, .bottom_up = true };
	struct piece dtb = { .size = ARM64_DTB_SIZE, .align = ARM64_DTB_ALIGN };
	const struct piece table = { .size = PAGE, .align = TABLE_ALIGN };
	struct kho_range used[MAX_PIECES];
	size_t n = 0;

	for (;; n = 0) {
		if (!place(kernel, scratch, nr_scratch, used, &n))
			return false;
		initrd.min = used[0].addr + used[0].size;
		initrd.max = align_down(used[0].addr, ARM64_UNIT) + ARM64_WINDOW;
		dtb.min = initrd.min;
		kernel.min = area_end(scratch, used[0].addr);
		if (place(initrd, scratch, nr_scratch, used, &n) &&
		    place(dtb, scratch, nr_scratch, used, &n))
			break;
	}
	return place(table, scratch, nr_scratch, used, &n);
}

int kho_target_fits(const struct kho_target *target, uint64_t initrd_size,
		    const struct kho_range *scratch, size_t nr_scratch)
{
	if (!target->memory_size)
		return KHO_ERR_UNSUPPORTED;
	return kho_target_is_arm64(target) ? arm64_fits(target, initrd_size, scratch, nr_scratch) :
					     x86_fits(target, initrd_size, scratch, nr_scratch);
}
