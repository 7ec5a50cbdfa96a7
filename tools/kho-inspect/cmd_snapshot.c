// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect snapshot: the metadata as a small ELF core. */
#include <kho_output.h>

#include "inspect.h"

int cmd_snapshot(const struct options *options)
{
	const struct kho_snapshot_options what = {
		.ids = options->content, .nr_ids = options->nr_content,
		.unknown_blobs = options->blobs,
	};
	struct kho_output *output;
	struct opened opened;
	struct kho_error err;
	int ret;

	if (!options->output) {
		fputs("kho-inspect: snapshot needs -o FILE. Try kho-inspect snapshot --help.\n", stderr);
		return EXIT_CANNOT_TELL;
	}
	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	progress_begin(&opened, "writing");
	ret = kho_output_open(options->output, 0600, KHO_OUTPUT_SEEKABLE, &output, &err);
	if (!ret) {
		ret = kho_snapshot_write_to(opened.state, output, &what, &err);
		if (ret)
			kho_output_discard(output);
		else
			ret = kho_output_commit(output, &err);
	}
	progress_hide(opened.progress);
	if (!ret && options->json) {
		struct json_object *document = json_document("snapshot");

		json_object_object_add(document, "state", json_state(opened.state));
		json_add_string(document, "file", options->output);
		json_print(document);
	} else if (!ret) {
		printf("%s: metadata of the %s state; ", options->output,
		       side_text(kho_state_side(opened.state)));
		if (options->nr_content)
			printf("WITH the content of %zu allocation%s\n", options->nr_content,
			       options->nr_content == 1 ? "" : "s");
		else
			puts("no content of allocations is in it");
		if (options->blobs)
			puts("The blobs of unknown subtrees are in it, whatever they hold.");
	}
	close_state(&opened);
	return ret ? fail(&err) : EXIT_CLEAN;
}
