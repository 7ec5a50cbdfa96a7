/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading of memory. Each kind of source is one file that implements struct kho_source_ops; a kind
 * of file also has a line in the table of source.c. Other code does not ask for the kind: it uses
 * the members of struct kho_source.
 */
#ifndef KHO_SOURCE_H
#define KHO_SOURCE_H

#include "files.h"
#include "kho.h"
#include "progress.h"

struct kho_vmlinux;

struct kho_source_ops {
	/* Implements kho_source_read(). */
	int (*read)(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		    struct kho_error *err);
	/* Finds the first readable run at or after @from. Runs do not overlap. May leave out pages of zeroes. */
	bool (*next_run)(struct kho_source *source, uint64_t from, struct kho_range *run);
	/* Copies the value of @key in VMCOREINFO. False if missing or too long. May be NULL. */
	bool (*vmcoreinfo)(struct kho_source *source, const char *key, char *value, size_t size);
	/* Translates a virtual address. False if unknown. May be NULL. */
	bool (*translate)(struct kho_source *source, uint64_t vaddr, uint64_t *addr);
	/* Releases the kind's own members. */
	void (*close)(struct kho_source *source);
};

/* First member of the structure of each kind, which malloc() made. */
struct kho_source {
	const struct kho_source_ops *ops;
	char *path;		/* of the file, for messages */
	char release[128];	/* of the kernel, output of kho_text(); "" if unknown */
	char *cmdline;		/* of the running kernel; NULL: unknown */
	char *notes;		/* of a snapshot: "key=value" lines, or NULL */
	unsigned int machine;	/* ELF number of the architecture; 0: unknown */
	unsigned int page_shift; /* PAGE_SHIFT of the kernel; 0: unknown, and no state can be opened */
	bool page_size_given;	/* by the caller, and the source does not say it */
	struct kho_range *ram;	/* sorted, merged; has at least the memory in the file */
	size_t nr_ram;
	bool knows_ram;		/* ram[] is all RAM; otherwise the machine may have more */
	uint64_t bytes;		/* size of its memory: bounds the work of readers */
	uint64_t stored;	/* bytes of it that the file system has: not holes; 0: unknown */
	bool changes;		/* memory changes during reads, so errors may be transient */
	bool has_all_ram;	/* an unreadable address is not RAM */
	bool cut_short;		/* it claims pages or tables beyond its end */
	bool incomplete;	/* the program that wrote it says so */
	struct kho_files *files; /* of the running kernel; NULL: a dump */
	struct kho_vmlinux *vmlinux; /* data from its vmlinux, or NULL; made by malloc() */
	kho_progress_fn progress;
	void *progress_data;
};

/* Call this first, with a zeroed @source. KHO_ERR_NOMEM. */
int kho_source_init(struct kho_source *source, const struct kho_source_ops *ops, const char *path,
		    struct kho_error *err);

/* Sets the release to the first line of @text, which is not trusted. */
void kho_source_set_release(struct kho_source *source, const char *text);

/* Copies the value of @key in @text, lines of "key=value". False if missing or too long. */
bool kho_source_line(const char *text, const char *key, char *value, size_t size);

/* Bytes of a page of the kernel, which KHO's formats count in. Only if page_shift is known. */
static inline uint64_t kho_source_page(const struct kho_source *source)
{
	return 1ull << source->page_shift;
}

/* Sets the page size to @bytes. KHO_ERR_UNSUPPORTED: no kernel with KHO has such pages. */
int kho_source_take_page_size(struct kho_source *source, uint64_t bytes, struct kho_error *err);

/* Call the functions of kho_source_ops; false for kinds without them. */
bool kho_source_next_run(struct kho_source *source, uint64_t from, struct kho_range *run);
bool kho_source_vmcoreinfo(struct kho_source *source, const char *key, char *value, size_t size);
bool kho_source_translate(struct kho_source *source, uint64_t vaddr, uint64_t *addr);

/* True if all of [addr, addr+size) is certainly RAM. */
bool kho_source_in_ram(const struct kho_source *source, uint64_t addr, uint64_t size);
/* True if a part of [addr, addr+size) is certainly not RAM. A dump may not list all RAM. */
bool kho_source_not_ram(const struct kho_source *source, uint64_t addr, uint64_t size);

/* Progress of an operation of @total steps, for the function of kho_source_set_progress(). */
struct kho_progress kho_source_progress(const struct kho_source *source, uint64_t total);

/*
 * Copies the next value of @key in the notes, truncated to fit. *cursor is NULL at the first call.
 * False at the end.
 */
bool kho_source_note(const struct kho_source *source, const char *key, const char **cursor,
		     char *value, size_t size);

#endif /* KHO_SOURCE_H */
