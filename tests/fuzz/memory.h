/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input of the fuzzers of maps and subtrees: a few pages of memory at
 * addresses of their own, so that a fuzzer can change links and what they lead to.
 *
 *   u64 addr	of what is read: the map's first page, the subtree's blob
 *   u64 size	of the blob
 *   u8  option	up to the fuzzer; the two highest bits give the page size: 4, 16, 64 or 4 KiB
 *   then pages, to the end: u64 address, u16 length, that many bytes; the rest is 0
 */
#ifndef KHO_FUZZ_MEMORY_H
#define KHO_FUZZ_MEMORY_H

#include "libkho/map.h"
#include "libkho/source.h"
#include "libkho/state.h"

/* More pages than any seed has; an input is cut there. */
#define FUZZ_PAGES	512

struct fuzz_head {
	uint64_t addr;
	uint64_t size;
	uint8_t option;
} __attribute__((packed));

struct fuzz_page {
	uint64_t addr;
	uint16_t length;
} __attribute__((packed));

/* A finding has a rule and a text. */
int fuzz_see_finding(const struct kho_finding *finding, void *data);
/* PAGE_SHIFT in the option of an input; and the option of a state with such pages. */
unsigned int fuzz_page_shift(const struct fuzz_head *head);
#define FUZZ_PAGE_SHIFT(shift)	((uint8_t)(((shift) - KHO_ABI_MIN_PAGE_SHIFT) / 2 << 6))

/* Runs a fuzzer on one input; limits.c calls it. */
int fuzz_one(const uint8_t *data, size_t size);

/* Makes a file with these bytes and returns its descriptor; @path is valid until close(). */
#define FUZZ_PATH	64
int fuzz_file(const uint8_t *data, size_t size, char *path);
/* "/dev/shm/kho-fuzz.PID/@name": a folder of its own for what is written; removed at the end. */
const char *fuzz_scratch(const char *name, char *path, size_t room);
void fuzz_scratch_remove(void);

/* Discards all further output to stdio; sanitizers do not use it. */
void fuzz_silence(void);

/*
 * A source of @n pages of 1 << @page_shift bytes as the file of a snapshot has them. It copies @notes (NULL: not of a snapshot) and @pages,
 * but the bytes of the pages stay the caller's: 512 pages of a few bytes each must not cost 2 MiB.
 */
struct kho_source *fuzz_source(unsigned int page_shift, const struct fuzz_page *pages,
			       const unsigned char *const *bytes, size_t n, const char *notes);
/* Gives the source this VMCOREINFO, which it then owns. */
void fuzz_source_say(struct kho_source *source, char *vmcoreinfo);

/*
 * Makes a state over the pages of the input, without a root; NULL if the input has no complete head.
 * Takes the page size out of head->option.
 */
struct kho_state *fuzz_state(const uint8_t *data, size_t size, struct fuzz_head *head);
/* Closes the state and its source. */
void fuzz_close(struct kho_state *state);

#endif /* KHO_FUZZ_MEMORY_H */
