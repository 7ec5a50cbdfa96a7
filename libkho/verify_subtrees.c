// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules about the subtrees. The decoders know what each one says; see decode.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decode.h"
#include "source.h"
#include "verify.h"
#include "abi/dma_alloc.h"
#include "abi/subtrees.h"

static void verify_kexec_metadata(struct kho_verify *v, const struct kho_subtree *subtree)
{
	struct kho_error err;
	uint32_t version;

	if (kho_source_read(v->state->source, subtree->addr, &version, sizeof(version), &err)) {
		kho_report_unevaluated(v, KHO_RULE_K304, subtree->addr, 0, "%s", err.message);
		return;
	}
	if (version != KHO_METADATA_VERSION || subtree->size < sizeof(struct kho_metadata_ser))
		kho_report(v, KHO_RULE_K304, subtree->addr, 0,
			   "kexec-metadata is of version %u and %" PRIu64 " bytes; known is version %u",
			   version, subtree->size, KHO_METADATA_VERSION);
}

/* False when there is nothing to be read. */
static bool verify_blob(struct kho_verify *v, const struct kho_subtree *subtree)
{
	uint64_t size = subtree->size ? subtree->size : 1;
	uint64_t first = subtree->addr - subtree->addr % KHO_ABI_PAGE_SIZE;
	uint64_t last;
	char what[80];

	if (__builtin_add_overflow(subtree->addr, size - 1, &last) ||
	    !kho_verify_in_ram(v, subtree->addr, size)) {
		kho_report(v, KHO_RULE_K302, subtree->addr, 0,
			   "blob of \"%s\", 0x%" PRIx64 "+0x%" PRIx64 ", is not RAM",
			   subtree->name, subtree->addr, subtree->size);
		return false;
	}
	snprintf(what, sizeof(what), "blob of \"%.63s\"", subtree->name);
	kho_verify_preserved(v, KHO_RULE_K301, first, last - first + 1, 0, what);
	return true;
}

/* What a walk over a subtree is about. */
struct walk {
	struct kho_verify *v;
	const struct kho_subtree *subtree;
	uint64_t last;		/* page that was judged before */
};

static void verify_unknown(struct walk *walk, const struct kho_item *item)
{
	bool luo = !strcmp(walk->subtree->name, LUO_SUBTREE) && !strcmp(item->name, "compatible");

	if (luo)
		kho_report(walk->v, KHO_RULE_K305, walk->subtree->addr, 0,
			   "LUO is \"%s\"; known are luo-v1 and luo-v5", item->text);
	else
		kho_report(walk->v, KHO_RULE_K309, walk->subtree->addr, 0,
			   "subtree \"%s\": %s \"%s\" is not known", walk->subtree->name,
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
	if (!item->size || !kho_verify_in_ram(v, item->value, item->size))
		kho_report(v, KHO_RULE_K306, item->value, 0, "%s, 0x%" PRIx64 "+0x%" PRIx64 ", is not RAM",
			   what, item->value, item->size);
	else
		kho_verify_preserved(v, KHO_RULE_K306, item->value, item->size, 0, what);
	return v->stopped;
}

static int verify_touched(uint64_t addr, void *data)
{
	struct walk *walk = data;
	const struct kho_subtree *subtree = walk->subtree;
	uint64_t first = subtree->addr - subtree->addr % KHO_ABI_PAGE_SIZE;
	uint64_t size = subtree->addr % KHO_ABI_PAGE_SIZE + (subtree->size ? subtree->size : 1);
	char what[80];

	/* the blob itself is K301's */
	if (addr == walk->last || addr - first < size)
		return 0;
	walk->last = addr;
	snprintf(what, sizeof(what), "a page of \"%s\"", subtree->name);
	kho_verify_preserved(walk->v, KHO_RULE_K308, addr, KHO_ABI_PAGE_SIZE, 0, what);
	return walk->v->stopped;
}

/*
 * What the subtree refers to. Of the incoming side only what the blob itself says: who takes
 * the rest frees it, and then it may be anything.
 */
static void verify_references(struct kho_verify *v, const struct kho_subtree *subtree)
{
	struct walk walk = { .v = v, .subtree = subtree, .last = KHO_NO_ADDR };
	bool in = v->state->root.side == KHO_SIDE_IN;
	struct kho_error err;
	char what[160];
	int ret;

	/* that has rules of its own */
	if (!strcmp(subtree->name, DMA_ALLOC_KHO_SUBTREE))
		return;
	ret = kho_subtree_walk(v->state, subtree, verify_item, &walk, in ? NULL : verify_touched,
			       &walk, &err);
	if (!ret)
		return;
	snprintf(what, sizeof(what), "subtree \"%s\": ", subtree->name);
	if (in)
		kho_report_not_applicable(v, KHO_RULE_K307, "%scannot be read to its end, which is no damage once it was taken: %.100s",
					  what, err.message);
	else
		kho_report_error(v, KHO_RULE_K307, 0, &err, what);
}

void kho_verify_subtrees(struct kho_verify *v)
{
	const struct kho_subtree *subtrees = v->state->root.subtrees;

	for (size_t i = 0; i < v->state->root.nr_subtrees; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(subtrees[i].name, subtrees[k].name) ||
			    subtrees[i].addr == subtrees[k].addr)
				kho_report(v, KHO_RULE_K303, subtrees[i].addr, 0,
					   "subtrees \"%s\" and \"%s\" have the same name or blob",
					   subtrees[k].name, subtrees[i].name);
		}
		if (!verify_blob(v, &subtrees[i]))
			continue;
		if (!strcmp(subtrees[i].name, KHO_METADATA_SUBTREE))
			verify_kexec_metadata(v, &subtrees[i]);
		verify_references(v, &subtrees[i]);
	}
}
