// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect scratch: where the next kernel may go, and what it costs. */
#include <inttypes.h>

#include "inspect.h"

static const char *area_use(size_t i)
{
	/* kho_reserve_scratch(): lowmem, global, then one for each node */
	return i == 0 ? "low memory" : i == 1 ? "global" : "node";
}

static uint64_t total_of(const struct kho_range *ranges, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += ranges[i].size;
	return total;
}

static void print_table(const struct options *options, const struct kho_range *scratch,
			size_t n, uint64_t total, uint64_t ram)
{
	static const char *const headings[] = { "AREA", "FOR", "ADDRESS", "SIZE" };
	static const bool right[] = { true, false, true, true };
	struct table *table = table_create(headings, right, 4);
	char size[32], ram_size[32];

	for (size_t i = 0; i < n; i++) {
		char number[24], addr[24];
		const char *cells[] = { number, area_use(i), addr, size };

		snprintf(number, sizeof(number), "%zu", i);
		snprintf(addr, sizeof(addr), "0x%" PRIx64, scratch[i].addr);
		format_size(options, scratch[i].size, size, sizeof(size));
		table_add(table, cells);
	}
	table_print(table, stdout);
	table_destroy(table);

	printf("%s of %s RAM (%.1f %%); used for movable pages meanwhile; set with kho_scratch=\n",
	       format_size(options, total, size, sizeof(size)),
	       format_size(options, ram, ram_size, sizeof(ram_size)),
	       ram ? 100.0 * (double)total / (double)ram : 0.0);
}

int cmd_scratch(const struct options *options)
{
	const struct kho_range *scratch, *ram;
	uint64_t total, ram_total;
	struct opened opened;
	size_t n, nr_ram;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	scratch = kho_state_scratch(opened.state, &n);
	ram = kho_state_ram(opened.state, &nr_ram);
	total = total_of(scratch, n);
	ram_total = total_of(ram, nr_ram);

	if (options->json) {
		struct json_object *document = json_document("scratch");
		struct json_object *array = json_object_new_array();

		for (size_t i = 0; i < n; i++)
			json_object_array_add(array, json_range(&scratch[i]));
		json_object_object_add(document, "state", json_state(opened.state));
		json_object_object_add(document, "scratch", array);
		json_add_uint(document, "total", total);
		json_add_uint(document, "ram", ram_total);
		json_print(document);
	} else {
		print_table(options, scratch, n, total, ram_total);
	}
	close_state(&opened);
	return EXIT_CLEAN;
}
