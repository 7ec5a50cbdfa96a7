// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compressed dumps of makedumpfile and of QEMU's dump-guest-memory, through libkdumpfile.
 *
 * Loads the library on demand instead of linking it: it needs libsnappy and the C++ runtime,
 * which do not belong in an initramfs that only inspects the running kernel. ELF dumps go
 * through source_elf.c, which does not trust the file.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libkdumpfile/kdumpfile.h>

#include "config.h"
#include "error.h"
#include "library.h"
#include "source_kinds.h"
#include "abi/kexec_handover.h"

/* Unpacked pages in the cache. Most pages are read once, in sequence. */
#define CACHED_PAGES	32
/* Ranges of RAM in a dump; machines have tens. */
#define MAX_RAM		4096

/* Ranges of pages that a dump claims but does not have. */
#define MAX_BEYOND	4096

/*
 * Dumps of 64-bit kernels: diskdump_mod.h of makedumpfile 1.7.2. Only the parts that
 * find_beyond() needs.
 */
#define KDUMP_MACHINE_AT	(12 + 4 * 65)	/* utsname.machine, 65 bytes */
#define KDUMP_SIZES_AT		(12 + 6 * 65 + 6 + 16)
#define KDUMP_INCOMPLETE	0x8	/* DUMP_DH_COMPRESSED_INCOMPLETE */
struct kdump_sizes {
	uint32_t status;
	int32_t block_size, sub_header_blocks;
	uint32_t bitmap_blocks;
};
/* in the second block */
struct kdump_sub_header {
	uint64_t phys_base;
	int32_t dump_level, split;
};
struct kdump_page {
	uint64_t offset;
	uint32_t size, flags;
	uint64_t page_flags;
};

struct kdump {
	struct kho_source source;
	int fd;
	void *library;
	kdump_ctx_t *ctx;
	kdump_bmp_t *present;	/* pages that the file claims to have */
	struct kho_range *beyond; /* those beyond its end, sorted */
	size_t nr_beyond;
	uint64_t file_size;
	uint64_t lowest;	/* smallest offset of a page in the file */
	uint64_t lowest_addr;
	uint64_t block;		/* bytes of a page of the dump: QEMU's differs from the kernel's */
	unsigned int renewed;	/* number of times that the cache was renewed */
	struct kho_range run;	/* last run of pages that present() looked up */
	__typeof__(kdump_new) *new;
	__typeof__(kdump_free) *free;
	__typeof__(kdump_get_err) *get_err;
	__typeof__(kdump_open_fdset) *open_fdset;
	__typeof__(kdump_read) *read;
	__typeof__(kdump_get_attr) *get_attr;
	__typeof__(kdump_set_attr) *set_attr;
	__typeof__(kdump_vmcoreinfo_line) *vmcoreinfo_line;
	__typeof__(kdump_bmp_find_set) *find_set;
	__typeof__(kdump_bmp_find_clear) *find_clear;
	__typeof__(kdump_bmp_incref) *incref;
	__typeof__(kdump_bmp_decref) *decref;
};

static struct kdump *kdump_of(struct kho_source *source)
{
	return (struct kdump *)source;
}

static int load(struct kdump *kdump, struct kho_error *err)
{
	const struct kho_library_symbol symbols[] = {
		{ "kdump_new", &kdump->new },
		{ "kdump_free", &kdump->free },
		{ "kdump_get_err", &kdump->get_err },
		{ "kdump_open_fdset", &kdump->open_fdset },
		{ "kdump_read", &kdump->read },
		{ "kdump_get_attr", &kdump->get_attr },
		{ "kdump_set_attr", &kdump->set_attr },
		{ "kdump_vmcoreinfo_line", &kdump->vmcoreinfo_line },
		{ "kdump_bmp_find_set", &kdump->find_set },
		{ "kdump_bmp_find_clear", &kdump->find_clear },
		{ "kdump_bmp_incref", &kdump->incref },
		{ "kdump_bmp_decref", &kdump->decref },
	};
	int ret;

	kdump->library = dlopen(KHO_LIBRARY_KDUMP, RTLD_NOW | RTLD_LOCAL);
	if (!kdump->library) {
		ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			       "%s is a compressed dump, and " KHO_LIBRARY_KDUMP " for such dumps is not there",
			       kdump->source.path);
		return kho_remedy(err, ret, "Install libkdumpfile.");
	}
	return kho_library_resolve(kdump->library, KHO_LIBRARY_KDUMP, symbols,
				   sizeof(symbols) / sizeof(symbols[0]), err);
}

