// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds the root FDT if debugfs does not give its address: by the boot loader's data, by the
 * kernel's symbols or its vmlinux, and at last by a scan of RAM.
 *
 * Sources: struct kho_out and struct kho_in in kernel/liveupdate/kexec_handover.c of
 * Linux 7.1, 7.2 and 7.3 ("void *fdt" and "phys_addr_t fdt_phys" come first), in
 * kernel/kexec_handover.c of 6.18 (fdt_phys comes second);
 * /sys/kernel/boot_params/setup_data: arch/x86/kernel/ksysfs.c,
 * struct kho_data: arch/x86/include/uapi/asm/setup_data.h of Linux 7.3.
 */
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "map.h"
#include "root_find.h"
#include "vmlinux.h"

#define SETUP_DATA		"/sys/kernel/boot_params/setup_data"
#define SETUP_KEXEC_KHO		10
#define MAX_SETUP_DATA		256
#define SCAN_CHUNK		(1u << 20)
/* The scan keeps at most this many; a second candidate is already an error. */
#define MAX_CANDIDATES		4
/* Bound for the expensive check; few pages of a machine look like a root. */
#define MAX_PROBES		4096

struct search {
	struct kho_source *source;
	enum kho_side side;
	char *in;		/* content of debugfs in/fdt, or NULL */
	size_t in_size;
	struct kho_root *root;	/* the last page that was parsed */
	bool *no_memory;	/* set if memory ran out: the search may have missed a root */
};

/* ------------------------------------------------------------- what is a root */

static void note_failure(const struct search *search, int ret)
{
	if (ret == KHO_ERR_NOMEM)
		*search->no_memory = true;
}

static bool read_file(const struct search *search, const char *path, size_t max, char **text, size_t *size)
{
	int ret = kho_files_read(search->source->files, path, max, text, size, NULL);

	note_failure(search, ret);
	return !ret;
}

static bool is_preserved(const struct search *search, struct kho_map *map, uint64_t addr, uint64_t size)
{
	int ret = kho_map_covers(map, addr, size, NULL);

	note_failure(search, ret);
	return ret == 1;
}

/*
 * A live outgoing root preserves itself and every blob of its subtrees. A copy of it (in the
 * page cache, or in a freed page) does not.
 */
static bool is_proven(const struct search *search, const struct kho_root *root)
{
	struct kho_map *map;
	bool proven;
	int ret = kho_map_open(search->source, root, 0, &map, NULL);

	note_failure(search, ret);
	if (ret)
		return false;
	proven = is_preserved(search, map, root->addr, kho_source_page(search->source));
	for (size_t i = 0; proven && i < root->nr_subtrees; i++) {
		uint64_t size = root->subtrees[i].size;

		proven = is_preserved(search, map, root->subtrees[i].addr, size ? size : 1);
	}
	kho_map_close(map);
	return proven;
}

/* True if the page parses as an outgoing root and is proven. */
static bool is_outgoing(const struct search *search, enum kho_found_by found_by, uint64_t addr,
			const unsigned char *page)
{
	return !kho_root_parse(search->root, KHO_SIDE_OUT, found_by, addr, page,
			       kho_source_page(search->source), NULL) &&
	       is_proven(search, search->root);
}

static bool is_root(const struct search *search, enum kho_found_by found_by, uint64_t addr,
		    const unsigned char *page)
{
	const size_t size = kho_source_page(search->source);
	bool is_in = search->in && search->in_size <= size && !memcmp(page, search->in, search->in_size);

	if (addr & (size - 1) || !kho_root_looks_like(page, size))
		return false;
	if (search->side == KHO_SIDE_OUT)
		return !is_in && is_outgoing(search, found_by, addr, page);
	if (search->source->files ? !is_in : is_outgoing(search, found_by, addr, page))
		return false;
	return !kho_root_parse(search->root, search->side, found_by, addr, page, size, NULL);
}

static bool is_root_at(const struct search *search, enum kho_found_by found_by, uint64_t addr)
{
	unsigned char page[KHO_ABI_MAX_PAGE];

	return !kho_source_read(search->source, addr, page, kho_source_page(search->source), NULL) &&
	       is_root(search, found_by, addr, page);
}

/* ----------------------------------------------------------------- setup_data */

