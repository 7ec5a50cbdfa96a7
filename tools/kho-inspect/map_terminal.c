// SPDX-License-Identifier: GPL-2.0-or-later
/* The picture in a terminal: a letter for each piece of RAM, rows of RAM only. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "map.h"

#define ROWS	16
#define PREFIX	22	/* "0x000000000000 +64 MiB " */

static size_t terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long n = columns ? strtol(columns, NULL, 10) : 0;

	if (n < 40 && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		n = size.ws_col;
	return n < 40 || n > 500 ? 80 : (size_t)n;
}

/* What is shown for [addr, addr+size): the kind of highest precedence in it. */
static enum map_kind kind_at(const struct map *map, uint64_t addr, uint64_t size)
{
	enum map_kind kind = MAP_RAM;

	for (size_t i = 0; i < map->n; i++) {
		const struct map_area *area = &map->areas[i];

		if (area->kind <= kind)
			continue;
		if (addr < area->range.addr + area->range.size && area->range.addr < addr + size)
			kind = area->kind;
	}
	return kind;
}

static bool is_ram(const struct map *map, uint64_t addr, uint64_t size)
{
	for (size_t i = 0; i < map->nr_ram; i++) {
		if (addr < map->ram[i].addr + map->ram[i].size && map->ram[i].addr < addr + size)
			return true;
	}
	return false;
}

static void draw_row(const struct map *map, const struct options *options, uint64_t addr,
		     size_t cells, uint64_t cell, bool color)
{
	char size[FORMAT_ROOM];
	int shown = -1;

	printf("%#13" PRIx64 " %7s ", addr, format_size(options, cell * cells, size));
	for (size_t i = 0; i < cells; i++) {
		int kind;

		if (!is_ram(map, addr + i * cell, cell)) {
			if (color && shown != -1)
				fputs("\033[0m", stdout);
			shown = -1;
			putchar(' ');
			continue;
		}
		kind = kind_at(map, addr + i * cell, cell);
		if (color && kind != shown)
			printf("\033[0m%s", map_styles[kind].ansi);
		shown = kind;
		putchar(map_styles[kind].letter);
	}
	puts(color ? "\033[0m" : "");
}

void map_draw_terminal(const struct map *map, const struct options *options)
{
	size_t cells = terminal_width() - PREFIX - 1;
	bool color = use_color(options);
	uint64_t cell = 4096;
	char size[FORMAT_ROOM];

	/* the smallest power of two for which all of RAM fits the rows */
	while (cell < 1ull << 40 && cell * cells * ROWS < map->bytes[MAP_RAM])
		cell *= 2;

	printf("one letter is %s; holes between are left out\n",
	       format_size(options, cell, size));
	for (size_t r = 0; r < map->nr_ram; r++) {
		uint64_t addr = map->ram[r].addr - map->ram[r].addr % cell;
		uint64_t end = map->ram[r].addr + map->ram[r].size;

		/* a sliver of RAM in the row before is not worth another one */
		if (r && addr < map->ram[r - 1].addr + map->ram[r - 1].size + cell * cells)
			addr = map->ram[r - 1].addr + map->ram[r - 1].size;
		addr -= addr % (cell * cells);
		if (r) {
			uint64_t before = map->ram[r - 1].addr + map->ram[r - 1].size;
			uint64_t drawn = (before + cell * cells - 1) / (cell * cells) * (cell * cells);

			if (addr < drawn)
				addr = drawn;
		}
		for (; addr < end; addr += cell * cells)
			draw_row(map, options, addr, cells, cell, color);
	}

	puts("");
	for (int kind = 0; kind < MAP_KINDS; kind++)
		printf("%s%c%s %-17s %s\n", color ? map_styles[kind].ansi : "",
		       map_styles[kind].letter, color ? "\033[0m" : "", map_styles[kind].name,
		       format_size(options, map->bytes[kind], size));
	if (map->incomplete)
		puts("The preserved-memory-map could not be read: not all that is preserved is shown.");
}
