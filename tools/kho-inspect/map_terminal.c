// SPDX-License-Identifier: GPL-2.0-or-later
/* The picture in a terminal: a letter for each piece of RAM, rows of RAM only. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "map.h"

#define ROWS	16
#define NARROWEST 30
#define WIDEST	500
#define PREFIX	22	/* "0x000000000000 +64 MiB " */

static size_t terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long n = columns ? strtol(columns, NULL, 10) : 0;

	if (n <= 0 && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		n = size.ws_col;
	if (n <= 0)
		return 80;
	if (n > WIDEST)
		return WIDEST;
	return n < NARROWEST ? NARROWEST : (size_t)n;
}

static bool is_ram(const struct map *map, uint64_t addr, uint64_t size)
{
	size_t low = 0, high = map->nr_ram;

	/* the first range that does not end before @addr */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct kho_range *ram = &map->ram[mid];

		if (addr >= ram->addr && addr - ram->addr >= ram->size)
			low = mid + 1;
		else
			high = mid;
	}
	return low < map->nr_ram &&
	       (map->ram[low].addr <= addr || map->ram[low].addr - addr < size);
}

/* Rows of cells, sorted by address. */
struct rows {
	uint64_t *addrs;
	unsigned char *kinds;	/* of each cell, the one of highest precedence in it */
	size_t n, cells;
	uint64_t cell;
};

/* Address of the first row of a range, after the rows of the range before it. */
static uint64_t first_place(const struct kho_range *before, uint64_t addr, uint64_t cell,
			    uint64_t row)
{
	uint64_t end = before ? before->addr + before->size : 0, rest;

	addr -= addr % cell;
	/* the row before covers the beginning of this range */
	if (before && (addr < end || addr - end < row))
		addr = end;
	addr -= addr % row;
	rest = end % row;
	if (before && rest && addr < end - rest + row)
		addr = end - rest + row;
	return addr;
}

/*
 * Addresses of the rows with RAM; with @addrs NULL, only counts them. RAM may reach up to the last
 * address, so a loop over addresses could overflow.
 */
static size_t place_rows(const struct map *map, uint64_t cell, size_t cells, uint64_t *addrs)
{
	const uint64_t row = cell * cells;
	size_t n = 0;

	for (size_t r = 0; r < map->nr_ram; r++) {
		const struct kho_range *ram = &map->ram[r];
		uint64_t addr = first_place(r ? ram - 1 : NULL, ram->addr, cell, row);
		uint64_t last = ram->addr + (ram->size - 1);
		uint64_t count = addr <= last ? (last - addr) / row + 1 : 0;

		for (uint64_t i = 0; addrs && i < count; i++)
			addrs[n + i] = addr + i * row;
		n += count;
	}
	return n;
}

/* The first row that does not end before @addr. */
static size_t first_row(const struct rows *rows, uint64_t addr)
{
	size_t low = 0, high = rows->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (addr >= rows->addrs[mid] && addr - rows->addrs[mid] >= rows->cell * rows->cells)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Area by area, because there may be a million of them. */
static void paint(struct rows *rows, const struct map_area *area)
{
	const uint64_t last = area->range.addr + area->range.size - 1;

	for (size_t r = first_row(rows, area->range.addr); r < rows->n && rows->addrs[r] <= last; r++) {
		uint64_t start = rows->addrs[r];
		uint64_t from = area->range.addr > start ? (area->range.addr - start) / rows->cell : 0;
		uint64_t to = (last - start) / rows->cell;
		unsigned char *kinds = &rows->kinds[r * rows->cells];

		for (uint64_t i = from; i <= to && i < rows->cells; i++)
			kinds[i] = area->kind > kinds[i] ? area->kind : kinds[i];
	}
}

static void draw_row(const struct map *map, const struct options *options,
		     const struct rows *rows, size_t row, bool color)
{
	const uint64_t addr = rows->addrs[row];
	char size[FORMAT_ROOM];
	int shown = -1;

	printf("%#13" PRIx64 " %7s ", addr,
	       format_size(options, rows->cell * rows->cells, size));
	for (size_t i = 0; i < rows->cells; i++) {
		int kind = rows->kinds[row * rows->cells + i];

		if (!is_ram(map, addr + i * rows->cell, rows->cell)) {
			if (color && shown != -1)
				fputs("\033[0m", stdout);
			shown = -1;
			putchar(' ');
			continue;
		}
		if (color && kind != shown)
			printf("\033[0m%s", map_styles[kind].ansi);
		shown = kind;
		putchar(map_styles[kind].letter);
	}
	puts(color ? "\033[0m" : "");
}

static void draw_rows(const struct map *map, const struct options *options, struct rows *rows,
		      bool color)
{
	rows->n = place_rows(map, rows->cell, rows->cells, NULL);
	rows->addrs = calloc(rows->n + 1, sizeof(*rows->addrs));
	rows->kinds = calloc(rows->n + 1, rows->cells);
	check_memory(rows->addrs);
	check_memory(rows->kinds);
	place_rows(map, rows->cell, rows->cells, rows->addrs);
	for (size_t i = 0; i < map->n; i++)
		paint(rows, &map->areas[i]);
	for (size_t i = 0; i < rows->n; i++)
		draw_row(map, options, rows, i, color);
	free(rows->addrs);
	free(rows->kinds);
}

void map_draw_terminal(const struct map *map, const struct options *options)
{
	struct rows rows = { .cells = terminal_width() - PREFIX - 1, .cell = 4096 };
	bool color = use_color(options);
	char size[2 * FORMAT_ROOM];

	/* the smallest power of two for which all of RAM fits the rows */
	while (rows.cell < 1ull << 40 && rows.cell * rows.cells * ROWS < map->bytes[MAP_RAM])
		rows.cell *= 2;

	printf("one letter is %s; holes between are left out\n",
	       format_size(options, rows.cell, size));
	draw_rows(map, options, &rows, color);

	puts("");
	for (int kind = 0; kind < MAP_KINDS; kind++) {
		if (kind == MAP_KERNEL && !map->kernel_known)
			continue;
		printf("%s%c%s %-18s %s\n", color ? map_styles[kind].ansi : "",
		       map_styles[kind].letter, color ? "\033[0m" : "", map_styles[kind].name,
		       map_size(map, options, (enum map_kind)kind, size));
	}
	if (map->partial[MAP_RAM])
		puts("This file does not list all RAM: only the memory that it lists is drawn.");
	if (map->partial[MAP_PRESERVED])
		puts("kho-inspect cannot read the preserved-memory-map: not all that is preserved is shown.");
	if (map->partial[MAP_DMA])
		puts("kho-inspect cannot read all records: not all DMA allocations are shown.");
}
