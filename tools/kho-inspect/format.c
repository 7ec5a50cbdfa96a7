// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect.h"

const char *format_size(const struct options *options, uint64_t size, char *buf, size_t n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)size;
	size_t unit = 0;

	if (options->bytes) {
		snprintf(buf, n, "%" PRIu64, size);
		return buf;
	}
	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	snprintf(buf, n, unit && value < 100 && value != (double)(uint64_t)value ?
		 "%.1f %s" : "%.0f %s", value, units[unit]);
	return buf;
}

const char *side_text(enum kho_side side)
{
	return side == KHO_SIDE_IN ? "incoming" : "outgoing";
}

const char *found_by_text(enum kho_found_by found_by)
{
	switch (found_by) {
	case KHO_FOUND_FDT_PHYS: return "debugfs fdt_phys (the live page)";
	case KHO_FOUND_DEBUGFS: return "debugfs fdt (a copy)";
	case KHO_FOUND_SNAPSHOT: return "a snapshot's notes";
	case KHO_FOUND_SYMBOL: return "the kernel's symbols";
	case KHO_FOUND_SCAN: return "a scan of RAM";
	case KHO_FOUND_SETUP_DATA: return "setup_data";
	case KHO_FOUND_DWARF: return "DWARF";
	}
	return "?";
}

const char *fate_text(enum kho_dma_fate fate)
{
	switch (fate) {
	case KHO_DMA_FATE_NONE: return "none";
	case KHO_DMA_FATE_UNCLAIMED: return "unclaimed";
	case KHO_DMA_FATE_RESTORED: return "restored";
	case KHO_DMA_FATE_FAILED: return "failed";
	case KHO_DMA_FATE_RELEASED: return "released";
	}
	return "?";
}

const char *record_state_text(const struct kho_dma_record *record, char *buf, size_t n)
{
	snprintf(buf, n, "%s%s%s%s%s", record->sealed ? "sealed" : "live",
		 record->fate != KHO_DMA_FATE_NONE ? ", " : "",
		 record->fate != KHO_DMA_FATE_NONE ? fate_text(record->fate) : "",
		 record->carried_over ? ", carried over" : "",
		 record->crc_ok ? "" : ", DAMAGED");
	return buf;
}

bool use_color(const struct options *options)
{
	const char *no_color = getenv("NO_COLOR");

	return !options->no_color && !(no_color && *no_color) && isatty(STDOUT_FILENO);
}

/* ----------------------------------------------------------------- tables */

struct table {
	size_t columns;
	const char *const *headings;
	const bool *right;
	size_t *widths;
	char **cells;
	size_t rows, room;
};

static void *check_memory(void *p)
{
	if (!p) {
		fputs("kho-inspect: out of memory.\n", stderr);
		exit(EXIT_CANNOT_TELL);
	}
	return p;
}

struct table *table_create(const char *const *headings, const bool *right, size_t columns)
{
	struct table *table = check_memory(calloc(1, sizeof(*table)));

	table->columns = columns;
	table->headings = headings;
	table->right = right;
	table->widths = check_memory(calloc(columns, sizeof(*table->widths)));
	for (size_t i = 0; i < columns; i++)
		table->widths[i] = strlen(headings[i]);
	return table;
}

void table_fit(struct table *table, const char *const *cells)
{
	for (size_t i = 0; i < table->columns; i++) {
		size_t width = strlen(cells[i]);

		table->widths[i] = width > table->widths[i] ? width : table->widths[i];
	}
}

void table_add(struct table *table, const char *const *cells)
{
	if (table->rows == table->room) {
		table->room = table->room ? 2 * table->room : 32;
		table->cells = check_memory(reallocarray(table->cells, table->room * table->columns,
							 sizeof(*table->cells)));
	}
	for (size_t i = 0; i < table->columns; i++)
		table->cells[table->rows * table->columns + i] = check_memory(strdup(cells[i]));
	table_fit(table, cells);
	table->rows++;
}

void table_print_row(const struct table *table, const char *const *cells, FILE *out)
{
	for (size_t i = 0; i < table->columns; i++) {
		bool last = i == table->columns - 1;
		int width = (int)table->widths[i];

		if (table->right[i])
			fprintf(out, "%*s", width, cells[i]);
		else
			fprintf(out, "%-*s", last ? 0 : width, cells[i]);
		fputs(last ? "\n" : "  ", out);
	}
}

void table_print_headings(const struct table *table, FILE *out)
{
	table_print_row(table, table->headings, out);
}

void table_print(const struct table *table, FILE *out)
{
	table_print_headings(table, out);
	for (size_t i = 0; i < table->rows; i++)
		table_print_row(table, (const char *const *)&table->cells[i * table->columns], out);
}

void table_destroy(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->widths);
	free(table);
}
