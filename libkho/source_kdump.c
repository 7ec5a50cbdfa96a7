// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Dumps that are no ELF files, through libkdumpfile: those of makedumpfile and of QEMU's
 * dump-guest-memory in the compressed formats.
 *
 * The library is loaded when such a file is opened, and not linked: with it come libsnappy
 * and the C++ runtime, which an initramfs that only looks at the running kernel is not to
 * carry. ELF files are read by source.c, which trusts nothing of them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libkdumpfile/kdumpfile.h>

#include "error.h"
#include "library.h"
#include "source.h"
#include "abi/kexec_handover.h"

/* of the major version whose header this is compiled with */
#define LIBRARY		"libkdumpfile.so.10"
/* Pages that are kept unpacked; most are read once, one after the other. */
#define CACHED_PAGES	32
/* Ranges of RAM that a dump may have; machines have tens. */
#define MAX_RAM		4096

/* Ranges of pages that a dump may say it has where it has not. */
#define MAX_BEYOND	4096

/*
 * Of the dumps of 64-bit kernels: diskdump_mod.h of makedumpfile 1.7.2. Only what it takes to
 * see which pages lie beyond the end of the file; see find_beyond().
 */
#define KDUMP_SIGNATURE		"KDUMP   "
#define KDUMP_MACHINE_AT	(12 + 4 * 65)	/* utsname.machine, 65 bytes */
#define KDUMP_SIZES_AT		(12 + 6 * 65 + 6 + 16 + 4)
struct kdump_sizes {
	int32_t block_size, sub_header_blocks;
	uint32_t bitmap_blocks;
};
struct kdump_page {
	uint64_t offset;
	uint32_t size, flags;
	uint64_t page_flags;
};

struct kho_kdump {
	void *library;
	kdump_ctx_t *ctx;
	kdump_bmp_t *present;	/* pages that the file says it has */
	struct kho_range *beyond; /* those of them that it has not, sorted */
	size_t nr_beyond;
	bool mapped;
	unsigned int renewed;	/* how often the cache was */
	struct kho_range run;	/* of such pages, the last that was looked up */
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
	__typeof__(kdump_bmp_decref) *decref;
};

static int load(struct kho_kdump *kdump, const char *path, struct kho_error *err)
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
		{ "kdump_bmp_decref", &kdump->decref },
	};
	int ret;

	kdump->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!kdump->library) {
		ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			       "%s is no ELF core, and " LIBRARY " for other dumps is not there", path);
		return kho_remedy(err, ret, "Install libkdumpfile.");
	}
	return kho_library_resolve(kdump->library, LIBRARY, symbols,
				   sizeof(symbols) / sizeof(symbols[0]), err);
}

/* Its last words. */
static const char *reason(const struct kho_kdump *kdump, char *buf, size_t size)
{
	const char *text = kdump->get_err(kdump->ctx);

	snprintf(buf, size, "%s", text ? text : "no reason given");
	return buf;
}

/*
 * What makedumpfile writes into a pipe, and QEMU (to 7.2 at least) always: the file in the
 * order in which it was made. libkdumpfile reads that since 0.5.3.
 */
static bool is_flattened(const struct kho_source *source)
{
	static const char signature[16] = "makedumpfile";
	char start[sizeof(signature)];

	return pread(source->fd, start, sizeof(start), 0) == sizeof(start) &&
	       !memcmp(start, signature, sizeof(start));
}

static int not_readable(struct kho_source *source, struct kho_error *err)
{
	char why[128];
	int ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s is no dump that can be read: %s",
			   source->path, reason(source->kdump, why, sizeof(why)));

	if (!is_flattened(source))
		return ret;
	return kho_remedy(err, ret, "It is in the flattened format: run makedumpfile -R NEW <OLD, and use NEW.");
}

static kdump_status set_mapped(const struct kho_kdump *kdump, bool mapped)
{
	const kdump_attr_t policy = {
		.type = KDUMP_NUMBER, .val.number = mapped ? KDUMP_MMAP_TRY : KDUMP_MMAP_NEVER,
	};

	return kdump->set_attr(kdump->ctx, KDUMP_ATTR_FILE_MMAP_POLICY, &policy);
}

