// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect tree: the root FDT, its subtrees, and what these say. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

#define BYTES_PER_LINE	16
#define INDENT		2

static const char *const headings[] = { "SUBTREE", "ADDRESS", "SIZE" };
static const bool right[] = { false, true, true };

/* ------------------------------------------------------------------- text */

/* As hexdump -C: a line that repeats the one before is left out. */
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
	       side_text(kho_state_side(state)), kho_state_compatible(state),
	       kho_state_map_addr(state));
	for (size_t i = 0; i < n; i++) {
		char addr[24], size[FORMAT_ROOM];
		const char *cells[] = { subtrees[i].name, addr, size };

		snprintf(addr, sizeof(addr), "0x%" PRIx64, subtrees[i].addr);
		format_size(options, subtrees[i].size, size);
		table_add(table, cells);
	}
	table_print(table, stdout);
	table_destroy(table);

	for (size_t i = 0; i < n; i++) {
		printf("\n%s\n", subtrees[i].name);
		if (kho_subtree_decode(state, &subtrees[i], print_item, (void *)options, &err))
			printf("%*s(cannot be read on: %s)\n", INDENT, "", err.message);
	}
}

/* ------------------------------------------------------------------- JSON */

#define MAX_DEPTH	32

struct json_tree {
	struct json_object *items[MAX_DEPTH];	/* of the groups that are open */
};

static const char *type_text(enum kho_item_type type)
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

static void add_bytes(struct json_object *object, const struct kho_item *item)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * item->size + 1);

	if (!text) {
		json_add_string(object, "bytes", NULL);
		return;
	}
	for (uint64_t i = 0; i < item->size; i++) {
		text[2 * i] = digits[item->bytes[i] >> 4];
		text[2 * i + 1] = digits[item->bytes[i] & 15];
	}
	text[2 * item->size] = '\0';
	json_add_string(object, "bytes", text);
	free(text);
}

static void add_value(struct json_object *object, const struct kho_item *item)
{
	switch (item->type) {
	case KHO_ITEM_GROUP:
	case KHO_ITEM_TEXT:
	case KHO_ITEM_UNKNOWN:
		json_add_string(object, "text", item->text);
		break;
	case KHO_ITEM_NUMBER:
	case KHO_ITEM_SIZE:
		json_add_uint(object, "value", item->value);
		break;
	case KHO_ITEM_HEX:
		json_add_hex(object, "value", item->value);
		break;
	case KHO_ITEM_MEMORY:
		json_add_hex(object, "addr", item->value);
		json_add_uint(object, "size", item->size);
		json_add_string(object, "text", item->text);
		break;
	case KHO_ITEM_BYTES:
		json_add_addr(object, "addr", item->value);
		add_bytes(object, item);
		break;
	}
}

static int add_item(const struct kho_item *item, void *data)
{
	struct json_object *object = json_object_new_object();
	struct json_tree *tree = data;

	/* the library's own nesting ends well before */
	if (item->depth + 1 >= MAX_DEPTH) {
		json_object_put(object);
		return 0;
	}
	json_add_string(object, "name", item->name);
	json_add_string(object, "type", type_text(item->type));
	add_value(object, item);
	if (item->type == KHO_ITEM_GROUP) {
		tree->items[item->depth + 1] = json_object_new_array();
		json_object_object_add(object, "items", tree->items[item->depth + 1]);
	}
	json_object_array_add(tree->items[item->depth], object);
	return 0;
}

static struct json_object *json_subtree(struct kho_state *state, const struct kho_subtree *subtree)
{
	struct json_object *object = json_object_new_object();
	struct json_tree tree = { { json_object_new_array() } };
	struct kho_error err;
	int ret;

	json_add_string(object, "name", subtree->name);
	json_add_hex(object, "addr", subtree->addr);
	json_add_uint(object, "size", subtree->size);
	ret = kho_subtree_decode(state, subtree, add_item, &tree, &err);
	json_object_object_add(object, "items", tree.items[0]);
	json_add_string(object, "error", ret ? err.message : NULL);
	return object;
}

static void print_json(struct kho_state *state, const struct kho_subtree *subtrees, size_t n)
{
	struct json_object *document = json_document("tree");
	struct json_object *array = json_object_new_array();

	json_object_object_add(document, "state", json_state(state));
	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, json_subtree(state, &subtrees[i]));
	json_object_object_add(document, "subtrees", array);
	json_print(document);
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