/* On x86, sysfs shows the setup_data of the previous kernel's loader, with KHO's node. */
static bool find_by_setup_data(const struct search *search)
{
	char path[128], *text;
	uint64_t type, addr;
	size_t size;

	for (int i = 0; i < MAX_SETUP_DATA; i++) {
		snprintf(path, sizeof(path), SETUP_DATA "/%d/type", i);
		if (!read_file(search, path, 32, &text, &size))
			return false;	/* end of the list */
		text[strcspn(text, "\n")] = '\0';
		if (!kho_parse_u64(text, &type))
			type = 0;
		free(text);
		if (type != SETUP_KEXEC_KHO)
			continue;

		snprintf(path, sizeof(path), SETUP_DATA "/%d/data", i);
		if (!read_file(search, path, KHO_ABI_MAX_PAGE, &text, &size))
			return false;
		if (size >= sizeof(addr))
			memcpy(&addr, text, sizeof(addr));
		else
			addr = KHO_NO_ADDR;
		free(text);
		if (addr != KHO_NO_ADDR && is_root_at(search, KHO_FOUND_SETUP_DATA, addr))
			return true;
	}
	return false;
}

/* -------------------------------------------------------------------- symbols */

static bool read_u64(struct kho_source *source, uint64_t vaddr, uint64_t *value)
{
	uint64_t addr;

	return kho_source_translate(source, vaddr, &addr) &&
	       !kho_source_read(source, addr, value, sizeof(*value), NULL);
}

static bool find_by_symbol(const struct search *search)
{
	bool incoming = search->side == KHO_SIDE_IN;
	uint64_t symbol, value, addr;
	int ret = kho_files_symbol(search->source->files, incoming ? "kho_in" : "kho_out", &symbol);

	note_failure(search, ret);
	if (ret != 1 || !symbol)
		return false;

	/* the place depends on the release; is_root_at() proves the right one */
	for (int i = 0; i < 2; i++) {
		if (!read_u64(search->source, symbol + (uint64_t)i * sizeof(value), &value))
			return false;
		if (incoming)
			addr = value;
		else if (!kho_source_translate(search->source, value, &addr))
			continue;
		if (is_root_at(search, KHO_FOUND_SYMBOL, addr))
			return true;
	}
	return false;
}

static bool find_by_dwarf(const struct search *search)
{
	uint64_t addr;

	return kho_vmlinux_root(search->source, search->side, &addr) &&
	       is_root_at(search, KHO_FOUND_DWARF, addr);
}

/* ----------------------------------------------------------------------- scan */

struct scan {
	const struct search *search;
	struct kho_progress progress;
	uint64_t left;		/* bytes that may still be read */
	uint64_t found[MAX_CANDIDATES];
	size_t nr_found, nr_probes;
	uint64_t unreadable;	/* pages in the source that cannot be read */
	struct kho_error why;	/* error of the first of these */
};

static void scan_page(struct scan *scan, uint64_t addr, const unsigned char *page)
{
	static const unsigned char magic[] = { 0xd0, 0x0d, 0xfe, 0xed };

	if (memcmp(page, magic, sizeof(magic)) || scan->nr_found == MAX_CANDIDATES)
		return;
	if (kho_root_looks_like(page, kho_source_page(scan->search->source)) && scan->nr_probes++ >= MAX_PROBES)
		return;
	if (is_root(scan->search, KHO_FOUND_SCAN, addr, page))
		scan->found[scan->nr_found++] = addr;
}

static void scan_chunk(struct scan *scan, uint64_t addr, unsigned char *buf, size_t size)
{
	struct kho_source *source = scan->search->source;
	const size_t page = kho_source_page(source);
	struct kho_error err;

	if (!kho_source_read(source, addr, buf, size, NULL)) {
		for (size_t i = 0; i + page <= size; i += page)
			scan_page(scan, addr + i, buf + i);
		return;
	}
	/* at least one page is unreadable: try each one */
	for (size_t i = 0; i + page <= size; i += page) {
		if (!kho_source_read(source, addr + i, buf, page, &err))
			scan_page(scan, addr + i, buf);
		else if (!scan->unreadable++)
			scan->why = err;
	}
}

static void scan_run(struct scan *scan, const struct kho_range *run, unsigned char *buf)
{
	const uint64_t mask = kho_source_page(scan->search->source) - 1;
	uint64_t skip = -run->addr & mask;

	while (skip < run->size && scan->left) {
		uint64_t left = run->size - skip;
		size_t chunk = left < SCAN_CHUNK ? (size_t)left : SCAN_CHUNK;

		scan_chunk(scan, run->addr + skip, buf, chunk);
		skip += chunk;
		scan->left -= chunk < scan->left ? chunk : scan->left;
		kho_progress_add(&scan->progress, chunk);
	}
}

