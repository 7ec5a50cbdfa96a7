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
		r->pages == KHO_SIZE_UNKNOWN ? "?" : format_uint(r->pages, pages),
		kho_dma_attrs_format(r->attrs, attrs, sizeof(attrs)),
		record_state_text(r, state),
	};

	if (print)
		table_print_row(table, cells, stdout);
	else
		table_fit(table, cells);
}

/* What is done with each record. */
struct walk {
	const struct options *options;
	struct table *table;		/* without @print its columns become wide enough */
	bool print;
	struct kho_json *json;		/* or they go there */
	struct totals totals;
};

static int do_record(const struct kho_dma_record *record, void *data)
{
	struct walk *walk = data;

	if (walk->json) {
		kho_json_record(walk->json, NULL, record);
	} else {
		if (walk->print && !walk->totals.records)
			table_print_headings(walk->table, stdout);
		do_row(walk->options, walk->table, record, walk->print);
	}
	walk->totals.records++;
	walk->totals.bytes += record->size;
	walk->totals.pages += record->pages == KHO_SIZE_UNKNOWN ? 0 : record->pages;
	return 0;
}

static void print_totals(const struct options *options, const struct kho_state *state,
			 const struct totals *totals)
{
	const char *side = kho_side_name(kho_state_side(state));
	char size[FORMAT_ROOM];

	if (!totals->records) {
		printf("No %s DMA allocations.\n", side);
		return;
	}
	printf("%" PRIu64 " %s allocation%s, %s in %" PRIu64 " pages\n", totals->records, side,
	       totals->records == 1 ? "" : "s", format_size(options, totals->bytes, size),
	       totals->pages);
}

static int print_text(const struct options *options, struct opened *opened, struct kho_error *err)
{
	struct table *table = table_create(headings, right, COLUMNS);
	struct walk fit = { .options = options, .table = table };
	struct walk print = { .options = options, .table = table, .print = true };
	int ret;

	/* twice: there may be more rows than is good to be kept */
	for_each_record(opened, true, do_record, &fit, NULL);
	ret = for_each_record(opened, !isatty(STDOUT_FILENO), do_record, &print, err);
	print_totals(options, opened->state, &print.totals);
	table_destroy(table);
	return ret;
}

static int print_json(const struct options *options, struct opened *opened, struct kho_error *err)
{
	struct walk walk = { .options = options, .json = json_document("list") };
	int ret;

	kho_json_state(walk.json, "state", opened->state);
	kho_json_array(walk.json, "records");
	ret = for_each_record(opened, !isatty(STDOUT_FILENO), do_record, &walk, err);
	kho_json_end(walk.json);
	json_close(walk.json);
	return ret;
}

int cmd_list(const struct options *options)
{
	struct opened opened;
	struct kho_error err;
	int ret;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;
	ret = options->json ? print_json(options, &opened, &err) : print_text(options, &opened, &err);
	close_state(&opened);

	/* what could be read was printed; that there may be more has to be said */
	return ret ? fail(&err) : EXIT_CLEAN;
}