/* Copies libkdumpfile's last error message. */
static const char *reason(const struct kdump *kdump, char *buf, size_t size)
{
	const char *text = kdump->get_err(kdump->ctx);

	snprintf(buf, size, "%s", text ? text : "no reason given");
	return buf;
}

static int not_readable(struct kdump *kdump, struct kho_error *err)
{
	char why[128];
	int ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s is not a dump that can be read: %s",
			   kdump->source.path, reason(kdump, why, sizeof(why)));

	/* after a failed open, kdump_free() of 0.5.1 uses freed memory and crashes: rather leak */
	kdump->ctx = NULL;
	return ret;
}

static int open_dump(struct kdump *kdump, struct kho_error *err)
{
	/*
	 * The library searches its whole cache for each page (cache.c of 0.5.1 to 0.5.5). The
	 * default is a thousand pages.
	 */
	const kdump_attr_t cache = { .type = KDUMP_NUMBER, .val.number = CACHED_PAGES };
	/* truncating a mapped file would kill the process (SIGBUS) */
	const kdump_attr_t unmapped = { .type = KDUMP_NUMBER, .val.number = KDUMP_MMAP_NEVER };
	/* the content of excluded pages is unknown, not zero */
	const kdump_attr_t no_zero = { .type = KDUMP_NUMBER, .val.number = 0 };
	kdump_attr_t attr = { .type = KDUMP_NUMBER };

	kdump->ctx = kdump->new();
	if (!kdump->ctx)
		return kho_fail_nomem(err);
	if (kdump->set_attr(kdump->ctx, KDUMP_ATTR_FILE_MMAP_POLICY, &unmapped) != KDUMP_OK ||
	    kdump->set_attr(kdump->ctx, "cache.size", &cache) != KDUMP_OK ||
	    kdump->open_fdset(kdump->ctx, 1, &kdump->fd) != KDUMP_OK ||
	    kdump->set_attr(kdump->ctx, KDUMP_ATTR_ZERO_EXCLUDED, &no_zero) != KDUMP_OK)
		return not_readable(kdump, err);

	if (kdump->get_attr(kdump->ctx, KDUMP_ATTR_PAGE_SIZE, &attr) != KDUMP_OK ||
	    attr.type != KDUMP_NUMBER || attr.val.number != kdump->block)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s has blocks of %" PRIu64 " bytes, and " KHO_LIBRARY_KDUMP " takes its pages for another size",
				kdump->source.path, kdump->block);
	return 0;
}

/* Finds the first run of set bits of @pages at or after address @from. */
static bool next_run(const struct kdump *kdump, kdump_bmp_t *pages, uint64_t from,
		     struct kho_range *run)
{
	const uint64_t block = kdump->block, most = UINT64_MAX / block;
	kdump_addr_t first = from / block, end;

	if (kdump->find_set(pages, &first) != KDUMP_OK)
		return false;
	end = first;
	if (kdump->find_clear(pages, &end) != KDUMP_OK || end <= first || end > most)
		return false;
	*run = (struct kho_range){ first * block, (end - first) * block };
	return true;
}

static int add_ram(struct kdump *kdump, kdump_bmp_t *pages, struct kho_error *err)
{
	struct kho_source *source = &kdump->source;
	struct kho_range run = { 0 };

	source->ram = calloc(MAX_RAM, sizeof(*source->ram));
	if (!source->ram)
		return kho_fail_nomem(err);

	while (next_run(kdump, pages, run.addr + run.size, &run)) {
		if (source->nr_ram == MAX_RAM)
			return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
					"%s has more than %u ranges of RAM", kdump->source.path, MAX_RAM);
		source->ram[source->nr_ram++] = run;
	}
	/* also pages that the dump excludes; QEMU writes this format only of the whole machine */
	source->knows_ram = !source->incomplete;
	return 0;
}

static int read_ram(struct kdump *kdump, struct kho_error *err)
{
	kdump_attr_t attr = { .type = KDUMP_BITMAP };
	char why[128];
	int ret;

	if (kdump->get_attr(kdump->ctx, KDUMP_ATTR_MEMORY_PAGEMAP, &attr) != KDUMP_OK ||
	    attr.type != KDUMP_BITMAP)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s does not say what was RAM: %s", kdump->source.path,
				reason(kdump, why, sizeof(why)));
	ret = add_ram(kdump, attr.val.bitmap, err);
	if (ret)
		return ret;

	attr.type = KDUMP_BITMAP;
	if (kdump->get_attr(kdump->ctx, KDUMP_ATTR_FILE_PAGEMAP, &attr) != KDUMP_OK ||
	    attr.type != KDUMP_BITMAP)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s does not say which pages it has: %s", kdump->source.path,
				reason(kdump, why, sizeof(why)));
	/* kdump_get_attr() gives no reference */
	kdump->incref(attr.val.bitmap);
	kdump->present = attr.val.bitmap;
	return 0;
}

