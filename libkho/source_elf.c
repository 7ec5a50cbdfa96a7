// SPDX-License-Identifier: LGPL-2.1-or-later
/* ELF cores: vmcores, snapshots, dumps of QEMU's dump-guest-memory, and /proc/kcore. */
#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"
#include "ranges.h"
#include "source_kinds.h"
#include "abi/kexec_handover.h"
#include "abi/snapshot.h"

/* More program headers than any dump has: bounds the memory that a file can demand. */
#define MAX_PHDRS	(1u << 22)
/* Bytes of all notes: VMCOREINFO, the registers of thousands of CPUs, a snapshot's lines. */
#define MAX_NOTES	(16u << 20)
/* the kernel's (or QEMU's) note about the kernel */
#define VMCOREINFO	"VMCOREINFO"
/* note about a CPU of x86 (target/i386/arch_dump.c of QEMU) */
#define QEMU		"QEMU"
/* start of the mapping of the kernel's image on x86_64 */
#define KERNEL_IMAGE	0xffffffff80000000ull

struct segment {
	uint64_t addr;		/* physical */
	uint64_t size;		/* bytes in the file */
	uint64_t offset;	/* in the file */
};

/* A range of virtual addresses that the file describes. */
struct mapping {
	uint64_t vaddr;
	uint64_t addr;
	uint64_t size;
};

struct elf {
	struct kho_source source;
	int fd;
	bool live;
	uint64_t file_size;	/* UINT64_MAX of live memory */
	char *vmcoreinfo;	/* "key=value" lines, or NULL */
	bool of_qemu;		/* QEMU wrote it */
	bool has_holes;		/* a segment has less bytes in the file than in memory */
	struct segment *segments; /* sorted by address, without overlap */
	size_t nr_segments;
	struct mapping *mappings; /* any order */
	size_t nr_mappings;
	size_t notes_left;	/* bytes of notes that may still be read */
};

static struct elf *elf_of(struct kho_source *source)
{
	return (struct elf *)source;
}

/* -------------------------------------------------------------------- notes */

static bool is_note(const GElf_Nhdr *note, const char *base, size_t name, const char *expected)
{
	return note->n_namesz == strlen(expected) + 1 &&
	       !memcmp(base + name, expected, note->n_namesz);
}

static int take_text(char **to, const char *text, size_t size, struct kho_error *err)
{
	*to = strndup(text, size);
	return *to ? 0 : kho_fail_nomem(err);
}

static int take_notes(struct elf *elf, Elf_Data *data, struct kho_error *err)
{
	size_t offset = 0, name, desc;
	GElf_Nhdr note;
	int ret = 0;

	while (!ret && (offset = gelf_getnote(data, offset, &note, &name, &desc)) > 0) {
		const char *base = data->d_buf;

		if (!elf->vmcoreinfo && is_note(&note, base, name, VMCOREINFO))
			ret = take_text(&elf->vmcoreinfo, base + desc, note.n_descsz, err);
		elf->of_qemu |= is_note(&note, base, name, QEMU);
		if (!elf->live && !elf->source.notes && note.n_type == KHO_SNAPSHOT_NOTE_TYPE &&
		    is_note(&note, base, name, KHO_SNAPSHOT_NOTE_NAME))
			ret = take_text(&elf->source.notes, base + desc, note.n_descsz, err);
	}
	return ret;
}

/*
 * Reads the notes without libelf, which keeps a copy for each program header until it closes
 * the file: thousands of headers may name the same bytes.
 */
static int read_notes(struct elf *elf, const GElf_Phdr *phdr, struct kho_error *err)
{
	Elf_Data data = {
		.d_type = phdr->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR, .d_version = EV_CURRENT,
	};
	ssize_t n;
	int ret;

	if (phdr->p_filesz > elf->notes_left || phdr->p_offset > INT64_MAX)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: its notes have more bytes than the file, or than %u",
				elf->source.path, MAX_NOTES);
	elf->notes_left -= phdr->p_filesz;
	data.d_buf = malloc(phdr->p_filesz + 1);
	if (!data.d_buf)
		return kho_fail_nomem(err);

	n = pread(elf->fd, data.d_buf, phdr->p_filesz, (off_t)phdr->p_offset);
	if (n < 0) {
		ret = kho_fail_os(err, "read the notes of", elf->source.path);
	} else {
		data.d_size = (size_t)n;
		ret = take_notes(elf, &data, err);
	}
	free(data.d_buf);
	return ret;
}

