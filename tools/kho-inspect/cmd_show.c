// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect show: one side on one screen. */
#include <inttypes.h>

#include "inspect.h"

struct figures {
	bool map_known, dma_known, fates_known, scratch_known;
	bool bytes_unknown; /* the size of a record is impossible */
	bool without_fate; /* an incoming record has none */
	bool incoming;	/* what is handed over has no fate yet, and nothing of it is unclaimed */
	uint64_t preservations, preserved;
	uint64_t records, record_bytes, sealed, unclaimed;
	uint64_t damaged;	/* of the records: nothing else is known of these */
	uint64_t generation;
	uint64_t scratch;
	char map_problem[256], dma_problem[256];
};

static int count_entry(const struct kho_map_entry *entry, void *data)
{
	struct figures *figures = data;

	figures->preservations += entry->count;
	figures->preserved += entry->size;
	return 0;
}

static void count_map(struct opened *opened, struct figures *figures)
{
	struct kho_error err;

	figures->map_known = !for_each_entry(opened, true, count_entry, figures, &err);
	if (!figures->map_known)
		snprintf(figures->map_problem, sizeof(figures->map_problem), "%s", err.message);
}

static int count_record(const struct kho_dma_record *record, void *data)
{
	struct figures *figures = data;

	figures->records++;
	if (!record->crc_ok || !record->flags_ok) {
		figures->damaged++;
		return 0;
	}
	if (record->pages == KHO_SIZE_UNKNOWN)
		figures->bytes_unknown = true;
	else
		figures->record_bytes += record->size;
	figures->sealed += record->sealed;
	figures->unclaimed += record->fate == KHO_DMA_FATE_UNCLAIMED;
	figures->without_fate |= figures->incoming && record->fate == KHO_DMA_FATE_NONE;
	if (figures->incoming && record->fate == KHO_DMA_FATE_UNKNOWN)
		figures->fates_known = false;
	return 0;
}

static void count_records(struct opened *opened, struct figures *figures)
{
	struct kho_dma_header header;
	struct kho_error err;

	figures->fates_known = true;
	figures->incoming = kho_state_side(opened->state) == KHO_SIDE_IN;
	figures->dma_known = !kho_dma_read_header(opened->state, &header, &err) &&
			     !for_each_record(opened, true, count_record, figures, &err);
	/* a record without one was not taken over, if this kernel writes fates */
	if (figures->without_fate && kho_dma_has_fates(opened->state, NULL) != 1)
		figures->fates_known = false;
	if (figures->dma_known)
		figures->generation = header.generation;
	else
		snprintf(figures->dma_problem, sizeof(figures->dma_problem), "%s", err.message);
}

static void print_text(const struct options *options, const struct kho_state *state,
		       const struct figures *f)
{
	bool by_vmlinux = kho_state_found_by(state) == KHO_FOUND_DWARF && options->vmlinux;
	char size[FORMAT_ROOM], unclaimed[FORMAT_ROOM];
	size_t n;

	printf("%s state of kernel %s\n", kho_side_name(kho_state_side(state)),
	       *kho_state_release(state) ? kho_state_release(state) : "(release unknown)");
	printf("  root FDT     \"%s\" ", kho_state_compatible(state));
	if (kho_state_fdt_addr(state) != KHO_NO_ADDR)
		printf("at 0x%" PRIx64 ", ", kho_state_fdt_addr(state));
	put_line(stdout, "found by %s%s%s", found_by_text(kho_state_found_by(state)), by_vmlinux ? " of " : "",
	    by_vmlinux ? options->vmlinux : "");

	printf("  page size    %s\n", format_size(options, kho_state_page_size(state), size));
	if (f->map_known)
		printf("  preserved    %s in %" PRIu64 " preservations\n",
		       format_size(options, f->preserved, size), f->preservations);
	else
		printf("  preserved    not known: %s\n", f->map_problem);
	printf("  scratch      %s\n", f->scratch_known ? format_size(options, f->scratch, size) :
	       "unknown");

	if (f->dma_known && f->damaged)
		printf("  DMA          %" PRIu64 " allocations (%" PRIu64 " damaged), ",
		       f->records, f->damaged);
	else if (f->dma_known)
		printf("  DMA          %" PRIu64 " allocations, ", f->records);
	if (f->dma_known)
		printf("%s%s, %" PRIu64 " sealed, %s unclaimed; generation %" PRIu64 "\n",
		       f->bytes_unknown ? "at least " : "", format_size(options, f->record_bytes, size), f->sealed,
		       f->fates_known ? format_uint(f->unclaimed, unclaimed) : "an unknown number",
		       f->generation);
	else
		printf("  DMA          %s\n", f->dma_problem);

	kho_state_subtrees(state, &n);
	printf("  subtrees     ");
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? ", " : "", kho_state_subtrees(state, &n)[i].name);
	print_bad_subtrees(state, n ? "; " : "");
	puts("");
}

static void print_json(const struct kho_state *state, const struct figures *f)
{
	struct kho_json *json = json_document("show");

	kho_json_state(json, "state", state);
	if (f->map_known) {
		kho_json_object(json, "preserved");
		kho_json_uint(json, "preservations", f->preservations);
		kho_json_uint(json, "bytes", f->preserved);
		kho_json_end(json);
	} else {
		kho_json_null(json, "preserved");
	}
	json_uint_or_null(json, "scratch_bytes", f->scratch_known, f->scratch);
	if (f->dma_known) {
		kho_json_object(json, "dma");
		kho_json_uint(json, "records", f->records);
		kho_json_uint(json, "damaged", f->damaged);
		json_uint_or_null(json, "bytes", !f->bytes_unknown, f->record_bytes);
		kho_json_uint(json, "sealed", f->sealed);
		json_uint_or_null(json, "unclaimed", f->fates_known, f->unclaimed);
		kho_json_uint(json, "generation", f->generation);
		kho_json_end(json);
	} else {
		kho_json_null(json, "dma");
	}
	json_close(json);
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
	figures.scratch_known = n;
	for (size_t i = 0; i < n; i++)
		figures.scratch += scratch[i].size;
	count_map(&opened, &figures);
	count_records(&opened, &figures);

	if (options->json)
		print_json(opened.state, &figures);
	else
		print_text(options, opened.state, &figures);
	close_state(&opened);
	return EXIT_CLEAN;
}