static void read_release(struct kdump *kdump)
{
	kdump_attr_t attr = { .type = KDUMP_STRING };

	if (kdump->get_attr(kdump->ctx, "linux.uts.release", &attr) != KDUMP_OK ||
	    attr.type != KDUMP_STRING)
		return;
	kho_source_set_release(&kdump->source, attr.val.string);
}

static bool dump_vmcoreinfo(struct kho_source *source, const char *key, char *value, size_t size)
{
	struct kdump *kdump = kdump_of(source);
	/* the library does not detect this for every dump, and gives no line without it */
	const kdump_attr_t linux_os = { .type = KDUMP_STRING, .val.string = "linux" };
	bool fits, found;
	char *line;

	kdump->set_attr(kdump->ctx, KDUMP_ATTR_OSTYPE, &linux_os);
	found = kdump->vmcoreinfo_line(kdump->ctx, key, &line) == KDUMP_OK;
	if (!found)
		return false;
	fits = strlen(line) < size;
	if (fits)
		snprintf(value, size, "%s", line);
	free(line);
	return fits;
}

/* Without VMCOREINFO only x86_64 leaves no choice. */
static int read_page_size(struct kho_source *source, struct kho_error *err)
{
	char text[24];

	if (dump_vmcoreinfo(source, "PAGESIZE", text, sizeof(text)))
		return kho_source_take_page_size(source, strtoull(text, NULL, 10), err);
	if (source->machine == EM_X86_64)
		source->page_shift = KHO_ABI_MIN_PAGE_SHIFT;
	return 0;
}

/* Finds the first range in beyond[] that ends after @from, or NULL. */
static const struct kho_range *next_beyond(const struct kdump *kdump, uint64_t from)
{
	size_t low = 0, high = kdump->nr_beyond;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (kdump->beyond[mid].addr + kdump->beyond[mid].size <= from)
			low = mid + 1;
		else
			high = mid;
	}
	return low < kdump->nr_beyond ? &kdump->beyond[low] : NULL;
}

static bool dump_next_run(struct kho_source *source, uint64_t from, struct kho_range *run)
{
	const struct kdump *kdump = kdump_of(source);
	const struct kho_range *beyond;

	while (next_run(kdump, kdump->present, from, run)) {
		beyond = next_beyond(kdump, run->addr);
		if (!beyond || beyond->addr > run->addr) {
			if (beyond && beyond->addr - run->addr < run->size)
				run->size = beyond->addr - run->addr;
			return true;
		}
		from = beyond->addr + beyond->size;
	}
	/* present() keeps the run, and must not keep one beyond the end */
	run->size = 0;
	return false;
}

/* Reader of the page descriptors. */
struct kdump_pages {
	int fd;
	uint64_t at;		/* file offset of the next block of them */
	size_t next;		/* index in pages[] of the next one to return */
	struct kdump_page pages[256];
};

static const struct kdump_page *next_page(struct kdump_pages *list)
{
	const size_t n = sizeof(list->pages) / sizeof(list->pages[0]);
	ssize_t size;
	size_t cut;

	if (list->next == n) {
		/* missing descriptors point beyond any file */
		memset(list->pages, 0xff, sizeof(list->pages));
		size = pread(list->fd, list->pages, sizeof(list->pages), (off_t)list->at);
		cut = size > 0 ? (size_t)size % sizeof(list->pages[0]) : 0;
		memset((char *)list->pages + (size > 0 ? (size_t)size : 0) - cut, 0xff, cut);
		list->at += sizeof(list->pages);
		list->next = 0;
	}
	return &list->pages[list->next++];
}

/* @goes_on extends the last range, even over pages that the file does not claim to have. */
static int add_beyond(struct kdump *kdump, uint64_t addr, bool goes_on,
		     struct kho_error *err)
{
	struct kho_range *last = &kdump->beyond[kdump->nr_beyond];

	if (goes_on) {
		last[-1].size = addr + kdump->block - last[-1].addr;
		return 0;
	}
	if (kdump->nr_beyond == MAX_BEYOND)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s claims pages beyond its end at more than %u places",
				kdump->source.path, MAX_BEYOND);
	*last = (struct kho_range){ addr, kdump->block };
	kdump->nr_beyond++;
	return 0;
}