/* ----------------------------------------------------------------- segments */

/*
 * True for a segment of RAM at a known physical address. In /proc/kcore, -1 stands
 * for memory that is only virtual (fs/proc/kcore.c), and the kernel's image at the
 * top of the address space is also in the direct mapping.
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
	if (live && machine == EM_X86_64 && phdr->p_vaddr >= KERNEL_IMAGE)
		return false;
	return true;
}

/* Pages that the dump excludes (p_memsz > p_filesz) or has lost are RAM, but not present. */
static void add_segment(struct elf *elf, const GElf_Phdr *phdr)
{
	uint64_t there = phdr->p_offset < elf->file_size ? elf->file_size - phdr->p_offset : 0;

	if (there < phdr->p_filesz)
		elf->source.cut_short = true;
	else
		there = phdr->p_filesz;
	if (there)
		elf->segments[elf->nr_segments++] = (struct segment){
			phdr->p_paddr, there, phdr->p_offset,
		};
}

static int segment_compare(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

/*
 * Sorts the segments and cuts off overlaps: a vmcore contains the kernel's text a second time.
 */
static void separate_segments(struct elf *elf)
{
	uint64_t end = 0, sum = 0;
	size_t kept = 0;

	qsort(elf->segments, elf->nr_segments, sizeof(*elf->segments), segment_compare);
	for (size_t i = 0; i < elf->nr_segments; i++) {
		struct segment s = elf->segments[i];
		uint64_t skip = s.addr < end ? end - s.addr : 0;

		if (skip >= s.size)
			continue;
		s.addr += skip;
		s.offset += skip;
		s.size -= skip;
		end = s.addr + s.size;
		elf->segments[kept++] = s;
		sum = sum > UINT64_MAX - s.size ? UINT64_MAX : sum + s.size;
	}
	elf->nr_segments = kept;
	/* several segments may use the same bytes of the file */
	elf->source.bytes = sum < elf->file_size ? sum : elf->file_size;
}

static int read_phdr(struct elf *elf, const GElf_Phdr *phdr, GElf_Half machine,
		     struct kho_error *err)
{
	struct kho_source *source = &elf->source;
	int ret;

	if (phdr->p_type == PT_NOTE) {
		ret = read_notes(elf, phdr, err);
		/* a live source hardly needs the notes */
		return elf->live ? 0 : ret;
	}
	if (phdr->p_type == PT_LOAD && phdr->p_vaddr && phdr->p_paddr != UINT64_MAX)
		elf->mappings[elf->nr_mappings++] = (struct mapping){
			phdr->p_vaddr, phdr->p_paddr, phdr->p_memsz,
		};
	if (!phdr_is_memory(phdr, elf->live, machine))
		return 0;
	add_segment(elf, phdr);
	elf->has_holes |= phdr->p_memsz > phdr->p_filesz;
	source->ram[source->nr_ram++] = (struct kho_range){
		phdr->p_paddr, phdr->p_memsz > phdr->p_filesz ? phdr->p_memsz : phdr->p_filesz,
	};
	return 0;
}

/*
 * True for the core of a process: it has no physical addresses. The core of a kernel has at most one
 * segment at 0.
 */
static bool is_of_process(const struct elf *elf)
{
	if (elf->live || elf->vmcoreinfo || elf->nr_mappings < 2)
		return false;
	for (size_t i = 0; i < elf->nr_mappings; i++) {
		if (elf->mappings[i].addr)
			return false;
	}
	return true;
}

/* True if Linux 7.3 can have KHO there. kexec-tools writes EM_386 for small x86_64 machines too. */
static bool has_kho(GElf_Half machine)
{
	return machine == EM_X86_64 || machine == EM_386 || machine == EM_AARCH64;
}

static int refuse_machine(const struct elf *elf, GElf_Half machine, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "%s is the core of a machine (ELF number %u) that has no KHO: only x86_64 and arm64 have it",
			   elf->source.path, (unsigned int)machine);

	return kho_remedy(err, ret, "Use a dump of the machine that hands state over.");
}

