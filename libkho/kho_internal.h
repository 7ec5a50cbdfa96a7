/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the parts of libkho; nothing of this is exported. */
#ifndef KHO_INTERNAL_H
#define KHO_INTERNAL_H

#include <limits.h>
#include <sys/types.h>

#include "kho.h"
#include "abi/kexec_handover.h"

#define KHO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fills *err (if any) and returns @code, so that callers can "return kho_fail(...)". */
int kho_fail(struct kho_error *err, int code, uint64_t addr, const char *fmt, ...)
	KHO_PRINTF(4, 5);
/* The same for a failed system call: takes the code and the reason from errno. */
int kho_fail_os(struct kho_error *err, const char *what, const char *path);
/* Adds what to do about it. Returns err->code (or @code without an err). */
int kho_remedy(struct kho_error *err, int code, const char *fmt, ...)
	KHO_PRINTF(3, 4);

/* Replaces control characters. */
void kho_text_clean(char *text);

/* ---------------------------------------------------------------- sources */

struct kho_segment {
	uint64_t addr;		/* physical */
	uint64_t size;		/* bytes that are in the file */
	uint64_t offset;	/* in the file */
};

/* A range of virtual addresses, as far as the file tells. */
struct kho_mapping {
	uint64_t vaddr;
	uint64_t addr;
	uint64_t size;
};