static int open_dump(struct kho_source *source, struct kho_error *err)
{
	/*
	 * It looks through all the pages that it keeps for each page (cache.c of 0.5.1 to
	 * 0.5.5). By its own choice that is a thousand.
	 */
	const kdump_attr_t cache = { .type = KDUMP_NUMBER, .val.number = CACHED_PAGES };
	/* excluded is unknown, not zero */
	const kdump_attr_t no_zero = { .type = KDUMP_NUMBER, .val.number = 0 };
	struct kho_kdump *kdump = source->kdump;
	kdump_attr_t attr = { .type = KDUMP_NUMBER };

	kdump->ctx = kdump->new();
	if (!kdump->ctx)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	if (set_mapped(kdump, false) != KDUMP_OK ||
	    kdump->set_attr(kdump->ctx, "cache.size", &cache) != KDUMP_OK ||
	    kdump->open_fdset(kdump->ctx, 1, &source->fd) != KDUMP_OK ||
	    kdump->set_attr(kdump->ctx, KDUMP_ATTR_ZERO_EXCLUDED, &no_zero) != KDUMP_OK)
		return not_readable(source, err);

	if (kdump->get_attr(kdump->ctx, KDUMP_ATTR_PAGE_SIZE, &attr) != KDUMP_OK ||
	    attr.type != KDUMP_NUMBER || attr.val.number != KHO_ABI_PAGE_SIZE)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s is of a machine with pages that are not of %u bytes",
				source->path, (unsigned int)KHO_ABI_PAGE_SIZE);
	return 0;
}

/* The runs of set bits: RAM. */
static int add_ram(struct kho_source *source, kdump_bmp_t *pages, struct kho_error *err)
{
	const uint64_t most = UINT64_MAX / KHO_ABI_PAGE_SIZE;
	struct kho_kdump *kdump = source->kdump;
	kdump_addr_t first, end = 0;

	source->ram = calloc(MAX_RAM, sizeof(*source->ram));
	if (!source->ram)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");

	for (first = 0; kdump->find_set(pages, &first) == KDUMP_OK; first = end) {
		end = first;
		if (kdump->find_clear(pages, &end) != KDUMP_OK || end > most || end <= first)
			break;
		if (source->nr_ram == MAX_RAM)
			return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
					"%s has more than %u ranges of RAM", source->path, MAX_RAM);
		source->ram[source->nr_ram++] = (struct kho_range){
			first * KHO_ABI_PAGE_SIZE, (end - first) * KHO_ABI_PAGE_SIZE,
		};
	}
	return 0;
}

static int read_ram(struct kho_source *source, struct kho_error *err)
{
	struct kho_kdump *kdump = source->kdump;
	kdump_attr_t attr = { .type = KDUMP_BITMAP };
	char why[128];
	int ret;

	if (kdump->get_attr(kdump->ctx, KDUMP_ATTR_MEMORY_PAGEMAP, &attr) != KDUMP_OK ||
	    attr.type != KDUMP_BITMAP)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s does not say what was RAM: %s", source->path,
				reason(kdump, why, sizeof(why)));
	ret = add_ram(source, attr.val.bitmap, err);
	kdump->decref(attr.val.bitmap);

	if (ret)
		return ret;

	attr.type = KDUMP_BITMAP;
	if (kdump->get_attr(kdump->ctx, KDUMP_ATTR_FILE_PAGEMAP, &attr) != KDUMP_OK ||
	    attr.type != KDUMP_BITMAP)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s does not say which pages it has: %s", source->path,
				reason(kdump, why, sizeof(why)));
	kdump->present = attr.val.bitmap;
	return 0;
}

static void read_release(struct kho_source *source)
{
	struct kho_kdump *kdump = source->kdump;
	kdump_attr_t attr = { .type = KDUMP_STRING };

	if (kdump->get_attr(kdump->ctx, "linux.uts.release", &attr) != KDUMP_OK ||
	    attr.type != KDUMP_STRING)
		return;
	kho_source_set_release(source, attr.val.string);
}

bool kho_kdump_vmcoreinfo(const struct kho_kdump *kdump, const char *key, char *value,
			  size_t size)
{
	/* which it does not find out itself of every dump, and does not tell a line without */
	const kdump_attr_t linux_os = { .type = KDUMP_STRING, .val.string = "linux" };
	bool fits, found;
	char *line;

	/* nobody has looked where in the file that is */
	set_mapped(kdump, false);
	kdump->set_attr(kdump->ctx, KDUMP_ATTR_OSTYPE, &linux_os);
	found = kdump->vmcoreinfo_line(kdump->ctx, key, &line) == KDUMP_OK;
	set_mapped(kdump, kdump->mapped);
	if (!found)
		return false;
	fits = strlen(line) < size;
	if (fits)
		snprintf(value, size, "%s", line);
	free(line);
	return fits;
}

