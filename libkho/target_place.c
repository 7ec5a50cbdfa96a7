// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Places a kernel like the kernel's own loader: bzImage64_load() in
 * arch/x86/kernel/kexec-bzimage64.c, image_load() and load_other_segments() in
 * arch/arm64/kernel/kexec_image.c and machine_kexec_file.c, kho_locate_mem_hole() and
 * locate_mem_hole_top_down() in kernel/liveupdate/kexec_handover.c and kernel/kexec_file.c, all of
 * Linux 7.3. Finds room for what the kernel then reserves in scratch: setup_arch() on x86,
 * bootmem_init() on arm64.
 */
#include "target.h"

/*
 * With larger pages on arm64 the result is the same: scratch areas and the device tree have larger
 * alignments, and the size of a kernel is a multiple of its pages.
 */
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

/* arch/{x86,arm64}/include/asm/crash_reserve.h, include/linux/crash_reserve.h */
#define X86_CRASH_ALIGN		(16ull << 20)
#define ARM64_CRASH_ALIGN	(2ull << 20)
/* DEFAULT_CRASH_KERNEL_LOW_SIZE, without a swiotlb= that makes it larger on x86 */
#define X86_CRASH_LOW		(256ull << 20)
#define ARM64_CRASH_LOW		(128ull << 20)

/* pageblock_order in include/linux/pageblock-flags.h: a huge page. Without those it is larger. */
#define CMA_ALIGN(page)		((page) * (page) / 8)

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

/* ----------------------------------------------------- early reservations */

#define MAX_RESERVED	5	/* crash kernel, its low memory, CMA, kernel, initrd */

/* A piece, and the areas with the most space for it: each of the other pieces can be in one of them. */
struct reserved {
	struct piece piece;
	const struct kho_range *areas[MAX_RESERVED];
	size_t n;
};

/* Room for @piece in an area, from its first aligned address on. */
static uint64_t room_in(const struct piece *piece, const struct kho_range *area)
{
	uint64_t from = area->addr < piece->min ? piece->min : area->addr;
	uint64_t end = area->size > UINT64_MAX - area->addr ? UINT64_MAX : area->addr + area->size;
	uint64_t lost;

	if (piece->max && end > piece->max)
		end = piece->max;
	if (from >= end)
		return 0;
	lost = (piece->align - from % piece->align) % piece->align;
	return end - from > lost ? end - from - lost : 0;
}

static void find_areas(struct reserved *reserved, const struct kho_range *scratch, size_t nr_scratch)
{
	const struct piece *piece = &reserved->piece;

	for (size_t i = 0; i < nr_scratch; i++) {
		uint64_t room = room_in(piece, &scratch[i]);
		size_t k = reserved->n < MAX_RESERVED ? reserved->n++ : MAX_RESERVED;

		for (; k > 0 && room_in(piece, reserved->areas[k - 1]) < room; k--) {
			if (k < MAX_RESERVED)
				reserved->areas[k] = reserved->areas[k - 1];
		}
		if (k < MAX_RESERVED)
			reserved->areas[k] = &scratch[i];
	}
}

/* True if there are places for all of the @left pieces, each at an end of the free part of an area. */
static bool arrange(const struct reserved *reserved, size_t left, struct kho_range *used, size_t n)
{
	if (!left)
		return true;
	for (size_t i = 0; i < 2 * reserved->n; i++) {
		struct piece piece = reserved->piece;
		size_t now = n;

		piece.bottom_up = i % 2;
		if (place(piece, reserved->areas[i / 2], 1, used, &now) &&
		    arrange(reserved + 1, left - 1, used, now))
			return true;
	}
	return false;
}

/* True if there are places for the @n pieces beside @fixed, a range that is taken. Sets their areas. */
static bool have_places(struct reserved *reserved, size_t n, const struct kho_range *fixed,
			const struct kho_range *scratch, size_t nr_scratch)
{
	struct kho_range used[MAX_RESERVED + 1] = { *fixed };
	size_t wanted = 0;

	for (size_t i = 0; i < n; i++) {
		if (!reserved[i].piece.size)
			continue;
		reserved[wanted] = reserved[i];
		reserved[wanted].n = 0;
		find_areas(&reserved[wanted++], scratch, nr_scratch);
	}
	return arrange(reserved, wanted, used, fixed->size ? 1 : 0);
}

