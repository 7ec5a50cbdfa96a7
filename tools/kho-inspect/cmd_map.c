// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect map: collects what lies where; map_terminal.c and map_svg.c draw it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"

#define PAGE	4096ull

const struct map_style map_styles[MAP_KINDS] = {
	[MAP_RAM] = { "other RAM", '.', "\033[90m", "#d9dee4" },
	[MAP_KERNEL] = { "running kernel", 'k', "\033[34m", "#5b7fb5" },
	[MAP_SCRATCH] = { "scratch", 's', "\033[33m", "#f0c04a" },
	[MAP_PRESERVED] = { "preserved, other", 'p', "\033[36m", "#3aa6a0" },
	[MAP_SUBTREE] = { "memory of subtrees", 'o', "\033[32m", "#4f7f2a" },
	[MAP_METADATA] = { "KHO metadata", 'm', "\033[35m", "#9b59b6" },
	[MAP_DMA] = { "DMA allocations", 'D', "\033[31m", "#d1495b" },
};

static bool add_area(struct map *map, uint64_t addr, uint64_t size, enum map_kind kind,
		     const char *label)
{
	struct map_area *area;

	if (!size)
		return true;
	if (map->n == map->room) {
		size_t room = map->room ? 2 * map->room : 64;
		struct map_area *areas = reallocarray(map->areas, room, sizeof(*areas));

		if (!areas)
			return false;
		map->areas = areas;
		map->room = room;
	}
	area = &map->areas[map->n++];
	*area = (struct map_area){ .range = { addr, size }, .kind = kind };
	snprintf(area->label, sizeof(area->label), "%s", label);
	map->bytes[kind] += size;
	return true;
}

static void add_preserved(struct map *map, struct opened *opened)
{
	struct kho_state *state = opened->state;
	const uint64_t end = ram_end(state);
	struct kho_map_entry entry;
	struct kho_map_iter *iter;
	int ret;

	ret = kho_map_iter_create(state, &iter, NULL);
	if (!ret) {
		progress_begin(opened, "reading the map");
		while ((ret = kho_map_iter_next(iter, &entry, NULL)) > 0) {
			add_area(map, entry.addr, entry.size, MAP_PRESERVED, "");
			progress_tell(opened, entry.addr, end);
		}
		kho_map_iter_destroy(iter);
	}
	map->incomplete = ret;
}

/* A page of the tree itself: metadata that is not preserved. */
static int add_node(uint64_t addr, void *data)
{
	return !add_area(data, addr, PAGE, MAP_METADATA, "preserved-memory-map");
}

/* Preserved memory of known use: it is no longer "other". */
static void add_owned(struct map *map, uint64_t addr, uint64_t size, enum map_kind kind,
		      const char *label)
{
	uint64_t first = addr / PAGE * PAGE;
	uint64_t end = (addr + size + PAGE - 1) / PAGE * PAGE;

	if (end <= first)
		return;
	add_area(map, first, end - first, kind, label);
	map->bytes[MAP_PRESERVED] -= end - first < map->bytes[MAP_PRESERVED] ?
				     end - first : map->bytes[MAP_PRESERVED];
}

static void add_metadata(struct map *map, struct kho_state *state)
{
	const struct kho_subtree *subtrees;
	size_t n;

	if (kho_state_fdt_addr(state) != KHO_NO_ADDR)
		add_owned(map, kho_state_fdt_addr(state), PAGE, MAP_METADATA, "root FDT");
	subtrees = kho_state_subtrees(state, &n);
	for (size_t i = 0; i < n; i++)
		add_owned(map, subtrees[i].addr, subtrees[i].size, MAP_METADATA, subtrees[i].name);
	kho_map_for_each_node(state, add_node, map, NULL);
}

/* What a subtree says belongs to whom. */
struct owner {
	struct map *map;
	const struct kho_subtree *subtree;
	char label[64];
};

static int add_item(const struct kho_item *item, void *data)
{
	struct owner *owner = data;

	/* of a session its files are no owners of their own */
	if (item->type == KHO_ITEM_GROUP && !item->depth)
		snprintf(owner->label, sizeof(owner->label), "%.20s: %.20s %.20s",
			 owner->subtree->name, item->name, item->text);
	if (item->type == KHO_ITEM_MEMORY && item->size <= UINT64_MAX - PAGE - item->value)
		add_owned(owner->map, item->value, item->size, MAP_SUBTREE,
			  item->depth ? owner->label : owner->subtree->name);
	return 0;
}

