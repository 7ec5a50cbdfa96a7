// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect list: the DMA allocations. */
#include <inttypes.h>
#include <unistd.h>

#include "inspect.h"

static const char *const headings[] = {
	"ID", "DEVICE", "TAG", "ADDRESS", "DMA-ADDRESS", "SIZE", "PAGES", "ATTRS", "STATE",
};
static const bool right[] = { true, false, false, true, true, true, true, false, false };
#define COLUMNS (sizeof(headings) / sizeof(headings[0]))

struct totals {
	uint64_t records, bytes, pages;
};

static void do_row(const struct options *options, struct table *table,
		   const struct kho_dma_record *r, bool print)
{
	char id[FORMAT_ROOM], addr[FORMAT_ROOM], dma[FORMAT_ROOM], size[FORMAT_ROOM];
	char pages[FORMAT_ROOM], attrs[128], state[FORMAT_ROOM];
	const char *cells[COLUMNS] = {
		format_uint(r->id, id), r->device, r->tag, format_hex(r->addr, 1, addr),
		format_hex(r->dma_addr, 1, dma), format_size(options, r->size, size),
		format_uint(r->pages, pages),
		kho_dma_attrs_format(r->attrs, attrs, sizeof(attrs)),
		record_state_text(r, state),
	};

	if (print)
		table_print_row(table, cells, stdout);
	else
		table_fit(table, cells);
}

/* With a @stream they go there; else they are printed, or only make the columns wide enough. */
static int walk_records(const struct options *options, struct opened *opened,
			struct table *table, bool print, struct json_stream *stream,
			struct totals *totals, struct kho_error *err)
{
	bool quiet = (!print && !stream) || !isatty(STDOUT_FILENO);
	struct kho_dma_header header = { 0 };
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	int ret;

	*totals = (struct totals){ 0 };
	progress_begin(opened, "reading records");
	kho_dma_read_header(opened->state, &header, NULL);
	ret = kho_dma_iter_create(opened->state, &iter, err);
	if (ret == KHO_ERR_NOT_FOUND)
		return 0;
	if (ret)
		return ret;

	while ((ret = kho_dma_iter_next(iter, &record, err)) > 0) {
		if (stream)
			json_stream_add(stream, json_record(&record));
		else if (print && !totals->records)
			table_print_headings(table, stdout);
		if (!stream)
			do_row(options, table, &record, print);
		totals->records++;
		totals->bytes += record.size;
		totals->pages += record.pages;
		if (quiet)
			progress_tell(opened, totals->records, header.nr_records);
	}
	progress_hide(opened->progress);
	kho_dma_iter_destroy(iter);
	return ret;
}

static void print_totals(const struct options *options, const struct kho_state *state,
			 const struct totals *totals)
{
	char size[FORMAT_ROOM];

	if (!totals->records) {
		printf("No %s DMA allocations.\n", side_text(kho_state_side(state)));
		return;
	}
	printf("%" PRIu64 " %s allocation%s, %s in %" PRIu64 " pages\n", totals->records,
	       side_text(kho_state_side(state)), totals->records == 1 ? "" : "s",
	       format_size(options, totals->bytes, size), totals->pages);
}

static int print_json(const struct options *options, struct opened *opened,
		      struct kho_error *err)
{
	struct json_object *document = json_document("list");
	struct json_stream stream;
	struct totals totals;
	int ret;

	json_object_object_add(document, "state", json_state(opened->state));
	json_stream_begin(&stream, document, "records");
	ret = walk_records(options, opened, NULL, false, &stream, &totals, err);
	json_stream_end(&stream);
	return ret;
}

int cmd_list(const struct options *options)
{
	struct totals totals = { 0 };
	struct opened opened;
	struct table *table;
	struct kho_error err;
	int ret;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	if (options->json) {
		ret = print_json(options, &opened, &err);
	} else {
		/* twice: there may be more rows than is good to be kept */
		table = table_create(headings, right, COLUMNS);
		walk_records(options, &opened, table, false, NULL, &totals, NULL);
		ret = walk_records(options, &opened, table, true, NULL, &totals, &err);
		print_totals(options, opened.state, &totals);
		table_destroy(table);
	}
	close_state(&opened);

	/* what could be read was printed; that there may be more has to be said */
	return ret ? fail(&err) : EXIT_CLEAN;
}
