// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect check-target: whether another kernel can take this state over. */
#include "findings.h"

static const char *or_none(const char *text)
{
	return *text ? text : "none";
}

static void print_target(const struct kho_target *target)
{
	printf("%s %s: KHO %s, root %s, LUO %s, DMA records %s\n", target->format,
	       *target->release ? target->release : "(release unknown)",
	       !target->has_kho ? "not built in" : !target->config_known ? "built in" :
	       target->kho_default_on ? "on by default" : "built in, needs kho=on",
	       or_none(target->root_compatible), or_none(target->luo_compatible),
	       or_none(target->dma_compatible));
}

int cmd_check_target(const struct options *options)
{
	struct kho_verify_summary summary;
	struct kho_target target;
	struct findings findings;
	struct opened opened;
	struct kho_error err;
	int status;

	if (!options->target) {
		fputs("kho-inspect: check-target needs the file of a kernel. Try kho-inspect check-target --help.\n",
		      stderr);
		return EXIT_CANNOT_TELL;
	}
	if (kho_target_read(options->target, &target, &err))
		return fail(&err);
	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	if (!options->json)
		print_target(&target);
	findings_begin(&findings, options);
	if (kho_target_verify(opened.state, &target, NULL, findings_add, &findings, &summary, &err))
		status = fail(&err);
	else
		status = findings_end(&findings, "check-target", opened.state, &summary);
	close_state(&opened);
	return status;
}
