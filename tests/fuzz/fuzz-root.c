// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The root FDT: the input is its page. Runs all rules on it. With FUZZ_MEND it corrects the header
 * first, so that a change of one byte reaches code behind the checks of the header.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "nomem.h"

#define ROOT	0x100000
#define PAGE	(1u << KHO_ABI_MIN_PAGE_SHIFT)

static void open_side(struct kho_source *source, enum kho_side side)
{
	const struct kho_verify_options options = { .claims = true };
	struct kho_verify_summary summary;
	struct kho_error err = { 0 };
	struct kho_state *state;

	if (!kho_state_open(source, side, &state, &err)) {
		kho_verify(state, &options, fuzz_see_finding, NULL, &summary, NULL);
		kho_state_close(state);
	} else {
		fuzz_memory_error(&err);
		kho_verify_open_error(&err, fuzz_see_finding, NULL, &summary);
	}
}

/* Lays the page out as Linux does: reserve map, tags, strings, to the end of the page. */
static void mend(unsigned char *page, size_t size)
{
	uint32_t strings = (uint32_t)(size / 4 * 3 & ~3ul), tags = sizeof(struct fdt_header) + 16;

	if (size < 256)
		return;
	fdt_set_magic(page, FDT_MAGIC);
	fdt_set_totalsize(page, (uint32_t)size);
	fdt_set_version(page, 17);
	fdt_set_last_comp_version(page, 16);
	fdt_set_off_mem_rsvmap(page, sizeof(struct fdt_header));
	memset(page + sizeof(struct fdt_header), 0, 16);
	if (fdt_off_dt_struct(page) < tags || fdt_off_dt_struct(page) % 4 ||
	    fdt_off_dt_struct(page) > strings)
		fdt_set_off_dt_struct(page, tags);
	if (fdt_off_dt_strings(page) < fdt_off_dt_struct(page) || fdt_off_dt_strings(page) >= size)
		fdt_set_off_dt_strings(page, strings);
	fdt_set_size_dt_struct(page, fdt_off_dt_strings(page) - fdt_off_dt_struct(page));
	fdt_set_size_dt_strings(page, (uint32_t)size - fdt_off_dt_strings(page));
	/* end the tags and the last name */
	memcpy(page + fdt_off_dt_strings(page) - 4, "\0\0\0\11", 4);
	page[size - 1] = '\0';
}

int fuzz_one(const uint8_t *data, size_t size)
{
	struct fuzz_page page = { ROOT, (uint16_t)(size < PAGE ? size : PAGE) };
	unsigned char mended[PAGE];
	struct kho_source *source;

	if (FUZZ_MEND) {
		memcpy(mended, data, page.length);
		mend(mended, page.length);
		data = mended;
	}
	source = fuzz_source(KHO_ABI_MIN_PAGE_SHIFT, &page, &data, 1, "side=out\nrelease=7.3.4\nfdt_phys=0x100000\n"
			     "scratch=0x200000+0x100000\nram=0x0+0x80000000\n");
	open_side(source, KHO_SIDE_OUT);
	kho_source_close(source);

	source = fuzz_source(KHO_ABI_MIN_PAGE_SHIFT, &page, &data, 1, "side=in\nrelease=7.3.4\nfdt_phys=0x100000\n");
	open_side(source, KHO_SIDE_IN);
	kho_source_close(source);
	return 0;
}