static int refuse_no_phdrs(const struct elf *elf, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
			   "%s has 0 program headers, like a dump of Xen (xl dump-core)", elf->source.path);

	return kho_remedy(err, ret, "Use a vmcore of kdump, or a snapshot that kho-inspect takes on the machine.");
}

static int refuse_process(const struct elf *elf, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
			   "%s is the core of a process, not of a kernel: it has no physical addresses",
			   elf->source.path);

	return kho_remedy(err, ret, "Use a vmcore, or a snapshot that kho-inspect takes on the machine.");
}

static int read_phdrs(struct elf *elf, Elf *file, struct kho_error *err)
{
	struct kho_source *source = &elf->source;
	GElf_Ehdr ehdr;
	GElf_Phdr phdr;
	size_t n;
	int ret;

	if (elf_kind(file) != ELF_K_ELF || !gelf_getehdr(file, &ehdr) ||
	    ehdr.e_type != ET_CORE || elf_getphdrnum(file, &n)) {
		ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s is not an ELF core",
			       source->path);
		return kho_remedy(err, ret, "Use a vmcore, or a snapshot that kho-inspect takes on the machine.");
	}
	if (ehdr.e_ident[EI_DATA] != KHO_ELF_BYTE_ORDER)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s is of a machine with the other byte order", source->path);
	if (!elf->live && !has_kho(ehdr.e_machine))
		return refuse_machine(elf, ehdr.e_machine, err);
	source->machine = ehdr.e_machine == EM_386 ? EM_X86_64 : ehdr.e_machine;
	if (!n)
		return refuse_no_phdrs(elf, err);
	if (n > MAX_PHDRS || n > elf->file_size / sizeof(Elf32_Phdr))
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s has %zu program headers", source->path, n);

	elf->segments = calloc(n, sizeof(*elf->segments));
	elf->mappings = calloc(n, sizeof(*elf->mappings));
	source->ram = calloc(n, sizeof(*source->ram));
	if (!elf->segments || !elf->mappings || !source->ram)
		return kho_fail_nomem(err);

	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(file, (int)i, &phdr))
			return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
					"%s: cannot read program header %zu: %s",
					source->path, i, elf_errmsg(-1));
		ret = read_phdr(elf, &phdr, ehdr.e_machine, err);
		if (ret)
			return ret;
	}
	if (is_of_process(elf))
		return refuse_process(elf, err);
	separate_segments(elf);
	source->nr_ram = kho_ranges_merge(source->ram, source->nr_ram);
	return 0;
}

/* VMCOREINFO gives the page size, also in /proc/kcore. Without it only x86_64 leaves no choice. */
static int read_page_size(struct elf *elf, struct kho_error *err)
{
	char text[24];

	if (elf->vmcoreinfo && kho_source_line(elf->vmcoreinfo, "PAGESIZE", text, sizeof(text)))
		return kho_source_take_page_size(&elf->source, strtoull(text, NULL, 10), err);
	if (elf->source.machine == EM_X86_64)
		elf->source.page_shift = KHO_ABI_MIN_PAGE_SHIFT;
	return 0;
}

/*
 * True if the program headers list all RAM. Those of /proc/kcore do, and those of a vmcore, which the
 * kernel or kexec-tools makes (crash_prepare_elf64_headers() in kernel/crash_core.c): only they have
 * VMCOREINFO and virtual addresses. So do those of a program that lists memory without its content.
 * QEMU's dump-guest-memory BEGIN LENGTH lists only what it was asked for, and nothing says so.
 */
