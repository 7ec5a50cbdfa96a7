// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules about the state that was expected from the previous kernel. */
#include <inttypes.h>

#include "verify.h"
#include "abi/dma_alloc.h"

void kho_verify_boot(struct kho_verify *v)
{
	const struct kho_verify_options *o = v->options;

	if (!o->have_expect)
		return;
	/* K510 holds, because the state exists; the code below reports an unknown K511 */
	kho_evaluated(v, KHO_RULE_K510);
	kho_evaluated(v, KHO_RULE_K511);
	if (!v->have_header && !kho_state_subtree(v->state, DMA_ALLOC_KHO_SUBTREE)) {
		/* without records, there need not be a list */
		if (o->expect_records)
			kho_report(v, KHO_RULE_K511, KHO_NO_ADDR, 0,
				   "%" PRIu64 " records of generation %" PRIu64 " were expected, and there is no list of them",
				   o->expect_records, o->expect_generation);
		kho_evaluated(v, KHO_RULE_K512);
		return;
	}
	if (!v->have_header) {
		kho_report_unevaluated(v, KHO_RULE_K511, KHO_NO_ADDR, 0,
				       "%" PRIu64 " records of generation %" PRIu64 " were expected, and their list cannot be read",
				       o->expect_records, o->expect_generation);
		return;
	}
	kho_evaluated(v, KHO_RULE_K512);
	if (v->header.generation > o->expect_generation) {
		kho_report(v, KHO_RULE_K512, v->header.addr, 0,
			   "generation %" PRIu64 " with %" PRIu64 " records came; %" PRIu64 " with %" PRIu64 " was there at the load",
			   v->header.generation, v->header.nr_records, o->expect_generation,
			   o->expect_records);
		return;
	}
	if (v->header.generation < o->expect_generation ||
	    v->header.nr_records != o->expect_records)
		kho_report(v, KHO_RULE_K511, v->header.addr, 0,
			   "generation %" PRIu64 " with %" PRIu64 " records came, and generation %" PRIu64 " with %" PRIu64 " was promised",
			   v->header.generation, v->header.nr_records, o->expect_generation,
			   o->expect_records);
}
