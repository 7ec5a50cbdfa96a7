// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect diff: compares two states by the ids of their records, which survive a kexec. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

/* The part of a record that stays in memory; the rest is read again for a comparison. */
struct brief {
	uint64_t id, addr;
	uint64_t record_addr;	/* of the record itself */
	uint32_t pages;
	uint32_t by_addr;	/* the i-th brief has the index of the i-th by address */
};

/* One of the two states. */
struct side {
	struct opened opened;
	struct brief *briefs;	/* by id */
	size_t n, room;
	bool has_map;
	bool has_fates;		/* its kernel writes fates */
	const char *name;	/* for messages */
};

struct diff {
	const struct options *options;
	struct side a, b;
	struct table *table;
	struct kho_json *json;	/* instead of the table, or NULL */
	uint64_t differences;
	struct kho_error err;
	int ret;		/* code of what went wrong, or 0 */
	const struct side *failed; /* its state, if ret is an error */
};

/* ---------------------------------------------------------------- reading */

static int add_record(const struct kho_dma_record *record, void *data)
{
	struct side *side = data;

	if (side->n == side->room) {
		side->room = side->room ? side->room + side->room / 2 : 64;
		side->briefs = check_memory(reallocarray(side->briefs, side->room, sizeof(*side->briefs)));
	}
	side->briefs[side->n++] = (struct brief){
		.id = record->id, .addr = record->addr, .record_addr = record->record_addr,
		.pages = record->pages == KHO_SIZE_UNKNOWN ? 0 :
			 record->pages < UINT32_MAX ? (uint32_t)record->pages : UINT32_MAX,
	};
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct brief *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int compare_addrs(const void *a, const void *b, void *data)
{
	const struct brief *briefs = data;
	const struct brief *x = &briefs[*(const uint32_t *)a], *y = &briefs[*(const uint32_t *)b];

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static void sort_records(struct side *side)
{
	uint32_t *order = check_memory(calloc(side->n + 1, sizeof(*order)));

	for (size_t i = 0; i < side->n; i++)
		order[i] = (uint32_t)i;
	if (side->n) {
		qsort(side->briefs, side->n, sizeof(*side->briefs), compare_ids);
		qsort_r(order, side->n, sizeof(*order), compare_addrs, side->briefs);
	}
	for (size_t i = 0; i < side->n; i++)
		side->briefs[i].by_addr = order[i];
	free(order);
}

/* A snapshot has one side; the running kernel has both. */
static int open_side(const struct options *options, const char *file, struct side *side,
		     struct kho_error *err)
{
	struct options own = *options;
	int ret;

	own.core = file;
	side->name = file ? file : "the running kernel";
	ret = open_state(&own, option_side(options), false, &side->opened, err);
	if (ret == KHO_ERR_NO_STATE && file && options->in)
		ret = open_state(&own, KHO_SIDE_OUT, false, &side->opened, err);
	if (!ret)
		ret = for_each_record(&side->opened, true, add_record, side, err);
	if (ret)
		return ret;
	side->has_fates = kho_state_side(side->opened.state) == KHO_SIDE_IN &&
			  kho_dma_has_fates(side->opened.state, NULL) == 1;
	sort_records(side);
	/* the kernel frees an incoming map */
	side->has_map = kho_state_side(side->opened.state) == KHO_SIDE_OUT;
	return 0;
}

static void close_side(struct side *side)
{
	if (side->opened.state)
		close_state(&side->opened);
	free(side->briefs);
}

/* Reads the record of @brief; on failure false, with diff->ret. */
static bool read_record(struct diff *diff, const struct side *side, const struct brief *brief,
			struct kho_dma_record *record)
{
	if (diff->ret)
		return false;
	diff->failed = side;
	diff->ret = kho_dma_read_record(side->opened.state, brief->record_addr, record, &diff->err);
	if (diff->ret)
		return false;
	if (record->id == brief->id)
		return true;
	diff->ret = KHO_ERR_NOT_PRESENT;
	diff->err = (struct kho_error){
		.code = diff->ret, .addr = brief->record_addr,
		.message = "the state changed while it was compared",
		.remedy = "Run this again when drivers are at rest, or compare snapshots.",
	};
	return false;
}

/* ---------------------------------------------------------------- telling */

static void tell_row(struct diff *diff, const char *change, const char *kind, const char *what,
		     const char *detail)
{
	const char *cells[] = { change, kind, what, detail };

	table_add(diff->table, cells);
}

static void tell_record(struct diff *diff, const char *change, const struct kho_dma_record *a,
			const struct kho_dma_record *b, const char *detail)
{
	const struct kho_dma_record *record = b ? b : a;
	char what[24 + sizeof(record->device) + sizeof(record->tag)];

	if (diff->json) {
		kho_json_object(diff->json, NULL);
		kho_json_string(diff->json, "change", change);
		kho_json_uint(diff->json, "id", record->id);
		kho_json_string(diff->json, "detail", detail);
		kho_json_record(diff->json, "before", a);
		kho_json_record(diff->json, "after", b);
		kho_json_end(diff->json);
	} else {
		snprintf(what, sizeof(what), "%" PRIu64 " %s %s", record->id, record->device,
			 record->tag);
		tell_row(diff, change, "allocation", what, detail);
	}
	diff->differences++;
}

static void tell_subtree(struct diff *diff, const char *change, const char *name,
			 const char *detail)
{
	if (diff->json) {
		kho_json_object(diff->json, NULL);
		kho_json_string(diff->json, "change", change);
		kho_json_string(diff->json, "name", name);
		kho_json_string(diff->json, "detail", detail);
		kho_json_end(diff->json);
	} else {
		tell_row(diff, change, "subtree", name, detail);
	}
	diff->differences++;
}

static void tell_memory(struct diff *diff, const char *change, const struct kho_range *range,
			const char *owner)
{
	char what[64], size[FORMAT_ROOM], detail[FORMAT_ROOM + 256];

	if (diff->json) {
		kho_json_object(diff->json, NULL);
		kho_json_range_members(diff->json, range);
		kho_json_string(diff->json, "change", change);
		kho_json_string(diff->json, "owner", owner);
		kho_json_end(diff->json);
	} else {
		snprintf(what, sizeof(what), "0x%" PRIx64 "-0x%" PRIx64, range->addr,
			 range->addr + range->size - 1);
		snprintf(detail, sizeof(detail), "%s, %s",
			 format_size(diff->options, range->size, size), owner);
		tell_row(diff, change, "memory", what, detail);
	}
	diff->differences++;
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

/* Compares the members that never change after the driver's call. */
static void compare_fields(struct diff *diff, const struct kho_dma_record *a,
			   const struct kho_dma_record *b)
{
	const struct { const char *name; bool differs; } fields[] = {
		{ "size", a->size != b->size },
		{ "DMA address", a->dma_addr != b->dma_addr },
		{ "attributes", a->attrs != b->attrs },
		{ "device", strcmp(a->device, b->device) != 0 },
		{ "tag", strcmp(a->tag, b->tag) != 0 },
		{ "checksum", a->crc_ok != b->crc_ok || a->flags_ok != b->flags_ok },
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
	if (!a->flags_ok || !b->flags_ok)
		return;
	if (!a->sealed && b->sealed)
		tell_record(diff, "sealed", a, b, "");
	else if (a->sealed && !b->sealed)
		tell_record(diff, "unsealed", a, b, "");
	else if (a->sealed && a->content_digest != b->content_digest)
		tell_record(diff, "resealed", a, b, "with other content");
}

/* True if the receiving kernel, which writes fates, has not taken the record over. */
static bool is_lost(const struct side *side, const struct kho_dma_record *record)
{
	return side->has_fates && record->fate == KHO_DMA_FATE_NONE;
}

/*
 * The fate of a record in the receiving kernel. From the outgoing to the incoming side, unclaimed is
 * how it begins, and not a change.
 */
static void compare_fates(struct diff *diff, const struct kho_dma_record *a,
			  const struct kho_dma_record *b)
{
	bool was_lost = is_lost(&diff->a, a), lost = is_lost(&diff->b, b);
	char detail[64];

	if (a->fate == b->fate && was_lost == lost)
		return;
	snprintf(detail, sizeof(detail), "it was %s before", kho_dma_fate_name(a->fate));
	switch (b->fate) {
	case KHO_DMA_FATE_RESTORED:
		tell_record(diff, "claimed", a, b, "");
		break;
	case KHO_DMA_FATE_FAILED:
		tell_record(diff, "failed", a, b, "the kernel refused it to its driver");
		break;
	case KHO_DMA_FATE_RELEASED:
		tell_record(diff, "released", a, b, "by its fate");
		break;
	case KHO_DMA_FATE_UNCLAIMED:
		if (a->fate != KHO_DMA_FATE_NONE)
			tell_record(diff, "unclaimed", a, b, detail);
		break;
	case KHO_DMA_FATE_NONE:
		if (lost)
			tell_record(diff, "lost", a, b, "the kernel did not take it over");
		else if (a->fate != KHO_DMA_FATE_UNCLAIMED && !was_lost)
			tell_record(diff, "preserved", a, b, detail);
		break;
	case KHO_DMA_FATE_UNKNOWN:
		tell_record(diff, "changed", a, b, "fate");
		break;
	}
}

static void compare_both(struct diff *diff, const struct brief *x, const struct brief *y)
{
	struct kho_dma_record a, b;

	if (!read_record(diff, &diff->a, x, &a) || !read_record(diff, &diff->b, y, &b))
		return;
	compare_place(diff, &a, &b);
	compare_fields(diff, &a, &b);
	compare_seals(diff, &a, &b);
	compare_fates(diff, &a, &b);
}

static void compare_records(struct diff *diff)
{
	const struct side *a = &diff->a, *b = &diff->b;
	struct kho_dma_record record;
	size_t i = 0, j = 0;

	while (!diff->ret && (i < a->n || j < b->n)) {
		const struct brief *x = i < a->n ? &a->briefs[i] : NULL;
		const struct brief *y = j < b->n ? &b->briefs[j] : NULL;

		if (!y || (x && x->id < y->id)) {
			i++;
			if (read_record(diff, a, x, &record))
				tell_record(diff, "released", &record, NULL, "");
		} else if (!x || y->id < x->id) {
			j++;
			if (read_record(diff, b, y, &record))
				tell_record(diff, "preserved", NULL, &record, "");
		} else {
			i++;
			j++;
			compare_both(diff, x, y);
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
		if (a[i].size != KHO_SIZE_UNKNOWN && other->size != KHO_SIZE_UNKNOWN &&
		    a[i].size != other->size) {
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

/* The allocation that @addr is in, or NULL. */
static const struct brief *find_by_addr(const struct side *side, uint64_t addr)
{
	const uint64_t page = kho_state_page_size(side->opened.state);
	size_t low = 0, high = side->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct brief *brief = &side->briefs[side->briefs[mid].by_addr];

		if (brief->addr > addr)
			high = mid;
		else if (addr - brief->addr >= brief->pages * page)
			low = mid + 1;
		else
			return brief;
	}
	return NULL;
}

#define OWNER_ROOM	sizeof(((struct kho_dma_record *)NULL)->device)

/* The owner of the memory at @addr: a device, a subtree, or "other". */
static void find_owner(struct diff *diff, const struct side *side, uint64_t addr, char *owner)
{
	const uint64_t page = kho_state_page_size(side->opened.state);
	const struct brief *brief = find_by_addr(side, addr);
	const struct kho_subtree *subtrees;
	struct kho_dma_record record;
	size_t n;

	strcpy(owner, "other");
	if (brief) {
		if (read_record(diff, side, brief, &record))
			strcpy(owner, record.device);
		return;
	}
	if (addr == kho_state_fdt_addr(side->opened.state)) {
		strcpy(owner, "root FDT");
		return;
	}
	subtrees = kho_state_subtrees(side->opened.state, &n);
	for (size_t i = 0; i < n; i++) {
		if (subtrees[i].addr >= addr && subtrees[i].addr - addr < page) {
			strcpy(owner, subtrees[i].name);
			return;
		}
	}
}

struct run {
	const char *change;
	char owner[OWNER_ROOM];
	struct kho_range range;
};

static void flush_run(struct diff *diff, struct run *run)
{
	if (run->change)
		tell_memory(diff, run->change, &run->range, run->owner);
	run->change = NULL;
}

/* The first block of @entry. Adjacent blocks with the same owner and fate form one difference. */
static void add_block(struct diff *diff, struct run *run, const char *change,
		      const struct side *side, const struct kho_map_entry *entry)
{
	struct run next = { .change = change, .range = { entry->addr, entry->size / entry->count } };

	find_owner(diff, side, entry->addr, next.owner);
	if (run->change && !strcmp(run->change, change) && !strcmp(run->owner, next.owner) &&
	    next.range.addr == run->range.addr + run->range.size) {
		run->range.size += next.range.size;
		return;
	}
	flush_run(diff, run);
	*run = next;
}

/* One of the two maps: @entry is the rest of the current entry. */
struct walk {
	const struct side *side;
	struct kho_map_iter *iter;
	struct kho_map_entry entry;
	bool more;
};

static void advance(struct diff *diff, struct walk *walk)
{
	int ret = diff->ret ? diff->ret : kho_map_iter_next(walk->iter, &walk->entry, &diff->err);

	walk->more = ret > 0;
	if (ret < 0 && !diff->ret) {
		diff->failed = walk->side;
		diff->ret = ret;
	}
}

/* Skips the next @blocks. */
static void skip(struct diff *diff, struct walk *walk, uint64_t blocks)
{
	struct kho_map_entry *entry = &walk->entry;
	uint64_t size = entry->size / entry->count * blocks;

	entry->addr += size;
	entry->size -= size;
	entry->count -= blocks;
	if (!entry->count)
		advance(diff, walk);
}

static void begin_walk(struct diff *diff, struct side *side, struct walk *walk)
{
	walk->side = side;
	if (!diff->ret) {
		diff->failed = side;
		diff->ret = kho_map_iter_create(side->opened.state, &walk->iter, &diff->err);
	}
	advance(diff, walk);
}

static bool entry_less(const struct kho_map_entry *a, const struct kho_map_entry *b)
{
	return a->addr != b->addr ? a->addr < b->addr : a->order < b->order;
}

static void compare_maps(struct diff *diff)
{
	struct walk x = { 0 }, y = { 0 };
	struct run run = { 0 };
	uint64_t same;

	begin_walk(diff, &diff->a, &x);
	begin_walk(diff, &diff->b, &y);
	while (!diff->ret && (x.more || y.more)) {
		if (!y.more || (x.more && entry_less(&x.entry, &y.entry))) {
			add_block(diff, &run, "released", &diff->a, &x.entry);
			skip(diff, &x, 1);
		} else if (!x.more || entry_less(&y.entry, &x.entry)) {
			add_block(diff, &run, "preserved", &diff->b, &y.entry);
			skip(diff, &y, 1);
		} else {
			same = x.entry.count < y.entry.count ? x.entry.count : y.entry.count;
			skip(diff, &x, same);
			skip(diff, &y, same);
		}
	}
	flush_run(diff, &run);
	kho_map_iter_destroy(x.iter);
	kho_map_iter_destroy(y.iter);
}

/* ---------------------------------------------------------------- command */

static bool has_maps(const struct diff *diff)
{
	return diff->a.has_map && diff->b.has_map;
}

/* Says which of the two states it is about, unless the message does. */
static int fail_with_side(const struct diff *diff)
{
	const struct kho_error *err = &diff->err;

	if (!*err->message || strstr(err->message, diff->failed->name))
		return fail(err);
	return complain("%s: %s.%s%s", diff->failed->name, err->message, *err->remedy ? " " : "", err->remedy);
}

static void print_text(struct diff *diff)
{
	static const char *const headings[] = { "CHANGE", "KIND", "WHAT", "DETAIL" };
	static const bool right[] = { false, false, false, false };

	diff->table = table_create(headings, right, 4);
	compare_records(diff);
	compare_subtrees(diff);
	if (has_maps(diff))
		compare_maps(diff);
	if (!diff->ret && diff->differences)
		table_print(diff->table);
	table_destroy(diff->table);
	if (diff->ret) {
		fail_with_side(diff);
		return;
	}
	if (!has_maps(diff))
		puts("Preserved memory was not compared: an incoming state has no map any more.");
	printf("%" PRIu64 " difference%s between the %s and the %s state\n", diff->differences,
	       diff->differences == 1 ? "" : "s",
	       kho_side_name(kho_state_side(diff->a.opened.state)),
	       kho_side_name(kho_state_side(diff->b.opened.state)));
}

static void print_json(struct diff *diff)
{
	struct kho_json *json = json_document("diff");

	diff->json = json;
	kho_json_state(json, "before", diff->a.opened.state);
	kho_json_state(json, "after", diff->b.opened.state);
	kho_json_array(json, "records");
	compare_records(diff);
	kho_json_end(json);
	kho_json_array(json, "subtrees");
	compare_subtrees(diff);
	kho_json_end(json);
	if (has_maps(diff)) {
		kho_json_array(json, "ranges");
		compare_maps(diff);
		kho_json_end(json);
	} else {
		kho_json_null(json, "ranges");
	}
	json_uint_or_null(json, "differences", !diff->ret, diff->differences);
	if (diff->ret)
		fail_with_side(diff);
	json_error(json);
	json_close(json);
}

static int tell(struct diff *diff)
{
	if (diff->options->json)
		print_json(diff);
	else
		print_text(diff);
	if (diff->ret)
		return EXIT_CANNOT_TELL;
	return diff->differences ? EXIT_FINDINGS : EXIT_CLEAN;
}

int cmd_diff(const struct options *options)
{
	const char *after = options->argument2 ? options->argument2 : options->core;
	struct diff diff = { .options = options };
	int status = EXIT_CANNOT_TELL;

	/* the second is another file, what --core names, or the running kernel */
	diff.failed = &diff.a;
	diff.ret = open_side(options, options->argument, &diff.a, &diff.err);
	if (!diff.ret) {
		diff.failed = &diff.b;
		diff.ret = open_side(options, after, &diff.b, &diff.err);
	}
	if (diff.ret)
		fail_with_side(&diff);
	else if (options_have_effect(options, diff.a.opened.state, diff.b.opened.state))
		status = tell(&diff);
	close_side(&diff.a);
	close_side(&diff.b);
	return status;
}
