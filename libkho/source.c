// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Physical memory as a table of segments of a file: ELF cores, which our snapshots and
 * /proc/kcore are too. Other dumps are read by source_kdump.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "kho_output.h"
#include "ranges.h"
#include "source.h"
#include "vmlinux.h"
#include "abi/kexec_handover.h"
#include "abi/snapshot.h"

/* More program headers than any dump has; a bound for what a file may ask for. */
#define MAX_PHDRS	(1u << 22)
#define MAX_NOTES	(16u << 20)
/* what the kernel (and QEMU for it) says of itself in a dump; OSRELEASE comes first */
#define VMCOREINFO	"VMCOREINFO"

/* ------------------------------------------------------------------- ELF */

static int segment_compare(const void *a, const void *b)
{
	const struct kho_segment *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

/*
 * A segment that is RAM at a known physical address. /proc/kcore gives -1 for
 * what is only virtual (fs/proc/kcore.c), and a second view of the kernel's own
 * text at the top of the address space, which the direct mapping has as well.
 */
static bool phdr_is_memory(const GElf_Phdr *phdr, bool live, GElf_Half machine)
{
	uint64_t size = phdr->p_memsz > phdr->p_filesz ? phdr->p_memsz : phdr->p_filesz;
	uint64_t end;

	if (phdr->p_type != PT_LOAD || !size)
		return false;
	if (phdr->p_paddr == UINT64_MAX || __builtin_add_overflow(phdr->p_paddr, size, &end))
		return false;
	if (__builtin_add_overflow(phdr->p_offset, phdr->p_filesz, &end) || end > INT64_MAX)
		return false;
	if (live && machine == EM_X86_64 && phdr->p_vaddr >= 0xffffffff80000000ull)
		return false;
	return true;
}

void kho_source_set_release(struct kho_source *source, const char *text)
{
	kho_text(source->release, sizeof(source->release), text, strcspn(text, "\n"));
}

/* Lines of text; the first says which kernel it was. */
static int read_vmcoreinfo(struct kho_source *source, const char *text, size_t size,
			   struct kho_error *err)
{
	char release[128];

	if (source->vmcoreinfo)
		return 0;
	source->vmcoreinfo = strndup(text, size);
	if (!source->vmcoreinfo)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	if (!kho_source_vmcoreinfo(source, "OSRELEASE", release, sizeof(release)))
		return 0;
	kho_source_set_release(source, release);
	return 0;
}

static int read_notes(struct kho_source *source, Elf *elf, const GElf_Phdr *phdr,
		      struct kho_error *err)
{
	size_t offset = 0, name, desc;
	Elf_Data *data;
	GElf_Nhdr note;
	int ret;

	if (phdr->p_filesz > MAX_NOTES || phdr->p_offset > INT64_MAX)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: its notes are too large", source->path);

	data = elf_getdata_rawchunk(elf, (int64_t)phdr->p_offset, phdr->p_filesz,
				    phdr->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	if (!data)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s: cannot read its notes: %s",
				source->path, elf_errmsg(-1));

	while ((offset = gelf_getnote(data, offset, &note, &name, &desc)) > 0) {
		const char *base = data->d_buf;

		if (note.n_namesz == sizeof(VMCOREINFO) &&
		    !memcmp(base + name, VMCOREINFO, sizeof(VMCOREINFO))) {
			ret = read_vmcoreinfo(source, base + desc, note.n_descsz, err);
			if (ret)
				return ret;
		}
		if (source->live || source->notes || note.n_type != KHO_SNAPSHOT_NOTE_TYPE ||
		    note.n_namesz != sizeof(KHO_SNAPSHOT_NOTE_NAME) ||
		    memcmp(base + name, KHO_SNAPSHOT_NOTE_NAME, note.n_namesz))
			continue;

		source->notes = strndup(base + desc, note.n_descsz);
		if (!source->notes)
			return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	}
	return 0;
}

static int read_phdrs(struct kho_source *source, Elf *elf, struct kho_error *err)
{
	GElf_Ehdr ehdr;
	GElf_Phdr phdr;
	size_t n;
	int ret;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr) ||
	    ehdr.e_type != ET_CORE || elf_getphdrnum(elf, &n))
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s is not an ELF core",
				source->path);
	if (ehdr.e_ident[EI_DATA] != KHO_ELF_BYTE_ORDER)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s is of a machine with the other byte order", source->path);
	if (!n || n > MAX_PHDRS)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s has %zu program headers", source->path, n);

	source->segments = calloc(n, sizeof(*source->segments));
	source->ram = calloc(n, sizeof(*source->ram));
	source->mappings = calloc(n, sizeof(*source->mappings));
	if (!source->segments || !source->ram || !source->mappings)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");

	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, (int)i, &phdr))
			return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
					"%s: cannot read program header %zu: %s",
					source->path, i, elf_errmsg(-1));
		if (phdr.p_type == PT_NOTE) {
			ret = read_notes(source, elf, &phdr, err);
			/* of a running kernel hardly anything depends on them */
			if (ret && !source->live)
				return ret;
		}
		if (phdr.p_type == PT_LOAD && phdr.p_vaddr && phdr.p_paddr != UINT64_MAX)
			source->mappings[source->nr_mappings++] = (struct kho_mapping){
				phdr.p_vaddr, phdr.p_paddr, phdr.p_memsz,
			};
		if (!phdr_is_memory(&phdr, source->live, ehdr.e_machine))
			continue;

		/* a dump may leave pages out: they are RAM, and not present */
		if (phdr.p_filesz)
			source->segments[source->nr_segments++] = (struct kho_segment){
				phdr.p_paddr, phdr.p_filesz, phdr.p_offset,
			};
		source->ram[source->nr_ram++] = (struct kho_range){
			phdr.p_paddr, phdr.p_memsz > phdr.p_filesz ? phdr.p_memsz : phdr.p_filesz,
		};
	}

	qsort(source->segments, source->nr_segments, sizeof(*source->segments),
	      segment_compare);
	source->nr_ram = kho_ranges_merge(source->ram, source->nr_ram);
	return 0;
}

