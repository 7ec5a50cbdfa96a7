// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect verify: all rules over one side. */
#include "findings.h"

/* No state on this side: clean, unless the previous kernel promised some. */
static int verify_nothing(const struct options *options, const struct kho_error *reason)
{
	struct kho_verify_summary summary = { 0 };
	struct findings findings;

	findings_begin(&findings, options);
	if (options->verify.have_expect)
		kho_verify_absent(&options->verify, reason, findings_add, &findings, &summary);
	if (options->verify.have_expect || options->json || options->prometheus)
		return findings_end(&findings, "verify", NULL, &summary);

	printf("Nothing to verify: %s.\n", reason->message);
	return EXIT_CLEAN;
}

static int verify_unopened(const struct options *options, const struct kho_error *reason)
{
	struct kho_verify_summary summary = { 0 };
	struct findings findings;

	if (reason->code == KHO_ERR_NO_STATE && options->in && !options->core)
		return verify_nothing(options, reason);
	/* a kernel that shows no KHO at all: whether anything came cannot be told */
	if (options->in && options->verify.have_expect &&
	    (reason->code == KHO_ERR_NO_KHO || reason->code == KHO_ERR_DISABLED))
		return verify_nothing(options, reason);

	findings_begin(&findings, options);
	if (kho_verify_open_error(reason, findings_add, &findings, &summary))
		return findings_end(&findings, "verify", NULL, &summary);
	json_object_put(findings.array);
	return fail(reason);
}

int cmd_verify(const struct options *options)
{
	struct kho_verify_summary summary;
	struct findings findings;
	struct opened opened;
	struct kho_error err;
	int status;

	if (open_state(options, option_side(options), &opened, &err))
		return verify_unopened(options, &err);
	if (!close_sandbox(options)) {
		close_state(&opened);
		return EXIT_CANNOT_TELL;
	}

	findings_begin(&findings, options);
	findings.progress = opened.progress;
	progress_begin(&opened, "verifying");
	if (kho_verify(opened.state, &options->verify, findings_add, &findings, &summary, &err))
		status = fail(&err);
	else
		status = findings_end(&findings, "verify", opened.state, &summary);
	close_state(&opened);
	return status;
}
