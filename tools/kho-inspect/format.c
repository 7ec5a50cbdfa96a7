// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect.h"

char *put_uint(char *to, uint64_t value)
{
	unsigned int n = 1;

	for (uint64_t left = value; left >= 10; left /= 10)
		n++;
	to[n] = '\0';
	for (unsigned int i = n; i--; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + n;
}

char *put_hex(char *to, uint64_t value, unsigned int width)
{
	unsigned int n = value ? (67 - (unsigned int)__builtin_clzll(value)) / 4 : 1;

	n = n < width ? width : n;
	*to++ = '0';
	*to++ = 'x';
	to[n] = '\0';
	for (unsigned int i = n; i--; value >>= 4)
		to[i] = "0123456789abcdef"[value & 15];
	return to + n;
}

/* @size in units of 1 << @shift, times @scale, to the nearest; to the even one between two. */
static uint64_t in_units(uint64_t size, unsigned int shift, unsigned int scale)
{
	unsigned __int128 scaled = (unsigned __int128)size * scale;
	uint64_t whole = (uint64_t)(scaled >> shift);
	uint64_t rest = (uint64_t)scaled & ((1ull << shift) - 1);
	uint64_t half = shift ? 1ull << (shift - 1) : 1;

	return whole + (rest > half || (rest == half && whole & 1));
}

/* By hand like the numbers: a list has as many as records. */
char *put_size(char *to, const struct options *options, uint64_t size)
{
	unsigned int unit = size ? (63 - (unsigned int)__builtin_clzll(size)) / 10 : 0;
	unsigned int shift = 10 * unit;

	if (options->bytes)
		return put_uint(to, size);

	if (size & ((1ull << shift) - 1) && size >> shift < 100) {
		uint64_t tenths = in_units(size, shift, 10);

		to = put_uint(to, tenths / 10);
		*to++ = '.';
		*to++ = (char)('0' + tenths % 10);
	} else {
		to = put_uint(to, in_units(size, shift, 1));
	}
	*to++ = ' ';
	if (unit) {
		*to++ = "KMGTPE"[unit - 1];
		*to++ = 'i';
	}
	return stpcpy(to, "B");
}

char *format_uint(uint64_t value, char *buf)
{
	put_uint(buf, value);
	return buf;
}

char *format_hex(uint64_t value, unsigned int width, char *buf)
{
	put_hex(buf, value, width);
	return buf;
}

const char *format_size(const struct options *options, uint64_t size, char *buf)
{
	put_size(buf, options, size);
	return buf;
}

const char *format_count(uint64_t count, char *buf)
{
	return count == KHO_COUNT_UNKNOWN ? "an unknown number of" : format_uint(count, buf);
}

const char *outcome_text(enum kho_outcome outcome)
{
	switch (outcome) {
	case KHO_OUTCOME_FOUND: return "";
	case KHO_OUTCOME_NOT_JUDGED: return NOT_JUDGED;
	case KHO_OUTCOME_NOT_APPLICABLE: return "does not apply: ";
	}
	return "";
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

const char *record_state_text(const struct kho_dma_record *record, char *buf)
{
	char *end = stpcpy(buf, !record->flags_ok ? "?" : record->sealed ? "sealed" : "live");

	if (record->fate != KHO_DMA_FATE_NONE)
		end = stpcpy(stpcpy(end, ", "), kho_dma_fate_name(record->fate));
	if (record->carried_over)
		end = stpcpy(end, ", carried over");
	if (!record->crc_ok || !record->flags_ok)
		stpcpy(end, ", DAMAGED");
	return buf;
}

bool use_color(const struct options *options)
{
	const char *no_color = getenv("NO_COLOR");

	return !options->no_color && !(no_color && *no_color) && isatty(STDOUT_FILENO);
}

static void put_message(FILE *out, const char *start, const char *fmt, va_list args)
{
	char *message = NULL, *text;
	size_t room;

	if (vasprintf(&message, fmt, args) < 0)
		check_memory(NULL);
	room = KHO_TEXT_ROOM(strlen(message));
	text = check_memory(malloc(room));
	kho_text_message(text, room, message);
	fprintf(out, "%s%s\n", start, text);
	free(text);
	free(message);
}

void put_line(FILE *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put_message(out, "", fmt, args);
	va_end(args);
}

/* The first message of complain(), which the document of a failure repeats. */
static char *complaint;

int complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!complaint && vasprintf(&complaint, fmt, args) < 0)
		complaint = NULL;
	va_end(args);
	va_start(args, fmt);
	put_message(stderr, "kho-inspect: ", fmt, args);
	va_end(args);
	return EXIT_CANNOT_TELL;
}

