// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect diff: what became of a state, by the ids of its records, which survive a kexec. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

/* One of the two states, as far as it is compared. */
struct side {
	struct opened opened;
	struct kho_dma_record *records;	/* by id */
	size_t nr_records, record_room;
	struct kho_map_entry *entries;	/* by address */
	size_t nr_entries, entry_room;
	bool have_map;
	uint64_t *by_addr;		/* indices of records, by address */
};

struct diff {
	const struct options *options;
	struct side a, b;
	struct table *table;
	struct json_object *records, *subtrees, *ranges;
	uint64_t differences;
};

/* ---------------------------------------------------------------- reading */

/* Room for one more element of @size bytes; exits without memory, as tables do. */
static void *grow(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room ? 2 * *room : 64;
	array = reallocarray(array, *room, size);
	if (!array) {
		fputs("kho-inspect: out of memory.\n", stderr);
		exit(EXIT_CANNOT_TELL);
	}
	return array;
}

static int compare_ids(const void *a, const void *b)
{
	const struct kho_dma_record *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int compare_addrs(const void *a, const void *b, void *records)
{
	const struct kho_dma_record *x = (struct kho_dma_record *)records + *(const uint64_t *)a;
	const struct kho_dma_record *y = (struct kho_dma_record *)records + *(const uint64_t *)b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static int read_records(struct side *side, struct kho_error *err)
{
	struct kho_dma_header header = { 0 };
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	size_t room = 0;
	int ret;

	progress_begin(&side->opened, "reading records");
	kho_dma_read_header(side->opened.state, &header, NULL);
	ret = kho_dma_iter_create(side->opened.state, &iter, err);
	if (ret)
		return ret == KHO_ERR_NOT_FOUND ? 0 : ret;
	while ((ret = kho_dma_iter_next(iter, &record, err)) > 0) {
		side->records = grow(side->records, side->nr_records, &side->record_room,
				     sizeof(*side->records));
		side->records[side->nr_records++] = record;
		progress_tell(&side->opened, side->nr_records, header.nr_records);
	}
	kho_dma_iter_destroy(iter);
	if (ret || !side->nr_records)
		return ret;

	qsort(side->records, side->nr_records, sizeof(*side->records), compare_ids);
	for (size_t i = 0; i < side->nr_records; i++) {
		side->by_addr = grow(side->by_addr, i, &room, sizeof(*side->by_addr));
		side->by_addr[i] = i;
	}
	qsort_r(side->by_addr, side->nr_records, sizeof(*side->by_addr), compare_addrs,
		side->records);
	return 0;
}

/* An incoming map is gone by its nature; what else cannot be read is an error. */
static int read_map(struct side *side, struct kho_error *err)
{
	const uint64_t end = ram_end(side->opened.state);
	struct kho_map_entry entry;
	struct kho_map_iter *iter;
	int ret;

	if (kho_state_side(side->opened.state) == KHO_SIDE_IN)
		return 0;
	progress_begin(&side->opened, "reading the map");
	ret = kho_map_iter_create(side->opened.state, &iter, err);
	if (ret)
		return ret;
	while ((ret = kho_map_iter_next(iter, &entry, err)) > 0) {
		side->entries = grow(side->entries, side->nr_entries, &side->entry_room,
				     sizeof(*side->entries));
		side->entries[side->nr_entries++] = entry;
		progress_tell(&side->opened, entry.addr, end);
	}
	kho_map_iter_destroy(iter);
	side->have_map = !ret;
	return ret;
}

/* A snapshot says of which side it is; the running kernel has both. */
static int open_side(const struct options *options, const char *file, struct side *side,
		     struct kho_error *err)
{
	struct options own = *options;
	int ret;

	own.core = file;
	ret = open_state(&own, option_side(options), &side->opened, err);
	if (ret == KHO_ERR_NO_STATE && file)
		ret = open_state(&own, options->in ? KHO_SIDE_OUT : KHO_SIDE_IN, &side->opened, err);
	if (ret)
		return ret;
	ret = read_records(side, err);
	if (!ret)
		ret = read_map(side, err);
	progress_hide(side->opened.progress);
	return ret;
}

static void close_side(struct side *side)
{
	if (side->opened.state)
		close_state(&side->opened);
	free(side->records);
	free(side->entries);
	free(side->by_addr);
}

/* ---------------------------------------------------------------- telling */

/* One line of the table, or an object for the array (which may be NULL) in JSON. */
static void tell(struct diff *diff, const char *change, const char *kind, const char *what,
		 const char *detail)
{
	const char *cells[] = { change, kind, what, detail };

	diff->differences++;
	if (!diff->options->json)
		table_add(diff->table, cells);
}

static void tell_record(struct diff *diff, const char *change, const struct kho_dma_record *a,
			const struct kho_dma_record *b, const char *detail)
{
	const struct kho_dma_record *record = b ? b : a;
	struct json_object *object;
	char what[24 + sizeof(record->device) + sizeof(record->tag)];

	snprintf(what, sizeof(what), "%" PRIu64 " %s %s", record->id, record->device, record->tag);
	tell(diff, change, "allocation", what, detail);
	if (!diff->options->json)
		return;
	object = json_object_new_object();
	json_add_string(object, "change", change);
	json_add_uint(object, "id", record->id);
	json_add_string(object, "detail", detail);
	json_object_object_add(object, "before", a ? json_record(a) : NULL);
	json_object_object_add(object, "after", b ? json_record(b) : NULL);
	json_object_array_add(diff->records, object);
}

/* ---------------------------------------------------------------- records */

static void compare_place(struct diff *diff, const struct kho_dma_record *a,
			  const struct kho_dma_record *b)
{
	char detail[96];

	if (a->addr != b->addr) {
		snprintf(detail, sizeof(detail), "0x%" PRIx64 " -> 0x%" PRIx64, a->addr, b->addr);
		tell_record(diff, "moved", a, b, detail);
	}
}

/* What a driver asked for, which nothing may change. */
static void compare_fields(struct diff *diff, const struct kho_dma_record *a,
			   const struct kho_dma_record *b)
{
	const struct { const char *name; bool differs; } fields[] = {
		{ "size", a->size != b->size },
		{ "DMA address", a->dma_addr != b->dma_addr },
		{ "attributes", a->attrs != b->attrs },
		{ "device", strcmp(a->device, b->device) != 0 },
		{ "tag", strcmp(a->tag, b->tag) != 0 },
		{ "state", a->state != b->state },
		{ "checksum", a->crc_ok != b->crc_ok },
	};
	char detail[128] = "";

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t used = strlen(detail);

		if (fields[i].differs)
			snprintf(detail + used, sizeof(detail) - used, "%s%s", used ? ", " : "",
				 fields[i].name);
	}
	if (*detail)
		tell_record(diff, "changed", a, b, detail);
}

static void compare_seals(struct diff *diff, const struct kho_dma_record *a,
			  const struct kho_dma_record *b)
{
	if (!a->sealed && b->sealed)
		tell_record(diff, "sealed", a, b, "");
	else if (a->sealed && !b->sealed)
		tell_record(diff, "unsealed", a, b, "");
	else if (a->sealed && a->content_digest != b->content_digest)
		tell_record(diff, "resealed", a, b, "with other content");
}

/* What the receiving kernel makes of it; that nobody has come for it yet is no change. */
static void compare_fates(struct diff *diff, const struct kho_dma_record *a,
			  const struct kho_dma_record *b)
{
	if (a->fate == b->fate)
		return;
	if (b->fate == KHO_DMA_FATE_RESTORED)
		tell_record(diff, "claimed", a, b, "");
	else if (b->fate == KHO_DMA_FATE_FAILED)
		tell_record(diff, "failed", a, b, "its driver was refused it");
	else if (b->fate == KHO_DMA_FATE_RELEASED)
		tell_record(diff, "released", a, b, "by its fate");
}

static void compare_records(struct diff *diff)
{
	const struct side *a = &diff->a, *b = &diff->b;
	size_t i = 0, j = 0;

	while (i < a->nr_records || j < b->nr_records) {
		const struct kho_dma_record *x = i < a->nr_records ? &a->records[i] : NULL;
		const struct kho_dma_record *y = j < b->nr_records ? &b->records[j] : NULL;

		if (!y || (x && x->id < y->id)) {
			tell_record(diff, "released", x, NULL, "");
			i++;
		} else if (!x || y->id < x->id) {
			tell_record(diff, "preserved", NULL, y, "");
			j++;
		} else {
			compare_place(diff, x, y);
			compare_fields(diff, x, y);
			compare_seals(diff, x, y);
			compare_fates(diff, x, y);
			i++;
			j++;
		}
	}
}

/* --------------------------------------------------------------- subtrees */

static const struct kho_subtree *find_subtree(const struct kho_subtree *subtrees, size_t n,
					      const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(subtrees[i].name, name))
			return &subtrees[i];
	}
	return NULL;
}

