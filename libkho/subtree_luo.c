// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The "LUO" subtree: live update sessions, their files, and file-lifecycle-bound data (FLB).
 * luo-v5 (Linux 7.2, 7.3) is a struct and chains of kho_block pages, luo-v1 (7.1) an FDT
 * and arrays; see abi/subtrees.h. Both have the same entries.
 *
 * The kernel fills this in during the kexec, so an outgoing state rarely has entries.
 */
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "abi/subtrees.h"

/* ----------------------------------------------------------------- arrays */

/* A list of entries: a chain of blocks, or one array. */
struct entries {
	bool blocks;
	uint64_t addr;
	uint64_t count;		/* of an array */
	size_t size;		/* of an entry */
	const char *what;
	int (*fn)(struct kho_decoder *d, const void *entry, bool blocks);
};

static int walk_array(struct kho_decoder *d, const struct entries *e, uint64_t addr, uint64_t count)
{
	unsigned char entry[128];
	int ret;

	for (uint64_t i = 0; i < count; i++) {
		if (addr > UINT64_MAX - e->size)
			return kho_decode_corrupt(d, addr, "LUO: more %s than fit in memory", e->what);
		ret = kho_decode_read(d, addr, entry, e->size);
		if (!ret)
			ret = e->fn(d, entry, e->blocks);
		if (ret)
			return ret;
		addr += e->size;
	}
	return 0;
}

static int walk_blocks(struct kho_decoder *d, const struct entries *e, uint64_t *total)
{
	const uint64_t page = kho_source_page(d->state->source);
	const uint64_t room = (page - sizeof(struct kho_block_header_ser)) / e->size;
	struct kho_block_header_ser header;
	size_t blocks = 0;
	int ret;

	*total = 0;
	for (uint64_t addr = e->addr; addr; addr = header.next) {
		if (blocks++ == KHO_MAX_BLOCKS)
			return kho_fail(d->err, KHO_ERR_LOOP, addr, "LUO: the chain of %s has more than %u blocks",
					e->what, KHO_MAX_BLOCKS);
		ret = kho_decode_enter(d, addr, page, "a block of LUO");
		if (!ret)
			ret = kho_decode_read(d, addr, &header, sizeof(header));
		if (ret)
			return ret;
		if (header.count > room)
			return kho_decode_corrupt(d, addr, "LUO: the block at 0x%" PRIx64 " claims %" PRIu64 " %s, %" PRIu64 " fit",
						  addr, header.count, e->what, room);
		*total += header.count;
		ret = walk_array(d, e, addr + sizeof(header), header.count);
		if (ret)
			return ret;
	}
	return 0;
}

static int walk_entries(struct kho_decoder *d, const struct entries *e, bool counted)
{
	uint64_t total;
	int ret;

	if (!e->blocks) {
		ret = e->count ? kho_decode_enter(d, e->addr, 8, "an array of LUO") : 0;
		return ret ? ret : walk_array(d, e, e->addr, e->count);
	}
	ret = walk_blocks(d, e, &total);
	if (!ret && counted && total != e->count)
		return kho_decode_corrupt(d, e->addr, "LUO: found %" PRIu64 " %s, not %" PRIu64,
					  total, e->what, e->count);
	return ret;
}

/* ---------------------------------------------------------------- entries */

static int tell_file(struct kho_decoder *d, const struct luo_file_ser *file)
{
	int ret = kho_decode_number(d, "token", file->token);

	if (!ret)
		ret = kho_decode_hex(d, "data", file->data);
	if (ret)
		return ret;
	if (!strncmp(file->compatible, MEMFD_COMPATIBLE, sizeof(file->compatible)))
		return kho_decode_memfd(d, file->data);
	/* only the handler knows the format of its data */
	return kho_decode_unknown(d, "handler", file->compatible, sizeof(file->compatible));
}

static int decode_file(struct kho_decoder *d, const void *entry, bool blocks)
{
	struct luo_file_ser file;
	char kind[LUO_COMPAT_LENGTH + 1];
	int ret;

	(void)blocks;
	memcpy(&file, entry, sizeof(file));
	snprintf(kind, sizeof(kind), "%.*s", LUO_COMPAT_LENGTH, file.compatible);
	ret = kho_decode_group(d, "file", kind);
	if (!ret)
		ret = tell_file(d, &file);
	kho_decode_end(d);
	return ret;
}

static int decode_session(struct kho_decoder *d, const void *entry, bool blocks)
{
	struct luo_session_ser session;
	char name[LUO_SESSION_NAME_LENGTH + 1];
	struct entries files = {
		.blocks = blocks, .size = sizeof(struct luo_file_ser), .what = "files",
		.fn = decode_file,
	};
	int ret;

	memcpy(&session, entry, sizeof(session));
	snprintf(name, sizeof(name), "%.*s", LUO_SESSION_NAME_LENGTH, session.name);
	files.addr = session.files;
	files.count = session.count;

	ret = kho_decode_group(d, "session", name);
	if (!ret)
		ret = kho_decode_number(d, "files", session.count);
	if (!ret)
		ret = walk_entries(d, &files, true);
	kho_decode_end(d);
	return ret;
}