static bool lists_ram(const struct elf *elf)
{
	return elf->live || elf->has_holes ||
	       (elf->vmcoreinfo && elf->nr_mappings && !elf->of_qemu);
}

static int read_file(struct elf *elf, struct kho_error *err)
{
	char release[sizeof(elf->source.release)];
	Elf *file;
	int ret;

	file = elf_begin(elf->fd, ELF_C_READ, NULL);
	if (!file)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s is not an ELF core: %s",
				elf->source.path, elf_errmsg(-1));
	ret = read_phdrs(elf, file, err);
	elf_end(file);
	elf->source.knows_ram = lists_ram(elf);
	if (!ret)
		ret = read_page_size(elf, err);
	if (!ret && elf->vmcoreinfo &&
	    kho_source_line(elf->vmcoreinfo, "OSRELEASE", release, sizeof(release)))
		kho_source_set_release(&elf->source, release);
	return ret;
}

/* ------------------------------------------------------------------ reading */

/* The first segment that ends after @addr, or NULL. */
static const struct segment *segment_from(const struct elf *elf, uint64_t addr)
{
	size_t low = 0, high = elf->nr_segments;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct segment *s = &elf->segments[mid];

		if (addr >= s->addr && addr - s->addr >= s->size)
			low = mid + 1;
		else
			high = mid;
	}
	return low < elf->nr_segments ? &elf->segments[low] : NULL;
}

static int not_there(const struct elf *elf, uint64_t addr, struct kho_error *err)
{
	if (elf->source.cut_short)
		return kho_fail(err, KHO_ERR_NOT_PRESENT, addr,
				"%s is cut short: it has no memory at 0x%" PRIx64, elf->source.path,
				addr);
	return kho_fail(err, KHO_ERR_NOT_PRESENT, addr, "%s has no memory at 0x%" PRIx64,
			elf->source.path, addr);
}

