/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The picture of physical memory: what lies where, before it is drawn. */
#ifndef MAP_H
#define MAP_H

#include "inspect.h"

/* In order of precedence: where two meet, the later one is shown. */
enum map_kind {
	MAP_RAM,
	MAP_SCRATCH,
	MAP_KERNEL,	/* after a kexec it lies in scratch */
	MAP_PRESERVED,	/* by somebody, without a record */
	MAP_SUBTREE,	/* handed over by a subtree that says so: LUO, memblock, kho_test */
	MAP_METADATA,	/* KHO's own: root FDT, blobs, blocks of records */
	MAP_DMA,
	MAP_KINDS,
};

/* There may be as many as there are records and entries of the map. */
struct map_area {
	struct kho_range range;
	uint32_t label;		/* where in the labels; of a DMA allocation it is the device */
	unsigned char kind;	/* enum map_kind */
};

struct map {
	struct map_area *areas;	/* not sorted */
	size_t n, room;
	char *labels;		/* one after the other, each with its NUL; the first is "" */
	size_t labels_size, labels_room;
	uint32_t last[MAP_KINDS]; /* label of the area of a kind that came last */
	const struct kho_range *ram;	/* sorted; owned by the state */
	size_t nr_ram;
	uint64_t *ram_before;	/* bytes of RAM in the ranges before each */
	uint64_t bytes[MAP_KINDS];
	bool incomplete;	/* the preserved-memory-map could not be read */
	bool records_incomplete; /* the same of the records */
	bool kernel_known;	/* where the running kernel lies */
};

const char *map_label(const struct map *map, const struct map_area *area);

/* How a kind is shown: a letter and an ANSI colour in a terminal, an RGB colour in SVG. */
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
