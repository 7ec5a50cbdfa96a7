// SPDX-License-Identifier: GPL-2.0-or-later
/* The root FDT: the input is its page. All rules are run on what it says. */
#include <stdlib.h>

#include "memory.h"

#define ROOT	0x100000

static int see_finding(const struct kho_finding *finding, void *data)
{
	(void)data;
	if (!finding->rule || !*finding->message)
		abort();
	return 0;
}

static void open_side(struct kho_source *source, enum kho_side side)
{
	const struct kho_verify_options options = { .claims = true };
	struct kho_verify_summary summary;
	struct kho_error err = { 0 };
	struct kho_state *state;

	if (!kho_state_open(source, side, &state, &err)) {
		kho_verify(state, &options, see_finding, NULL, &summary, NULL);
		kho_state_close(state);
	} else if (!*err.message) {
		abort(); /* an error without text */
	} else {
		kho_verify_open_error(&err, see_finding, NULL, &summary);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_page page = { ROOT, (uint16_t)(size < KHO_ABI_PAGE_SIZE ? size : KHO_ABI_PAGE_SIZE) };
	struct kho_source *source;

	source = fuzz_source(&page, &data, 1, "side=out\nrelease=7.3.4\nfdt_phys=0x100000\n"
			     "scratch=0x200000+0x100000\nram=0x0+0x80000000\n");
	open_side(source, KHO_SIDE_OUT);
	kho_source_close(source);

	source = fuzz_source(&page, &data, 1, "side=in\nrelease=7.3.4\nfdt_phys=0x100000\n");
	open_side(source, KHO_SIDE_IN);
	kho_source_close(source);
	return 0;
}
