/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where memory is read. A kind of source is one file behind a struct kho_source_ops, and a line
 * in the table of source.c if it is a kind of file. Nobody asks what kind a source is; what
 * sources differ in are the members of struct kho_source.
 */
#ifndef KHO_SOURCE_H
#define KHO_SOURCE_H

#include "files.h"
#include "kho.h"
#include "progress.h"

struct kho_vmlinux;

struct kho_source_ops {
	/* As kho_source_read(). */
	int (*read)(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		    struct kho_error *err);
	/* The first run at or after @from that is there to be read; no two runs overlap. */
	bool (*next_run)(struct kho_source *source, uint64_t from, struct kho_range *run);
	/*
	 * The value of @key in VMCOREINFO, as text into @value. False where there is none, or where
	 * it does not fit. NULL: a kind without any.
	 */
	bool (*vmcoreinfo)(struct kho_source *source, const char *key, char *value, size_t size);
	/* The physical address of a virtual one, where the source has both. NULL: never. */
	bool (*translate)(struct kho_source *source, uint64_t vaddr, uint64_t *addr);
	/* Releases what the kind has added. */
	void (*close)(struct kho_source *source);
};

/* A kind puts this at the beginning of its own structure, which malloc() made. */
struct kho_source {
	const struct kho_source_ops *ops;
	char *path;		/* of the file, for messages */
	char release[128];	/* of the kernel, as text; "" where the source does not say it */
	char *notes;		/* of a snapshot: "key=value" lines, or NULL */
	struct kho_range *ram;	/* sorted, merged */
	size_t nr_ram;
	uint64_t bytes;		/* that it holds: a bound for the work of any reader */
	bool changes;		/* while it is read: what looks wrong may be right a moment later */
	bool has_all_ram;	/* an address that cannot be read is no RAM */
	bool cut_short;		/* it says that it has pages which are beyond its end */
	struct kho_files *files; /* of the running kernel that this is the memory of, or NULL */
	struct kho_vmlinux *vmlinux; /* what its vmlinux tells, or NULL; made by malloc() */
	kho_progress_fn progress;
	void *progress_data;
};

/* To be called first: @source is zeroed. KHO_ERR_NOMEM. */
int kho_source_init(struct kho_source *source, const struct kho_source_ops *ops, const char *path,
		    struct kho_error *err);

/* The first line of @text, which is of any origin. */
void kho_source_set_release(struct kho_source *source, const char *text);

/* The value of @key in @text, which has "key=value" lines; false where it does not fit. */
bool kho_source_line(const char *text, const char *key, char *value, size_t size);

/* As the functions of kho_source_ops; false for kinds without them. */
bool kho_source_next_run(struct kho_source *source, uint64_t from, struct kho_range *run);
bool kho_source_vmcoreinfo(struct kho_source *source, const char *key, char *value, size_t size);
bool kho_source_translate(struct kho_source *source, uint64_t vaddr, uint64_t *addr);

/* An operation of @total steps (bytes or the like), told to whom kho_source_set_progress() named. */
struct kho_progress kho_source_progress(const struct kho_source *source, uint64_t total);

/*
 * The values of @key in the notes, in order: call with *cursor NULL first. False at the end.
 * A value that does not fit is cut off.
 */
bool kho_source_note(const struct kho_source *source, const char *key, const char **cursor,
		     char *value, size_t size);

#endif /* KHO_SOURCE_H */
