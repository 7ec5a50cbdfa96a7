// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules about the subtrees. The decoders parse them; see decode.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decode.h"
#include "verify.h"
#include "abi/dma_alloc.h"
#include "abi/subtrees.h"

/* Minimal size of the blob: 1 if the size is unknown or 0, because the address must be valid. */
static uint64_t known_size(const struct kho_subtree *subtree)
{
	return subtree->size && subtree->size != KHO_SIZE_UNKNOWN ? subtree->size : 1;
}

/* False if the blob is not RAM. */
static bool verify_blob(struct kho_verify *v, const struct kho_subtree *subtree)
{
	uint64_t size = known_size(subtree);
	uint64_t first = subtree->addr & -kho_source_page(v->state->source);
	uint64_t last;
	char what[80];

	snprintf(what, sizeof(what), "the blob of \"%.63s\"", subtree->name);
	if (!kho_verify_ram(v, KHO_RULE_K302, subtree->addr, size, 0, what))
		return false;
	last = subtree->addr + (size - 1);
	kho_verify_preserved(v, KHO_RULE_K301, first, last - first + 1, 0, what);
	return true;
}

struct walk {
	struct kho_verify *v;
	const struct kho_subtree *subtree;
	bool unknown;		/* part of it has an unknown format */
};

/* Coverage of the checks over all subtrees. */
struct seen {
	bool blobs;		/* no blob lies outside RAM */
	bool content;		/* all content was read */
	bool metadata, luo;	/* all content of these two was read */
	bool references;	/* all formats are known */
};

/* Notes that the content of @subtree was not read to its end. */
static void note_unread(struct seen *seen, const struct kho_subtree *subtree)
{
	seen->content = false;
	seen->metadata &= strcmp(subtree->name, KHO_METADATA_SUBTREE) != 0;
	seen->luo &= strcmp(subtree->name, LUO_SUBTREE) != 0;
}

static void verify_unknown(struct walk *walk, const struct kho_item *item)
{
	const struct kho_subtree *subtree = walk->subtree;
	struct kho_verify *v = walk->v;

	walk->unknown = true;
	if (!strcmp(subtree->name, LUO_SUBTREE) && !strcmp(item->name, "compatible"))
		kho_report(v, KHO_RULE_K305, subtree->addr, 0,
			   "LUO is \"%s\"; known are luo-v1 and luo-v5", item->text);
	else if (!strcmp(subtree->name, KHO_METADATA_SUBTREE))
		kho_report(v, KHO_RULE_K304, subtree->addr, 0,
			   "kexec-metadata is of version %s; known is version %u", item->text,
			   KHO_METADATA_VERSION);
	else
		kho_report(v, KHO_RULE_K309, subtree->addr, 0,
			   "subtree \"%s\": %s \"%s\" is not known", subtree->name,
			   item->name, item->text);
}

static int verify_item(const struct kho_item *item, void *data)
{
	struct walk *walk = data;
	struct kho_verify *v = walk->v;
	char what[160];

	if (item->type == KHO_ITEM_UNKNOWN)
		verify_unknown(walk, item);
	if (item->type != KHO_ITEM_MEMORY || v->state->root.side == KHO_SIDE_IN)
		return v->stopped;

	snprintf(what, sizeof(what), "%s of \"%s\"", item->name, walk->subtree->name);
	if (!item->size)
		kho_report(v, KHO_RULE_K306, item->value, 0, "%s at 0x%" PRIx64 " is empty", what, item->value);
	else if (kho_verify_ram(v, KHO_RULE_K306, item->value, item->size, 0, what))
		kho_verify_preserved(v, KHO_RULE_K306, item->value, item->size, 0, what);
	return v->stopped;
}

static int verify_touched(uint64_t addr, size_t size, enum kho_kept kept, void *data)
{
	struct walk *walk = data;
	const struct kho_subtree *subtree = walk->subtree;
	uint64_t first = addr & -kho_source_page(walk->v->state->source);
	char what[80];

	/* K301 covers the blob itself */
	if (kept == KHO_KEPT || (addr >= subtree->addr &&
				 addr - subtree->addr < known_size(subtree)))
		return walk->v->stopped;
	snprintf(what, sizeof(what), "a page of \"%.63s\"", subtree->name);
	kho_verify_preserved(walk->v, KHO_RULE_K308, first, addr - first + size, 0, what);
	return walk->v->stopped;
}

/* Judges the content of the subtree and the memory that it refers to. */
static void verify_references(struct kho_verify *v, const struct kho_subtree *subtree,
			      struct seen *seen)
{
	struct walk data = { .v = v, .subtree = subtree };
	const struct kho_walk walk = {
		.fn = verify_item, .data = &data, .touch = verify_touched, .touch_data = &data,
		.known_only = true,
	};
	struct kho_error err;
	char what[160];

	/* kho_verify_dma() has the rules for this one */
	if (!strcmp(subtree->name, DMA_ALLOC_KHO_SUBTREE))
		return;
	snprintf(what, sizeof(what), "subtree \"%s\": ", subtree->name);
	if (kho_subtree_is_freed(v->state, subtree)) {
		kho_report_not_applicable(v, KHO_RULE_K307,
					  "%sits owner frees it after the handover, so libkho does not read it", what);
		note_unread(seen, subtree);
	} else if (kho_subtree_walk(v->state, subtree, &walk, &err)) {
		kho_report_error(v, KHO_RULE_K307, 0, &err, what);
		note_unread(seen, subtree);
	}
	seen->references &= !data.unknown;
}

static void say_evaluated(struct kho_verify *v, const struct seen *seen)
{
	kho_evaluated(v, KHO_RULE_K303);
	/* K004: a subtree without an address cannot be checked */
	if (v->state->root.bad_subtrees)
		return;
	kho_evaluated(v, KHO_RULE_K302);
	if (seen->metadata)
		kho_evaluated(v, KHO_RULE_K304);
	/* the next kernel frees it early */
	if (seen->luo && v->state->root.side == KHO_SIDE_OUT)
		kho_evaluated(v, KHO_RULE_K305);
	if (seen->blobs && v->map_readable)
		kho_evaluated(v, KHO_RULE_K301);
	if (!seen->content)
		return;
	kho_evaluated(v, KHO_RULE_K307);
	kho_evaluated(v, KHO_RULE_K309);
	if (!v->map_readable || !seen->references)
		return;
	kho_evaluated(v, KHO_RULE_K306);
	kho_evaluated(v, KHO_RULE_K308);
}

void kho_verify_subtrees(struct kho_verify *v)
{
	const struct kho_subtree *subtrees = v->state->root.subtrees;
	struct seen seen = { true, true, true, true, true };

	for (size_t i = 0; i < v->state->root.nr_subtrees; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(subtrees[i].name, subtrees[k].name) ||
			    subtrees[i].addr == subtrees[k].addr)
				kho_report(v, KHO_RULE_K303, subtrees[i].addr, 0,
					   "subtrees \"%s\" and \"%s\" have the same name or blob",
					   subtrees[k].name, subtrees[i].name);
		}
		if (verify_blob(v, &subtrees[i])) {
			verify_references(v, &subtrees[i], &seen);
		} else {
			seen.blobs = false;
			note_unread(&seen, &subtrees[i]);
		}
	}
	say_evaluated(v, &seen);
}