static void tell_subtree(struct diff *diff, const char *change, const char *name,
			 const char *detail)
{
	struct json_object *object;

	tell(diff, change, "subtree", name, detail);
	if (!diff->options->json)
		return;
	object = json_object_new_object();
	json_add_string(object, "change", change);
	json_add_string(object, "name", name);
	json_add_string(object, "detail", detail);
	json_object_array_add(diff->subtrees, object);
}

static void compare_subtrees(struct diff *diff)
{
	const struct kho_subtree *a, *b, *other;
	char detail[96];
	size_t n, m;

	a = kho_state_subtrees(diff->a.opened.state, &n);
	b = kho_state_subtrees(diff->b.opened.state, &m);
	for (size_t i = 0; i < n; i++) {
		other = find_subtree(b, m, a[i].name);
		if (!other) {
			tell_subtree(diff, "released", a[i].name, "");
			continue;
		}
		if (a[i].addr != other->addr) {
			snprintf(detail, sizeof(detail), "0x%" PRIx64 " -> 0x%" PRIx64, a[i].addr,
				 other->addr);
			tell_subtree(diff, "moved", a[i].name, detail);
		}
		if (a[i].size != other->size) {
			snprintf(detail, sizeof(detail), "%" PRIu64 " -> %" PRIu64 " bytes",
				 a[i].size, other->size);
			tell_subtree(diff, "changed", a[i].name, detail);
		}
	}
	for (size_t i = 0; i < m; i++) {
		if (!find_subtree(a, n, b[i].name))
			tell_subtree(diff, "preserved", b[i].name, "");
	}
}

