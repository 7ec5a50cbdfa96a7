// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-target SNAPSHOT IMAGE [CMDLINE]: prints the image's support of KHO, and the findings if the
 * snapshot is handed to it. Status 2: unknown.
 */
#include <stdio.h>

#include "libkho/kho.h"

static int print_finding(const struct kho_finding *finding, void *data)
{
	(void)data;
	printf("%s %s%s\n", finding->rule->id, kho_severity_name(finding->severity),
	       finding->outcome == KHO_OUTCOME_NOT_JUDGED ? " not judged" : "");
	return 0;
}

static int fail(const struct kho_error *err)
{
	fprintf(stderr, "%s. %s\n", err->message, err->remedy);
	return 2;
}

int main(int argc, char **argv)
{
	const struct kho_target_load load = { .cmdline = argc == 4 ? argv[3] : NULL };
	struct kho_verify_summary summary;
	struct kho_source *source;
	struct kho_target target;
	struct kho_state *state;
	struct kho_error err;
	int ret = 0;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: test-target SNAPSHOT IMAGE [CMDLINE]\n");
		return 3;
	}
	if (kho_source_open_file(argv[1], &source, &err))
		return fail(&err);
	if (kho_state_open(source, KHO_SIDE_OUT, &state, &err)) {
		kho_source_close(source);
		return fail(&err);
	}

	if (kho_target_read(argv[2], &target, &err) ||
	    kho_target_verify(state, &target, &load, print_finding, NULL, &summary, &err))
		ret = fail(&err);
	else
		printf("%s %s kho=%d default=%d config=%d root=%s luo=%s dma=%s page=%u rules=%zu\n",
		       target.format, target.release, target.has_kho, target.kho_default_on,
		       target.config_known, target.root_compatible, target.luo_compatible,
		       target.dma_compatible, target.page_size, summary.rules);
	kho_state_close(state);
	kho_source_close(source);
	return ret;
}
