// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect tree: the root FDT and its subtrees. */
#include <inttypes.h>

#include "inspect.h"

static const char *const headings[] = { "SUBTREE", "ADDRESS", "SIZE" };
static const bool right[] = { false, true, true };

static void print_tree(const struct options *options, const struct kho_state *state,
		       const struct kho_subtree *subtrees, size_t n)
{
	struct table *table = table_create(headings, right, 3);

	printf("%s root FDT \"%s\", preserved-memory-map at 0x%" PRIx64 "\n",
	       side_text(kho_state_side(state)), kho_state_compatible(state),
	       kho_state_map_addr(state));
	for (size_t i = 0; i < n; i++) {
		char addr[24], size[32];
		const char *cells[] = { subtrees[i].name, addr, size };

		snprintf(addr, sizeof(addr), "0x%" PRIx64, subtrees[i].addr);
		format_size(options, subtrees[i].size, size, sizeof(size));
		table_add(table, cells);
	}
	table_print(table, stdout);
	table_destroy(table);
}

static void print_json(const struct kho_state *state, const struct kho_subtree *subtrees,
		       size_t n)
{
	struct json_object *document = json_document("tree");
	struct json_object *array = json_object_new_array();

	json_object_object_add(document, "state", json_state(state));
	for (size_t i = 0; i < n; i++) {
		struct json_object *object = json_object_new_object();

		json_add_string(object, "name", subtrees[i].name);
		json_add_hex(object, "addr", subtrees[i].addr);
		json_add_uint(object, "size", subtrees[i].size);
		json_object_array_add(array, object);
	}
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
