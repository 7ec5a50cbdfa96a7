/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where memory is read: sources, their segments, what they say of the kernel. */
#ifndef KHO_SOURCE_H
#define KHO_SOURCE_H

#include <limits.h>
#include <sys/types.h>

#include "kho.h"

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
	char release[128];	/* of the kernel, as text; "" where the source does not say it */
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

/* The first line of @text, which is of any origin. */
void kho_source_set_release(struct kho_source *source, const char *text);

/* The address of a symbol in /proc/kallsyms; 0 where the kernel does not tell. */
uint64_t kho_kallsyms_find(const struct kho_source *source, const char *symbol);

/* The physical address of a virtual one, where the file has both. */
bool kho_source_translate(const struct kho_source *source, uint64_t vaddr, uint64_t *addr);

void kho_source_tell_progress(const struct kho_source *source, uint64_t done, uint64_t total);
/* The same by steps, of which there may be many: it is told now and then. */
void kho_source_progress_begin(struct kho_source *source, uint64_t total);
void kho_source_progress_add(struct kho_source *source, uint64_t n);

/*
 * The values of @key in the notes, in order: call with *cursor NULL first. False at the end.
 * A value that does not fit is cut off.
 */
bool kho_source_note(const struct kho_source *source, const char *key, const char **cursor,
		     char *value, size_t size);

#endif /* KHO_SOURCE_H */