#define KHO_ELF_BYTE_ORDER \
	(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

#define KHO_READ_AHEAD	(32u << 10)

struct kho_kdump;
struct kho_vmlinux;

struct kho_source {
	int fd;
	struct kho_kdump *kdump; /* reads what is no ELF file, or NULL */
	char *release;		/* of a dump that says it (VMCOREINFO), or NULL */
	char *vmcoreinfo;	/* "key=value" lines that the kernel says of itself, or NULL */
	struct kho_vmlinux *vmlinux; /* what its vmlinux tells, or NULL */
	bool live;
	char *path;		/* of the file, for messages */
	char *sysroot;		/* live only: prefix of every path */
	char *notes;		/* snapshot only: "key=value" lines, or NULL */
	struct kho_segment *segments; /* sorted by address */
	size_t nr_segments;
	struct kho_range *ram;	/* sorted, merged */
	size_t nr_ram;
	struct kho_mapping *mappings; /* any order */
	size_t nr_mappings;
	unsigned char *ahead;	/* KHO_READ_AHEAD bytes, or NULL; what was read last of a file */
	uint64_t ahead_offset;
	size_t ahead_size;	/* of it valid */
	kho_progress_fn progress;
	void *progress_data;
	uint64_t progress_done, progress_told, progress_total;
};

/* The same as kho_source_open_file(), but of live memory. */
int kho_source_open_kcore(const char *path, struct kho_source **out, struct kho_error *err);

/* Dumps that are no ELF files; source->fd is the file. Sets kdump, RAM and release. */
int kho_kdump_open(struct kho_source *source, struct kho_error *err);
int kho_kdump_read(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		   struct kho_error *err);
void kho_kdump_close(struct kho_kdump *kdump);
/* The first run of pages at or after @from that the file has. */
bool kho_kdump_next(const struct kho_source *source, uint64_t from, struct kho_range *run);

/* Whether it says that it has pages which lie beyond its end. */
bool kho_kdump_is_cut(const struct kho_kdump *kdump);

/* One file of debugfs or procfs below the sysroot, NUL-terminated, at most @max bytes. */
int kho_source_slurp(const struct kho_source *source, const char *path, size_t max,
		     char **out, size_t *size, struct kho_error *err);

/*
 * The value of @key in VMCOREINFO, as text into @value. False where there is none, or where it
 * does not fit.
 */
bool kho_source_vmcoreinfo(const struct kho_source *source, const char *key, char *value,
			   size_t size);
bool kho_kdump_vmcoreinfo(const struct kho_kdump *kdump, const char *key, char *value,
			  size_t size);

/* The physical address of a virtual one, where the file has both. */
bool kho_source_translate(const struct kho_source *source, uint64_t vaddr, uint64_t *addr);

void kho_source_tell_progress(const struct kho_source *source, uint64_t done, uint64_t total);
/* The same by steps, of which there may be many: it is told now and then. */
void kho_source_progress_begin(struct kho_source *source, uint64_t total);
void kho_source_progress_add(struct kho_source *source, uint64_t n);

/* Values of @key in the notes, in order: call with *cursor NULL first. NULL at the end. */
const char *kho_source_note(const struct kho_source *source, const char *key,
			    const char **cursor);

/* Sorts by address and merges what touches. Returns the new count. */
size_t kho_ranges_merge(struct kho_range *ranges, size_t n);
/* Whether [addr, addr+size) lies within one of the sorted, merged ranges. */
bool kho_ranges_contain(const struct kho_range *ranges, size_t n, uint64_t addr,
			uint64_t size);
/* The first of @n ranges (any order) that overlaps, or NULL. */
const struct kho_range *kho_ranges_overlap(const struct kho_range *ranges, size_t n,
					   uint64_t addr, uint64_t size);

/* ------------------------------------------------------------------ state */

struct kho_radix;
struct kho_bitmap;

struct kho_state {
	struct kho_source *source;
	enum kho_side side;
	enum kho_abi abi;
	enum kho_found_by found_by;
	uint64_t fdt_addr;
	uint64_t map_addr;
	unsigned char fdt[KHO_ABI_PAGE_SIZE];
	size_t fdt_size;
	char compatible[64];
	char release[128];
	struct kho_subtree *subtrees;
	size_t nr_subtrees;
	size_t bad_subtrees;	/* subnodes without the properties they must have */
	char bad_subtree[64];	/* name of the first of them */
	struct kho_range *scratch;
	size_t nr_scratch;
	bool scratch_unknown;	/* a dump without a word of it */
	struct kho_radix *radix; /* made on first use, like the next one */
	struct kho_bitmap *bitmap;
	unsigned int v1_bitmap;	/* bytes of a bitmap of kho-v1 as told by the caller, or 0 */
};

const struct kho_subtree *kho_state_subtree(const struct kho_state *state,
					    const char *name);

/*
 * On a live machine: reads the root FDT again and forgets what was read of the
 * map. Arrays that the state gave out stay where they are.
 */
int kho_state_refresh(struct kho_state *state, struct kho_error *err);

/* A state of the outgoing side from a page that may be its root; NULL when it is none. */
struct kho_state *kho_state_probe(struct kho_source *source, uint64_t addr,
				  const unsigned char *page);

/* Of every FDT that Linux makes (its copy of libfdt). */
#define KHO_FDT_VERSION	17
/* fdt_check_full() for FDTs of that version: 0, or a code of libfdt. */
int kho_fdt_check(const void *fdt, size_t size);

/* ------------------------------------------------- finding the root (live) */

/* Whether a page holds an FDT with a compatible string of KHO. */
bool kho_root_looks_like(const unsigned char *page);

/*
 * Where the kernel does not say where the root FDT is: sets fdt_addr and found_by from
 * setup_data, the kernel's symbols, or its vmlinux if there is one, which is a matter of
 * milliseconds. Of a dump only the vmlinux is asked.
 */
bool kho_root_find_quick(struct kho_state *state);

/*
 * The same by looking at all of RAM, which takes seconds for each GiB on a live machine. In
 * a dump nothing tells the incoming root; it is what looks like one and is not outgoing.
 */
int kho_root_find_scan(struct kho_state *state, struct kho_error *err);

/* The address of a symbol in /proc/kallsyms; 0 where the kernel does not tell. */
uint64_t kho_kallsyms_find(const struct kho_source *source, const char *symbol);

/*
 * Where the source's vmlinux says that the root of @side is, which is not proven. False where
 * there is no vmlinux, or no root, or where what it takes cannot be read.
 */
bool kho_vmlinux_root(struct kho_source *source, enum kho_side side, uint64_t *addr);
void kho_vmlinux_destroy(struct kho_vmlinux *vmlinux);

/* ------------------------------------- preserved-memory-map (see map.c) */

/* kho-v3 and later: a radix tree. As the functions of kho.h, but for the outgoing side only. */
struct kho_radix_iter;
int kho_radix_iter_create(struct kho_state *state, struct kho_radix_iter **out,
			  struct kho_error *err);
int kho_radix_iter_next(struct kho_radix_iter *iter, struct kho_map_entry *entry,
			struct kho_error *err);
void kho_radix_iter_destroy(struct kho_radix_iter *iter);
int kho_radix_for_each_node(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			    void *data, struct kho_error *err);
/* A bit for each block of 1 << @order pages from @addr on. */
struct kho_radix_leaf {
	uint64_t addr;
	unsigned int order;
	const uint64_t *bits;	/* KHO_RADIX_BITMAP_BITS of them, in words */
};
/*
 * Calls @fn for each leaf of the tree, order by order: much quicker than entry by entry, for
 * who does not need them sorted. 0; 1: @fn returned non-zero, which stops it; negative where
 * the tree cannot be read to its end, or has what the iterator would have to judge.
 */
int kho_radix_for_each_leaf(struct kho_state *state,
			    int (*fn)(const struct kho_radix_leaf *leaf, void *data), void *data,
			    struct kho_error *err);
/*
 * Where the preserved block that covers @addr ends; *end is 0 if none does. @size is what
 * the block most likely has: only a matter of speed.
 */
int kho_radix_covered_until(struct kho_state *state, uint64_t addr, uint64_t size,
			    uint64_t *end, struct kho_error *err);
/* The radix tree of a state; NULL and *err when it cannot be read at all. */
struct kho_radix *kho_state_radix(struct kho_state *state, struct kho_error *err);
void kho_radix_destroy(struct kho_radix *radix);

/* kho-v1: a chain of pages that name bitmaps. */
struct kho_bitmap_iter;
int kho_bitmap_iter_create(struct kho_state *state, struct kho_bitmap_iter **out,
			   struct kho_error *err);
int kho_bitmap_iter_next(struct kho_bitmap_iter *iter, struct kho_map_entry *entry,
			 struct kho_error *err);
void kho_bitmap_iter_destroy(struct kho_bitmap_iter *iter);
int kho_bitmap_for_each_node(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			     void *data, struct kho_error *err);
int kho_bitmap_covered_until(struct kho_state *state, uint64_t addr, uint64_t *end,
			     struct kho_error *err);
void kho_bitmap_destroy(struct kho_bitmap *map);

/*
 * The longest chain of blocks that is read, a GiB of records: for a kernel that takes
 * more of them than DMA_ALLOC_MAX_BLOCKS. That a chain comes to an end is seen otherwise.
 */
#define KHO_DMA_MAX_BLOCKS	(1u << 18)

/*
 * Calls @fn for each block of records, until it returns non-zero; then what the
 * walk of the chain returned: an error means that there may be more blocks.
 */
int kho_dma_for_each_block(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			   void *data, struct kho_error *err);
/* kho_dma_check_content() as a part of something else, of which it is a step. */
int kho_dma_check_content_step(struct kho_state *state, const struct kho_dma_record *record,
			       struct kho_error *err);

/* As kho_dma_iter_next(), without the names; and these, of the record that came last. */
int kho_dma_iter_next_bare(struct kho_dma_iter *iter, struct kho_dma_record *record,
			   struct kho_error *err);
void kho_dma_iter_names(const struct kho_dma_iter *iter, struct kho_dma_record *record);
/*
 * The address of the memory of a record some places further on in the block, or of nothing
 * in particular: only a matter of speed.
 */
bool kho_dma_iter_ahead(const struct kho_dma_iter *iter, size_t step, uint64_t *addr);
/* The blocks that an iterator has come by, its own; the caller may change and sort them. */
uint64_t *kho_dma_iter_blocks(struct kho_dma_iter *iter, size_t *n);

/* ---------------------------------------------------------------- helpers */

/* Addresses that were come by (not 0); begins as all zeroes. */
struct kho_addr_set {
	uint64_t *slots;
	size_t n, room;
};

/* 1: added; 0: it was there before; negative: out of memory. */
int kho_addr_set_add(struct kho_addr_set *set, uint64_t addr, struct kho_error *err);
void kho_addr_set_free(struct kho_addr_set *set);

/* Functions of a library that is loaded where it is needed; @to: a pointer to such a function. */
struct kho_library_symbol {
	const char *name;
	void *to;
};

/* All of them, of a handle of dlopen(); @name is for the error. */
int kho_library_resolve(void *library, const char *name, const struct kho_library_symbol *symbols,
			size_t nr_symbols, struct kho_error *err);

/* CRC-32C as in libkho/abi/dma_alloc.h. */
uint32_t kho_crc32c(const void *data, size_t size);
/*
 * The same with the four bytes from @field on taken for zeroes: where the sum itself is. It
 * is within the data, at a multiple of four.
 */
uint32_t kho_crc32c_without(const void *data, size_t size, size_t field);

/* 0x12ab or 4711; the whole string. False when it is not a number. */
bool kho_parse_u64(const char *text, uint64_t *value);

#endif /* KHO_INTERNAL_H */
