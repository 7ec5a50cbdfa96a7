// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect map: collects areas of memory; map_terminal.c and map_svg.c draw them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"

#define MAX_IOMEM	(1u << 20)

const struct map_style map_styles[MAP_KINDS] = {
	[MAP_RAM] = { "ram", "other RAM", '.', "\033[90m", "#d9dee4" },
	[MAP_KERNEL] = { "kernel", "running kernel", 'k', "\033[34m", "#5b7fb5" },
	[MAP_SCRATCH] = { "scratch", "scratch", 's', "\033[33m", "#f0c04a" },
	[MAP_PRESERVED] = { "preserved", "preserved, other", 'p', "\033[36m", "#3aa6a0" },
	[MAP_SUBTREE] = { "subtree", "memory of subtrees", 'o', "\033[32m", "#4f7f2a" },
	[MAP_METADATA] = { "metadata", "KHO metadata", 'm', "\033[35m", "#9b59b6" },
	[MAP_DMA] = { "dma", "DMA allocations", 'D', "\033[31m", "#d1495b" },
};

const char *map_label(const struct map *map, const struct map_area *area)
{
	return map->labels + area->label;
}

static void *grow(void *array, size_t needed, size_t *room, size_t size)
{
	if (needed <= *room)
		return array;
	*room = needed + needed / 2 + 64;
	return check_memory(reallocarray(array, *room, size));
}

/* Returns the offset of a label; one equal to the last label of its kind is shared. */
static uint32_t add_label(struct map *map, enum map_kind kind, const char *label)
{
	size_t size = strlen(label) + 1;

	if (map->labels_size && !strcmp(map->labels + map->last[kind], label))
		return map->last[kind];
	if (!map->labels_size) {
		map->labels = grow(map->labels, 1, &map->labels_room, 1);
		map->labels[map->labels_size++] = '\0';
	}
	/* out of memory: go on without a label */
	if (!*label || map->labels_size > UINT32_MAX - size)
		return 0;
	map->labels = grow(map->labels, map->labels_size + size, &map->labels_room, 1);
	memcpy(map->labels + map->labels_size, label, size);
	map->last[kind] = (uint32_t)map->labels_size;
	map->labels_size += size;
	return map->last[kind];
}

static void add_area(struct map *map, uint64_t addr, uint64_t size, enum map_kind kind,
		     const char *label)
{
	if (!size)
		return;
	map->areas = grow(map->areas, map->n + 1, &map->room, sizeof(*map->areas));
	map->areas[map->n++] = (struct map_area){ { addr, size }, add_label(map, kind, label), kind };
	map->bytes[kind] += size;
}

static int add_entry(const struct kho_map_entry *entry, void *data)
{
	add_area(data, entry->addr, entry->size, MAP_PRESERVED, "");
	return 0;
}

/* A page of the tree itself: metadata that is not preserved. */
static int add_node(uint64_t addr, void *data)
{
	struct map *map = data;

	add_area(map, addr, map->page, MAP_METADATA, "preserved-memory-map");
	return 0;
}

/* Preserved memory with a known owner. */
static void add_owned(struct map *map, uint64_t addr, uint64_t size, enum map_kind kind,
		      const char *label)
{
	uint64_t first = addr / map->page * map->page;
	uint64_t end = (addr + size + map->page - 1) / map->page * map->page;

	if (end <= first)
		return;
	add_area(map, first, end - first, kind, label);
	map->bytes[MAP_PRESERVED] -= end - first < map->bytes[MAP_PRESERVED] ?
				     end - first : map->bytes[MAP_PRESERVED];
}

static void add_metadata(struct map *map, struct kho_state *state)
{
	bool *partial = &map->partial[MAP_METADATA];
	const struct kho_subtree *subtrees;
	size_t n;

	*partial = kho_state_fdt_addr(state) == KHO_NO_ADDR;
	if (kho_state_fdt_addr(state) != KHO_NO_ADDR)
		add_owned(map, kho_state_fdt_addr(state), map->page, MAP_METADATA, "root FDT");
	subtrees = kho_state_subtrees(state, &n);
	for (size_t i = 0; i < n; i++) {
		bool known = subtrees[i].size != KHO_SIZE_UNKNOWN;

		add_owned(map, subtrees[i].addr, known ? subtrees[i].size : map->page, MAP_METADATA,
			  subtrees[i].name);
		*partial |= !known;
	}
	*partial |= kho_map_for_each_node(state, add_node, map, NULL) != 0;
}

/* The owner of memory that a subtree hands over. */
struct owner {
	struct map *map;
	const struct kho_subtree *subtree;
	char label[64];
};

static int add_item(const struct kho_item *item, void *data)
{
	struct owner *owner = data;

	/* the owner is the session, not its files */
	if (item->type == KHO_ITEM_GROUP && !item->depth)
		snprintf(owner->label, sizeof(owner->label), "%.20s: %.20s %.20s",
			 owner->subtree->name, item->name, item->text);
	if (item->type == KHO_ITEM_MEMORY && item->size <= UINT64_MAX - owner->map->page - item->value)
		add_owned(owner->map, item->value, item->size, MAP_SUBTREE,
			  item->depth ? owner->label : owner->subtree->name);
	return 0;
}