static int compare_with_end(struct kdump *kdump, struct kdump_pages *list, struct kho_error *err)
{
	const uint64_t table = list->at;
	struct kho_range run = { 0 };
	bool beyond, before = false;
	uint64_t nr_pages = 0;

	while (next_run(kdump, kdump->present, run.addr + run.size, &run)) {
		for (uint64_t done = 0; done < run.size; done += kdump->block) {
			const struct kdump_page *page = next_page(list);
			int ret;

			/* those that makedumpfile did not get to have no offset */
			beyond = page->offset > kdump->file_size ||
				 page->size > kdump->file_size - page->offset ||
				 (kdump->source.incomplete && !page->offset);
			if (!beyond && page->offset < kdump->lowest) {
				kdump->lowest = page->offset;
				kdump->lowest_addr = run.addr + done;
			}
			nr_pages++;
			ret = beyond ? add_beyond(kdump, run.addr + done, before, err) : 0;
			if (ret)
				return ret;
			before = beyond;
		}
	}
	/* nr_pages has at most the bits of the bitmap */
	if (kdump->lowest < table + nr_pages * sizeof(struct kdump_page))
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s is damaged: according to its tables, the page at 0x%" PRIx64 " is in its header",
				kdump->source.path, kdump->lowest_addr);
	return 0;
}

/*
 * Finds the pages that the file claims to have beyond its end, which means that it is truncated:
 * libkdumpfile 0.5.1 reads zeroes there.
 */
static int find_beyond(struct kdump *kdump, const struct kdump_sizes *sizes, struct kho_error *err)
{
	const uint64_t start = (1 + (uint64_t)sizes->sub_header_blocks + sizes->bitmap_blocks) * kdump->block;
	struct kdump_pages *list;
	int ret;

	kdump->beyond = calloc(MAX_BEYOND, sizeof(*kdump->beyond));
	list = malloc(sizeof(*list));
	if (!kdump->beyond || !list) {
		free(list);
		return kho_fail_nomem(err);
	}
	list->fd = kdump->fd;
	list->at = start;
	kdump->lowest = UINT64_MAX;
	list->next = sizeof(list->pages) / sizeof(list->pages[0]);
	ret = compare_with_end(kdump, list, err);
	free(list);
	/* the library reads zeroes for missing bitmaps, too */
	kdump->source.cut_short = kdump->source.incomplete || kdump->nr_beyond || start > kdump->file_size;
	return ret;
}

static bool is_block_size(int32_t size)
{
	return size >= 1 << KHO_ABI_MIN_PAGE_SHIFT && size <= 1 << KHO_ABI_MAX_PAGE_SHIFT &&
	       !(size & (size - 1));
}

/* Checks the header that find_beyond() uses, and that the file is not one part of a split dump. */
static int check_header(struct kdump *kdump, struct kdump_sizes *sizes,
			struct kho_error *err)
{
	char start[KDUMP_SIZES_AT + sizeof(*sizes)];
	const char *machine = start + KDUMP_MACHINE_AT;
	const char *path = kdump->source.path;
	struct kdump_sub_header sub;
	struct stat file;
	int ret;

	if (fstat(kdump->fd, &file))
		return kho_fail_os(err, "look at", path);
	if (!S_ISREG(file.st_mode) ||
	    pread(kdump->fd, start, sizeof(start), 0) != sizeof(start) ||
	    (strncmp(machine, "x86_64", 65) && strncmp(machine, "aarch64", 65)))
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s is not a dump of an x86_64 or aarch64 kernel in the format of makedumpfile",
				path);
	kdump->source.machine = *machine == 'x' ? EM_X86_64 : EM_AARCH64;
	kdump->file_size = (uint64_t)file.st_size;
	memcpy(sizes, start + KDUMP_SIZES_AT, sizeof(*sizes));
	if (!is_block_size(sizes->block_size) || sizes->sub_header_blocks < 0)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: blocks of %d bytes, and %d of them for a header, cannot be",
				path, sizes->block_size, sizes->sub_header_blocks);
	kdump->block = (uint64_t)sizes->block_size;
	kdump->source.incomplete = sizes->status & KDUMP_INCOMPLETE;
	if (pread(kdump->fd, &sub, sizeof(sub), sizes->block_size) != sizeof(sub) || !sub.split)
		return 0;
	ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
		       "%s is one part of a dump that makedumpfile --split has made", path);
	return kho_remedy(err, ret, "Join all parts: makedumpfile --reassemble PART... NEW, and use NEW.");
}

/* Bytes of RAM in the file. */
static uint64_t bytes_of(struct kho_source *source)
{
	struct kho_range run = { 0 };
	uint64_t sum = 0;

	while (dump_next_run(source, run.addr + run.size, &run))
		sum += run.size;
	return sum;
}

