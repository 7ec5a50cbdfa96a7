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

/* arch/{x86,arm64}/include/asm/crash_reserve.h, include/linux/crash_reserve.h */
#define X86_CRASH_ALIGN		(16ull << 20)
#define ARM64_CRASH_ALIGN	(2ull << 20)
/* DEFAULT_CRASH_KERNEL_LOW_SIZE, without a swiotlb= that makes it larger on x86 */
#define X86_CRASH_LOW		(256ull << 20)
#define ARM64_CRASH_LOW		(128ull << 20)

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

/* ------------------------------------------------------------ crash kernel */

/* Size of an area from its first aligned address in [@from, @end) on. */
static uint64_t aligned_room(const struct kho_range *area, uint64_t from, uint64_t end, uint64_t align)
{
	uint64_t area_stop = area->size > UINT64_MAX - area->addr ? UINT64_MAX : area->addr + area->size;
	uint64_t lost;

	if (from < area->addr)
		from = area->addr;
	if (end > area_stop)
		end = area_stop;
	if (from >= end)
		return 0;
	lost = -from & (align - 1);
	return end - from > lost ? end - from - lost : 0;
}

/* Memory that the target uses in scratch before it reserves a crash kernel. */
struct image {
	uint64_t kernel, initrd;
};

/* Areas of the largest size: the crash kernel takes up to two, and the image two others. */
#define NR_LARGEST	4

struct largest {
	size_t at[NR_LARGEST], n;
};

static struct largest find_largest(const struct kho_range *scratch, size_t nr_scratch)
{
	struct largest largest = { .n = 0 };

	for (size_t i = 0; i < nr_scratch; i++) {
		size_t k = largest.n < NR_LARGEST ? largest.n++ : NR_LARGEST;

		for (; k > 0 && scratch[largest.at[k - 1]].size < scratch[i].size; k--) {
			if (k < NR_LARGEST)
				largest.at[k] = largest.at[k - 1];
		}
		if (k < NR_LARGEST)
			largest.at[k] = i;
	}
	return largest;
}

/* True if pieces of memory of the sizes in @left hold kernel and initrd. */
static bool image_fits(const struct image *image, const uint64_t *left, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (left[i] < image->kernel)
			continue;
		for (size_t k = 0; k < n; k++) {
			if (left[k] - (i == k ? image->kernel : 0) >= image->initrd)
				return true;
		}
	}
	return false;
}

/* True if the areas have room for the image, beside @crash in area @i and @low in area @k. */
static bool image_fits_beside(const struct kho_range *scratch, const struct largest *largest,
			      const struct image *image, size_t i, uint64_t crash, size_t k, uint64_t low)
{
	uint64_t left[2 + NR_LARGEST];
	size_t n = 0;

	left[n++] = scratch[i].size - crash;
	if (i == k && left[0] < low)
		return false;
	if (i == k)
		left[0] -= low;
	else
		left[n++] = scratch[k].size - low;
	for (size_t m = 0; m < largest->n; m++) {
		if (largest->at[m] != i && largest->at[m] != k)
			left[n++] = scratch[largest->at[m]].size;
	}
	return image_fits(image, left, n);
}

/* The crash kernel in [@from, @end), @low bytes below @low_end, and the image anywhere. */
static bool crash_fits(const struct kho_range *scratch, size_t nr_scratch, const struct image *image,
		       uint64_t align, uint64_t from, uint64_t end, uint64_t size, uint64_t low,
		       uint64_t low_end)
{
	struct largest largest = find_largest(scratch, nr_scratch);

	for (size_t i = 0; i < nr_scratch; i++) {
		if (aligned_room(&scratch[i], from, end, align) < size)
			continue;
		if (!low) {
			if (image_fits_beside(scratch, &largest, image, i, size, i, 0))
				return true;
			continue;
		}
		for (size_t k = 0; k < nr_scratch; k++) {
			if (aligned_room(&scratch[k], 0, low_end, align) >= low &&
			    image_fits_beside(scratch, &largest, image, i, size, k, low))
				return true;
		}
	}
	return false;
}

/* reserve_crashkernel_generic() in kernel/crash_reserve.c. It prefers low memory or not: both do. */
static bool request_fits(const struct kho_crash_request *request, const struct image *image,
			 uint64_t align, uint64_t low_end, const struct kho_range *scratch, size_t nr_scratch)
{
	uint64_t base = request->base, size = request->size;

	if (base)
		return base % align == 0 && size <= UINT64_MAX - base &&
		       crash_fits(scratch, nr_scratch, image, align, base, base + size, size, 0, 0);
	return crash_fits(scratch, nr_scratch, image, align, 0, low_end, size, 0, 0) ||
	       crash_fits(scratch, nr_scratch, image, align, low_end, UINT64_MAX, size,
			  request->low, low_end);
}

static bool is_arm64(const struct kho_target *target)
{
	return target && kho_target_is_arm64(target);
}

uint64_t kho_crash_default_low(const struct kho_target *target)
{
	return is_arm64(target) ? ARM64_CRASH_LOW : X86_CRASH_LOW;
}

int kho_crash_request_fits(const struct kho_crash_request *request, const struct kho_target *target,
			   uint64_t initrd_size, const struct kho_range *scratch, size_t nr_scratch)
{
	/* x86: 4 GiB. On arm64 that is arm64_dma_phys_limit, which depends on the machine. */
	static const uint64_t low_ends[] = { 4ull << 30, 1ull << 30, UINT64_MAX };
	bool arm64 = is_arm64(target);
	uint64_t align = arm64 ? ARM64_CRASH_ALIGN : X86_CRASH_ALIGN;
	const struct image image = { target ? target->memory_size : 0, initrd_size };
	bool fits = request_fits(request, &image, align, low_ends[0], scratch, nr_scratch);

	for (size_t i = 1; arm64 && i < 3; i++) {
		if (request_fits(request, &image, align, low_ends[i], scratch, nr_scratch) != fits)
			return KHO_ERR_UNSUPPORTED;
	}
	return fits;
}

int kho_target_crash_fits(const struct kho_target *target, uint64_t initrd_size, uint64_t size,
			  const struct kho_range *scratch, size_t nr_scratch)
{
	const struct kho_crash_request request = { .size = size, .low = kho_crash_default_low(target) };

	return size ? kho_crash_request_fits(&request, target, initrd_size, scratch, nr_scratch) : 1;
}
