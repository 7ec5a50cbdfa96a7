// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect snapshot: writes the metadata as a small ELF core. */
#include "inspect.h"

static void print_json(const struct options *options, const struct kho_state *state)
{
	struct kho_json *json = json_document("snapshot");

	kho_json_state(json, "state", state);
	kho_json_raw(json, "file", options->output);
	json_close(json);
}

static void print_text(const struct options *options, const struct kho_state *state)
{
	size_t n = options->content.n;

	if (n)
		put_line(outfile_notes(options), "%s: metadata of the %s state; WITH the content of %zu allocation%s",
		    options->output, kho_side_name(kho_state_side(state)), n, n == 1 ? "" : "s");
	else
		put_line(outfile_notes(options), "%s: metadata of the %s state; no content of allocations is in it",
		    options->output, kho_side_name(kho_state_side(state)));
	if (options->blobs)
		put_line(outfile_notes(options), "The blobs of unknown subtrees are in it, whatever they hold.");
}

int cmd_snapshot(const struct options *options)
{
	const struct kho_snapshot_options what = {
		.ids = options->content.ids, .nr_ids = options->content.n,
		.unknown_blobs = options->blobs,
	};
	struct opened opened;
	struct kho_error err;
	int ret;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	progress_begin(&opened, "writing");
	ret = kho_snapshot_write_to(opened.state, options->outfile->output, &what, &err);
	progress_hide(opened.progress);
	if (ret)
		fail(&err);
	else if (!outfile_commit(options))
		ret = KHO_ERR_OS;
	else if (options->json)
		print_json(options, opened.state);
	else
		print_text(options, opened.state);
	close_state(&opened);
	return ret ? EXIT_CANNOT_TELL : EXIT_CLEAN;
}
