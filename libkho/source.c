// SPDX-License-Identifier: LGPL-2.1-or-later
/* Code that all sources share, and the choice of the kind for a file. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "kho_output.h"
#include "ranges.h"
#include "source.h"
#include "source_kinds.h"
#include "abi/kexec_handover.h"
#include "abi/snapshot.h"

/* Above this no machine has RAM: MAX_PHYSMEM_BITS of x86_64 and arm64. */
#define RAM_LIMIT	(1ull << 52)

/* ------------------------------------------------------------ kinds of files */

struct kind {
	const char *magic;
	size_t size;		/* of the magic */
	int (*open)(int fd, const char *path, struct kho_source **out, struct kho_error *err);
	/* for a kind that libkho cannot read: its description and the remedy */
	const char *name, *remedy;
};

static int open_elf_file(int fd, const char *path, struct kho_source **out, struct kho_error *err)
{
	return kho_elf_open(fd, path, false, out, err);
}

#define MEMORY_ONLY "Make a dump with: virsh dump --memory-only, or QEMU's dump-guest-memory."
#define UNPACK "Unpack it first."

static const struct kind kinds[] = {
	{ ELFMAG, SELFMAG, open_elf_file, NULL, NULL },
	{ "KDUMP   ", 8, kho_kdump_open, NULL, NULL },
	{ "makedumpfile\0\0\0\0", 16, NULL, "a dump in makedumpfile's flattened format",
	  "Run makedumpfile -R NEW <OLD, and use NEW." },
	{ "DISKDUMP", 8, NULL, "a dump of diskdump, which is older than KHO", "" },
	{ "LibvirtQemudSave", 16, NULL, "a machine that virsh save stored", MEMORY_ONLY },
	{ "LibvirtQemudPart", 16, NULL, "an incomplete file of virsh save",
	  MEMORY_ONLY },
	{ "QEVM", 4, NULL, "QEMU's state of a machine", MEMORY_ONLY },
	{ "QFI\xfb", 4, NULL, "a disk image (qcow2)", MEMORY_ONLY },
	{ "EMiL", 4, NULL, "a dump in LiME's format",
	  "Use a vmcore, or a snapshot that kho-inspect takes on the machine." },
	{ "AVML", 4, NULL, "a dump in AVML's format",
	  "Use a vmcore, or a snapshot that kho-inspect takes on the machine." },
	{ "PAGEDU64", 8, NULL, "a dump of Windows", "" },
	{ "\x1f\x8b", 2, NULL, "compressed with gzip", UNPACK },
	{ "\xfd" "7zXZ", 6, NULL, "compressed with xz", UNPACK },
	{ "\x28\xb5\x2f\xfd", 4, NULL, "compressed with zstd", UNPACK },
	{ "BZh", 3, NULL, "compressed with bzip2", UNPACK },
	{ "\x04\x22\x4d\x18", 4, NULL, "compressed with lz4", UNPACK },
};

static const struct kind empty_file = {
	.name = "empty", .remedy = "Take the dump again, or copy it again.",
};

static int not_readable(const char *path, const struct kind *kind, struct kho_error *err)
{
	int ret;

	if (!kind) {
		ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
			       "%s is not a dump that can be read: neither an ELF core nor a compressed dump of makedumpfile",
			       path);
		return kho_remedy(err, ret, "Use a vmcore, or a snapshot that kho-inspect takes on the machine.");
	}
	ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s is not a dump that can be read: it is %s",
		       path, kind->name);
	return kho_remedy(err, ret, "%s", kind->remedy);
}

static int not_seekable(const char *path, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
			   "%s is a pipe, and libkho must seek in a dump", path);

	return kho_remedy(err, ret, "Write the dump to a file, and use that.");
}

static const struct kind *kind_of(const char *start, size_t n)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (n >= kinds[i].size && !memcmp(start, kinds[i].magic, kinds[i].size))
			return &kinds[i];
	}
	return NULL;
}

/* ------------------------------------------------------ what a snapshot says */

/*
 * The notes of a snapshot list all RAM, while its segments hold only a few pages. They also say if
 * the dump that it was made from did not know all RAM.
 */
