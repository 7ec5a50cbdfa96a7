// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "nomem.h"
#include "libkho/error.h"
#include "libkho/ranges.h"

/* Blocks of zeroes of this size become holes of a file. */
#define HOLE	4096

/* A kind of source of its own: pages, sorted by address. */
struct pages {
	struct kho_source source;
	size_t n;
	struct page {
		uint64_t addr;
		const unsigned char *data;	/* of the input; 0 after @length */
		size_t length;
	} *pages;
	char *vmcoreinfo;	/* or NULL */
};

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

int fuzz_file(const uint8_t *data, size_t size, char *path)
{
	static const uint8_t zeroes[HOLE];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size))
		abort();
	/* holes, as in a dump that was copied with cp --sparse */
	for (size_t at = 0; at < size; at += HOLE) {
		size_t n = size - at < HOLE ? size - at : HOLE;

		if (memcmp(data + at, zeroes, n) && pwrite(fd, data + at, n, (off_t)at) != (ssize_t)n)
			abort();
	}
	snprintf(path, FUZZ_PATH, "/proc/self/fd/%d", fd);
	return fd;
}

static char scratch[64];

void fuzz_scratch_remove(void)
{
	char command[128];

	if (!*scratch)
		return;
	snprintf(command, sizeof(command), "rm -rf %s", scratch);
	if (system(command))
		fprintf(stderr, "cannot remove %s\n", scratch);
	*scratch = '\0';
}

const char *fuzz_scratch(const char *name, char *path, size_t room)
{
	if (!*scratch) {
		snprintf(scratch, sizeof(scratch), "/dev/shm/kho-fuzz.%d", (int)getpid());
		if (mkdir(scratch, 0700))
			abort();
		atexit(fuzz_scratch_remove);
	}
	if (snprintf(path, room, "%s/%s", scratch, name) >= (int)room)
		abort();
	return path;
}

void fuzz_silence(void)
{
	static bool silent;

	if (!silent && !freopen("/dev/null", "w", stdout))
		abort();
	stderr = stdout;
	silent = true;
}

/* The first page that ends after @addr; the number of pages if there is none. */
static size_t page_from(const struct pages *pages, uint64_t addr)
{
	size_t i = 0;

	while (i < pages->n && addr >= pages->pages[i].addr &&
	       addr - pages->pages[i].addr >= kho_source_page(&pages->source))
		i++;
	return i;
}

static void copy_page(const struct page *page, size_t skip, void *buf, size_t size)
{
	size_t have = page->length > skip ? page->length - skip : 0;

	if (have > size)
		have = size;
	memcpy(buf, page->data + (have ? skip : 0), have);
	memset((char *)buf + have, 0, size - have);
}

static int pages_read(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		      struct kho_error *err)
{
	const struct pages *pages = (struct pages *)source;
	const size_t page = kho_source_page(source);

	while (size) {
		size_t i = page_from(pages, addr), skip, n;

		if (i == pages->n || addr < pages->pages[i].addr)
			return kho_fail(err, KHO_ERR_NOT_PRESENT, addr, "no such page");
		skip = addr - pages->pages[i].addr;
		n = page - skip < size ? page - skip : size;
		copy_page(&pages->pages[i], skip, buf, n);
		buf = (char *)buf + n;
		addr += n;
		size -= n;
	}
	return 0;
}

static bool pages_next_run(struct kho_source *source, uint64_t from, struct kho_range *run)
{
	const struct pages *pages = (struct pages *)source;
	size_t i = page_from(pages, from);

	if (i == pages->n)
		return false;
	if (from < pages->pages[i].addr)
		from = pages->pages[i].addr;
	*run = (struct kho_range){ from, kho_source_page(source) - (from - pages->pages[i].addr) };
	return true;
}

static bool pages_vmcoreinfo(struct kho_source *source, const char *key, char *value, size_t size)
{
	const char *text = ((struct pages *)source)->vmcoreinfo;

	return text && kho_source_line(text, key, value, size);
}

static void pages_close(struct kho_source *source)
{
	free(((struct pages *)source)->pages);
	free(((struct pages *)source)->vmcoreinfo);
}