static int decode_flb(struct kho_decoder *d, const void *entry, bool blocks)
{
	struct luo_flb_ser flb;
	char name[LUO_COMPAT_LENGTH + 1];
	int ret;

	(void)blocks;
	memcpy(&flb, entry, sizeof(flb));
	snprintf(name, sizeof(name), "%.*s", LUO_COMPAT_LENGTH, flb.name);
	ret = kho_decode_group(d, "flb", name);
	if (!ret)
		ret = kho_decode_hex(d, "data", flb.data);
	if (!ret)
		ret = kho_decode_number(d, "users", flb.count);
	kho_decode_end(d);
	return ret;
}

static int decode_flbs(struct kho_decoder *d, uint64_t addr)
{
	struct entries flbs = {
		.size = sizeof(struct luo_flb_ser), .what = "FLBs", .fn = decode_flb,
	};
	const unsigned int shift = d->state->source->page_shift;
	struct luo_flb_header_ser header;
	int ret;

	if (!addr)
		return 0;
	ret = kho_decode_enter(d, addr, 8, "the FLBs of LUO");
	if (!ret)
		ret = kho_decode_read(d, addr, &header, sizeof(header));
	if (ret)
		return ret;
	if (header.pgcnt > UINT64_MAX >> shift ||
	    header.count > (header.pgcnt << shift) / sizeof(struct luo_flb_ser))
		return kho_decode_corrupt(d, addr, "LUO: %" PRIu64 " FLBs cannot be in %" PRIu64 " pages",
					  header.count, header.pgcnt);
	ret = kho_decode_number(d, "flbs", header.count);
	return ret ? ret : walk_array(d, &flbs, addr + sizeof(header), header.count);
}

/* --------------------------------------------------------------- versions */

static int decode_v5(struct kho_decoder *d, const struct luo_ser *luo)
{
	struct entries sessions = {
		.blocks = true, .addr = luo->sessions_pa, .size = sizeof(struct luo_session_ser),
		.what = "sessions", .fn = decode_session,
	};
	int ret;

	ret = kho_decode_number(d, "liveupdate_num", luo->liveupdate_num);
	if (!ret)
		ret = walk_entries(d, &sessions, false);
	return ret ? ret : decode_flbs(d, luo->flbs_pa);
}

/* Reads the address of a header from a node of luo-v1. */
static int header_of(struct kho_decoder *d, const void *fdt, const char *name,
		     const char *compatible, const char *property, uint64_t *addr)
{
	int node = fdt_subnode_offset(fdt, 0, name), ret;
	bool known;

	*addr = 0;
	if (node < 0)
		return kho_decode_corrupt(d, KHO_NO_ADDR, "LUO has no node \"%s\"", name);
	ret = kho_decode_group(d, name, "");
	if (!ret)
		ret = kho_decode_compatible(d, fdt, node, compatible, &known);
	if (!ret && known)
		ret = kho_decode_prop(d, fdt, node, property, addr, sizeof(*addr));
	kho_decode_end(d);
	return ret;
}

static int decode_v1_sessions(struct kho_decoder *d, uint64_t addr)
{
	struct entries sessions = {
		.size = sizeof(struct luo_session_ser), .what = "sessions", .fn = decode_session,
	};
	int ret;

	if (!addr)
		return 0;
	ret = kho_decode_enter(d, addr, 8, "the sessions of LUO");
	if (!ret)
		ret = kho_decode_read(d, addr, &sessions.count, sizeof(sessions.count));
	if (ret)
		return ret;
	ret = kho_decode_number(d, "sessions", sessions.count);
	return ret ? ret : walk_array(d, &sessions, addr + sizeof(sessions.count), sessions.count);
}

static int decode_v1(struct kho_decoder *d, const void *fdt)
{
	uint64_t number, sessions, flbs;
	bool known;
	int ret;

	ret = kho_decode_compatible(d, fdt, 0, LUO_V1_COMPATIBLE, &known);
	if (ret || !known)
		return ret;
	ret = kho_decode_prop(d, fdt, 0, "liveupdate-number", &number, sizeof(number));
	if (!ret)
		ret = kho_decode_number(d, "liveupdate_num", number);
	if (!ret)
		ret = header_of(d, fdt, "luo-session", "luo-session-v2", "luo-session-header", &sessions);
	if (!ret)
		ret = decode_v1_sessions(d, sessions);
	if (!ret)
		ret = header_of(d, fdt, "luo-flb", "luo-flb-v1", "luo-flb-header", &flbs);
	return ret ? ret : decode_flbs(d, flbs);
}

int kho_decode_luo(struct kho_decoder *d, const struct kho_subtree *subtree)
{
	struct luo_ser luo;
	fdt32_t magic;
	void *fdt;
	int ret;

	ret = kho_decode_read(d, subtree->addr, &luo, sizeof(luo));
	if (ret)
		return ret;

	/* struct luo_ser is smaller than the header that fdt_magic() takes */
	memcpy(&magic, &luo, sizeof(magic));
	if (fdt32_to_cpu(magic) == FDT_MAGIC) {
		ret = kho_decode_fdt(d, subtree, &fdt);
		if (ret)
			return ret;
		ret = decode_v1(d, fdt);
		free(fdt);
		return ret;
	}
	if (strncmp(luo.compatible, LUO_V5_COMPATIBLE, sizeof(luo.compatible))) {
		ret = kho_decode_unknown(d, "compatible", luo.compatible, sizeof(luo.compatible));
		return ret ? ret : kho_decode_raw(d, subtree);
	}
	ret = kho_decode_text(d, "compatible", luo.compatible, sizeof(luo.compatible));
	return ret ? ret : decode_v5(d, &luo);
}
