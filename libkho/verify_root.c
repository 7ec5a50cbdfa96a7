// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules about the root FDT and the scratch areas, and look-ups in RAM and scratch. */
#include <inttypes.h>
#include <stdlib.h>

#include "ranges.h"
#include "source.h"
#include "verify.h"

bool kho_verify_in_ram(const struct kho_verify *v, uint64_t addr, uint64_t size)
{
	return kho_source_in_ram(v->state->source, addr, size);
}

bool kho_verify_ram(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr, uint64_t size,
		    uint64_t record_id, const char *what)
{
	if (kho_verify_in_ram(v, addr, size))
		return true;
	if (kho_source_not_ram(v->state->source, addr, size)) {
		kho_report(v, rule, addr, record_id, "%s at 0x%" PRIx64 "+0x%" PRIx64 " is not RAM",
			   what, addr, size);
		return false;
	}
	if (!kho_was_unevaluated(v, rule))
		kho_report_unevaluated(v, rule, addr, record_id,
				       "cannot determine whether %s at 0x%" PRIx64 "+0x%" PRIx64 " is RAM, nor others: this file does not list all RAM",
				       what, addr, size);
	return true;
}

bool kho_verify_in_scratch(const struct kho_verify *v, uint64_t addr, uint64_t size)
{
	return kho_ranges_meet(v->scratch, v->nr_scratch, addr, size);
}

bool kho_verify_knows_scratch(const struct kho_verify *v)
{
	return !v->state->scratch_unknown;
}

void kho_verify_root(struct kho_verify *v)
{
	struct kho_state *state = v->state;

	/* K001: kho_state_open() rejects a root that is not valid */
	kho_evaluated(v, KHO_RULE_K001);
	kho_evaluated(v, KHO_RULE_K002);
	kho_evaluated(v, KHO_RULE_K004);
	/* an older root may be the only one that got into the file */
	if (state->source->incomplete)
		kho_report_unevaluated(v, KHO_RULE_K001, state->root.addr, 0,
				       "the dump is incomplete, as the program that wrote it says: it may lack a later root FDT");
	if (state->root.abi == KHO_ABI_UNKNOWN)
		kho_report(v, KHO_RULE_K002, state->root.addr, 0,
			   "the root FDT is \"%s\"; known are kho-v1, kho-v3 and kho-v4",
			   state->root.compatible);
	if (state->root.bad_subtrees)
		kho_report(v, KHO_RULE_K004, state->root.addr, 0,
			   "%zu subtree(s) without address or size of the blob, first \"%s\"",
			   state->root.bad_subtrees, state->root.bad_subtree);
}

/* ---------------------------------------------------------------- scratch */

int kho_verify_sort_scratch(struct kho_verify *v, struct kho_error *err)
{
	const struct kho_state *state = v->state;

	v->scratch = malloc((state->nr_scratch + 1) * sizeof(*v->scratch));
	if (!v->scratch)
		return kho_fail_nomem(err);
	/* an empty area is legal; K202 reports one that exceeds the address space */
	for (size_t i = 0; i < state->nr_scratch; i++) {
		struct kho_range *area = &v->scratch[v->nr_scratch];

		*area = state->scratch[i];
		if (area->size > UINT64_MAX - area->addr)
			area->size = UINT64_MAX - area->addr;
		v->nr_scratch += area->size > 0;
	}
	kho_ranges_sort(v->scratch, v->nr_scratch);
	return 0;
}

void kho_verify_scratch(struct kho_verify *v)
{
	const struct kho_range *area = v->scratch, *far = area;

	if (!kho_verify_knows_scratch(v)) {
		kho_report_unevaluated(v, KHO_RULE_K201, KHO_NO_ADDR, 0,
				       "this file does not say where the scratch areas are: cannot judge what lies in them");
		return;
	}
	kho_evaluated(v, KHO_RULE_K201);
	kho_evaluated(v, KHO_RULE_K202);
	kho_evaluated(v, KHO_RULE_K203);
	if (!v->nr_scratch)
		kho_report(v, KHO_RULE_K201, KHO_NO_ADDR, 0, "none of %zu scratch areas has any size",
			   v->state->nr_scratch);
	for (; area < v->scratch + v->nr_scratch; area++) {
		kho_verify_ram(v, KHO_RULE_K202, area->addr, area->size, 0, "the scratch area");
		if (area > v->scratch && area->addr - far->addr < far->size)
			kho_report(v, KHO_RULE_K203, area->addr, 0,
				   "the scratch area 0x%" PRIx64 "+0x%" PRIx64 " overlaps the one at 0x%" PRIx64,
				   area->addr, area->size, far->addr);
		/* the area that reaches farthest may overlap more than its neighbour */
		if (area->addr + area->size > far->addr + far->size)
			far = area;
	}
	/* kho_verify_in_scratch() needs merged areas */
	v->nr_scratch = kho_ranges_merge(v->scratch, v->nr_scratch);
}