/* The first run of pages at or after @from that the file says it has. */
static bool next_run(const struct kho_kdump *kdump, uint64_t from, struct kho_range *run)
{
	const uint64_t most = UINT64_MAX / KHO_ABI_PAGE_SIZE;
	kdump_addr_t first = from / KHO_ABI_PAGE_SIZE, end;

	if (kdump->find_set(kdump->present, &first) != KDUMP_OK)
		return false;
	end = first;
	if (kdump->find_clear(kdump->present, &end) != KDUMP_OK || end <= first || end > most)
		return false;
	*run = (struct kho_range){ first * KHO_ABI_PAGE_SIZE, (end - first) * KHO_ABI_PAGE_SIZE };
	return true;
}

/* Where the pages at or after @from begin that are said to be, and are not. */
static const struct kho_range *next_beyond(const struct kho_kdump *kdump, uint64_t from)
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

bool kho_kdump_is_cut(const struct kho_kdump *kdump)
{
	return kdump->nr_beyond;
}

bool kho_kdump_next(const struct kho_source *source, uint64_t from, struct kho_range *run)
{
	const struct kho_range *beyond;

	while (next_run(source->kdump, from, run)) {
		beyond = next_beyond(source->kdump, run->addr);
		if (!beyond || beyond->addr > run->addr) {
			if (beyond && beyond->addr - run->addr < run->size)
				run->size = beyond->addr - run->addr;
			return true;
		}
		from = beyond->addr + beyond->size;
	}
	return false;
}

/* The descriptions of pages, one after the other. */
struct kdump_pages {
	int fd;
	uint64_t at;		/* of what follows in the file */
	size_t next;		/* one to be handed out */
	struct kdump_page pages[256];
};

static const struct kdump_page *next_page(struct kdump_pages *list)
{
	const size_t n = sizeof(list->pages) / sizeof(list->pages[0]);
	ssize_t size;
	size_t cut;

	if (list->next == n) {
		/* what is not described is nowhere */
		memset(list->pages, 0xff, sizeof(list->pages));
		size = pread(list->fd, list->pages, sizeof(list->pages), (off_t)list->at);
		cut = size > 0 ? (size_t)size % sizeof(list->pages[0]) : 0;
		memset((char *)list->pages + (size > 0 ? (size_t)size : 0) - cut, 0xff, cut);
		list->at += sizeof(list->pages);
		list->next = 0;
	}
	return &list->pages[list->next++];
}

/* Pages between which the file says it has none are one range. */
static int add_beyond(struct kho_source *source, uint64_t addr, bool goes_on,
		      struct kho_error *err)
{
	struct kho_kdump *kdump = source->kdump;
	struct kho_range *last = &kdump->beyond[kdump->nr_beyond];

	if (goes_on) {
		last[-1].size = addr + KHO_ABI_PAGE_SIZE - last[-1].addr;
		return 0;
	}
	if (kdump->nr_beyond == MAX_BEYOND)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: pages at more than %u places are said to be beyond its end",
				source->path, MAX_BEYOND);
	*last = (struct kho_range){ addr, KHO_ABI_PAGE_SIZE };
	kdump->nr_beyond++;
	return 0;
}

static int compare_with_end(struct kho_source *source, struct kdump_pages *list,
			    uint64_t file_size, struct kho_error *err)
{
	struct kho_range run = { 0 };
	bool beyond, before = false;

	while (next_run(source->kdump, run.addr + run.size, &run)) {
		for (uint64_t done = 0; done < run.size; done += KHO_ABI_PAGE_SIZE) {
			const struct kdump_page *page = next_page(list);
			int ret;

			beyond = page->offset > file_size ||
				 page->size > file_size - page->offset;
			ret = beyond ? add_beyond(source, run.addr + done, before, err) : 0;
			if (ret)
				return ret;
			before = beyond;
		}
	}
	return 0;
}

/*
 * Finds the pages that the file says it has beyond its own end, as one has that was cut short:
 * libkdumpfile 0.5.1 takes what is not there for zeroes. Where it is not asked for these, it
 * may map the file as well, which is much quicker than its cache of pieces that it has read:
 * through all of that it looks for each page. With them it would kill us (SIGBUS).
 */
