/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The picture of physical memory: areas and their owners, before it is drawn. */
#ifndef MAP_H
#define MAP_H

#include "inspect.h"

/* In order of precedence: where two meet, the later one is shown. */
enum map_kind {
	MAP_RAM,
	MAP_SCRATCH,
	MAP_KERNEL,	/* in scratch, after a kexec */
	MAP_PRESERVED,	/* without a record */
	MAP_SUBTREE,	/* handed over by a subtree: LUO, memblock, kho_test */
	MAP_METADATA,	/* KHO's own: root FDT, blobs, blocks of records */
	MAP_DMA,
	MAP_KINDS,
};

/* One for each record and each entry of the map, so keep it small. */
struct map_area {
	struct kho_range range;
	uint32_t label;		/* offset in labels; the device of a DMA allocation */
	unsigned char kind;	/* enum map_kind */
};

struct map {
	struct map_area *areas;	/* not sorted */
	size_t n, room;
	char *labels;		/* NUL-terminated strings; the first is "" */
	size_t labels_size, labels_room;
	uint32_t last[MAP_KINDS]; /* label of the last area of each kind */
	uint64_t page;		/* size of a page of the kernel */
	const struct kho_range *ram;	/* sorted; owned by the state */
	size_t nr_ram;
	uint64_t *ram_before;	/* bytes of RAM in the ranges before each */
	uint64_t bytes[MAP_KINDS];
	bool partial[MAP_KINDS]; /* there may be more of this kind */
	bool kernel_known;	/* areas of kind MAP_KERNEL are complete */
};

/* The size of all areas of a kind: "12 KiB", "at least 12 KiB", "unknown". Needs twice FORMAT_ROOM. */
const char *map_size(const struct map *map, const struct options *options, enum map_kind kind,
		     char *buf);

const char *map_label(const struct map *map, const struct map_area *area);

/* Style of a kind: a letter and an ANSI colour in a terminal, an RGB colour in SVG. */
struct map_style {
	const char *token;	/* in JSON */
	const char *name;
	char letter;
	const char *ansi;
	const char *rgb;
};
extern const struct map_style map_styles[MAP_KINDS];

void map_draw_terminal(const struct map *map, const struct options *options);
void map_draw_svg(const struct map *map, const struct options *options,
		  const struct kho_state *state, FILE *f);

#endif /* MAP_H */