/* -------------------------------------------------------------------- map */

/* Whose memory @addr is: a device, a subtree, or "other". */
static const char *owner_of(const struct side *side, uint64_t addr)
{
	const struct kho_subtree *subtrees;
	size_t low = 0, high = side->nr_records, n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct kho_dma_record *record = &side->records[side->by_addr[mid]];

		if (record->addr > addr)
			high = mid;
		else if (addr - record->addr >= record->pages * 4096)
			low = mid + 1;
		else
			return record->device;
	}
	if (addr == kho_state_fdt_addr(side->opened.state))
		return "root FDT";
	subtrees = kho_state_subtrees(side->opened.state, &n);
	for (size_t i = 0; i < n; i++) {
		if (subtrees[i].addr >= addr && subtrees[i].addr - addr < 4096)
			return subtrees[i].name;
	}
	return "other";
}

struct run {
	const char *change, *owner;
	struct kho_range range;
};

static void flush_run(struct diff *diff, struct run *run)
{
	struct json_object *object;
	char what[64], size[FORMAT_ROOM];

	if (!run->change)
		return;
	snprintf(what, sizeof(what), "0x%" PRIx64 "-0x%" PRIx64, run->range.addr,
		 run->range.addr + run->range.size - 1);
	format_size(diff->options, run->range.size, size);
	if (diff->options->json) {
		object = json_range(&run->range);
		json_add_string(object, "change", run->change);
		json_add_string(object, "owner", run->owner);
		json_object_array_add(diff->ranges, object);
		diff->differences++;
	} else {
		char detail[128];

		snprintf(detail, sizeof(detail), "%s, %s", size, run->owner);
		tell(diff, run->change, "memory", what, detail);
	}
	run->change = NULL;
}