static int find_beyond(struct kho_source *source, struct kho_error *err)
{
	char start[KDUMP_SIZES_AT + sizeof(struct kdump_sizes)];
	const char *machine = start + KDUMP_MACHINE_AT;
	struct kho_kdump *kdump = source->kdump;
	struct kdump_pages *list;
	struct kdump_sizes sizes;
	struct stat file;
	int ret;

	if (fstat(source->fd, &file))
		return kho_fail_os(err, "look at", source->path);
	if (!S_ISREG(file.st_mode) ||
	    pread(source->fd, start, sizeof(start), 0) != sizeof(start) ||
	    memcmp(start, KDUMP_SIGNATURE, strlen(KDUMP_SIGNATURE)) ||
	    (strncmp(machine, "x86_64", 65) && strncmp(machine, "aarch64", 65)))
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s is no dump of an x86_64 or aarch64 kernel in the format of makedumpfile",
				source->path);
	memcpy(&sizes, start + KDUMP_SIZES_AT, sizeof(sizes));
	if (sizes.block_size != (int32_t)KHO_ABI_PAGE_SIZE || sizes.sub_header_blocks < 0)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: blocks of %d bytes, and %d of them for a header, cannot be",
				source->path, sizes.block_size, sizes.sub_header_blocks);

	kdump->beyond = calloc(MAX_BEYOND, sizeof(*kdump->beyond));
	if (!kdump->beyond)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	list = malloc(sizeof(*list));
	if (!list)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	list->fd = source->fd;
	list->at = (1 + (uint64_t)sizes.sub_header_blocks + sizes.bitmap_blocks) * KHO_ABI_PAGE_SIZE;
	list->next = sizeof(list->pages) / sizeof(list->pages[0]);
	ret = compare_with_end(source, list, (uint64_t)file.st_size, err);
	free(list);
	if (!ret)
		kdump->mapped = set_mapped(kdump, true) == KDUMP_OK;
	return ret;
}

int kho_kdump_open(struct kho_source *source, struct kho_error *err)
{
	int ret;

	source->kdump = calloc(1, sizeof(*source->kdump));
	if (!source->kdump)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");

	ret = load(source->kdump, source->path, err);
	if (!ret)
		ret = open_dump(source, err);
	if (!ret)
		ret = read_ram(source, err);
	if (!ret)
		read_release(source);
	if (!ret)
		ret = find_beyond(source, err);
	return ret;
}

/* How many of @size bytes from @addr on are in the file, as far as it says. */
static size_t present(const struct kho_source *source, uint64_t addr, size_t size)
{
	struct kho_range *run = &source->kdump->run;
	size_t done = 0;

	while (done < size) {
		uint64_t at = addr + done, left;

		if (at - run->addr >= run->size &&
		    (!kho_kdump_next(source, at, run) || at < run->addr))
			break;
		left = run->size - (at - run->addr);
		done = left < size - done ? done + (size_t)left : size;
	}
	return done;
}

/*
 * A page that could not be read leaves its cache in disorder, and the library falls over
 * that when it needs the place of a page for another (0.5.1): it gets a new one.
 */
static void renew_cache(struct kho_kdump *kdump)
{
	/* with a size that it has already it does nothing */
	const kdump_attr_t cache = {
		.type = KDUMP_NUMBER, .val.number = CACHED_PAGES + (++kdump->renewed & 1),
	};

	kdump->set_attr(kdump->ctx, "cache.size", &cache);
}

int kho_kdump_read(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		   struct kho_error *err)
{
	struct kho_kdump *kdump = source->kdump;
	size_t done = present(source, addr, size);
	kdump_status status = KDUMP_ERR_NODATA;
	const struct kho_range *beyond;
	char why[128] = "";

	if (done == size) {
		status = kdump->read(kdump->ctx, KDUMP_MACHPHYSADDR, addr, buf, &done);
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
	if (status == KDUMP_ERR_CORRUPT)
		return kho_fail(err, KHO_ERR_NOT_PRESENT, addr,
				"%s: memory at 0x%" PRIx64 " cannot be read: %s", source->path,
				addr, why);
	if (status == KDUMP_ERR_SYSTEM && errno != EIO)
		return kho_fail_os(err, "read", source->path);
	return kho_fail(err, KHO_ERR_NOT_PRESENT, addr, "%s has no memory at 0x%" PRIx64,
			source->path, addr);
}

void kho_kdump_close(struct kho_kdump *kdump)
{
	if (!kdump)
		return;
	free(kdump->beyond);
	if (kdump->present)
		kdump->decref(kdump->present);
	if (kdump->ctx)
		kdump->free(kdump->ctx);
	if (kdump->library)
		dlclose(kdump->library);
	free(kdump);
}
