// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The picture as SVG: a bar of all RAM, and below it a bar for each neighbourhood
 * that holds something preserved, zoomed so that single pages can be seen.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"

#define WIDTH		960
#define LEFT		16
#define BAR		(WIDTH - 2 * LEFT)
#define BAR_HEIGHT	34
#define ROW_HEIGHT	64
#define MAX_ZOOMS	12
#define MIN_PIXELS	2.0
#define LETTER_PIXELS	7.0	/* estimated width in a label, rather too wide */

/* Dark mode changes the background, not the colours of the kinds. */
static const char style[] =
	"<style>text{fill:#1c2126}.paper{fill:#fff}.ram{fill:#d9dee4}.owner{fill:#fff;font-size:11px}"
	"@media (prefers-color-scheme:dark){text{fill:#e4e7ea}.paper{fill:#15181c}.ram{fill:#3b434c}}"
	"</style>\n";

static void put_escaped(FILE *f, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '&': fputs("&amp;", f); break;
		case '"': fputs("&quot;", f); break;
		default: fputc(*text, f);
		}
	}
}

/* Bytes of RAM below @addr, without holes. */
static uint64_t ram_below(const struct map *map, uint64_t addr)
{
	size_t low = 0, high = map->nr_ram;
	const struct kho_range *ram;

	/* the first range that does not begin below @addr; the one before it counts in part */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (map->ram[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return 0;
	ram = &map->ram[low - 1];
	return map->ram_before[low - 1] + (addr - ram->addr < ram->size ? addr - ram->addr : ram->size);
}

/*
 * A box in a bar. Areas of one kind that would overlap share a box, so that a picture of a million
 * allocations only has boxes that can be seen.
 */
struct box {
	const struct map_area *area;	/* the first; NULL: none yet */
	double x, end;
	uint64_t areas, bytes, last;	/* last: of the last byte */
};

static void put_title(FILE *f, const struct map *map, const struct box *box,
		      const struct options *options)
{
	const struct map_area *area = box->area;
	const char *label = map_label(map, area);
	char size[FORMAT_ROOM];

	put_escaped(f, map_styles[area->kind].name);
	if (box->areas > 1) {
		fprintf(f, ": %" PRIu64 " from 0x%" PRIx64 " to 0x%" PRIx64 ", %s", box->areas,
			area->range.addr, box->last, format_size(options, box->bytes, size));
		return;
	}
	if (*label) {
		fputs(": ", f);
		put_escaped(f, label);
	}
	fprintf(f, ", 0x%" PRIx64 ", %s", area->range.addr,
		format_size(options, area->range.size, size));
}

static void draw_box(FILE *f, const struct map *map, const struct box *box, double y,
		     const struct options *options)
{
	const struct map_area *area = box->area;
	double width = box->end - box->x;
	const char *label;

	if (!area)
		return;
	label = map_label(map, area);
	fprintf(f, "<rect x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"><title>",
		box->x, y, width, BAR_HEIGHT, map_styles[area->kind].rgb);
	put_title(f, map, box, options);
	fputs("</title></rect>\n", f);
	if (box->areas > 1 || !*label || width < LETTER_PIXELS * (double)(strlen(label) + 1))
		return;
	fprintf(f, "<text class=\"owner\" text-anchor=\"middle\" x=\"%.2f\" y=\"%.0f\">",
		box->x + width / 2, y + BAR_HEIGHT / 2 + 4);
	put_escaped(f, label);
	fputs("</text>\n", f);
}

/* Areas come in the order of their addresses, those of one kind after the other. */
static void add_to_bar(FILE *f, const struct map *map, struct box *box, const struct map_area *area,
		       double x, double end, double y, const struct options *options)
{
	uint64_t last = area->range.addr + area->range.size - 1;

	if (end < x + MIN_PIXELS)
		end = x + MIN_PIXELS;
	if (!box->area || x >= box->end) {
		draw_box(f, map, box, y, options);
		*box = (struct box){ .area = area, .x = x, .end = end, .last = last };
	}
	box->areas++;
	box->bytes += area->range.size;
	box->end = end > box->end ? end : box->end;
	box->last = last > box->last ? last : box->last;
}

static void draw_overview(FILE *f, const struct map *map, const struct options *options, double y)
{
	double scale = (double)BAR / (double)(map->bytes[MAP_RAM] ? map->bytes[MAP_RAM] : 1);

	fprintf(f, "<rect class=\"ram\" x=\"%d\" y=\"%.0f\" width=\"%d\" height=\"%d\"/>\n", LEFT, y, BAR,
		BAR_HEIGHT);
	for (int kind = MAP_RAM + 1; kind < MAP_KINDS; kind++) {
		struct box box = { 0 };

		for (size_t i = 0; i < map->n; i++) {
			const struct map_area *area = &map->areas[i];

			if ((int)area->kind == kind)
				add_to_bar(f, map, &box, area,
					   LEFT + (double)ram_below(map, area->range.addr) * scale,
					   LEFT + (double)ram_below(map, area->range.addr + area->range.size) * scale,
					   y, options);
		}
		draw_box(f, map, &box, y, options);
	}
}

/* ------------------------------------------------------------------ zooms */

static int by_addr(const void *a, const void *b)
{
	const struct map_area *x = a, *y = b;

	if (x->range.addr != y->range.addr)
		return x->range.addr < y->range.addr ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

static bool is_preserved(const struct map_area *area)
{
	return area->kind >= MAP_PRESERVED && area->range.size;
}

/*
 * Neighbourhoods of preserved memory: areas closer together than @gap form one. Fills up to @max
 * of them, and returns how many there are.
 */
static size_t find_zooms(const struct map *map, uint64_t gap, struct kho_range *zooms, size_t max)
{
	size_t n = 0;
	uint64_t end = 0;

	for (size_t i = 0; i < map->n; i++) {
		const struct kho_range *range = &map->areas[i].range;

		if (!is_preserved(&map->areas[i]))
			continue;
		if (n && range->addr - end < gap && range->addr >= end) {
			end = range->addr + range->size;
		} else if (n && range->addr < end) {
			if (range->addr + range->size > end)
				end = range->addr + range->size;
		} else {
			n++;
			if (n <= max)
				zooms[n - 1].addr = range->addr;
			end = range->addr + range->size;
		}
		if (n <= max)
			zooms[n - 1].size = end - zooms[n - 1].addr;
	}
	return n;
}

static void draw_zoom(FILE *f, const struct map *map, const struct options *options,
		      const struct kho_range *zoom, double y)
{
	double scale = (double)BAR / (double)zoom->size;
	char size[FORMAT_ROOM];

	fprintf(f, "<text x=\"%d\" y=\"%.0f\">0x%" PRIx64 " to 0x%" PRIx64 ", %s</text>\n", LEFT,
		y - 6, zoom->addr, zoom->addr + zoom->size - 1,
		format_size(options, zoom->size, size));
	fprintf(f, "<rect class=\"ram\" x=\"%d\" y=\"%.0f\" width=\"%d\" height=\"%d\"/>\n", LEFT, y, BAR,
		BAR_HEIGHT);
	for (int kind = MAP_RAM + 1; kind < MAP_KINDS; kind++) {
		struct box box = { 0 };

		for (size_t i = 0; i < map->n; i++) {
			const struct map_area *area = &map->areas[i];
			uint64_t start = area->range.addr, end = start + area->range.size;

			if ((int)area->kind != kind || end <= zoom->addr ||
			    start >= zoom->addr + zoom->size)
				continue;
			if (start < zoom->addr)
				start = zoom->addr;
			if (end > zoom->addr + zoom->size)
				end = zoom->addr + zoom->size;
			add_to_bar(f, map, &box, area, LEFT + (double)(start - zoom->addr) * scale,
				   LEFT + (double)(end - zoom->addr) * scale, y, options);
		}
		draw_box(f, map, &box, y, options);
	}
}

static void draw_legend(FILE *f, const struct map *map, const struct options *options, double y)
{
	char size[2 * FORMAT_ROOM];
	int place = 0;

	for (int kind = 0; kind < MAP_KINDS; kind++) {
		double x = LEFT + (place % 3) * (BAR / 3.0);
		double row = y + (place / 3) * 24;

		if (kind == MAP_KERNEL && !map->kernel_known)
			continue;
		place++;

		fprintf(f, "<rect x=\"%.0f\" y=\"%.0f\" width=\"14\" height=\"14\" %s=\"%s\"/>\n"
			"<text x=\"%.0f\" y=\"%.0f\">%s, %s</text>\n", x, row,
			kind == MAP_RAM ? "class" : "fill",
			kind == MAP_RAM ? "ram" : map_styles[kind].rgb, x + 20, row + 12, map_styles[kind].name,
			map_size(map, options, (enum map_kind)kind, size));
	}
}

static void draw(FILE *f, struct map *map, const struct options *options,
		 const struct kho_state *state)
{
	struct kho_range zooms[MAX_ZOOMS];
	uint64_t gap = 1 << 20;
	char size[FORMAT_ROOM];
	size_t n, height;
	double y = 64;

	while ((n = find_zooms(map, gap, zooms, MAX_ZOOMS)) > MAX_ZOOMS)
		gap *= 2;
	height = 64 + (n + 1) * ROW_HEIGHT + 36 + (MAP_KINDS + 2) / 3 * 24;

	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\" "
		"width=\"%d\" height=\"%zu\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n",
		WIDTH, height, WIDTH, height);
	fputs(style, f);
	fprintf(f, "<title>KHO memory map, %s state</title>\n"
		"<desc>Physical memory: scratch areas and what is preserved over a kexec.</desc>\n"
		"<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n"
		"<text x=\"%d\" y=\"26\" font-size=\"18\" font-weight=\"bold\">KHO: %s state of kernel ",
		kho_side_name(kho_state_side(state)), LEFT, kho_side_name(kho_state_side(state)));
	put_escaped(f, *kho_state_release(state) ? kho_state_release(state) : "(unknown)");
	fprintf(f, "</text>\n<text x=\"%d\" y=\"%.0f\">%s without its holes, %s%s</text>\n", LEFT,
		y - 6, map->partial[MAP_RAM] ? "the RAM that this file lists" : "all RAM",
		format_size(options, map->bytes[MAP_RAM], size),
		map->partial[MAP_PRESERVED] || map->partial[MAP_DMA] ? " (kho-inspect cannot read all of the map or of the records)" : "");
	draw_overview(f, map, options, y);
	for (size_t i = 0; i < n; i++)
		draw_zoom(f, map, options, &zooms[i], y += ROW_HEIGHT);
	draw_legend(f, map, options, y + ROW_HEIGHT);
	fputs("</svg>\n", f);
}

void map_draw_svg(const struct map *map, const struct options *options,
		  const struct kho_state *state, FILE *f)
{
	struct map sorted = *map;

	if (sorted.n)
		qsort(sorted.areas, sorted.n, sizeof(*sorted.areas), by_addr);
	draw(f, &sorted, options, state);
}
