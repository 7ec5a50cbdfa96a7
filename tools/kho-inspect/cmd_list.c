// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect list: the DMA allocations. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "inspect.h"

static const char *const headings[] = {
	"ID", "DEVICE", "TAG", "ADDRESS", "DMA-ADDRESS", "SIZE", "PAGES", "ATTRS", "MASTERING",
	"STATE",
};
static const bool right[] = { true, false, false, true, true, true, true, false, false,
			      false };
#define COLUMNS (sizeof(headings) / sizeof(headings[0]))

/* Devices of the running kernel; a file has none. */
struct devices {
	struct kho_device *list;
	size_t n;
	bool known, unreadable;
	struct kho_error err;
};

struct totals {
	uint64_t records, bytes, pages;
	bool more;	/* the list was not read to its end, or a size is impossible */
};

static void devices_read(struct devices *devices, const struct options *options)
{
	*devices = (struct devices){ 0 };
	if (options->core)
		return;
	devices->unreadable = kho_devices_read(options->sysroot, &devices->list, &devices->n,
					       &devices->err);
	devices->known = !devices->unreadable;
}

/* Bus mastering of the record's device, as a word. */
static const char *mastering_text(const struct devices *devices, const struct kho_dma_record *r)
{
	const struct kho_device *device = kho_devices_find_of(devices->list, devices->n, r);

	if (devices->unreadable)
		return "?";
	if (!device)
		return "-";
	if (kho_device_keeps_mastering(device))
		return "kept";
	return device->masters ? "on" : "off";
}

static void add_row(struct table *table, const struct options *options,
		    const struct devices *devices, const struct kho_dma_record *r)
{
	char id[FORMAT_ROOM], addr[FORMAT_ROOM], dma[FORMAT_ROOM], size[FORMAT_ROOM];
	char pages[FORMAT_ROOM], attrs[128], state[FORMAT_ROOM];
	const char *cells[COLUMNS] = {
		format_uint(r->id, id), r->device, r->tag, format_hex(r->addr, 1, addr),
		format_hex(r->dma_addr, 1, dma), format_size(options, r->size, size),
		r->pages == KHO_SIZE_UNKNOWN ? "?" : format_uint(r->pages, pages),
		kho_dma_attrs_format(r->attrs, attrs, sizeof(attrs)), mastering_text(devices, r),
		record_state_text(r, state),
	};

	table_add(table, cells);
}

/* Data of the visitor of records. */
struct walk {
	const struct options *options;
	const struct devices *devices;
	struct table *table;
	struct kho_json *json;		/* instead of the table, or NULL */
	struct totals totals;
};

static int do_record(const struct kho_dma_record *record, void *data)
{
	struct walk *walk = data;

	if (walk->json)
		kho_json_record(walk->json, NULL, record);
	else
		add_row(walk->table, walk->options, walk->devices, record);
	walk->totals.records++;
	if (record->pages == KHO_SIZE_UNKNOWN) {
		walk->totals.more = true;
		return 0;
	}
	walk->totals.bytes += record->size;
	walk->totals.pages += record->pages;
	return 0;
}

static void print_totals(const struct options *options, const struct kho_state *state,
			 const struct totals *totals)
{
	const char *side = kho_side_name(kho_state_side(state));
	char size[FORMAT_ROOM];

	if (!totals->records) {
		printf("%s %s DMA allocations.\n", totals->more ? "An unknown number of" : "No", side);
		return;
	}
	printf("%s%" PRIu64 " %s allocation%s, %s in %" PRIu64 " pages\n", totals->more ? "at least " : "",
	       totals->records, side, totals->records == 1 ? "" : "s",
	       format_size(options, totals->bytes, size), totals->pages);
}

/* After what could be read: says what could not. Returns the exit status. */
static int conclude(int ret, const struct kho_error *err, const struct devices *devices)
{
	if (ret)
		return fail(err);
	return devices->unreadable ? fail(&devices->err) : EXIT_CLEAN;
}

static int print_text(const struct options *options, struct opened *opened,
		      const struct devices *devices)
{
	struct kho_error err;
	struct walk walk = {
		.options = options, .devices = devices,
		.table = table_create(headings, right, COLUMNS),
	};
	int ret = for_each_record(opened, !isatty(STDOUT_FILENO), do_record, &walk, &err);

	walk.totals.more |= ret != 0;
	if (walk.totals.records)
		table_print(walk.table);
	print_totals(options, opened->state, &walk.totals);
	table_destroy(walk.table);
	return conclude(ret, &err, devices);
}

static void json_devices(struct kho_json *json, const struct devices *devices)
{
	if (!devices->known) {
		kho_json_null(json, "devices");
		return;
	}
	kho_json_array(json, "devices");
	for (size_t i = 0; i < devices->n; i++) {
		const struct kho_device *device = &devices->list[i];

		kho_json_object(json, NULL);
		kho_json_string(json, "name", device->name);
		kho_json_string(json, "driver", *device->driver ? device->driver : NULL);
		kho_json_bool(json, "bridge", device->bridge);
		kho_json_bool(json, "masters", device->masters);
		if (device->keeps < 0)
			kho_json_null(json, "keeps_mastering");
		else
			kho_json_bool(json, "keeps_mastering", kho_device_keeps_mastering(device));
		kho_json_end(json);
	}
	kho_json_end(json);
}

static int print_json(const struct options *options, struct opened *opened,
		      const struct devices *devices)
{
	struct walk walk = { .options = options, .json = json_document("list") };
	struct kho_error err;
	int ret;

	kho_json_state(walk.json, "state", opened->state);
	json_devices(walk.json, devices);
	kho_json_array(walk.json, "records");
	ret = for_each_record(opened, !isatty(STDOUT_FILENO), do_record, &walk, &err);
	kho_json_end(walk.json);
	ret = conclude(ret, &err, devices);
	json_error(walk.json);
	json_close(walk.json);
	return ret;
}

int cmd_list(const struct options *options)
{
	struct devices devices;
	struct opened opened;
	int status;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;
	devices_read(&devices, options);
	status = options->json ? print_json(options, &opened, &devices)
			       : print_text(options, &opened, &devices);
	close_state(&opened);
	free(devices.list);
	return status;
}
