// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules about the preserved-memory-map. A rule about which memory may be preserved is a line in
 * map_rules[]. The check runs on many blocks at once first, and on each of them only if that
 * fails; both use the same function, with any format of the map.
 *
 * If v->unnamed has a bit for each page of RAM, this reads the map leaf by leaf, and the bits show
 * overlaps. Otherwise it reads the map sorted by address.
 */
#include <inttypes.h>
#include <string.h>

#include "dma.h"
#include "map.h"
#include "source.h"
#include "verify.h"

/* v->unnamed may always take this many bytes (128 GiB of RAM in pages of 4 KiB), and 16 more for each record. */
#define UNNAMED_FREE	(4u << 20)

struct map_rule {
	enum kho_rule_number rule;
	/* True for a range only if it is true for every part of it. */
	bool (*holds)(const struct kho_verify *v, uint64_t addr, uint64_t size);
	const char *what;	/* text for a range that breaks the rule */
	bool needs_scratch;	/* cannot be judged where scratch is unknown */
	/* Reports a range for which @holds is false; NULL: as one that breaks the rule. */
	void (*report)(struct kho_verify *v, uint64_t addr, uint64_t size);
};

static void report_not_ram(struct kho_verify *v, uint64_t addr, uint64_t size)
{
	kho_verify_ram(v, KHO_RULE_K104, addr, size, 0, "preserved memory");
}

static bool is_not_scratch(const struct kho_verify *v, uint64_t addr, uint64_t size)
{
	return !kho_verify_in_scratch(v, addr, size);
}

static const struct map_rule map_rules[] = {
	{ KHO_RULE_K104, kho_verify_in_ram, "is not RAM", false, report_not_ram },
	{ KHO_RULE_K204, is_not_scratch, "lies in scratch", true, NULL },
};

#define NR_MAP_RULES (sizeof(map_rules) / sizeof(map_rules[0]))

/* ---------------------------------------------------------- many at once */

static bool is_sound(const struct kho_verify *v, uint64_t addr, uint64_t size)
{
	for (size_t i = 0; i < NR_MAP_RULES; i++) {
		if (!map_rules[i].holds(v, addr, size))
			return false;
	}
	return true;
}

/* True if the blocks of one word of a leaf are sound. */
static bool word_is_sound(const struct kho_verify *v, unsigned int shift, uint64_t addr,
			  uint64_t bits)
{
	if (is_sound(v, addr, 64ull << shift))
		return true;
	for (; bits; bits &= bits - 1) {
		if (!is_sound(v, addr + ((uint64_t)__builtin_ctzll(bits) << shift), 1ull << shift))
			return false;
	}
	return true;
}

/* False if another block contains one of the pages. */
static bool add_unnamed(struct kho_verify *v, unsigned int shift, uint64_t addr, uint64_t bits)
{
	if (shift == v->unnamed.page_shift)
		return kho_page_set_add_64(&v->unnamed, addr, bits);
	for (; bits; bits &= bits - 1) {
		if (!kho_page_set_add(&v->unnamed, addr + ((uint64_t)__builtin_ctzll(bits) << shift),
				      1ull << shift))
			return false;
	}
	return true;
}

static int judge_leaf(const struct kho_map_leaf *leaf, void *data)
{
	struct kho_verify *v = data;
	const unsigned int shift = v->unnamed.page_shift + leaf->order;
	bool sound = is_sound(v, leaf->addr, (uint64_t)leaf->nr_words * 64 << shift);

	for (size_t i = 0; i < leaf->nr_words; i++) {
		uint64_t addr = leaf->addr + ((uint64_t)i * 64 << shift), bits = leaf->bits[i];

		if (!bits)
			continue;
		if (!sound && !word_is_sound(v, shift, addr, bits))
			return 1;
		if (!add_unnamed(v, shift, addr, bits))
			return 1;
		v->summary->preservations += (uint64_t)__builtin_popcountll(bits);
	}
	return 0;
}

/* ------------------------------------------------------------ one by one */

static void judge_block(struct kho_verify *v, uint64_t addr, uint64_t size, uint64_t last_end)
{
	for (size_t i = 0; i < NR_MAP_RULES; i++) {
		if (map_rules[i].holds(v, addr, size))
			continue;
		if (map_rules[i].report)
			map_rules[i].report(v, addr, size);
		else
			kho_report(v, map_rules[i].rule, addr, 0,
				   "preserved range 0x%" PRIx64 "+0x%" PRIx64 " %s",
				   addr, size, map_rules[i].what);
	}
	if (addr < last_end)
		kho_report(v, KHO_RULE_K105, addr, 0,
			   "preserved range 0x%" PRIx64 "+0x%" PRIx64 " overlaps the one before it",
			   addr, size);
}

static void judge_entry(struct kho_verify *v, const struct kho_map_entry *entry,
			uint64_t *last_end)
{
	const uint64_t size = entry->size / entry->count, end = entry->addr + entry->size;

	v->summary->preservations += entry->count;
	/* check single blocks only if a rule is broken */
	if (entry->addr < *last_end || !is_sound(v, entry->addr, entry->size)) {
		for (uint64_t addr = entry->addr; addr < end; addr += size)
			judge_block(v, addr, size, *last_end);
	}
	if (end > *last_end)
		*last_end = end;
}