static int ram_from_notes(struct kho_source *source, struct kho_error *err)
{
	const char *cursor = NULL;
	struct kho_range *ram;
	char value[64];
	size_t n = 0;

	while (kho_source_note(source, "ram", &cursor, value, sizeof(value)))
		n++;
	source->knows_ram = n > 0;
	if (!n)
		return 0;
	ram = calloc(n, sizeof(*ram));
	if (!ram)
		return kho_fail_nomem(err);
	free(source->ram);
	source->ram = ram;
	source->nr_ram = 0;

	cursor = NULL;
	while (kho_source_note(source, "ram", &cursor, value, sizeof(value))) {
		if (!strcmp(value, KHO_SNAPSHOT_UNKNOWN))
			source->knows_ram = false;
		else if (!kho_parse_range(value, &ram[source->nr_ram++]))
			return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
					"%s: \"ram=%s\" in its notes is not a range", source->path, value);
	}
	source->nr_ram = kho_ranges_merge(ram, source->nr_ram);
	return 0;
}

/* A snapshot without this note is of pages of 4 KiB: others were not supported then. */
static int page_size_from_notes(struct kho_source *source, struct kho_error *err)
{
	const char *cursor = NULL;
	char value[32];
	uint64_t bytes = 1u << KHO_ABI_MIN_PAGE_SHIFT;

	if (kho_source_note(source, "page_size", &cursor, value, sizeof(value)) &&
	    !kho_parse_u64(value, &bytes))
		return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
				"%s: \"page_size=%s\" in its notes is not a number", source->path, value);
	return kho_source_take_page_size(source, bytes, err);
}

static void release_from_notes(struct kho_source *source)
{
	const char *cursor = NULL;
	char value[sizeof(source->release)];

	if (kho_source_note(source, "release", &cursor, value, sizeof(value)))
		kho_source_set_release(source, value);
}

/* ----------------------------------------------------------------- functions */

int kho_source_open_file(const char *path, struct kho_source **out, struct kho_error *err)
{
	/* do not wait for the writer of a pipe */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	struct kho_source *source;
	const struct kind *kind;
	char start[16];
	ssize_t n;

	if (fd < 0)
		return kho_fail_os(err, "open", path);
	n = pread(fd, start, sizeof(start), 0);
	if (n < 0) {
		ret = errno == ESPIPE ? not_seekable(path, err) : kho_fail_os(err, "read", path);
		close(fd);
		return ret;
	}
	kind = n ? kind_of(start, (size_t)n) : &empty_file;
	if (!kind || !kind->open) {
		close(fd);
		return not_readable(path, kind, err);
	}
	ret = kind->open(fd, path, &source, err);
	if (ret)
		return ret;

	ret = source->notes ? ram_from_notes(source, err) : 0;
	if (!ret && source->notes)
		ret = page_size_from_notes(source, err);
	if (ret) {
		kho_source_close(source);
		return ret;
	}
	release_from_notes(source);

	*out = source;
	return 0;
}

int kho_source_init(struct kho_source *source, const struct kho_source_ops *ops, const char *path,
		    struct kho_error *err)
{
	source->ops = ops;
	source->path = strdup(path);
	return source->path ? 0 : kho_fail_nomem(err);
}

void kho_source_close(struct kho_source *source)
{
	if (!source)
		return;
	source->ops->close(source);
	if (source->files)
		kho_files_close(source->files);
	free(source->files);
	free(source->vmlinux);
	free(source->path);
	free(source->cmdline);
	free(source->notes);
	free(source->ram);
	free(source);
}

int kho_source_read(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		    struct kho_error *err)
{
	return source->ops->read(source, addr, buf, size, err);
}

bool kho_source_next_run(struct kho_source *source, uint64_t from, struct kho_range *run)
{
	return source->ops->next_run(source, from, run);
}

bool kho_source_vmcoreinfo(struct kho_source *source, const char *key, char *value, size_t size)
{
	return source->ops->vmcoreinfo && source->ops->vmcoreinfo(source, key, value, size);
}

bool kho_source_translate(struct kho_source *source, uint64_t vaddr, uint64_t *addr)
{
	return source->ops->translate && source->ops->translate(source, vaddr, addr);
}