const char *first_complaint(void)
{
	return complaint;
}

void *check_memory(void *p)
{
	if (!p) {
		fputs("kho-inspect: out of memory.\n", stderr);
		exit(EXIT_CANNOT_TELL);
	}
	return p;
}

bool print_bad_subtrees(const struct kho_state *state, const char *before)
{
	const char *first;
	size_t n = kho_state_bad_subtrees(state, &first);

	if (n)
		printf("%s%zu without address or size of the blob, first \"%s\" (K004)", before, n, first);
	return n;
}

/* ----------------------------------------------------------------- tables */

/* Number of rows that are kept to find the widths of their columns. */
#define TABLE_KEPT	1000

struct table {
	size_t columns;
	const char *const *headings;
	const bool *right;
	size_t *widths;
	char **cells;		/* of the @rows that are kept */
	size_t rows;
	bool printed;		/* the headings and these rows are printed */
	char *row;		/* the one that is printed, of @row_room bytes */
	size_t row_room;
};

/* Columns of a terminal that a text of UTF-8 takes, if each character takes one; *len: its bytes. */
static size_t text_width(const char *text, size_t *len)
{
	size_t width = 0, n;

	for (n = 0; text[n]; n++)
		width += (text[n] & 0xc0) != 0x80;
	*len = n;
	return width;
}

struct table *table_create(const char *const *headings, const bool *right, size_t columns)
{
	struct table *table = check_memory(calloc(1, sizeof(*table)));

	table->columns = columns;
	table->headings = headings;
	table->right = right;
	table->widths = check_memory(calloc(columns, sizeof(*table->widths)));
	table->cells = check_memory(calloc(TABLE_KEPT * columns, sizeof(*table->cells)));
	for (size_t i = 0; i < columns; i++)
		table->widths[i] = strlen(headings[i]);
	return table;
}

/* Appends a cell to the row of @used bytes. Returns the new length. */
static size_t put_cell(struct table *table, size_t used, const char *cell, size_t column)
{
	size_t *width = &table->widths[column], len, taken = text_width(cell, &len), pad = 0;
	bool right = table->right[column];
	char *to;

	*width = taken > *width ? taken : *width;
	/* nothing follows the last one */
	if (right || column < table->columns - 1)
		pad = *width - taken;
	/* and what follows it: two blanks, or the end of the line */
	if (table->row_room < used + len + pad + 2) {
		table->row_room = 2 * (used + len + pad + 2);
		table->row = check_memory(realloc(table->row, table->row_room));
	}
	to = table->row + used;
	memset(right ? to : to + len, ' ', pad);
	memcpy(right ? to + pad : to, cell, len);
	return used + len + pad;
}

/* In one piece, because a list may have as many rows as there are records. */
static void print_row(struct table *table, const char *const *cells)
{
	size_t used = 0;

	for (size_t i = 0; i < table->columns; i++) {
		if (i) {
			table->row[used++] = ' ';
			table->row[used++] = ' ';
		}
		used = put_cell(table, used, cells[i], i);
	}
	table->row[used++] = '\n';
	fwrite(table->row, 1, used, stdout);
}

/* Copies a row, and widens the columns for it. */
static void keep_row(struct table *table, const char *const *cells)
{
	char **row = &table->cells[table->rows++ * table->columns];

	for (size_t i = 0; i < table->columns; i++) {
		size_t len, width = text_width(cells[i], &len);

		table->widths[i] = width > table->widths[i] ? width : table->widths[i];
		row[i] = check_memory(strdup(cells[i]));
	}
}

void table_add(struct table *table, const char *const *cells)
{
	if (!table->printed && table->rows == TABLE_KEPT)
		table_print(table);
	if (table->printed)
		print_row(table, cells);
	else
		keep_row(table, cells);
}

void table_print(struct table *table)
{
	if (table->printed)
		return;
	print_row(table, table->headings);
	for (size_t i = 0; i < table->rows; i++)
		print_row(table, (const char *const *)&table->cells[i * table->columns]);
	table->printed = true;
}

void table_destroy(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->widths);
	free(table->row);
	free(table);
}
