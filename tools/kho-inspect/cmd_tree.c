// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect tree: the root FDT, its subtrees, and their data. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "inspect.h"

#define BYTES_PER_LINE	16
#define INDENT		2

static const char *const headings[] = { "SUBTREE", "ADDRESS", "SIZE" };
static const bool right[] = { false, true, true };

/* ------------------------------------------------------------------- text */

/* Like hexdump -C, without lines that repeat the line before. */
static void print_bytes(const struct kho_item *item, int indent)
{
	bool skipping = false;

	for (uint64_t i = 0; i < item->size; i += BYTES_PER_LINE) {
		const unsigned char *line = item->bytes + i;
		size_t n = item->size - i < BYTES_PER_LINE ? item->size - i : BYTES_PER_LINE;

		if (i && n == BYTES_PER_LINE && !memcmp(line, line - BYTES_PER_LINE, n)) {
			if (!skipping)
				printf("%*s*\n", indent, "");
			skipping = true;
			continue;
		}
		skipping = false;
		printf("%*s%08" PRIx64 " ", indent, "", i);
		for (size_t k = 0; k < BYTES_PER_LINE; k++) {
			if (k < n)
				printf(" %02x", line[k]);
			else
				printf("   ");
		}
		printf("  |");
		for (size_t k = 0; k < n; k++)
			putchar(line[k] < 0x80 && isprint(line[k]) ? line[k] : '.');
		printf("|\n");
	}
}

static int print_item(const struct kho_item *item, void *data)
{
	const struct options *options = data;
	int indent = INDENT * ((int)item->depth + 1);
	char size[FORMAT_ROOM];

	printf("%*s%s", indent, "", item->name);
	switch (item->type) {
	case KHO_ITEM_GROUP:
		printf(*item->text ? " \"%s\"\n" : "%s\n", item->text);
		break;
	case KHO_ITEM_TEXT:
		printf(" %s\n", item->text);
		break;
	case KHO_ITEM_UNKNOWN:
		printf(" \"%s\", which is not known\n", item->text);
		break;
	case KHO_ITEM_NUMBER:
		printf(" %" PRIu64 "\n", item->value);
		break;
	case KHO_ITEM_HEX:
		printf(" 0x%" PRIx64 "\n", item->value);
		break;
	case KHO_ITEM_SIZE:
		printf(" %s\n", format_size(options, item->value, size));
		break;
	case KHO_ITEM_MEMORY:
		printf(" 0x%" PRIx64 " %s%s%s\n", item->value,
		       format_size(options, item->size, size),
		       *item->text ? " " : "", item->text);
		break;
	case KHO_ITEM_BYTES:
		putchar('\n');
		print_bytes(item, indent + INDENT);
		break;
	}
	return 0;
}

static void print_tree(const struct options *options, struct kho_state *state,
		       const struct kho_subtree *subtrees, size_t n)
{
	struct table *table = table_create(headings, right, 3);
	struct kho_error err;

	printf("%s root FDT \"%s\", preserved-memory-map at 0x%" PRIx64 "\n",
	       kho_side_name(kho_state_side(state)), kho_state_compatible(state),
	       kho_state_map_addr(state));
	for (size_t i = 0; i < n; i++) {
		char addr[24], size[FORMAT_ROOM];
		const char *cells[] = { subtrees[i].name, addr, size };

		snprintf(addr, sizeof(addr), "0x%" PRIx64, subtrees[i].addr);
		/* kho-v1 does not record it */
		if (subtrees[i].size != KHO_SIZE_UNKNOWN)
			format_size(options, subtrees[i].size, size);
		else
			strcpy(size, "unknown");
		table_add(table, cells);
	}
	table_print(table);
	table_destroy(table);
	if (print_bad_subtrees(state, ""))
		puts("");

	for (size_t i = 0; i < n; i++) {
		printf("\n%s\n", subtrees[i].name);
		if (kho_subtree_decode(state, &subtrees[i], print_item, (void *)options, &err))
			printf("%*s(cannot read further: %s)\n", INDENT, "", err.message);
	}
}

