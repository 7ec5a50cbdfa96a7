// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect verify: all rules over one side. */
#include "findings.h"

/* No state on this side: clean, unless the previous kernel promised some. */
static int verify_nothing(const struct options *options, const struct kho_error *reason)
{
	struct kho_verify_summary summary = {
		.records = KHO_COUNT_UNKNOWN, .pages = KHO_COUNT_UNKNOWN, .preservations = KHO_COUNT_UNKNOWN,
	};
	struct findings findings;
	struct kho_error err;

	findings_begin(&findings, options, "verify");
	if (options->verify.have_expect &&
	    kho_verify_absent(&options->verify, reason, findings_add, &findings, &summary, &err)) {
		findings_give_up(&findings);
		return fail(&err);
	}
	if (!options->verify.have_expect && options->only)
		return complain("No rule that --only names can be judged: %s.", reason->message);
	if (options->verify.have_expect || options->json || options->prometheus)
		return findings_end(&findings, &summary, false);

	put_line(stdout, "Nothing to verify: %s.", reason->message);
	return EXIT_CLEAN;
}

static int verify_unopened(const struct options *options, const struct kho_error *reason)
{
	struct kho_verify_summary summary;
	struct findings findings;

	if (reason->code == KHO_ERR_NO_STATE && options->in && !options->core)
		return verify_nothing(options, reason);
	/* a kernel without a sign of KHO: unknown whether state arrived */
	if (options->in && options->verify.have_expect &&
	    (reason->code == KHO_ERR_NO_KHO || reason->code == KHO_ERR_DISABLED))
		return verify_nothing(options, reason);

	findings_begin(&findings, options, "verify");
	if (kho_verify_open_error(reason, findings_add, &findings, &summary))
		return findings_end(&findings, &summary, false);
	return fail(reason);
}

static int verify(const struct options *options, struct opened *opened)
{
	struct kho_verify_summary summary;
	struct findings findings;
	struct kho_error err;

	findings_begin(&findings, options, "verify");
	findings.state = opened->state;
	findings.progress = opened->progress;
	progress_begin(opened, "verifying");
	if (kho_verify(opened->state, &options->verify, findings_add, &findings, &summary, &err)) {
		findings_give_up(&findings);
		return fail(&err);
	}
	return findings_end(&findings, &summary, true);
}

int cmd_verify(const struct options *options)
{
	struct opened opened;
	struct kho_error err;
	int status = EXIT_CANNOT_TELL;

	if (open_state(options, option_side(options), false, &opened, &err))
		return verify_unopened(options, &err);
	if (!options_have_effect(options, opened.state, NULL))
		;
	else if ((options->verify.claims || options->verify.have_expect) &&
		 kho_state_side(opened.state) == KHO_SIDE_OUT)
		complain("--%s is about an incoming state, and this one is outgoing. Use --in.",
			 options->verify.claims ? "claims" : "expect");
	else if (close_sandbox(options))
		status = verify(options, &opened);
	close_state(&opened);
	return status;
}