/* What touches, of one owner and with one fate, is told as one. */
static void add_entry(struct diff *diff, struct run *run, const char *change,
		      const struct side *side, const struct kho_map_entry *entry)
{
	const char *owner = owner_of(side, entry->addr);

	if (run->change && !strcmp(run->change, change) && !strcmp(run->owner, owner) &&
	    entry->addr == run->range.addr + run->range.size) {
		run->range.size += entry->size;
		return;
	}
	flush_run(diff, run);
	*run = (struct run){ change, owner, { entry->addr, entry->size } };
}

static bool entry_less(const struct kho_map_entry *a, const struct kho_map_entry *b)
{
	return a->addr != b->addr ? a->addr < b->addr : a->order < b->order;
}

static void compare_maps(struct diff *diff)
{
	const struct side *a = &diff->a, *b = &diff->b;
	struct run run = { 0 };
	size_t i = 0, j = 0;

	while (i < a->nr_entries || j < b->nr_entries) {
		const struct kho_map_entry *x = i < a->nr_entries ? &a->entries[i] : NULL;
		const struct kho_map_entry *y = j < b->nr_entries ? &b->entries[j] : NULL;

		if (!y || (x && entry_less(x, y)))
			add_entry(diff, &run, "released", a, &a->entries[i++]);
		else if (!x || entry_less(y, x))
			add_entry(diff, &run, "preserved", b, &b->entries[j++]);
		else
			i++, j++;
	}
	flush_run(diff, &run);
}

/* ---------------------------------------------------------------- command */

static void print_diff(struct diff *diff)
{
	bool maps = diff->a.have_map && diff->b.have_map;
	struct json_object *document;

	if (!diff->options->json) {
		if (diff->differences)
			table_print(diff->table, stdout);
		if (!maps)
			puts("Preserved memory was not compared: an incoming state has no map any more.");
		printf("%" PRIu64 " difference%s between the %s and the %s state\n",
		       diff->differences, diff->differences == 1 ? "" : "s",
		       side_text(kho_state_side(diff->a.opened.state)),
		       side_text(kho_state_side(diff->b.opened.state)));
		return;
	}
	document = json_document("diff");
	json_object_object_add(document, "before", json_state(diff->a.opened.state));
	json_object_object_add(document, "after", json_state(diff->b.opened.state));
	json_object_object_add(document, "records", json_object_get(diff->records));
	json_object_object_add(document, "subtrees", json_object_get(diff->subtrees));
	json_object_object_add(document, "ranges", maps ? json_object_get(diff->ranges) : NULL);
	json_add_uint(document, "differences", diff->differences);
	json_print(document);
}

static int compare(struct diff *diff)
{
	static const char *const headings[] = { "CHANGE", "KIND", "WHAT", "DETAIL" };
	static const bool right[] = { false, false, false, false };

	diff->table = table_create(headings, right, 4);
	diff->records = json_object_new_array();
	diff->subtrees = json_object_new_array();
	diff->ranges = json_object_new_array();
	compare_records(diff);
	compare_subtrees(diff);
	if (diff->a.have_map && diff->b.have_map)
		compare_maps(diff);
	print_diff(diff);
	json_object_put(diff->records);
	json_object_put(diff->subtrees);
	json_object_put(diff->ranges);
	table_destroy(diff->table);
	return diff->differences ? EXIT_FINDINGS : EXIT_CLEAN;
}

int cmd_diff(const struct options *options)
{
	struct diff diff = { .options = options };
	struct kho_error err;
	int status;

	if (!options->argument) {
		fputs("kho-inspect: diff needs a snapshot or two. Try kho-inspect diff --help.\n", stderr);
		return EXIT_CANNOT_TELL;
	}
	/* the second is another file, what --core names, or the running kernel */
	if (open_side(options, options->argument, &diff.a, &err) ||
	    open_side(options, options->argument2 ? options->argument2 : options->core, &diff.b, &err))
		status = fail(&err);
	else
		status = compare(&diff);
	close_side(&diff.a);
	close_side(&diff.b);
	return status;
}
