// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "inspect.h"

enum kho_side option_side(const struct options *options)
{
	return options->in ? KHO_SIDE_IN : KHO_SIDE_OUT;
}

int open_state(const struct options *options, enum kho_side side, struct opened *out,
	       struct kho_error *err)
{
	struct opened opened = { 0 };
	int ret;

	if (options->core)
		ret = kho_source_open_file(options->core, &opened.source, err);
	else
		ret = kho_source_open_live(options->sysroot, &opened.source, err);
	if (ret)
		return ret;

	ret = kho_state_open(opened.source, side, &opened.state, err);
	if (ret) {
		kho_source_close(opened.source);
		return ret;
	}
	kho_state_set_v1_bitmap(opened.state, options->v1_bitmap);

	*out = opened;
	return 0;
}

void close_state(struct opened *opened)
{
	kho_state_close(opened->state);
	kho_source_close(opened->source);
}

int fail(const struct kho_error *err)
{
	fprintf(stderr, "kho-inspect: %s.%s%s\n",
		*err->message ? err->message : kho_strerror(err->code),
		*err->remedy ? " " : "", err->remedy);
	return EXIT_CANNOT_TELL;
}

bool open_or_fail(const struct options *options, struct opened *out)
{
	struct kho_error err;

	if (!open_state(options, option_side(options), out, &err))
		return true;
	fail(&err);
	return false;
}