static void report_map_error(struct kho_verify *v, const struct kho_error *err)
{
	enum kho_rule_number rule = KHO_RULE_K101;

	if (err->code == KHO_ERR_LOOP)
		rule = KHO_RULE_K102;
	else if (err->code == KHO_ERR_CORRUPT && err->addr == KHO_NO_ADDR)
		rule = KHO_RULE_K103;
	kho_report_error(v, rule, 0, err, "");
}

/* False if the end of the map is unreadable. */
static bool judge_entries(struct kho_verify *v)
{
	struct kho_map_entry entry;
	struct kho_map_iter *iter;
	uint64_t last_end = 0;
	struct kho_error err;
	int ret;

	ret = kho_map_begin(v->map, &iter, &err);
	if (!ret) {
		while ((ret = kho_map_iter_next(iter, &entry, &err)) > 0) {
			judge_entry(v, &entry, &last_end);
			kho_page_set_add(&v->unnamed, entry.addr, entry.size);
		}
		kho_map_iter_destroy(iter);
	}
	if (ret)
		report_map_error(v, &err);
	return !ret;
}

/* -------------------------------------------------------------- the rest */

static int judge_node(uint64_t addr, void *data)
{
	struct kho_verify *v = data;

	if (kho_verify_in_scratch(v, addr, kho_source_page(v->state->source)))
		kho_report(v, KHO_RULE_K205, addr, 0,
			   "the page at 0x%" PRIx64 " of the preserved-memory-map lies in scratch",
			   addr);
	return 0;
}

static void judge_root(struct kho_verify *v)
{
	if (v->state->root.addr == KHO_NO_ADDR)
		kho_report_not_applicable(v, KHO_RULE_K005,
					  "the address of the root FDT is not known on this kernel");
	else
		kho_verify_preserved(v, KHO_RULE_K005, v->state->root.addr,
				     kho_source_page(v->state->source), 0, "the page of the root FDT");
	kho_evaluated(v, KHO_RULE_K005);
}

/* Call this after the map was read to its end. */
static void say_evaluated(struct kho_verify *v)
{
	kho_evaluated(v, KHO_RULE_K101);
	kho_evaluated(v, KHO_RULE_K102);
	kho_evaluated(v, KHO_RULE_K103);
	kho_evaluated(v, KHO_RULE_K105);
	for (size_t i = 0; i < NR_MAP_RULES; i++) {
		if (!map_rules[i].needs_scratch || kho_verify_knows_scratch(v))
			kho_evaluated(v, map_rules[i].rule);
	}
}

/* Makes room for v->unnamed, unless that takes much more memory than comparing the records. */
static void create_unnamed(struct kho_verify *v)
{
	const struct kho_source *source = v->state->source;
	struct kho_dma_header header;

	if (kho_dma_read_header(v->state, &header, NULL))
		return;
	kho_page_set_create(&v->unnamed, source->page_shift, source->ram, source->nr_ram,
			    UNNAMED_FREE + 16 * kho_dma_most_records(v->state, &header));
}

void kho_verify_map(struct kho_verify *v)
{
	const uint64_t page = kho_source_page(v->state->source);
	uint64_t addr = v->state->root.map_addr;
	struct kho_error err;

	kho_evaluated(v, KHO_RULE_K003);
	if (!addr || addr & (page - 1)) {
		kho_report(v, KHO_RULE_K003, addr, 0,
			   "preserved-memory-map is at 0x%" PRIx64 ", which is not the address of a page", addr);
		return;
	}
	if (!kho_verify_ram(v, KHO_RULE_K003, addr, page, 0, "the preserved-memory-map"))
		return;
	if (v->state->root.side == KHO_SIDE_IN) {
		kho_report_not_applicable(v, KHO_RULE_K101,
					  "the incoming preserved-memory-map is not judged: the kernel frees it once it has read it");
		return;
	}

	if (kho_state_map(v->state, &v->map, &err)) {
		report_map_error(v, &err);
		return;
	}

	create_unnamed(v);
	v->summary->preservations = 0;
	if (!v->unnamed.words || kho_map_leaves(v->map, judge_leaf, v, NULL)) {
		/* sorted by address: finds the blocks that break a rule */
		v->summary->preservations = 0;
		if (!judge_entries(v)) {
			v->summary->preservations = KHO_COUNT_UNKNOWN;
			return;
		}
	}
	v->map_readable = true;
	say_evaluated(v);
	if (!kho_map_nodes(v->map, judge_node, v, NULL) && kho_verify_knows_scratch(v))
		kho_evaluated(v, KHO_RULE_K205);
	judge_root(v);
}

void kho_verify_preserved(struct kho_verify *v, enum kho_rule_number rule, uint64_t addr,
			  uint64_t size, uint64_t record_id, const char *what)
{
	struct kho_error err;
	int ret;

	if (v->state->root.side == KHO_SIDE_IN)
		return;
	if (!v->map_readable) {
		if (!kho_was_unevaluated(v, rule))
			kho_report_unevaluated(v, rule, addr, record_id,
					       "the preserved-memory-map is unreadable: cannot determine whether %s at 0x%" PRIx64 " is preserved, nor others",
					       what, addr);
		return;
	}

	ret = kho_map_covers(v->map, addr, size, &err);
	if (ret < 0)
		kho_report_error(v, rule, record_id, &err, "");
	else if (!ret)
		kho_report(v, rule, addr, record_id,
			   "%s at 0x%" PRIx64 "+0x%" PRIx64 " is not in the preserved-memory-map",
			   what, addr, size);
}
