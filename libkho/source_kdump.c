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
#include <unistd.h>
#include <libkdumpfile/kdumpfile.h>

#include "kho_internal.h"

/* of the major version whose header this is compiled with */
#define LIBRARY		"libkdumpfile.so.10"
/* Pages that are kept unpacked; most are read once, one after the other. */
#define CACHED_PAGES	32
/* Ranges of RAM that a dump may have; machines have tens. */
#define MAX_RAM		4096

struct kho_kdump {
	void *library;
	kdump_ctx_t *ctx;
	kdump_bmp_t *present;	/* pages that are in the file, or NULL */
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
	const struct {
		const char *name;
		void *to;
	} symbols[] = {
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
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(kdump->library, symbols[i].name);

		if (!symbol)
			return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
					LIBRARY " has no %s", symbols[i].name);
		memcpy(symbols[i].to, &symbol, sizeof(symbol));
	}
	return 0;
}

/* Its last words, fit for a message. */
static const char *reason(const struct kho_kdump *kdump, char *buf, size_t size)
{
	const char *text = kdump->get_err(kdump->ctx);

	snprintf(buf, size, "%s", text ? text : "no reason given");
	kho_text_clean(buf);
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

static int open_dump(struct kho_source *source, struct kho_error *err)
{
	/*
	 * Mapped it would be read faster, but a page that the file says it has beyond its own
	 * end, as in one that was cut short, would kill us (SIGBUS); now it is an error.
	 */
	const kdump_attr_t no_map = { .type = KDUMP_NUMBER, .val.number = KDUMP_MMAP_NEVER };
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
	if (kdump->set_attr(kdump->ctx, KDUMP_ATTR_FILE_MMAP_POLICY, &no_map) != KDUMP_OK ||
	    kdump->set_attr(kdump->ctx, "cache.size", &cache) != KDUMP_OK ||
	    kdump->open_fdset(kdump->ctx, 1, &source->fd) != KDUMP_OK ||
	    kdump->set_attr(kdump->ctx, KDUMP_ATTR_ZERO_EXCLUDED, &no_zero) != KDUMP_OK)
		return not_readable(source, err);

	if (kdump->get_attr(kdump->ctx, KDUMP_ATTR_PAGE_SIZE, &attr) != KDUMP_OK ||
	    attr.type != KDUMP_NUMBER || attr.val.number != KHO_ABI_PAGE_SIZE)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s is of a machine with pages that are not of %u bytes",
				source->path, KHO_ABI_PAGE_SIZE);
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

	attr.type = KDUMP_BITMAP;
	if (!ret && kdump->get_attr(kdump->ctx, KDUMP_ATTR_FILE_PAGEMAP, &attr) == KDUMP_OK &&
	    attr.type == KDUMP_BITMAP)
		kdump->present = attr.val.bitmap;
	return ret;
}

static void read_release(struct kho_source *source)
{
	struct kho_kdump *kdump = source->kdump;
	kdump_attr_t attr = { .type = KDUMP_STRING };

	if (kdump->get_attr(kdump->ctx, "linux.uts.release", &attr) != KDUMP_OK ||
	    attr.type != KDUMP_STRING)
		return;
	source->release = strdup(attr.val.string);
	if (source->release)
		kho_text_clean(source->release);
}

bool kho_kdump_vmcoreinfo(const struct kho_kdump *kdump, const char *key, char *value,
			  size_t size)
{
	/* which it does not find out itself of every dump, and does not tell a line without */
	const kdump_attr_t linux_os = { .type = KDUMP_STRING, .val.string = "linux" };
	char *line;
	bool fits;

	kdump->set_attr(kdump->ctx, KDUMP_ATTR_OSTYPE, &linux_os);
	if (kdump->vmcoreinfo_line(kdump->ctx, key, &line) != KDUMP_OK)
		return false;
	fits = strlen(line) < size;
	if (fits)
		snprintf(value, size, "%s", line);
	free(line);
	return fits;
}

bool kho_kdump_next(const struct kho_source *source, uint64_t from, struct kho_range *run)
{
	const uint64_t most = UINT64_MAX / KHO_ABI_PAGE_SIZE;
	struct kho_kdump *kdump = source->kdump;
	kdump_addr_t first = from / KHO_ABI_PAGE_SIZE, end;

	if (!kdump->present || kdump->find_set(kdump->present, &first) != KDUMP_OK)
		return false;
	end = first;
	if (kdump->find_clear(kdump->present, &end) != KDUMP_OK || end <= first || end > most)
		return false;
	*run = (struct kho_range){ first * KHO_ABI_PAGE_SIZE, (end - first) * KHO_ABI_PAGE_SIZE };
	return true;
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
	return ret;
}

/* How many of @size bytes from @addr on are in the file, as far as it says. */
static size_t present(const struct kho_source *source, uint64_t addr, size_t size)
{
	struct kho_range *run = &source->kdump->run;
	size_t done = 0;

	if (!source->kdump->present)
		return size;
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
	char why[128] = "";

	if (done == size) {
		status = kdump->read(kdump->ctx, KDUMP_MACHPHYSADDR, addr, buf, &done);
		if (status == KDUMP_OK && done == size)
			return 0;
		reason(kdump, why, sizeof(why));
		renew_cache(kdump);
	}

	addr += done < size ? done : 0;
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
	if (kdump->present)
		kdump->decref(kdump->present);
	if (kdump->ctx)
		kdump->free(kdump->ctx);
	if (kdump->library)
		dlclose(kdump->library);
	free(kdump);
}