/* In an incoming state, it may belong to another owner by now. */
static void add_subtrees(struct map *map, struct kho_state *state)
{
	const struct kho_subtree *subtrees;
	size_t n;

	map->partial[MAP_SUBTREE] = kho_state_side(state) == KHO_SIDE_IN;
	if (map->partial[MAP_SUBTREE])
		return;
	subtrees = kho_state_subtrees(state, &n);
	for (size_t i = 0; i < n; i++) {
		struct owner owner = { .map = map, .subtree = &subtrees[i] };

		if (kho_subtree_decode(state, &subtrees[i], add_item, &owner, NULL))
			map->partial[MAP_SUBTREE] = true;
	}
}

struct records {
	struct map *map;
	uint64_t block;		/* of the last record */
};

static int add_record(const struct kho_dma_record *record, void *data)
{
	struct records *records = data;
	const uint64_t page = records->map->page;

	if (record->record_addr / page != records->block) {
		records->block = record->record_addr / page;
		add_owned(records->map, records->block * page, page, MAP_METADATA, "DMA records");
	}
	if (record->preserved && record->crc_ok && record->pages != KHO_SIZE_UNKNOWN)
		add_owned(records->map, record->addr, record->pages * page, MAP_DMA, record->device);
	return 0;
}

/* The running kernel's own memory, from /proc/iomem; unknown for other sources. */
static void add_kernel(struct map *map, const struct opened *opened)
{
	char *text, *line, *save = NULL, name[64];
	uint64_t start, end;
	size_t size;

	if (kho_source_read_file(opened->source, "/proc/iomem", MAX_IOMEM, &text, &size, NULL))
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, " %" SCNx64 "-%" SCNx64 " : %63[^\n]", &start, &end, name) == 3 &&
		    !strncmp(name, "Kernel ", 7) && end > start) {
			add_area(map, start, end - start + 1, MAP_KERNEL, name);
			map->kernel_known = true;
		}
	}
	free(text);
}

static void collect(struct map *map, struct opened *opened)
{
	struct kho_state *state = opened->state;
	struct records records = { .map = map };
	const struct kho_range *scratch;
	size_t n;

	map->page = kho_state_page_size(state);
	map->ram = kho_state_ram(state, &map->nr_ram);
	map->ram_before = check_memory(calloc(map->nr_ram + 1, sizeof(*map->ram_before)));
	for (size_t i = 0; i < map->nr_ram; i++) {
		map->ram_before[i] = map->bytes[MAP_RAM];
		map->bytes[MAP_RAM] += map->ram[i].size;
	}
	add_kernel(map, opened);
	scratch = kho_state_scratch(state, &n);
	for (size_t i = 0; i < n; i++)
		add_area(map, scratch[i].addr, scratch[i].size, MAP_SCRATCH, "");
	map->partial[MAP_RAM] = !kho_state_knows_ram(state);
	map->partial[MAP_SCRATCH] = !n;
	map->partial[MAP_PRESERVED] = for_each_entry(opened, true, add_entry, map, NULL) != 0;
	add_subtrees(map, state);
	add_metadata(map, state);
	map->partial[MAP_DMA] = for_each_record(opened, true, add_record, &records, NULL) != 0;
}

const char *map_size(const struct map *map, const struct options *options, enum map_kind kind,
		     char *buf)
{
	char size[FORMAT_ROOM];

	if (map->partial[kind] && !map->bytes[kind])
		return "unknown";
	snprintf(buf, 2 * FORMAT_ROOM, "%s%s", map->partial[kind] ? "at least " : "",
		 format_size(options, map->bytes[kind], size));
	return buf;
}

static void print_json(const struct map *map, const struct kho_state *state)
{
	struct kho_json *json = json_document("map");

	kho_json_state(json, "state", state);
	kho_json_array(json, "ram");
	for (size_t i = 0; i < map->nr_ram; i++)
		kho_json_range(json, NULL, &map->ram[i]);
	kho_json_end(json);

	kho_json_array(json, "areas");
	for (size_t i = 0; i < map->n; i++) {
		const char *label = map_label(map, &map->areas[i]);

		kho_json_object(json, NULL);
		kho_json_range_members(json, &map->areas[i].range);
		kho_json_string(json, "kind", map_styles[map->areas[i].kind].token);
		kho_json_string(json, "label", *label ? label : NULL);
		kho_json_end(json);
	}
	kho_json_end(json);

	kho_json_array(json, "incomplete");
	for (int kind = 0; kind < MAP_KINDS; kind++) {
		if (map->partial[kind])
			kho_json_string(json, NULL, map_styles[kind].token);
	}
	kho_json_end(json);
	json_close(json);
}

static bool write_picture(const struct map *map, const struct options *options,
			  const struct kho_state *state)
{
	map_draw_svg(map, options, state, check_memory(kho_output_stream(options->outfile->output)));
	if (!outfile_commit(options))
		return false;
	put_line(outfile_notes(options), "%s: picture of the %s state", options->output,
	    kho_side_name(kho_state_side(state)));
	return true;
}

int cmd_map(const struct options *options)
{
	struct map map = { 0 };
	struct opened opened;
	int status = EXIT_CLEAN;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	collect(&map, &opened);
	if (options->json)
		print_json(&map, opened.state);
	else if (!options->output)
		map_draw_terminal(&map, options);
	else if (!write_picture(&map, options, opened.state))
		status = EXIT_CANNOT_TELL;
	free(map.areas);
	free(map.labels);
	free(map.ram_before);
	close_state(&opened);
	return status;
}