static int open_elf(struct kho_source *source, struct kho_error *err)
{
	Elf *elf = elf_begin(source->fd, ELF_C_READ, NULL);
	int ret;

	if (!elf)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s is not an ELF core: %s",
				source->path, elf_errmsg(-1));

	ret = read_phdrs(source, elf, err);
	elf_end(elf);
	return ret;
}

static bool is_elf(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

static int source_open(const char *path, bool live, struct kho_source **out,
		       struct kho_error *err)
{
	struct kho_source *source;
	int ret;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR, "libelf is too old");

	source = calloc(1, sizeof(*source));
	if (!source)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	source->live = live;
	source->fd = -1;
	source->path = strdup(path);
	if (!source->path) {
		ret = kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
		goto err;
	}

	source->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0) {
		ret = kho_fail_os(err, "open", path);
		goto err;
	}

	ret = live || is_elf(source->fd) ? open_elf(source, err) : kho_kdump_open(source, err);
	if (ret)
		goto err;

	*out = source;
	return 0;

err:
	kho_source_close(source);
	return ret;
}

int kho_source_open_kcore(const char *path, struct kho_source **out, struct kho_error *err)
{
	return source_open(path, true, out, err);
}

/* A snapshot knows what was RAM, though it holds only a few pages of it. */
static int ram_from_notes(struct kho_source *source, struct kho_error *err)
{
	const char *cursor = NULL;
	struct kho_range *ram;
	char value[64];
	size_t n = 0;

	for (; kho_source_note(source, "ram", &cursor, value, sizeof(value)); n++)
		;
	ram = calloc(n + 1, sizeof(*ram));
	if (!ram)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	free(source->ram);
	source->ram = ram;
	source->nr_ram = 0;

	cursor = NULL;
	while (kho_source_note(source, "ram", &cursor, value, sizeof(value))) {
		if (!kho_parse_range(value, &ram[source->nr_ram++]))
			return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
					"%s: \"ram=%s\" in its notes is no range", source->path, value);
	}
	source->nr_ram = kho_ranges_merge(ram, source->nr_ram);
	return 0;
}

static void release_from_notes(struct kho_source *source)
{
	const char *cursor = NULL;
	char value[sizeof(source->release)];

	if (kho_source_note(source, "release", &cursor, value, sizeof(value)))
		kho_source_set_release(source, value);
}

int kho_source_open_file(const char *path, struct kho_source **out, struct kho_error *err)
{
	struct kho_source *source;
	int ret;

	ret = source_open(path, false, &source, err);
	if (ret)
		return ret;

	ret = source->notes ? ram_from_notes(source, err) : 0;
	if (ret) {
		kho_source_close(source);
		return ret;
	}
	release_from_notes(source);

	*out = source;
	return 0;
}

void kho_source_close(struct kho_source *source)
{
	if (!source)
		return;
	if (source->fd >= 0)
		close(source->fd);
	kho_kdump_close(source->kdump);
	kho_vmlinux_destroy(source->vmlinux);
	free(source->vmcoreinfo);
	free(source->ahead);
	free(source->path);
	free(source->sysroot);
	free(source->notes);
	free(source->segments);
	free(source->mappings);
	free(source->ram);
	free(source);
}

/* ---------------------------------------------------------------- reading */

static const struct kho_segment *segment_find(const struct kho_source *source,
					      uint64_t addr)
{
	size_t low = 0, high = source->nr_segments;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct kho_segment *segment = &source->segments[mid];

		if (addr < segment->addr)
			high = mid;
		else if (addr - segment->addr >= segment->size)
			low = mid + 1;
		else
			return segment;
	}
	return NULL;
}

