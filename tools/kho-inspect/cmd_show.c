// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect show: one side on one screen. */
#include <inttypes.h>

#include "inspect.h"

struct figures {
	bool map_known, dma_known;
	uint64_t ranges, preserved;
	uint64_t records, record_bytes, sealed, unclaimed;
	uint64_t generation;
	uint64_t scratch;
	char map_problem[256], dma_problem[256];
};

static void count_map(struct kho_state *state, struct figures *figures)
{
	struct kho_map_entry entry;
	struct kho_map_iter *iter;
	struct kho_error err;
	int ret;

	ret = kho_map_iter_create(state, &iter, &err);
	if (!ret) {
		while ((ret = kho_map_iter_next(iter, &entry, &err)) > 0) {
			figures->ranges++;
			figures->preserved += entry.size;
		}
		kho_map_iter_destroy(iter);
	}
	figures->map_known = !ret;
	if (ret)
		snprintf(figures->map_problem, sizeof(figures->map_problem), "%s", err.message);
}

static void count_records(struct kho_state *state, struct figures *figures)
{
	struct kho_dma_header header;
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	struct kho_error err;
	int ret;

	ret = kho_dma_read_header(state, &header, &err);
	if (!ret)
		ret = kho_dma_iter_create(state, &iter, &err);
	if (!ret) {
		figures->generation = header.generation;
		while ((ret = kho_dma_iter_next(iter, &record, &err)) > 0) {
			figures->records++;
			figures->record_bytes += record.size;
			figures->sealed += record.sealed;
			figures->unclaimed += record.fate == KHO_DMA_FATE_UNCLAIMED;
		}
		kho_dma_iter_destroy(iter);
	}
	figures->dma_known = !ret;
	if (ret)
		snprintf(figures->dma_problem, sizeof(figures->dma_problem), "%s", err.message);
}

static void print_text(const struct options *options, const struct kho_state *state,
		       const struct figures *f)
{
	char size[FORMAT_ROOM];
	size_t n;

	printf("%s state of kernel %s\n", side_text(kho_state_side(state)),
	       *kho_state_release(state) ? kho_state_release(state) : "(release unknown)");
	printf("  root FDT     \"%s\" ", kho_state_compatible(state));
	if (kho_state_fdt_addr(state) != KHO_NO_ADDR)
		printf("at 0x%" PRIx64 ", ", kho_state_fdt_addr(state));
	printf("found by %s", found_by_text(kho_state_found_by(state)));
	if (kho_state_found_by(state) == KHO_FOUND_DWARF && options->vmlinux)
		printf(" of %s", options->vmlinux);
	putchar('\n');

	if (f->map_known)
		printf("  preserved    %s in %" PRIu64 " ranges\n",
		       format_size(options, f->preserved, size), f->ranges);
	else
		printf("  preserved    not known: %s\n", f->map_problem);
	printf("  scratch      %s\n", format_size(options, f->scratch, size));

	if (f->dma_known)
		printf("  DMA          %" PRIu64 " allocations, %s, %" PRIu64 " sealed, %" PRIu64
		       " unclaimed; generation %" PRIu64 "\n",
		       f->records, format_size(options, f->record_bytes, size),
		       f->sealed, f->unclaimed, f->generation);
	else
		printf("  DMA          %s\n", f->dma_problem);

	kho_state_subtrees(state, &n);
	printf("  subtrees     ");
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? ", " : "", kho_state_subtrees(state, &n)[i].name);
	puts("");
}

static void print_json(const struct kho_state *state, const struct figures *f)
{
	struct json_object *document = json_document("show");
	struct json_object *map = NULL, *dma = NULL;

	json_object_object_add(document, "state", json_state(state));
	if (f->map_known) {
		map = json_object_new_object();
		json_add_uint(map, "ranges", f->ranges);
		json_add_uint(map, "bytes", f->preserved);
	}
	json_object_object_add(document, "preserved", map);
	json_add_uint(document, "scratch_bytes", f->scratch);
	if (f->dma_known) {
		dma = json_object_new_object();
		json_add_uint(dma, "records", f->records);
		json_add_uint(dma, "bytes", f->record_bytes);
		json_add_uint(dma, "sealed", f->sealed);
		json_add_uint(dma, "unclaimed", f->unclaimed);
		json_add_uint(dma, "generation", f->generation);
	}
	json_object_object_add(document, "dma", dma);
	json_print(document);
}

int cmd_show(const struct options *options)
{
	const struct kho_range *scratch;
	struct figures figures = { 0 };
	struct opened opened;
	size_t n;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	scratch = kho_state_scratch(opened.state, &n);
	for (size_t i = 0; i < n; i++)
		figures.scratch += scratch[i].size;
	count_map(opened.state, &figures);
	count_records(opened.state, &figures);

	if (options->json)
		print_json(opened.state, &figures);
	else
		print_text(options, opened.state, &figures);
	close_state(&opened);
	return EXIT_CLEAN;
}