/* Of an incoming state it may be something else's by now. */
static void add_subtrees(struct map *map, struct kho_state *state)
{
	const struct kho_subtree *subtrees;
	size_t n;

	if (kho_state_side(state) == KHO_SIDE_IN)
		return;
	subtrees = kho_state_subtrees(state, &n);
	for (size_t i = 0; i < n; i++) {
		struct owner owner = { .map = map, .subtree = &subtrees[i] };

		kho_subtree_decode(state, &subtrees[i], add_item, &owner, NULL);
	}
}

static void add_records(struct map *map, struct opened *opened)
{
	struct kho_state *state = opened->state;
	struct kho_dma_header header = { 0 };
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	uint64_t block = 0, done = 0;

	kho_dma_read_header(state, &header, NULL);
	if (kho_dma_iter_create(state, &iter, NULL))
		return;
	progress_begin(opened, "reading records");
	while (kho_dma_iter_next(iter, &record, NULL) > 0) {
		if (record.state / PAGE != block) {
			block = record.state / PAGE;
			add_owned(map, block * PAGE, PAGE, MAP_METADATA, "DMA records");
		}
		if (record.in_use && record.crc_ok)
			add_owned(map, record.addr, record.pages * PAGE, MAP_DMA, record.device);
		progress_tell(opened, ++done, header.nr_records);
	}
	kho_dma_iter_destroy(iter);
}

/* The running kernel's own memory, from /proc/iomem; other sources do not know. */
static void add_kernel(struct map *map, const struct options *options)
{
	char path[4096], line[256], name[64];
	uint64_t start, end;
	FILE *f;

	if (options->core)
		return;
	snprintf(path, sizeof(path), "%s/proc/iomem", options->sysroot ? options->sysroot : "");
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %" SCNx64 "-%" SCNx64 " : %63[^\n]", &start, &end, name) == 3 &&
		    !strncmp(name, "Kernel ", 7) && end > start)
			add_area(map, start, end - start + 1, MAP_KERNEL, name);
	}
	fclose(f);
}

static void collect(struct map *map, const struct options *options, struct opened *opened)
{
	struct kho_state *state = opened->state;
	const struct kho_range *scratch;
	size_t n;

	map->ram = kho_state_ram(state, &map->nr_ram);
	for (size_t i = 0; i < map->nr_ram; i++)
		map->bytes[MAP_RAM] += map->ram[i].size;
	add_kernel(map, options);
	scratch = kho_state_scratch(state, &n);
	for (size_t i = 0; i < n; i++)
		add_area(map, scratch[i].addr, scratch[i].size, MAP_SCRATCH, "");
	add_preserved(map, opened);
	add_subtrees(map, state);
	add_metadata(map, state);
	add_records(map, opened);
	progress_hide(opened->progress);
}

static void print_json(const struct map *map, const struct kho_state *state)
{
	struct json_object *document = json_document("map");
	struct json_object *array = json_object_new_array();
	struct json_stream stream;

	json_object_object_add(document, "state", json_state(state));
	for (size_t i = 0; i < map->nr_ram; i++)
		json_object_array_add(array, json_range(&map->ram[i]));
	json_object_object_add(document, "ram", array);

	json_stream_begin(&stream, document, "areas");
	for (size_t i = 0; i < map->n; i++) {
		struct json_object *object = json_range(&map->areas[i].range);

		json_add_string(object, "kind", map_styles[map->areas[i].kind].name);
		json_add_string(object, "label", *map->areas[i].label ? map->areas[i].label : NULL);
		json_stream_add(&stream, object);
	}
	json_stream_end(&stream);
}

int cmd_map(const struct options *options)
{
	struct map map = { 0 };
	struct opened opened;
	int status = EXIT_CLEAN;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	collect(&map, options, &opened);
	if (options->json) {
		print_json(&map, opened.state);
	} else if (!options->output) {
		map_draw_terminal(&map, options);
	} else if (map_draw_svg(&map, options, opened.state, options->output)) {
		printf("%s: picture of the %s state\n", options->output,
		       side_text(option_side(options)));
	} else {
		fprintf(stderr, "kho-inspect: cannot write %s: %s.\n", options->output,
			strerror(errno));
		status = EXIT_CANNOT_TELL;
	}
	free(map.areas);
	close_state(&opened);
	return status;
}
