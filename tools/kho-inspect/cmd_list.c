// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect list: the DMA allocations. */
#include <inttypes.h>

#include "inspect.h"

static const char *const headings[] = {
	"ID", "DEVICE", "TAG", "ADDRESS", "DMA-ADDRESS", "SIZE", "PAGES", "ATTRS", "STATE",
};
static const bool right[] = { true, false, false, true, true, true, true, false, false };
#define COLUMNS (sizeof(headings) / sizeof(headings[0]))

struct totals {
	uint64_t records, bytes, pages;
};

static void add_row(const struct options *options, struct table *table,
		    const struct kho_dma_record *r)
{
	char id[24], addr[24], dma[24], size[32], pages[24], attrs[128], state[64];
	const char *cells[COLUMNS] = {
		id, r->device, r->tag, addr, dma, size, pages,
		kho_dma_attrs_format(r->attrs, attrs, sizeof(attrs)),
		record_state_text(r, state, sizeof(state)),
	};

	snprintf(id, sizeof(id), "%" PRIu64, r->id);
	snprintf(addr, sizeof(addr), "0x%" PRIx64, r->addr);
	snprintf(dma, sizeof(dma), "0x%" PRIx64, r->dma_addr);
	snprintf(pages, sizeof(pages), "%" PRIu64, r->pages);
	format_size(options, r->size, size, sizeof(size));
	table_add(table, cells);
}

static int list_records(const struct options *options, struct kho_state *state,
			struct table *table, struct json_object *array,
			struct totals *totals, struct kho_error *err)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	int ret;

	ret = kho_dma_iter_create(state, &iter, err);
	if (ret == KHO_ERR_NOT_FOUND)
		return 0;
	if (ret)
		return ret;

	while ((ret = kho_dma_iter_next(iter, &record, err)) > 0) {
		totals->records++;
		totals->bytes += record.size;
		totals->pages += record.pages;
		if (array)
			json_object_array_add(array, json_record(&record));
		else
			add_row(options, table, &record);
	}
	kho_dma_iter_destroy(iter);
	return ret;
}

static void print_table(const struct options *options, const struct kho_state *state,
			const struct table *table, const struct totals *totals)
{
	char size[32];

	if (!totals->records) {
		printf("No %s DMA allocations.\n", side_text(kho_state_side(state)));
		return;
	}
	table_print(table, stdout);
	printf("%" PRIu64 " %s allocation%s, %s in %" PRIu64 " pages\n", totals->records,
	       side_text(kho_state_side(state)), totals->records == 1 ? "" : "s",
	       format_size(options, totals->bytes, size, sizeof(size)), totals->pages);
}

int cmd_list(const struct options *options)
{
	struct json_object *document = NULL, *array = NULL;
	struct totals totals = { 0 };
	struct opened opened;
	struct table *table;
	struct kho_error err;
	int ret;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	table = table_create(headings, right, COLUMNS);
	if (options->json) {
		document = json_document("list");
		array = json_object_new_array();
		json_object_object_add(document, "state", json_state(opened.state));
		json_object_object_add(document, "records", array);
	}

	ret = list_records(options, opened.state, table, array, &totals, &err);
	if (document)
		json_print(document);
	else
		print_table(options, opened.state, table, &totals);
	table_destroy(table);
	close_state(&opened);

	/* what could be read was printed; that there may be more has to be said */
	return ret ? fail(&err) : EXIT_CLEAN;
}