/* ------------------------------------------------------------------- JSON */

/* Each group holds its items, so there are two levels more for it. */
#define MAX_DEPTH	24

struct json_tree {
	struct kho_json *json;
	unsigned int depth;	/* groups that are open */
};

static const char *type_name(enum kho_item_type type)
{
	switch (type) {
	case KHO_ITEM_GROUP: return "group";
	case KHO_ITEM_TEXT: return "text";
	case KHO_ITEM_NUMBER: return "number";
	case KHO_ITEM_HEX: return "hex";
	case KHO_ITEM_SIZE: return "size";
	case KHO_ITEM_MEMORY: return "memory";
	case KHO_ITEM_BYTES: return "bytes";
	case KHO_ITEM_UNKNOWN: return "unknown";
	}
	return "unknown";
}

static void add_value(struct kho_json *json, const struct kho_item *item)
{
	switch (item->type) {
	case KHO_ITEM_GROUP:
	case KHO_ITEM_TEXT:
	case KHO_ITEM_UNKNOWN:
		kho_json_string(json, "text", item->text);
		break;
	case KHO_ITEM_NUMBER:
	case KHO_ITEM_SIZE:
		kho_json_uint(json, "value", item->value);
		break;
	case KHO_ITEM_HEX:
		kho_json_hex(json, "value", item->value);
		break;
	case KHO_ITEM_MEMORY:
		kho_json_hex(json, "addr", item->value);
		kho_json_uint(json, "size", item->size);
		kho_json_string(json, "text", item->text);
		break;
	case KHO_ITEM_BYTES:
		kho_json_addr(json, "addr", item->value);
		kho_json_bytes(json, "bytes", item->bytes, item->size);
		break;
	}
}

static void close_groups(struct json_tree *tree, unsigned int depth)
{
	for (; tree->depth > depth; tree->depth--) {
		kho_json_end(tree->json);
		kho_json_end(tree->json);
	}
}

static int add_item(const struct kho_item *item, void *data)
{
	struct json_tree *tree = data;
	struct kho_json *json = tree->json;

	/* the library's own nesting ends well before */
	if (item->depth >= MAX_DEPTH)
		return 0;
	close_groups(tree, item->depth);
	kho_json_object(json, NULL);
	kho_json_string(json, "name", item->name);
	kho_json_string(json, "type", type_name(item->type));
	add_value(json, item);
	if (item->type == KHO_ITEM_GROUP) {
		kho_json_array(json, "items");
		tree->depth++;
	} else {
		kho_json_end(json);
	}
	return 0;
}

static void add_subtree(struct kho_json *json, struct kho_state *state,
			const struct kho_subtree *subtree)
{
	struct json_tree tree = { .json = json };
	struct kho_error err;
	int ret;

	kho_json_object(json, NULL);
	kho_json_string(json, "name", subtree->name);
	kho_json_hex(json, "addr", subtree->addr);
	json_uint_or_null(json, "size", subtree->size != KHO_SIZE_UNKNOWN, subtree->size);
	kho_json_array(json, "items");
	ret = kho_subtree_decode(state, subtree, add_item, &tree, &err);
	close_groups(&tree, 0);
	kho_json_end(json);
	kho_json_string(json, "error", ret ? err.message : NULL);
	kho_json_end(json);
}

static void print_json(struct kho_state *state, const struct kho_subtree *subtrees, size_t n)
{
	struct kho_json *json = json_document("tree");

	kho_json_state(json, "state", state);
	kho_json_array(json, "subtrees");
	for (size_t i = 0; i < n; i++)
		add_subtree(json, state, &subtrees[i]);
	kho_json_end(json);
	json_close(json);
}

int cmd_tree(const struct options *options)
{
	const struct kho_subtree *subtrees;
	struct opened opened;
	size_t n;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	subtrees = kho_state_subtrees(opened.state, &n);
	if (options->json)
		print_json(opened.state, subtrees, n);
	else
		print_tree(options, opened.state, subtrees, n);
	close_state(&opened);
	return EXIT_CLEAN;
}