static int read_fully(const struct kho_source *source, uint64_t offset, void *buf,
		      size_t size, uint64_t addr, struct kho_error *err)
{
	while (size) {
		ssize_t n = pread(source->fd, buf, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		/* EIO and EFAULT of live memory: this place, not the tool, is at fault */
		if (n < 0 && errno != EIO && errno != EFAULT)
			return kho_fail_os(err, "read", source->path);
		if (n <= 0)
			return kho_fail(err, KHO_ERR_NOT_PRESENT, addr,
					"%s: memory at 0x%" PRIx64 " cannot be read",
					source->path, addr);

		buf = (char *)buf + n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/*
 * Metadata are pages here and there, but of a file that was made from them they stand
 * close together, and one large read takes little longer than a small one. So where one
 * small read follows another in the file, what comes after it is read with it. Not of
 * live memory, which changes.
 */
static bool read_ahead(struct kho_source *source, uint64_t offset, void *buf, size_t size)
{
	bool follows = offset >= source->ahead_offset &&
		       offset - source->ahead_offset < 2 * KHO_READ_AHEAD;
	ssize_t n;

	if (source->live || size > KHO_ABI_PAGE_SIZE)
		return false;
	if (follows && offset - source->ahead_offset < source->ahead_size &&
	    size <= source->ahead_size - (offset - source->ahead_offset)) {
		memcpy(buf, source->ahead + (offset - source->ahead_offset), size);
		return true;
	}

	source->ahead_offset = offset;
	source->ahead_size = 0;
	if (!follows)
		return false;
	if (!source->ahead)
		source->ahead = malloc(KHO_READ_AHEAD);
	if (!source->ahead)
		return false;
	n = pread(source->fd, source->ahead, KHO_READ_AHEAD, (off_t)offset);
	if (n < (ssize_t)size)
		return false;	/* the usual way says why */
	source->ahead_size = (size_t)n;
	memcpy(buf, source->ahead, size);
	return true;
}

int kho_source_read(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		    struct kho_error *err)
{
	if (source->kdump)
		return kho_kdump_read(source, addr, buf, size, err);

	while (size) {
		const struct kho_segment *segment = segment_find(source, addr);
		uint64_t skip, chunk;
		int ret;

		if (!segment)
			return kho_fail(err, KHO_ERR_NOT_PRESENT, addr,
					"%s has no memory at 0x%" PRIx64, source->path, addr);

		skip = addr - segment->addr;
		chunk = segment->size - skip;
		if (chunk > size)
			chunk = size;

		if (!read_ahead(source, segment->offset + skip, buf, chunk)) {
			ret = read_fully(source, segment->offset + skip, buf, chunk, addr, err);
			if (ret)
				return ret;
		}

		buf = (char *)buf + chunk;
		addr += chunk;
		size -= chunk;
	}
	return 0;
}

bool kho_source_translate(const struct kho_source *source, uint64_t vaddr, uint64_t *addr)
{
	for (size_t i = 0; i < source->nr_mappings; i++) {
		const struct kho_mapping *mapping = &source->mappings[i];

		if (vaddr >= mapping->vaddr && vaddr - mapping->vaddr < mapping->size)
			return !__builtin_add_overflow(mapping->addr, vaddr - mapping->vaddr, addr);
	}
	return false;
}

/* The text after "key=" in one of the lines. */
static bool line_value(const char *text, const char *key, char *value, size_t size)
{
	const size_t len = strlen(key);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t n;

		if (strncmp(line, key, len) || line[len] != '=')
			continue;
		line += len + 1;
		n = strcspn(line, "\n");
		if (n >= size)
			return false;
		memcpy(value, line, n);
		value[n] = '\0';
		return true;
	}
	return false;
}

bool kho_source_vmcoreinfo(const struct kho_source *source, const char *key, char *value,
			   size_t size)
{
	if (source->kdump)
		return kho_kdump_vmcoreinfo(source->kdump, key, value, size);
	return source->vmcoreinfo && line_value(source->vmcoreinfo, key, value, size);
}

void kho_source_set_progress(struct kho_source *source, kho_progress_fn fn, void *data)
{
	source->progress = fn;
	source->progress_data = data;
}

void kho_source_tell_progress(const struct kho_source *source, uint64_t done, uint64_t total)
{
	if (source->progress)
		source->progress(done, total, source->progress_data);
}

void kho_source_progress_begin(struct kho_source *source, uint64_t total)
{
	source->progress_done = 0;
	source->progress_told = 0;
	source->progress_total = total;
}

void kho_source_progress_add(struct kho_source *source, uint64_t n)
{
	uint64_t left = source->progress_total - source->progress_done;

	if (!source->progress)
		return;
	/* what was announced may have been less */
	source->progress_done += n < left ? n : left;
	if (source->progress_done - source->progress_told <= source->progress_total / 256 &&
	    source->progress_done < source->progress_total)
		return;
	source->progress_told = source->progress_done;
	kho_source_tell_progress(source, source->progress_done, source->progress_total);
}

bool kho_source_note(const struct kho_source *source, const char *key, const char **cursor,
		     char *value, size_t size)
{
	const char *line = *cursor ? *cursor : source->notes;
	size_t len = strlen(key);

	while (line && *line) {
		size_t n = strcspn(line, "\n");
		const char *next = line + n + (line[n] == '\n');

		if (n > len && !strncmp(line, key, len) && line[len] == '=') {
			snprintf(value, size, "%.*s", (int)(n - len - 1), line + len + 1);
			*cursor = next;
			return true;
		}
		line = next;
	}
	return false;
}
