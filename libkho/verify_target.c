// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules about a target kernel (K6xx): it must be able to receive the state. */
#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "decode.h"
#include "target.h"
#include "verify.h"
#include "abi/dma_alloc.h"
#include "abi/subtrees.h"

static void verify_luo(struct kho_verify *v, const struct kho_target *target)
{
	const struct kho_subtree *subtree = kho_state_subtree(v->state, LUO_SUBTREE);
	struct kho_error err;
	char compatible[64];

	if (!subtree)
		return;
	if (!*target->luo_compatible)
		/* the subtree is there with and without sessions */
		kho_report_as(v, KHO_RULE_K603, KHO_SEVERITY_WARNING, subtree->addr,
			      "the target has no live update and would lose sessions, if any");
	else if (kho_subtree_compatible(v->state, subtree, compatible, sizeof(compatible), &err))
		kho_report_unevaluated(v, KHO_RULE_K603, subtree->addr, 0, "%s", err.message);
	else if (strcmp(compatible, target->luo_compatible))
		kho_report(v, KHO_RULE_K603, subtree->addr, 0,
			   "live update state is \"%s\", the target reads \"%s\" and would panic",
			   compatible, target->luo_compatible);
}

static void verify_dma(struct kho_verify *v, const struct kho_target *target)
{
	struct kho_dma_header header;
	struct kho_error err;
	int ret;

	ret = kho_dma_read_header(v->state, &header, &err);
	if (ret == KHO_ERR_NOT_FOUND)
		return;
	if (ret)
		kho_report_unevaluated(v, KHO_RULE_K604, err.addr, 0, "%s", err.message);
	else if (header.nr_records && strcmp(header.compatible, target->dma_compatible))
		kho_report(v, KHO_RULE_K604, KHO_NO_ADDR, 0,
			   "%" PRIu64 " allocations are preserved as \"%s\", the target reads %s%s",
			   header.nr_records, header.compatible,
			   *target->dma_compatible ? "" : "no such list", target->dma_compatible);
}

bool kho_target_is_foreign(const struct kho_state *state, const struct kho_target *target)
{
	unsigned int here = state->source->machine;

	return here && target->machine && target->machine != here;
}

static const char *machine_name(unsigned int machine)
{
	return machine == EM_X86_64 ? "x86_64" : machine == EM_AARCH64 ? "arm64" : "another architecture";
}

static void verify_machine(struct kho_verify *v, const struct kho_target *target)
{
	unsigned int here = v->state->source->machine;

	/* a loader takes only images of its own architecture, so nothing is lost if this is unknown */
	if (!here || !target->machine)
		return;
	if (kho_target_is_foreign(v->state, target))
		kho_report(v, KHO_RULE_K611, KHO_NO_ADDR, 0,
			   "the state is of %s, the target is for %s", machine_name(here),
			   machine_name(target->machine));
	kho_evaluated(v, KHO_RULE_K611);
}

static void verify_page_size(struct kho_verify *v, const struct kho_target *target)
{
	unsigned int here = kho_state_page_size(v->state);

	if (!target->page_size)
		kho_report_unevaluated(v, KHO_RULE_K606, KHO_NO_ADDR, 0,
				       "cannot determine the page size of the target");
	else if (target->page_size != here)
		kho_report(v, KHO_RULE_K606, KHO_NO_ADDR, 0,
			   "this kernel counts in pages of %u bytes, the target in pages of %u", here,
			   target->page_size);
}

int kho_target_verify(struct kho_state *state, const struct kho_target *target,
		      const struct kho_target_load *load,
		      kho_finding_fn fn, void *data,
		      struct kho_verify_summary *summary, struct kho_error *err)
{
	static const struct kho_verify_options no_options;
	static const struct kho_target_load unknown;
	struct kho_verify v = {
		.state = state, .options = &no_options, .fn = fn, .data = data,
		.summary = summary,
	};

	if (!state || !target || !summary)
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR, "no state, target or summary");

	if (!load)
		load = &unknown;
	*summary = (struct kho_verify_summary){ KHO_NOTHING_COUNTED };
	kho_evaluated(&v, KHO_RULE_K601);
	if (!target->has_kho) {
		kho_report(&v, KHO_RULE_K601, KHO_NO_ADDR, 0,
			   "%s %s is built without CONFIG_KEXEC_HANDOVER: it would use preserved memory as its own",
			   target->format, target->release);
		return kho_rules_check_run(&v, err);
	}
	if (!*target->root_compatible)
		kho_report_unevaluated(&v, KHO_RULE_K602, KHO_NO_ADDR, 0,
				       "the target has KHO: cannot determine which ABI");
	else if (strcmp(state->root.compatible, target->root_compatible))
		kho_report(&v, KHO_RULE_K602, KHO_NO_ADDR, 0,
			   "this kernel hands over \"%s\", the target reads \"%s\": it would use preserved memory as its own",
			   state->root.compatible, target->root_compatible);
	verify_machine(&v, target);
	verify_page_size(&v, target);
	verify_luo(&v, target);
	verify_dma(&v, target);
	kho_evaluated(&v, KHO_RULE_K602);
	kho_evaluated(&v, KHO_RULE_K603);
	kho_evaluated(&v, KHO_RULE_K604);
	kho_evaluated(&v, KHO_RULE_K606);
	kho_target_verify_map(&v, target, load);
	if (load->cmdline || target->builtin_use == KHO_BUILTIN_ONLY)
		kho_target_verify_cmdline(&v, target, load);
	return kho_rules_check_run(&v, err);
}
