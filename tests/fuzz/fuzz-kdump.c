// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A compressed dump, through libkdumpfile. This program makes the headers, so that the library never gets a size that
 * no file has. The input (memory.h) says the rest: pages with their packing and damages, in the low bits of their
 * addresses, and the end of the file. Its first page is VMCOREINFO.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "libkho/library.h"
#include "memory.h"
#include "nomem.h"
#include "tests/bench/kdump.h"

#define MEMORY		(2ull << 30)
#define BITMAP		65536ull	/* whole blocks of both sizes, for pages of 4 KiB */
#define TABLE(block)	(2 * (block) + 2 * BITMAP)
#define DATA(block)	(TABLE(block) + FUZZ_PAGES * sizeof(struct kdump_page))

/* bits of the option */
#define SPLIT		1
#define CUT		2	/* the file ends at head.size */
#define OTHER_KIND	4	/* the file begins with the first page */
#define VMCOREINFO	8
#define LARGE_PAGES	16	/* 64 KiB, on arm64 */
#define IN		32
#define INCOMPLETE	64
#define ODD_BLOCKS	128	/* a size that no block has */

/* bits of an address */
#define PACKED		0x027	/* flags of the page's descriptor */
#define LEFT_OUT	0x800
#define BEYOND		0x400	/* the end of the file */
#define NOT_RAM		0x200
#define HEADER		0x100	/* the start of the file */

/* libkdumpfile is not this project's: it may keep what it likes after an error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libkdumpfile\n";
}

static void write_at(int fd, const void *data, size_t size, uint64_t offset)
{
	if (pwrite(fd, data, size, (off_t)offset) != (ssize_t)size)
		abort();
}

static void set_bit(int fd, uint64_t bitmap, uint64_t page)
{
	uint8_t byte = 0;

	if (pread(fd, &byte, 1, (off_t)(bitmap + page / 8)) < 0)
		abort();
	byte |= (uint8_t)(1u << page % 8);
	write_at(fd, &byte, 1, bitmap + page / 8);
}

static uint64_t block_of(const struct fuzz_head *head)
{
	return head->option & LARGE_PAGES ? 65536 : 4096;
}

static void write_headers(int fd, const struct fuzz_head *head, size_t vmcoreinfo_size)
{
	const uint64_t block = block_of(head);
	struct kdump_header header = {
		.signature = { 'K', 'D', 'U', 'M', 'P', ' ', ' ', ' ' }, .version = 6,
		.utsname = { "Linux", "here", "7.3.4", "#1", "x86_64" },
		.status = head->option & INCOMPLETE ? 8 : 0,
		.block_size = (int32_t)block - !!(head->option & ODD_BLOCKS), .sub_header_blocks = 1,
		.bitmap_blocks = (uint32_t)(2 * BITMAP / block), .max_page = (uint32_t)(MEMORY / block),
	};
	struct kdump_sub_header sub = {
		.dump_level = 31, .split = head->option & SPLIT, .end_page = MEMORY / block, .max_page = MEMORY / block,
		.vmcoreinfo = vmcoreinfo_size ? DATA(block) : 0, .vmcoreinfo_size = vmcoreinfo_size,
	};

	if (head->option & LARGE_PAGES)
		strcpy(header.utsname[4], "aarch64");
	write_at(fd, &header, sizeof(header), 0);
	write_at(fd, &sub, sizeof(sub), block);
	if (ftruncate(fd, (off_t)DATA(block)))
		abort();
}

/* Returns the end of the file. */
static uint64_t write_page(int fd, uint64_t block, const struct fuzz_page *page, const uint8_t *data, uint64_t end,
			   size_t *n)
{
	struct kdump_page entry = { end, page->length, page->addr & PACKED, 0 };
	uint64_t number = page->addr % MEMORY / block;

	if (!(page->addr & NOT_RAM))
		set_bit(fd, 2 * block, number);
	if (page->addr & LEFT_OUT)
		return end;
	set_bit(fd, 2 * block + BITMAP, number);
	if (page->addr & BEYOND)
		entry.offset += 1ull << 40;
	if (page->addr & HEADER)
		entry.offset = 0;
	write_at(fd, &entry, sizeof(entry), TABLE(block) + (*n)++ * sizeof(entry));
	write_at(fd, data, page->length, end);
	return end + page->length;
}

static void write_dump(int fd, const uint8_t *data, size_t size)
{
	struct fuzz_head head;
	struct fuzz_page page;
	uint64_t block, end;
	size_t n = 0;

	memcpy(&head, data, sizeof(head));
	block = block_of(&head);
	end = DATA(block);
	for (size_t at = sizeof(head), i = 0; i < FUZZ_PAGES && size - at > sizeof(page); at += page.length, i++) {
		memcpy(&page, data + at, sizeof(page));
		at += sizeof(page);
		page.length = page.length > block ? (uint16_t)block : page.length;
		page.length = page.length > size - at ? (uint16_t)(size - at) : page.length;
		if (!i) {
			write_headers(fd, &head, head.option & VMCOREINFO ? page.length : 0);
			write_at(fd, data + at, page.length, head.option & OTHER_KIND ? 0 : end);
			end += page.length;
		} else {
			end = write_page(fd, block, &page, data + at, end, &n);
		}
	}
	if (ftruncate(fd, (off_t)(head.option & CUT && head.size < end ? head.size : end)))
		abort();
}

static void use_dump(const char *path, enum kho_side side)
{
	const struct kho_verify_options options = { .claims = true };
	struct kho_verify_summary summary;
	struct kho_error err = { 0 };
	struct kho_source *source;
	struct kho_state *state;

	if (kho_source_open_file(path, &source, &err)) {
		fuzz_memory_error(&err);
		return;
	}
	if (!kho_state_open(source, side, &state, &err)) {
		kho_verify(state, &options, fuzz_see_finding, NULL, &summary, NULL);
		kho_state_close(state);
	} else {
		fuzz_memory_error(&err);
	}
	kho_source_close(source);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	static void *library;
	static bool loaded;
	struct fuzz_head head;
	char path[FUZZ_PATH];
	int fd;

	if (size < sizeof(head) + sizeof(struct fuzz_page))
		return -1;
	/* LeakSanitizer must know the name of the library until the end */
	if (!library)
		library = dlopen(KHO_LIBRARY_KDUMP, RTLD_NOW | RTLD_LOCAL);
	memcpy(&head, data, sizeof(head));
	fd = fuzz_file(NULL, 0, path);
	write_dump(fd, data, size);
	if (!loaded)
		kho_libraries_load(path, path);
	loaded = true;
	use_dump(path, head.option & IN ? KHO_SIDE_IN : KHO_SIDE_OUT);
	close(fd);
	return 0;
}
