// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "libkho/ranges.h"

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

static int page_file(const unsigned char *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
		abort();
	return fd;
}

static int compare(const void *a, const void *b)
{
	const struct kho_segment *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

struct kho_source *fuzz_source(const struct fuzz_page *pages, const unsigned char *const *bytes,
			       size_t n, const char *notes)
{
	struct kho_source *source = need(calloc(1, sizeof(*source)));
	unsigned char *file = need(calloc(n + 1, KHO_ABI_PAGE_SIZE));

	source->path = need(strdup("input"));
	source->notes = need(strdup(notes));
	source->segments = need(calloc(n + 1, sizeof(*source->segments)));
	source->ram = need(calloc(n + 1, sizeof(*source->ram)));
	for (size_t i = 0; i < n; i++) {
		memcpy(file + i * KHO_ABI_PAGE_SIZE, bytes[i], pages[i].length);
		source->segments[i] = (struct kho_segment){
			pages[i].addr, KHO_ABI_PAGE_SIZE, i * KHO_ABI_PAGE_SIZE,
		};
		source->ram[i] = (struct kho_range){ pages[i].addr, KHO_ABI_PAGE_SIZE };
	}
	source->nr_segments = n;
	source->fd = page_file(file, n * KHO_ABI_PAGE_SIZE);
	qsort(source->segments, n, sizeof(*source->segments), compare);
	source->nr_ram = kho_ranges_merge(source->ram, n);
	free(file);
	return source;
}

struct kho_state *fuzz_state(const uint8_t *data, size_t size, struct fuzz_head *head)
{
	const unsigned char *bytes[FUZZ_PAGES];
	struct fuzz_page pages[FUZZ_PAGES];
	struct kho_state *state;
	size_t at, n = 0;

	if (size < sizeof(*head))
		return NULL;
	memcpy(head, data, sizeof(*head));

	for (at = sizeof(*head); n < FUZZ_PAGES && size - at > sizeof(pages[n]); n++) {
		memcpy(&pages[n], data + at, sizeof(pages[n]));
		at += sizeof(pages[n]);
		pages[n].addr &= ~(uint64_t)(KHO_ABI_PAGE_SIZE - 1);
		pages[n].addr &= (1ull << 52) - 1;
		if (pages[n].length > KHO_ABI_PAGE_SIZE)
			pages[n].length = KHO_ABI_PAGE_SIZE;
		if (pages[n].length > size - at)
			pages[n].length = (uint16_t)(size - at);
		bytes[n] = data + at;
		at += pages[n].length;
	}

	state = need(calloc(1, sizeof(*state)));
	state->source = fuzz_source(pages, bytes, n, "");
	state->root.addr = KHO_NO_ADDR;
	return state;
}

void fuzz_close(struct kho_state *state)
{
	kho_source_close(state->source);
	kho_state_close(state);
}