static const struct kho_source_ops pages_ops = {
	.read = pages_read, .next_run = pages_next_run, .vmcoreinfo = pages_vmcoreinfo, .close = pages_close,
};

void fuzz_source_say(struct kho_source *source, char *vmcoreinfo)
{
	((struct pages *)source)->vmcoreinfo = vmcoreinfo;
}

static int compare(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static struct kho_source *make_source(unsigned int page_shift, const struct fuzz_page *pages,
				      const unsigned char *const *bytes, size_t n, const char *notes)
{
	struct pages *own = need(calloc(1, sizeof(*own)));
	struct kho_source *source = &own->source;
	const char *cursor = NULL;
	char release[sizeof(source->release)];
	size_t kept = 0;

	if (kho_source_init(source, &pages_ops, "input", NULL))
		abort();
	source->page_shift = page_shift;
	source->notes = notes ? need(strdup(notes)) : NULL;
	if (notes && kho_source_note(source, "release", &cursor, release, sizeof(release)))
		kho_source_set_release(source, release);
	own->pages = need(calloc(n + 1, sizeof(*own->pages)));
	source->ram = need(calloc(n + 1, sizeof(*source->ram)));
	for (size_t i = 0; i < n; i++) {
		own->pages[i] = (struct page){ pages[i].addr, bytes[i], pages[i].length };
		source->ram[i] = (struct kho_range){ pages[i].addr, kho_source_page(source) };
	}
	qsort(own->pages, n, sizeof(*own->pages), compare);
	for (size_t i = 0; i < n; i++) {
		if (!kept || own->pages[i].addr != own->pages[kept - 1].addr)
			own->pages[kept++] = own->pages[i];
	}
	own->n = kept;
	source->bytes = kept * kho_source_page(source);
	source->nr_ram = kho_ranges_merge(source->ram, n);
	source->knows_ram = true;
	return source;
}

struct kho_source *fuzz_source(unsigned int page_shift, const struct fuzz_page *pages,
			       const unsigned char *const *bytes, size_t n, const char *notes)
{
	struct kho_source *source;

	fuzz_memory_hold();
	source = make_source(page_shift, pages, bytes, n, notes);
	fuzz_memory_release();
	return source;
}

unsigned int fuzz_page_shift(const struct fuzz_head *head)
{
	return KHO_ABI_MIN_PAGE_SHIFT + (head->option >> 6) % 3 * 2;
}

struct kho_state *fuzz_state(const uint8_t *data, size_t size, struct fuzz_head *head)
{
	const unsigned char *bytes[FUZZ_PAGES];
	struct fuzz_page pages[FUZZ_PAGES];
	struct kho_state *state;
	unsigned int shift;
	size_t at, n = 0;

	if (size < sizeof(*head))
		return NULL;
	memcpy(head, data, sizeof(*head));
	shift = fuzz_page_shift(head);
	head->option &= 63;

	for (at = sizeof(*head); n < FUZZ_PAGES && size - at > sizeof(pages[n]); n++) {
		memcpy(&pages[n], data + at, sizeof(pages[n]));
		at += sizeof(pages[n]);
		pages[n].addr &= -(1ull << shift);
		pages[n].addr &= (1ull << 52) - 1;
		if (pages[n].length > 1u << shift)
			pages[n].length = (uint16_t)(1u << shift);
		if (pages[n].length > size - at)
			pages[n].length = (uint16_t)(size - at);
		bytes[n] = data + at;
		at += pages[n].length;
	}

	fuzz_memory_hold();
	state = need(calloc(1, sizeof(*state)));
	fuzz_memory_release();
	state->source = fuzz_source(shift, pages, bytes, n, "");
	state->root.addr = KHO_NO_ADDR;
	return state;
}

void fuzz_close(struct kho_state *state)
{
	kho_source_close(state->source);
	kho_state_close(state);
}

int fuzz_see_finding(const struct kho_finding *finding, void *data)
{
	(void)data;
	if (!finding->rule || !*finding->message)
		abort();
	if (finding->outcome == KHO_OUTCOME_FOUND)
		fuzz_memory_rule(finding->rule);
	return 0;
}
