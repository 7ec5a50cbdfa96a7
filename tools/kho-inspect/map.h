/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The picture of physical memory: what lies where, before it is drawn. */
#ifndef MAP_H
#define MAP_H

#include "inspect.h"

/* In order of precedence: where two meet, the later one is shown. */
enum map_kind {
	MAP_RAM,
	MAP_KERNEL,
	MAP_SCRATCH,
	MAP_PRESERVED,	/* by somebody, without a record */
	MAP_SUBTREE,	/* handed over by a subtree that says so: LUO, memblock, kho_test */
	MAP_METADATA,	/* KHO's own: root FDT, blobs, blocks of records */
	MAP_DMA,
	MAP_KINDS,
};

struct map_area {
	struct kho_range range;
	enum map_kind kind;
	char label[64];		/* whose it is: of a DMA allocation the device */
};

struct map {
	struct map_area *areas;	/* not sorted */
	size_t n, room;
	const struct kho_range *ram;	/* sorted; owned by the state */
	size_t nr_ram;
	uint64_t bytes[MAP_KINDS];
	bool incomplete;	/* the preserved-memory-map could not be read */
};

/* How a kind is shown: a letter and an ANSI colour in a terminal, an RGB colour in SVG. */
struct map_style {
	const char *name;
	char letter;
	const char *ansi;
	const char *rgb;
};
extern const struct map_style map_styles[MAP_KINDS];

void map_draw_terminal(const struct map *map, const struct options *options);
/* Returns false, with errno set, when the file cannot be written. */
bool map_draw_svg(const struct map *map, const struct options *options,
		  const struct kho_state *state, const char *path);

#endif /* MAP_H */
