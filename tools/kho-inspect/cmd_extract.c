// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect extract: writes the content of one allocation. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

#define CHUNK	(1u << 20)

struct wanted {
	uint64_t id;
	struct kho_dma_record record;
};

static int is_wanted(const struct kho_dma_record *record, void *data)
{
	struct wanted *wanted = data;

	wanted->record = *record;
	return record->id == wanted->id;
}

/* False, with a reason on stderr. */
static bool find_record(struct opened *opened, uint64_t id, struct kho_dma_record *record)
{
	struct wanted wanted = { .id = id };
	struct kho_error err;
	int ret = for_each_record(opened, false, is_wanted, &wanted, &err);

	*record = wanted.record;
	if (ret < 0)
		fail(&err);
	else if (!ret)
		complain("there is no %s allocation %" PRIu64 ". kho-inspect list has their ids.",
			 kho_side_name(kho_state_side(opened->state)), id);
	else if (kho_dma_check_memory(opened->state, record, &err))
		fail(&err);
	else
		return true;
	return false;
}

static int fail_content(const struct opened *opened, const struct kho_dma_record *record, struct kho_error *err)
{
	if (err->code == KHO_ERR_NOT_PRESENT && kho_state_found_by(opened->state) == KHO_FOUND_SNAPSHOT)
		snprintf(err->remedy, sizeof(err->remedy),
			 "Use a snapshot with its content: kho-inspect snapshot --with-content=%" PRIu64 ".", record->id);
	return fail(err);
}

static bool write_content(const struct options *options, struct opened *opened,
			  const struct kho_dma_record *record)
{
	FILE *out = check_memory(kho_output_stream(options->outfile->output));
	unsigned char *chunk = check_memory(malloc(CHUNK));
	uint64_t addr = record->addr, left = record->size;
	struct kho_error err;
	bool ok = true;

	progress_begin(opened, "writing");
	while (left && ok) {
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		if (kho_source_read(opened->source, addr, chunk, n, &err)) {
			progress_hide(opened->progress);
			fail_content(opened, record, &err);
			ok = false;
		} else if (fwrite(chunk, n, 1, out) != 1) {
			complain("cannot write %s: %s.", options->output, strerror(errno));
			ok = false;
		}
		addr += n;
		left -= n;
		progress_tell(opened, record->size - left, record->size);
	}
	progress_hide(opened->progress);
	free(chunk);
	return ok;
}

static void print_text(const struct options *options, const struct kho_dma_record *record,
		       bool intact)
{
	char size[FORMAT_ROOM];

	put_line(outfile_notes(options), "%s: %s of allocation %" PRIu64 " (%s, %s): %s", options->output,
	    format_size(options, record->size, size), record->id, record->device, record->tag,
	    !record->sealed ? "live, so its content cannot be judged" :
	    intact ? "sealed, and as it was when sealed" :
	    "sealed, and NOT as it was when sealed");
}

static void print_json(const struct options *options, const struct kho_state *state,
		       const struct kho_dma_record *record, bool intact)
{
	struct kho_json *json = json_document("extract");

	kho_json_state(json, "state", state);
	kho_json_record(json, "record", record);
	kho_json_raw(json, "file", options->output);
	if (record->sealed)
		kho_json_bool(json, "intact", intact);
	else
		kho_json_null(json, "intact");
	json_close(json);
}

static int extract(const struct options *options, struct opened *opened, uint64_t id)
{
	struct kho_dma_record record;
	struct kho_error err;
	int intact = 0;

	if (!find_record(opened, id, &record))
		return EXIT_CANNOT_TELL;
	if (record.sealed) {
		progress_begin(opened, "checking");
		intact = kho_dma_check_content(opened->state, &record, &err);
		progress_hide(opened->progress);
		if (intact < 0)
			return fail_content(opened, &record, &err);
	}
	if (!write_content(options, opened, &record) || !outfile_commit(options))
		return EXIT_CANNOT_TELL;

	if (options->json)
		print_json(options, opened->state, &record, intact);
	else
		print_text(options, &record, intact);
	return record.sealed && !intact ? EXIT_FINDINGS : EXIT_CLEAN;
}

int cmd_extract(const struct options *options)
{
	struct opened opened;
	uint64_t id;
	int status;

	if (!parse_id(options->argument, &id))
		return complain("extract needs the id of an allocation, not \"%s\". kho-inspect list has the ids.",
				options->argument);
	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;
	status = extract(options, &opened, id);
	close_state(&opened);
	return status;
}