/* The crash kernel, and the low memory beside it, with all else. The largest alignment comes first. */
static bool all_fit(const struct kho_early_memory *need, bool with_cma, struct piece crash, struct piece low,
		    const struct kho_range *scratch, size_t nr_scratch)
{
	const struct kho_target *target = need->target;
	uint64_t align = target && target->memory_align ? target->memory_align : PAGE;
	uint64_t cma_align = CMA_ALIGN(target && target->page_size ? target->page_size : PAGE);
	struct piece cma = { .align = cma_align, .min = need->cma.base, .max = need->cma.limit };
	struct reserved reserved[MAX_RESERVED] = {
		{ .piece = crash }, { .piece = low }, { .piece = cma },
		{ .piece = { .size = target ? target->memory_size : 0, .align = align,
			     .min = target ? target->memory_min : 0 } },
		{ .piece = { .size = need->initrd_size, .align = PAGE } },
	};
	struct kho_range fixed = { need->cma.base, need->cma.size };

	if (!with_cma || !need->cma.fixed)
		fixed.size = 0;
	if (with_cma && !need->cma.fixed)
		reserved[2].piece.size = need->cma.size > UINT64_MAX - cma_align ? UINT64_MAX :
					 align_down(need->cma.size + cma_align - 1, cma_align);
	return have_places(reserved, MAX_RESERVED, &fixed, scratch, nr_scratch);
}

static bool crash_fits(const struct kho_early_memory *need, bool with_cma, uint64_t align, uint64_t low_end,
		       const struct kho_range *scratch, size_t nr_scratch)
{
	const struct kho_crash_request *request = &need->crash;
	struct piece crash = { .size = request->size, .align = align }, low = { .align = align, .max = low_end };

	/* reserve_crashkernel_generic() in kernel/crash_reserve.c. It prefers low memory or not: both do. */
	if (request->base) {
		crash.min = request->base;
		crash.max = request->base + request->size;
		return request->base % align == 0 && request->size <= UINT64_MAX - request->base &&
		       all_fit(need, with_cma, crash, low, scratch, nr_scratch);
	}
	crash.max = low_end;
	if (all_fit(need, with_cma, crash, low, scratch, nr_scratch))
		return true;
	crash.min = low_end;
	crash.max = 0;
	low.size = request->low;
	return all_fit(need, with_cma, crash, low, scratch, nr_scratch);
}

/* If CMA does not fit, the target continues without it, and then reserves the crash kernel. */
static bool early_fits(const struct kho_early_memory *need, uint64_t align, uint64_t low_end,
		       const struct kho_range *scratch, size_t nr_scratch)
{
	const struct piece none = { .align = PAGE };
	bool with_cma = need->cma.size && all_fit(need, true, none, none, scratch, nr_scratch);

	return crash_fits(need, with_cma, align, low_end, scratch, nr_scratch);
}

static bool is_arm64(const struct kho_target *target)
{
	return target && kho_target_is_arm64(target);
}

uint64_t kho_crash_default_low(const struct kho_target *target)
{
	return is_arm64(target) ? ARM64_CRASH_LOW : X86_CRASH_LOW;
}

int kho_early_fits(const struct kho_early_memory *need, const struct kho_range *scratch, size_t nr_scratch)
{
	/* x86: 4 GiB. On arm64 that is arm64_dma_phys_limit, which depends on the machine. */
	static const uint64_t low_ends[] = { 4ull << 30, 1ull << 30, UINT64_MAX };
	bool arm64 = is_arm64(need->target);
	uint64_t align = arm64 ? ARM64_CRASH_ALIGN : X86_CRASH_ALIGN;
	bool fits = early_fits(need, align, low_ends[0], scratch, nr_scratch);

	for (size_t i = 1; arm64 && i < 3; i++) {
		if (early_fits(need, align, low_ends[i], scratch, nr_scratch) != fits)
			return KHO_ERR_UNSUPPORTED;
	}
	return fits;
}

int kho_target_crash_fits(const struct kho_target *target, uint64_t initrd_size, uint64_t cma_size,
			  uint64_t size, const struct kho_range *scratch, size_t nr_scratch)
{
	const struct kho_early_memory need = {
		.target = target, .initrd_size = initrd_size, .cma.size = cma_size,
		.crash = { .size = size, .low = kho_crash_default_low(target) },
	};

	return size ? kho_early_fits(&need, scratch, nr_scratch) : 1;
}