int kho_source_take_page_size(struct kho_source *source, uint64_t bytes, struct kho_error *err)
{
	unsigned int shift = bytes ? (unsigned int)__builtin_ctzll(bytes) : 0;

	/* 4, 16 or 64 KiB: the granules of arm64, and x86_64 has only the first */
	if (bytes != 1ull << shift || shift < KHO_ABI_MIN_PAGE_SHIFT || shift > KHO_ABI_MAX_PAGE_SHIFT ||
	    shift % 2 || (source->machine == EM_X86_64 && shift != KHO_ABI_MIN_PAGE_SHIFT))
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s says that its kernel has pages of %" PRIu64 " bytes, and no kernel of that architecture with KHO has such pages",
				source->path, bytes);
	source->page_shift = shift;
	return 0;
}

int kho_source_set_page_size(struct kho_source *source, unsigned int bytes, struct kho_error *err)
{
	if (!bytes || (source->page_shift && kho_source_page(source) == bytes))
		return 0;
	if (source->page_shift)
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR,
				"%s is of a kernel with pages of %" PRIu64 " bytes, not of %u", source->path,
				kho_source_page(source), bytes);
	source->page_size_given = true;
	return kho_source_take_page_size(source, bytes, err);
}

bool kho_source_in_ram(const struct kho_source *source, uint64_t addr, uint64_t size)
{
	const struct kho_range *last = source->nr_ram ? &source->ram[source->nr_ram - 1] : NULL;

	/* common case: the last range, which is all RAM above 4 GiB on a PC */
	if (last && addr >= last->addr && addr - last->addr < last->size)
		return size <= last->size - (addr - last->addr);
	return kho_ranges_contain(source->ram, source->nr_ram, addr, size);
}

bool kho_source_not_ram(const struct kho_source *source, uint64_t addr, uint64_t size)
{
	if (kho_source_in_ram(source, addr, size))
		return false;
	return source->knows_ram || addr >= RAM_LIMIT || size > RAM_LIMIT - addr;
}

void kho_source_set_release(struct kho_source *source, const char *text)
{
	kho_text(source->release, sizeof(source->release), text, strcspn(text, "\n"));
}

void kho_source_set_progress(struct kho_source *source, kho_progress_fn fn, void *data)
{
	source->progress = fn;
	source->progress_data = data;
}

struct kho_progress kho_source_progress(const struct kho_source *source, uint64_t total)
{
	return (struct kho_progress){
		.fn = source->progress, .data = source->progress_data, .total = total,
	};
}

/* ------------------------------------------------------- lines of "key=value" */

/* Finds the next line "@key=..." with a value. Returns the line after it, or NULL. */
static const char *next_line(const char *line, const char *key, const char **value, size_t *size)
{
	const size_t len = strlen(key);

	while (*line) {
		size_t n = strcspn(line, "\n");
		const char *next = line + n + (line[n] == '\n');

		if (n > len && !strncmp(line, key, len) && line[len] == '=') {
			*value = line + len + 1;
			*size = n - len - 1;
			return next;
		}
		line = next;
	}
	return NULL;
}

bool kho_source_line(const char *text, const char *key, char *value, size_t size)
{
	const char *found;
	size_t n;

	if (!next_line(text, key, &found, &n) || n >= size)
		return false;
	memcpy(value, found, n);
	value[n] = '\0';
	return true;
}

bool kho_source_note(const struct kho_source *source, const char *key, const char **cursor,
		     char *value, size_t size)
{
	const char *line = *cursor ? *cursor : source->notes, *found;
	size_t n;

	line = line ? next_line(line, key, &found, &n) : NULL;
	if (!line)
		return false;
	if (n >= size)
		n = size - 1;
	memcpy(value, found, n);
	value[n] = '\0';
	*cursor = line;
	return true;
}

int kho_source_read_file(const struct kho_source *source, const char *path, size_t max, char **out,
			 size_t *size, struct kho_error *err)
{
	if (!source->files)
		return kho_fail(err, KHO_ERR_NOT_PRESENT, KHO_NO_ADDR,
				"%s is not memory of the running kernel", source->path);
	return kho_files_read(source->files, path, max, out, size, err);
}