static int read_fully(const struct elf *elf, uint64_t offset, void *buf, size_t size,
		      uint64_t addr, struct kho_error *err)
{
	while (size) {
		ssize_t n = pread(elf->fd, buf, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		/* EIO and EFAULT on live memory concern this address only */
		if (n < 0 && errno != EIO && errno != EFAULT)
			return kho_fail_os(err, "read", elf->source.path);
		if (n <= 0)
			return kho_fail(err, KHO_ERR_NOT_PRESENT, addr,
					"%s: memory at 0x%" PRIx64 " cannot be read",
					elf->source.path, addr);

		buf = (char *)buf + n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

static int elf_read(struct kho_source *source, uint64_t addr, void *buf, size_t size,
		    struct kho_error *err)
{
	struct elf *elf = elf_of(source);

	while (size) {
		const struct segment *segment = segment_from(elf, addr);
		uint64_t skip, chunk;
		int ret;

		if (!segment || addr < segment->addr)
			return not_there(elf, addr, err);

		skip = addr - segment->addr;
		chunk = segment->size - skip;
		if (chunk > size)
			chunk = size;

		ret = read_fully(elf, segment->offset + skip, buf, chunk, addr, err);
		if (ret)
			return ret;

		buf = (char *)buf + chunk;
		addr += chunk;
		size -= chunk;
	}
	return 0;
}

/*
 * Leaves out the holes at both ends of a run, but never a part of a page: a sparse file may claim any size, and
 * a search finds only zeroes there. False if nothing remains. A file system that does not know holes has none.
 */
static bool without_holes(const struct elf *elf, const struct segment *segment, struct kho_range *run)
{
	const uint64_t mask = kho_source_page(&elf->source) - 1;
	const uint64_t offset = segment->offset + (run->addr - segment->addr);
	off_t data = elf->live ? -1 : lseek(elf->fd, (off_t)offset, SEEK_DATA), hole;
	uint64_t skip, size;

	if (data < 0)
		return elf->live || errno != ENXIO;
	skip = (uint64_t)data - offset;
	if (skip >= run->size)
		return false;
	hole = lseek(elf->fd, data, SEEK_HOLE);
	size = hole > data ? (uint64_t)hole - offset : run->size;
	if (size < run->size)
		size += -(run->addr + size) & mask;
	if (size < run->size)
		run->size = size;
	skip -= skip < ((run->addr + skip) & mask) ? skip : (run->addr + skip) & mask;
	run->addr += skip;
	run->size -= skip;
	return true;
}

static bool elf_next_run(struct kho_source *source, uint64_t from, struct kho_range *run)
{
	const struct elf *elf = elf_of(source);
	const struct segment *segment = segment_from(elf, from), *end = elf->segments + elf->nr_segments;

	for (; segment && segment < end; segment++) {
		if (from < segment->addr)
			from = segment->addr;
		*run = (struct kho_range){ from, segment->size - (from - segment->addr) };
		if (without_holes(elf, segment, run))
			return true;
	}
	return false;
}

static bool elf_vmcoreinfo(struct kho_source *source, const char *key, char *value, size_t size)
{
	const struct elf *elf = elf_of(source);

	return elf->vmcoreinfo && kho_source_line(elf->vmcoreinfo, key, value, size);
}

static bool elf_translate(struct kho_source *source, uint64_t vaddr, uint64_t *addr)
{
	const struct elf *elf = elf_of(source);

	for (size_t i = 0; i < elf->nr_mappings; i++) {
		const struct mapping *mapping = &elf->mappings[i];

		if (vaddr >= mapping->vaddr && vaddr - mapping->vaddr < mapping->size)
			return !__builtin_add_overflow(mapping->addr, vaddr - mapping->vaddr, addr);
	}
	return false;
}

bool kho_elf_place(struct kho_source *source, uint64_t addr, uint64_t *offset)
{
	const struct segment *segment = segment_from(elf_of(source), addr);

	if (!segment || addr < segment->addr)
		return false;
	*offset = segment->offset + (addr - segment->addr);
	return true;
}

static void elf_close(struct kho_source *source)
{
	struct elf *elf = elf_of(source);

	close(elf->fd);
	free(elf->vmcoreinfo);
	free(elf->segments);
	free(elf->mappings);
}

static const struct kho_source_ops elf_ops = {
	.read = elf_read,
	.next_run = elf_next_run,
	.vmcoreinfo = elf_vmcoreinfo,
	.translate = elf_translate,
	.close = elf_close,
};

/*
 * Size of a file or device; UINT64_MAX if unknown, or for the kernel's own kcore. Below a sysroot,
 * a regular file may stand in for kcore. Sets *stored for a regular file.
 */
static uint64_t size_of(int fd, bool live, uint64_t *stored)
{
	struct statfs fs;
	struct stat st;
	bool kcore = live && !fstatfs(fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
	off_t size = kcore ? -1 : lseek(fd, 0, SEEK_END);

	if (!kcore && !fstat(fd, &st) && S_ISREG(st.st_mode))
		*stored = (uint64_t)st.st_blocks * 512;
	return size <= 0 ? UINT64_MAX : (uint64_t)size;
}

int kho_elf_open(int fd, const char *path, bool live, struct kho_source **out,
		 struct kho_error *err)
{
	struct elf *elf = calloc(1, sizeof(*elf));
	int ret;

	if (!elf) {
		close(fd);
		return kho_fail_nomem(err);
	}
	elf->fd = fd;
	elf->live = live;
	elf->file_size = size_of(fd, live, &elf->source.stored);
	elf->notes_left = elf->file_size < MAX_NOTES ? elf->file_size : MAX_NOTES;
	elf->source.changes = live;
	elf->source.has_all_ram = live;

	ret = kho_source_init(&elf->source, &elf_ops, path, err);
	if (!ret && elf_version(EV_CURRENT) == EV_NONE)
		ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR, "libelf is too old");
	if (!ret)
		ret = read_file(elf, err);
	if (ret) {
		kho_source_close(&elf->source);
		return ret;
	}

	*out = &elf->source;
	return 0;
}
