// SPDX-License-Identifier: LGPL-2.1-or-later
/* A memfd in a LUO session, "memfd-v2", see abi/subtrees.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decode.h"
#include "abi/subtrees.h"

/* Folios that are contiguous in file and memory become one item. */
struct run {
	uint64_t addr, pages, index;
	unsigned int flags;
};

static int tell_run(struct kho_decoder *d, const struct run *run)
{
	char text[96];

	if (!run->pages)
		return 0;
	snprintf(text, sizeof(text), "from page %" PRIu64 " of the file%s%s", run->index,
		 run->flags & MEMFD_FOLIO_DIRTY ? ", dirty" : "",
		 run->flags & MEMFD_FOLIO_UPTODATE ? ", up to date" : "");
	return kho_decode_memory(d, "folios", run->addr, run->pages << d->state->source->page_shift,
				 text);
}

static int decode_folio(struct kho_decoder *d, const void *entry, void *data)
{
	const unsigned int shift = d->state->source->page_shift;
	struct run *run = data, one = { .pages = 1 };
	struct memfd_luo_folio_ser folio;
	int ret;

	memcpy(&folio, entry, sizeof(folio));
	one.addr = (folio.pfn_flags & MEMFD_FOLIO_PFN_MASK) << shift;
	one.flags = (unsigned int)(folio.pfn_flags >> MEMFD_FOLIO_FLAGS_SHIFT);
	one.index = folio.index;

	if (run->pages && one.flags == run->flags && one.index - run->index == run->pages &&
	    one.addr - run->addr == run->pages << shift) {
		run->pages++;
		return 0;
	}
	ret = tell_run(d, run);
	*run = one;
	return ret;
}

int kho_decode_memfd(struct kho_decoder *d, uint64_t addr)
{
	struct memfd_luo_ser memfd;
	struct kho_vmalloc folios;
	struct run run = { 0 };
	int ret;

	ret = kho_decode_enter(d, addr, 8, "a memfd");
	if (!ret)
		ret = kho_decode_read(d, addr, &memfd, sizeof(memfd));
	if (!ret)
		ret = kho_decode_size(d, "size", memfd.size);
	if (!ret)
		ret = kho_decode_number(d, "position", memfd.pos);
	if (!ret)
		ret = kho_decode_hex(d, "seals", memfd.seals);
	if (!ret)
		ret = kho_decode_hex(d, "flags", memfd.flags);
	if (!ret)
		ret = kho_decode_number(d, "nr_folios", memfd.nr_folios);
	if (ret || !memfd.nr_folios)
		return ret;

	memcpy(&folios, &memfd.folios, sizeof(folios));
	ret = kho_decode_vmalloc_array(d, &folios, memfd.nr_folios,
				       sizeof(struct memfd_luo_folio_ser), decode_folio, &run);
	return ret ? ret : tell_run(d, &run);
}