static void scan_all(struct scan *scan, unsigned char *buf)
{
	struct kho_source *source = scan->search->source;
	struct kho_range run = { 0 }, next;

	while (kho_source_next_run(source, run.addr + run.size, &run)) {
		/* a page may begin in one run and end in the next */
		while (run.addr + run.size && kho_source_next_run(source, run.addr + run.size, &next) &&
		       next.addr == run.addr + run.size)
			run.size += next.size;
		scan_run(scan, &run, buf);
	}
}

static int no_root_live(struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "this kernel does not say where its root FDT is, and no page of RAM proves to be the root");

	return kho_remedy(err, ret,
			  "Use kho-inspect --vmlinux, or a kernel with CONFIG_KALLSYMS_ALL, or with kernel-patches/, which has fdt_phys.");
}

/* Names the most certain cause as the remedy. */
static int no_root(const struct scan *scan, struct kho_error *err)
{
	const struct kho_source *source = scan->search->source;
	int ret;

	if (source->files)
		return no_root_live(err);
	ret = kho_fail(err, KHO_ERR_NO_STATE, KHO_NO_ADDR,
		       "%s has no notes of KHO, and no page in it is certain to be an %s root FDT",
		       source->path, scan->search->side == KHO_SIDE_IN ? "incoming" : "outgoing");
	if (source->cut_short)
		return kho_remedy(err, ret, "The file is cut short: it says that it has pages or tables which are beyond its end.");
	if (scan->unreadable)
		return kho_remedy(err, ret, "%" PRIu64 " page(s) in it cannot be read, the first at 0x%" PRIx64 ": %s",
				  scan->unreadable, scan->why.addr, scan->why.message);
	if (source->page_size_given)
		return kho_remedy(err, ret, "The file does not say its page size, and --page-size may be wrong; or it is a dump without free and private pages.");
	return kho_remedy(err, ret, "A dump without free and private pages leaves out what KHO needs: use a complete one, or a snapshot.");
}

static int find_by_scan(const struct search *search, struct kho_error *err)
{
	struct kho_source *source = search->source;
	struct scan scan = {
		.search = search, .left = source->bytes,
		.progress = kho_source_progress(source, source->bytes),
	};
	unsigned char *buf = malloc(SCAN_CHUNK);

	if (!buf)
		return kho_fail_nomem(err);
	scan_all(&scan, buf);
	free(buf);

	if (*search->no_memory)
		return kho_fail_nomem(err);
	if (scan.nr_found == 1)
		return kho_root_read(search->root, source, search->side, KHO_FOUND_SCAN,
				     scan.found[0], err);
	if (!scan.nr_found)
		return no_root(&scan, err);
	return kho_fail(err, KHO_ERR_UNSUPPORTED, scan.found[0],
			"several pages could be the root FDT: 0x%" PRIx64 ", 0x%" PRIx64,
			scan.found[0], scan.found[1]);
}

/* ------------------------------------------------------------------------ all */

static void slurp_incoming(struct search *search)
{
	if (search->source->files)
		read_file(search, "/sys/kernel/debug/kho/in/fdt", KHO_ABI_MAX_PAGE, &search->in, &search->in_size);
}

int kho_root_find_quick(struct kho_root *root, struct kho_source *source, enum kho_side side,
			struct kho_error *err)
{
	bool no_memory = false, found;
	struct search search = { .source = source, .side = side, .root = root, .no_memory = &no_memory };

	if (!source->files)
		return find_by_dwarf(&search) ? 1 : no_memory ? kho_fail_nomem(err) : 0;
	slurp_incoming(&search);
	/* the incoming root could pass for the outgoing one */
	found = !no_memory &&
		((side == KHO_SIDE_IN && find_by_setup_data(&search)) ||
		find_by_symbol(&search) || find_by_dwarf(&search));
	free(search.in);
	return no_memory ? kho_fail_nomem(err) : found;
}

int kho_root_find_scan(struct kho_root *root, struct kho_source *source, enum kho_side side,
		       struct kho_error *err)
{
	bool no_memory = false;
	struct search search = { .source = source, .side = side, .root = root, .no_memory = &no_memory };
	int ret;

	slurp_incoming(&search);
	ret = find_by_scan(&search, err);
	free(search.in);
	return ret;
}