/* Number of bytes, up to @size, from @addr on that the file has according to its own tables. */
static size_t present(struct kho_source *source, uint64_t addr, size_t size)
{
	struct kho_range *run = &kdump_of(source)->run;
	size_t done = 0;

	while (done < size) {
		uint64_t at = addr + done, left;

		if (at - run->addr >= run->size &&
		    (!dump_next_run(source, at, run) || at < run->addr))
			break;
		left = run->size - (at - run->addr);
		done = left < size - done ? done + (size_t)left : size;
	}
	return done;
}

/*
 * Gives the library a new cache. A failed read corrupts the cache of libkdumpfile 0.5.1, which
 * crashes when it reuses an entry.
 */
static void renew_cache(struct kdump *kdump)
{
	/* only a new size makes a new cache */
	const kdump_attr_t cache = {
		.type = KDUMP_NUMBER, .val.number = CACHED_PAGES + (++kdump->renewed & 1),
	};

	kdump->set_attr(kdump->ctx, "cache.size", &cache);
}

/* libkdumpfile 0.5.1 reads zeroes beyond the end of the file. */
static bool has_shrunk(const struct kdump *kdump)
{
	struct stat file;

	return fstat(kdump->fd, &file) || (uint64_t)file.st_size < kdump->file_size;
}

static int dump_read(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		     struct kho_error *err)
{
	struct kdump *kdump = kdump_of(source);
	size_t done = present(source, addr, size);
	kdump_status status = KDUMP_ERR_NODATA;
	const struct kho_range *beyond;
	char why[128] = "";

	if (done == size) {
		status = kdump->read(kdump->ctx, KDUMP_MACHPHYSADDR, addr, buf, &done);
		if (has_shrunk(kdump))
			return kho_fail(err, KHO_ERR_NOT_PRESENT, addr,
					"%s became shorter during the read", source->path);
		if (status == KDUMP_OK && done == size)
			return 0;
		reason(kdump, why, sizeof(why));
		renew_cache(kdump);
	}

	addr += done < size ? done : 0;
	beyond = next_beyond(kdump, addr);
	if (beyond && addr >= beyond->addr)
		return kho_fail(err, KHO_ERR_NOT_PRESENT, addr,
				"%s is cut short: it ends before memory at 0x%" PRIx64,
				source->path, addr);
	if (status == KDUMP_ERR_NODATA)
		return kho_fail(err, KHO_ERR_NOT_PRESENT, addr, "%s has no memory at 0x%" PRIx64,
				source->path, addr);
	if (status == KDUMP_ERR_SYSTEM && errno != EIO)
		return kho_fail_os(err, "read", source->path);
	/* present, but damaged or compressed in a way that the library does not support */
	return kho_fail(err, KHO_ERR_NOT_PRESENT, addr,
			"%s: memory at 0x%" PRIx64 " cannot be read: %s", source->path, addr, why);
}

static void dump_close(struct kho_source *source)
{
	struct kdump *kdump = kdump_of(source);

	free(kdump->beyond);
	if (kdump->present)
		kdump->decref(kdump->present);
	if (kdump->ctx)
		kdump->free(kdump->ctx);
	if (kdump->library)
		dlclose(kdump->library);
	close(kdump->fd);
}

static const struct kho_source_ops dump_ops = {
	.read = dump_read,
	.next_run = dump_next_run,
	.vmcoreinfo = dump_vmcoreinfo,
	.close = dump_close,
};

int kho_kdump_open(int fd, const char *path, struct kho_source **out, struct kho_error *err)
{
	struct kdump *kdump = calloc(1, sizeof(*kdump));
	struct kdump_sizes sizes;
	int ret;

	if (!kdump) {
		close(fd);
		return kho_fail_nomem(err);
	}
	kdump->fd = fd;
	ret = kho_source_init(&kdump->source, &dump_ops, path, err);
	if (!ret)
		ret = check_header(kdump, &sizes, err);
	if (!ret)
		ret = load(kdump, err);
	if (!ret)
		ret = open_dump(kdump, err);
	if (!ret)
		ret = read_ram(kdump, err);
	if (!ret)
		ret = find_beyond(kdump, &sizes, err);
	if (!ret)
		ret = read_page_size(&kdump->source, err);
	if (ret) {
		kho_source_close(&kdump->source);
		return ret;
	}
	read_release(kdump);
	kdump->source.bytes = bytes_of(&kdump->source);
	*out = &kdump->source;
	return 0;
}
