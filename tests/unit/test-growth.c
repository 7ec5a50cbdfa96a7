// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-growth FOLDER DUMP...: verifies, iterates, decodes and snapshots input of shapes that could be expensive to
 * read, of about 64, 256 and 1,024 KiB, prints some of it by commands of kho-inspect, and examines kernel images. It
 * also reads the dumps, each with four times the records of the one before. Work must not grow faster than
 * n log n, and memory has a bound for each byte. The test counts work instead of time: basic blocks of
 * libkho and kho-inspect (compiled for this test with -fsanitize-coverage=trace-pc), and bytes read or unpacked. It
 * does not count the work of libkdumpfile, and counts of libfdt only fdt_address_cells().
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libfdt.h>
#include <limits.h>
#include <lz4.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "libkho/crc32c.h"
#include "libkho/devices.h"
#include "libkho/files.h"
#include "libkho/kho.h"
#include "libkho/source.h"
#include "libkho/target.h"
#include "libkho/abi/dma_alloc.h"
#include "libkho/abi/kexec_handover.h"
#include "libkho/abi/snapshot.h"
#include "libkho/abi/subtrees.h"
#include "libkho/abi/x86_boot.h"
#include "tools/kho-inspect/inspect.h"

#define PAGE_SHIFT	KHO_ABI_MIN_PAGE_SHIFT
#define PAGE		((size_t)1 << PAGE_SHIFT)
#define BASE		(64ull << 20)	/* of the memory in the file; all of it is preserved */
#define BASE_ORDER	14u		/* 64 MiB */
#define MEMORY		(8u << 20)	/* bytes of that memory that a shape may use */
#define RAM		(1ull << 40)
#define SCRATCH		(1ull << 30)

/* Bound for four times the input: n log n, plus a constant. */
#define MAX_GROWTH	5.5
/*
 * Work for a byte of input, and work that is the same for any input. A byte of a bitmap may be four blocks, and
 * use() walks them several times.
 */
#define MAX_WORK	800.0
#define WORK_ONCE	4e6
/* The same for a command, which also formats what it shows, and its memory: map keeps a list of all areas. */
#define MAX_SHOWN	8000.0
#define SHOWN_MEMORY	128.0
/* Bytes of memory for a byte of input, and at all: a bit for each page of 128 GiB, and buffers. */
#define MAX_MEMORY	24.0
#define MEMORY_ONCE	(8u << 20)
/* A packed image: 64 times its size, the larger copy while that grows, and room for a block of LZ4. */
#define MAX_UNPACKED	160.0
#define UNPACKED_ONCE	(24u << 20)

static const size_t sizes[] = { 64u << 10, 256u << 10, 1024u << 10 };
static uint64_t work;
static size_t memory, most_memory;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "test-growth: %s\n", what);
	exit(1);
}

/* --------------------------------------------------------------- counting */

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	work++;
}

ssize_t __real_pread(int fd, void *buf, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t offset)
{
	work += 32 + size / 64;
	return __real_pread(fd, buf, size, offset);
}

int __real_inflate(z_stream *z, int flush);
int __wrap_inflate(z_stream *z, int flush);
int __wrap_inflate(z_stream *z, int flush)
{
	uInt before = z->avail_out;
	int ret = __real_inflate(z, flush);

	work += 32 + (before - z->avail_out) / 64;
	return ret;
}

static int (*lz4)(const char *from, char *to, int size, int room);

static int count_lz4(const char *from, char *to, int size, int room)
{
	int ret = lz4(from, to, size, room);

	work += 32 + (ret > 0 ? (unsigned int)ret : 0) / 64;
	return ret;
}

/* Replaces dlsym(), because libkho loads liblz4 on demand. */
void *__real_dlsym(void *library, const char *name);
void *__wrap_dlsym(void *library, const char *name);
void *__wrap_dlsym(void *library, const char *name)
{
	int (*counting)(const char *from, char *to, int size, int room) = count_lz4;
	void *symbol = __real_dlsym(library, name);

	if (!symbol || strcmp(name, "LZ4_decompress_safe"))
		return symbol;
	memcpy(&lz4, &symbol, sizeof(lz4));
	memcpy(&symbol, &counting, sizeof(symbol));
	return symbol;
}

/* libfdt searches the properties of the node. */
int __real_fdt_address_cells(const void *fdt, int node);
int __wrap_fdt_address_cells(const void *fdt, int node);
int __wrap_fdt_address_cells(const void *fdt, int node)
{
	work += 1 + fdt_size_dt_struct(fdt) / 16;
	return __real_fdt_address_cells(fdt, node);
}

/* Searches of the C library, by the bytes that they look at. */
size_t __real_strnlen(const char *text, size_t max);
size_t __wrap_strnlen(const char *text, size_t max);
size_t __wrap_strnlen(const char *text, size_t max)
{
	size_t n = __real_strnlen(text, max);

	work += 1 + n / 16;
	return n;
}

size_t __real_strcspn(const char *text, const char *reject);
size_t __wrap_strcspn(const char *text, const char *reject);
size_t __wrap_strcspn(const char *text, const char *reject)
{
	size_t n = __real_strcspn(text, reject);

	work += 1 + n / 16;
	return n;
}

static void *taken(void *p)
{
	memory += p ? malloc_usable_size(p) : 0;
	if (memory > most_memory)
		most_memory = memory;
	return p;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return taken(__real_malloc(size));
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return taken(__real_calloc(n, size));
}

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	size_t before = p ? malloc_usable_size(p) : 0;
	void *q = __real_reallocarray(p, n, size);

	if (q)
		memory -= before;
	return taken(q);
}

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size)
{
	size_t before = p ? malloc_usable_size(p) : 0;
	void *q = __real_realloc(p, size);

	if (q)
		memory -= before;
	return taken(q);
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	memory -= p ? malloc_usable_size(p) : 0;
	__real_free(p);
}

/* ---------------------------------------------------------------- machine */

static struct {
	unsigned char *data;	/* from BASE on */
	size_t used;
	uint64_t map;
	size_t offset;		/* of BASE in the file */
	char *notes;
	size_t notes_size;
	FILE *notes_file;
	uint64_t other_notes;	/* address of the notes that program headers are for, or 0 */
	unsigned char root[PAGE];
} m;

static void *at(uint64_t addr)
{
	return m.data + (addr - BASE);
}

static uint64_t allocate(size_t pages)
{
	uint64_t addr = BASE + m.used;

	if (pages * PAGE > MEMORY - m.used)
		die("a shape is too large");
	m.used += pages * PAGE;
	return addr;
}

/* Adds a block to the radix tree. */
static void preserve(uint64_t addr, unsigned int order)
{
	uint64_t key = 1ull << (64 - PAGE_SHIFT - order) | addr >> (PAGE_SHIFT + order);
	uint64_t *node = at(m.map);

	for (unsigned int level = KHO_RADIX_LEVELS(PAGE_SHIFT) - 1; level; level--) {
		unsigned int shift = KHO_RADIX_BITMAP_BITS(PAGE_SHIFT) + (level - 1) * KHO_RADIX_TABLE_BITS(PAGE_SHIFT);
		uint64_t *entry = &node[key >> shift & (PAGE / 8 - 1)];

		if (!*entry)
			*entry = allocate(1);
		node = at(*entry);
	}
	key &= (1ull << KHO_RADIX_BITMAP_BITS(PAGE_SHIFT)) - 1;
	node[key / 64] |= 1ull << key % 64;
}

static void root_begin(const char *compatible)
{
	void *fdt = m.root;

	if (fdt_create(fdt, PAGE) || fdt_finish_reservemap(fdt) || fdt_begin_node(fdt, "") ||
	    fdt_property_string(fdt, "compatible", compatible) ||
	    fdt_property(fdt, KHO_FDT_MEMORY_MAP_PROP, &m.map, sizeof(m.map)))
		die("cannot make a root");
}

static void add_subtree(const char *name, uint64_t addr, uint64_t size)
{
	void *fdt = m.root;

	if (fdt_begin_node(fdt, name) ||
	    fdt_property(fdt, KHO_FDT_DATA_PROP, &addr, sizeof(addr)) ||
	    fdt_property(fdt, KHO_FDT_SIZE_PROP, &size, sizeof(size)) || fdt_end_node(fdt))
		die("the root has no room");
}

/* Makes a machine with a map of all memory in the file, and without other content. */
static void machine_begin(void)
{
	m.used = 0;
	memset(m.data, 0, MEMORY);
	m.notes = NULL;
	m.notes_file = open_memstream(&m.notes, &m.notes_size);
	m.other_notes = 0;
	m.map = allocate(1);
	preserve(BASE, BASE_ORDER);
	root_begin("kho-v4");
}

static const struct {
	Elf64_Nhdr head;
	char name[4];
} other_note = { { 2, 0, 1 }, "X" };

static void write_fully(int fd, const void *data, size_t size, off_t offset)
{
	if (pwrite(fd, data, size, offset) != (ssize_t)size)
		die("cannot write the machine");
}

/*
 * Writes it as a snapshot, with @extra more program headers (PT_LOADs of half a page, or PT_NOTEs of somebody else's
 * note), and with a hole of @hole bytes for the memory behind what the machine may use. Returns its size without that.
 */
static size_t machine_write(const char *path, size_t extra, size_t hole)
{
	uint64_t root = allocate(1);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	size_t n = 2 + extra, end;
	Elf64_Nhdr note = { 4, 0, KHO_SNAPSHOT_NOTE_TYPE };
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr), .e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = (Elf64_Half)n,
	};
	Elf64_Phdr phdr = { .p_type = PT_NOTE, .p_offset = sizeof(ehdr) + n * sizeof(phdr) };

	if (fd < 0 || n >= PN_XNUM || fdt_end_node(m.root) || fdt_finish(m.root))
		die("cannot write the machine");
	memcpy(at(root), m.root, PAGE);
	fprintf(m.notes_file, "side=out\nrelease=7.3.4\nfdt_phys=0x%" PRIx64 "\nram=0x0+0x%llx\nscratch=0x%llx+0x100000\n",
		root, RAM, SCRATCH);
	if (fclose(m.notes_file))
		die("cannot write the machine");
	note.n_descsz = (Elf64_Word)m.notes_size;
	phdr.p_filesz = sizeof(note) + 4 + m.notes_size;
	end = (phdr.p_offset + phdr.p_filesz + PAGE - 1) / PAGE * PAGE;

	m.offset = end;
	write_fully(fd, &ehdr, sizeof(ehdr), 0);
	write_fully(fd, &phdr, sizeof(phdr), sizeof(ehdr));
	write_fully(fd, &note, sizeof(note), (off_t)phdr.p_offset);
	write_fully(fd, "KHO", 4, (off_t)(phdr.p_offset + sizeof(note)));
	write_fully(fd, m.notes, m.notes_size, (off_t)(phdr.p_offset + sizeof(note) + 4));
	phdr = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = end, .p_paddr = BASE,
			     .p_filesz = hole ? MEMORY + hole : m.used };
	phdr.p_memsz = phdr.p_filesz;
	write_fully(fd, &phdr, sizeof(phdr), sizeof(ehdr) + sizeof(phdr));
	for (size_t i = 0; i < extra; i++) {
		phdr = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = end, .p_filesz = PAGE / 2,
				     .p_memsz = PAGE / 2, .p_paddr = 4 * SCRATCH + i * PAGE };
		if (m.other_notes)
			phdr = (Elf64_Phdr){ .p_type = PT_NOTE, .p_filesz = sizeof(other_note),
					     .p_offset = end + m.other_notes - BASE + i * sizeof(other_note) };
		write_fully(fd, &phdr, sizeof(phdr), (off_t)(sizeof(ehdr) + (2 + i) * sizeof(phdr)));
	}
	write_fully(fd, m.data, m.used, (off_t)end);
	if (hole && ftruncate(fd, (off_t)(end + MEMORY + hole)))
		die("cannot write the machine");
	close(fd);
	free(m.notes);
	return end + m.used;
}

/* ----------------------------------------------------------------- shapes */

/* Each makes a state of about @size bytes, and returns how many PT_LOADs of half a page to add. */

static uint64_t add_dma_head(void)
{
	uint64_t addr = allocate(1);
	struct dma_alloc_ser *head = at(addr);

	memcpy(head->compatible, DMA_ALLOC_COMPATIBLE, sizeof(DMA_ALLOC_COMPATIBLE));
	head->header_size = sizeof(*head);
	head->record_size = sizeof(struct dma_alloc_record_ser);
	add_subtree(DMA_ALLOC_KHO_SUBTREE, addr, sizeof(*head));
	return addr;
}

/* Blocks of records with as many damages as possible. */
static size_t shape_damaged_records(size_t size)
{
	struct dma_alloc_ser *head = at(add_dma_head());
	uint64_t next = 0;

	for (size_t i = 0; i < size / PAGE; i++) {
		uint64_t addr = allocate(1);
		struct kho_block_header_ser *block = at(addr);

		memset(block, 0xa5, PAGE);
		block->next = next;
		block->count = (PAGE - sizeof(*block)) / sizeof(struct dma_alloc_record_ser);
		next = addr;
	}
	head->first_block_pa = next;
	return 0;
}

/* Sealed records, sound but for this: each claims @each bytes from @addr on. */
static void add_sealed(size_t blocks, uint64_t addr, uint64_t each)
{
	struct dma_alloc_ser *head = at(add_dma_head());
	uint64_t next = 0, id = 0;

	for (size_t i = 0; i < blocks; i++) {
		uint64_t block_addr = allocate(1);
		struct kho_block_header_ser *block = at(block_addr);
		struct dma_alloc_record_ser *record = (void *)(block + 1);

		block->next = next;
		block->count = (PAGE - sizeof(*block)) / sizeof(*record);
		for (size_t k = 0; k < block->count; k++, record++) {
			*record = (struct dma_alloc_record_ser){
				.page_phys = addr, .size = each, .id = ++id, .device = "pci:0000:00:04.0", .tag = "test",
				.flags = DMA_ALLOC_FLAGS_WORD(DMA_ALLOC_IN_USE | DMA_ALLOC_SEALED),
			};
			record->crc32c = kho_crc32c(record, offsetof(struct dma_alloc_record_ser, crc32c));
		}
		next = block_addr;
	}
	head->first_block_pa = next;
	head->next_id = id + 1;
	head->crc32c = kho_crc32c(head, offsetof(struct dma_alloc_ser, crc32c));
}

/* Half of it are records that claim the same content, of half its size. */
static size_t shape_shared_content(size_t size)
{
	add_sealed(size / PAGE / 2, BASE, size / 2);
	allocate(size / PAGE / 2);
	return 0;
}

/* Records that claim content in a hole of the file. */
#define HOLE	(RAM / 2)
static size_t shape_holes(size_t size)
{
	add_sealed(size / PAGE, RAM / 4, RAM / 8);
	return 0;
}

/* Leaves with one bit each, of many orders, for scattered memory. */
static size_t shape_sparse_map(size_t size)
{
	uint64_t addr = 2 * SCRATCH;

	for (unsigned int i = 0; m.used < size; i++) {
		preserve(addr, i % 10);
		addr += 128ull << 20;
	}
	return 0;
}

/* Every other page, and larger blocks over some of them. */
static size_t shape_overlapping_map(size_t size)
{
	uint64_t addr = 2 * SCRATCH;

	for (size_t n = 0; n < size / PAGE; n++, addr += 128ull << 20) {
		for (size_t i = 0; i < 32768; i += 2)
			preserve(addr + i * PAGE, 0);
		for (unsigned int i = 0; i < 64; i += 2)
			preserve(addr + (uint64_t)i * 512 * PAGE, 9);
	}
	return 0;
}

/*
 * A chain of kho-v1 whose bitmaps all collide in a table with the usual hash: the address times
 * 2^64 divided by the golden ratio.
 */
static size_t shape_colliding_bitmaps(size_t size)
{
	const uint64_t inverse = 0xf1de83e19937733dull; /* of 0x9e3779b97f4a7c15, modulo 2^64 */
	uint64_t next = 0, found = 0;

	for (size_t i = 0; i < size / PAGE; i++) {
		uint64_t addr = allocate(1);
		struct khoser_mem_chunk *chunk = at(addr);

		chunk->next = next;
		chunk->num_elms = KHO_V1_CHUNK_BITMAPS(PAGE_SHIFT);
		for (size_t k = 0; k < KHO_V1_CHUNK_BITMAPS(PAGE_SHIFT); k++) {
			/* the upper half of the product is all zeroes below its 16 highest bits */
			found++;
			chunk->bitmaps[k].bitmap = inverse * (found << 48 | found);
			chunk->bitmaps[k].phys_start = found << 27;
		}
		next = addr;
	}
	m.map = next;
	root_begin("kho-v1");
	return 0;
}

/* A blob of @size bytes that is an FDT, with one string of @name characters and as many properties as fit. */
static uint64_t add_fdt(size_t size, size_t name)
{
	size_t pages = size / PAGE, strings = name + 1;
	uint64_t addr = allocate(pages);
	unsigned char *fdt = at(addr);
	size_t offset = sizeof(struct fdt_header) + sizeof(struct fdt_reserve_entry);
	size_t tags = (size - offset - strings) / 4 - 2;
	fdt32_t *tag = (fdt32_t *)(void *)(fdt + offset);
	size_t i = 0;

	tag[i++] = cpu_to_fdt32(FDT_BEGIN_NODE);
	tag[i++] = 0;
	while (i + 5 <= tags) {
		tag[i++] = cpu_to_fdt32(FDT_PROP);
		tag[i++] = 0;
		tag[i++] = 0;
	}
	tag[i++] = cpu_to_fdt32(FDT_END_NODE);
	tag[i++] = cpu_to_fdt32(FDT_END);
	*(struct fdt_header *)(void *)fdt = (struct fdt_header){
		.magic = cpu_to_fdt32(FDT_MAGIC), .totalsize = cpu_to_fdt32((uint32_t)size),
		.off_dt_struct = cpu_to_fdt32((uint32_t)offset),
		.off_dt_strings = cpu_to_fdt32((uint32_t)(size - strings)),
		.off_mem_rsvmap = cpu_to_fdt32(sizeof(struct fdt_header)),
		.version = cpu_to_fdt32(17), .last_comp_version = cpu_to_fdt32(16),
		.size_dt_strings = cpu_to_fdt32((uint32_t)strings),
		.size_dt_struct = cpu_to_fdt32((uint32_t)(i * 4)),
	};
	memset(fdt + size - strings, 'a', name);
	return addr;
}

/* Properties that share one long name. */
static size_t shape_long_name(size_t size)
{
	add_subtree("unknown", add_fdt(size, size / 2), size);
	return 0;
}

static size_t shape_many_properties(size_t size)
{
	add_subtree("unknown", add_fdt(size, 60), size);
	return 0;
}

/* Subtrees that share one blob. */
static size_t shape_shared_blob(size_t size)
{
	uint64_t addr = add_fdt(size, 8);
	char name[16];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		add_subtree(name, addr, size);
	}
	return 0;
}

/* Sessions of LUO with the same files. */
static size_t shape_shared_files(size_t size)
{
	uint64_t addr = allocate(1), files = allocate(1), next = 0;
	struct kho_block_header_ser *block = at(files);
	struct luo_ser *luo = at(addr);

	block->count = (PAGE - sizeof(*block)) / sizeof(struct luo_file_ser);
	for (size_t i = 0; i < size / PAGE; i++) {
		uint64_t at_block = allocate(1);
		struct luo_session_ser *session;

		block = at(at_block);
		block->next = next;
		block->count = (PAGE - sizeof(*block)) / sizeof(*session);
		session = (void *)(block + 1);
		for (size_t k = 0; k < block->count; k++)
			session[k].files = files;
		next = at_block;
	}
	memcpy(luo->compatible, LUO_V5_COMPATIBLE, sizeof(LUO_V5_COMPATIBLE));
	luo->sessions_pa = next;
	add_subtree(LUO_SUBTREE, addr, sizeof(*luo));
	return 0;
}

/* A session of LUO with a memfd. Its array is on @n pages: every other one from @first. */
static void add_memfd(size_t n, uint64_t first)
{
	uint64_t addr = allocate(1), session = allocate(1), file = allocate(1), data = allocate(1);
	struct kho_block_header_ser *block = at(session);
	struct luo_session_ser *s = (void *)(block + 1);
	struct memfd_luo_ser *memfd = at(data);
	struct luo_ser *luo = at(addr);
	struct luo_file_ser *f;
	uint64_t chunk_addr = 0;

	for (size_t i = 0; i < n;) {
		uint64_t next = chunk_addr;
		struct kho_vmalloc_chunk *chunk;

		chunk_addr = allocate(1);
		chunk = at(chunk_addr);
		chunk->next = next;
		for (size_t k = 0; k < KHO_VMALLOC_PAGES(PAGE_SHIFT) && i < n; k++, i++)
			chunk->phys[k] = first + 2 * i * PAGE;
	}
	memfd->nr_folios = n * PAGE / sizeof(struct memfd_luo_folio_ser);
	memfd->folios = (struct kho_vmalloc){ .first = chunk_addr, .total_pages = (uint32_t)n };
	block->count = 1;
	s->files = file;
	s->count = 1;
	block = at(file);
	block->count = 1;
	f = (void *)(block + 1);
	memcpy(f->compatible, MEMFD_COMPATIBLE, sizeof(MEMFD_COMPATIBLE));
	f->data = data;
	memcpy(luo->compatible, LUO_V5_COMPATIBLE, sizeof(LUO_V5_COMPATIBLE));
	luo->sessions_pa = session;
	add_subtree(LUO_SUBTREE, addr, sizeof(*luo));
}

/* A memfd with scattered folios that are not preserved. */
static size_t shape_scattered_folios(size_t size)
{
	size_t n = size / PAGE / 2;
	uint64_t first = allocate(2 * n);

	for (size_t i = 0; i < n; i++) {
		struct memfd_luo_folio_ser *folio = at(first + 2 * i * PAGE);

		for (size_t k = 0; k < PAGE / sizeof(*folio); k++)
			folio[k].pfn_flags = 2 * SCRATCH / PAGE + 2 * (i * 256 + k);
	}
	add_memfd(n, first);
	return 0;
}

/* Scratch areas that overlap each other, and as many preserved blocks in them. */
static size_t shape_scratch(size_t size)
{
	/* more of them are not read */
	for (size_t i = 0; i < size / 64 && i < 4000; i++)
		fprintf(m.notes_file, "scratch=0x%llx+0x10000\n", 2 * SCRATCH + i * 0x8000);
	for (size_t i = 0; i < 32768; i++)
		preserve(2 * SCRATCH + i * PAGE, 0);
	return 0;
}

/* Ranges of RAM, and as many preserved ranges outside RAM. */
static size_t shape_ram(size_t size)
{
	for (size_t i = 0; i < size / 64; i++)
		fprintf(m.notes_file, "ram=0x%llx+0x800\n", 4 * RAM + i * 0x1000);
	for (size_t i = 0; i < 32768; i++)
		preserve(4 * RAM + i * PAGE, 0);
	return 0;
}

static size_t shape_segments(size_t size)
{
	return size / sizeof(Elf64_Phdr) < 60000 ? size / sizeof(Elf64_Phdr) : 60000;
}

/* Notes of other programs, each with a program header. */
static size_t shape_notes(size_t size)
{
	size_t n = size / (sizeof(Elf64_Phdr) + sizeof(other_note));

	m.other_notes = allocate(n * sizeof(other_note) / PAGE + 1);
	for (size_t i = 0; i < n; i++)
		memcpy(at(m.other_notes + i * sizeof(other_note)), &other_note, sizeof(other_note));
	return n;
}

static const struct {
	const char *name;
	size_t (*make)(size_t size);
	bool shown;		/* by commands too */
	size_t hole;
} shapes[] = {
	{ "damaged records", shape_damaged_records, true, 0 },
	{ "sparse map", shape_sparse_map, true, 0 },
	{ "overlapping map", shape_overlapping_map, true, 0 },
	{ "colliding bitmaps", shape_colliding_bitmaps, false, 0 },
	{ "properties with a long name", shape_long_name, true, 0 },
	{ "many properties", shape_many_properties, true, 0 },
	{ "a shared blob", shape_shared_blob, false, 0 },
	{ "shared files", shape_shared_files, false, 0 },
	{ "scattered folios", shape_scattered_folios, false, 0 },
	{ "scratch areas", shape_scratch, true, 0 },
	{ "ranges of RAM", shape_ram, true, 0 },
	{ "segments", shape_segments, true, 0 },
	{ "notes", shape_notes, false, 0 },
	{ "shared content", shape_shared_content, false, 0 },
	{ "content in holes", shape_holes, false, HOLE },
};

/* ----------------------------------------------------------------- images */

/*
 * Each makes a packed image of up to @size bytes at @to, which has space for twice as many, and
 * returns its size.
 */

static size_t gzip_append(z_stream *z, const void *data, size_t size, int flush)
{
	z->next_in = (unsigned char *)data;
	z->avail_in = (uInt)size;
	if (deflate(z, flush) == Z_STREAM_ERROR || z->avail_in)
		die("cannot pack an image");
	return z->total_out;
}

static void gzip_begin(z_stream *z, unsigned char *to, size_t room, int level)
{
	*z = (z_stream){ .next_out = to, .avail_out = (uInt)room };
	if (deflateInit2(z, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		die("cannot pack an image");
}

/* Zeroes that pack to about a thousandth: they exceed the limit for an image. */
static size_t image_zeros(unsigned char *to, size_t size)
{
	static const unsigned char zeros[64 << 10];
	z_stream z;

	gzip_begin(&z, to, 2 * size, 9);
	while (z.total_out < size / 8)
		gzip_append(&z, zeros, sizeof(zeros), Z_NO_FLUSH);
	size = gzip_append(&z, NULL, 0, Z_FINISH);
	deflateEnd(&z);
	return size;
}

/* Packed three times. The unpacked bytes of all layers are near the limit. */
static size_t image_layers(unsigned char *to, size_t size)
{
	size_t room = 64 * size, n = 20 * size;
	unsigned char *inner = malloc(room), *middle = malloc(room);
	z_stream z;

	if (!inner || !middle)
		die("out of memory");
	memset(inner, 0, n);
	for (size_t i = 0; i < size; i++)
		inner[i] = (unsigned char)(i * i >> 7 ^ i * 7 >> 3);
	for (int layer = 0; layer < 3; layer++) {
		unsigned char *in = layer & 1 ? middle : inner, *out = layer == 2 ? to : layer & 1 ? inner : middle;

		gzip_begin(&z, out, layer == 2 ? 2 * size : room, layer == 2 ? 9 : 0);
		n = gzip_append(&z, in, n, Z_FINISH);
		deflateEnd(&z);
	}
	free(inner);
	free(middle);
	return n;
}

/* Blocks of LZ4 that hold a byte each: {u32 size, token: one literal, the literal}. */
static size_t image_tiny_blocks(unsigned char *to, size_t size)
{
	size_t n = 4;

	memcpy(to, "\x02\x21\x4c\x18", 4);
	for (; n < size; n += 6)
		memcpy(to + n, "\2\0\0\0\x10" "a", 6);
	return n;
}

/* An ELF file that contains only prefixes of "kho-v4", so no string of a version ever ends. */
static size_t image_versions(unsigned char *to, size_t size)
{
	const Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_ehsize = sizeof(ehdr),
	};
	size_t n = sizeof(ehdr);

	memcpy(to, &ehdr, n);
	for (; n < size; n += 6)
		memcpy(to + n, "kho-v4", 6);
	return n;
}

/* The strings of a kernel, and a configuration of lines like @line, stored by gzip. */
static size_t image_config(unsigned char *to, size_t size, const char *line)
{
	static const char strings[] = "\0Linux version 9.9.9\0kho-v4\0luo-v5\0dma-alloc-v1\0IKCFG_ST";
	const size_t len = strlen(line);
	size_t n = sizeof(strings) - 1;
	z_stream z;

	memcpy(to, "MZ", 2);
	memcpy(to + 56, "ARM\x64", 4);
	memcpy(to + 64, strings, n);
	n += 64;
	gzip_begin(&z, to + n, 2 * size - n, 0);
	for (size_t done = 0; done + len < size / 2; done += len)
		gzip_append(&z, line, len, Z_NO_FLUSH);
	n += gzip_append(&z, NULL, 0, Z_FINISH);
	deflateEnd(&z);
	memcpy(to + n, "IKCFG_ED", 8);
	return n + 8;
}

static size_t image_empty_lines(unsigned char *to, size_t size)
{
	return image_config(to, size, "\n");
}

static size_t image_one_line(unsigned char *to, size_t size)
{
	return image_config(to, size, "CONFIG_CMDLINE");
}

static size_t image_options(unsigned char *to, size_t size)
{
	return image_config(to, size, "CONFIG_CMDLINE=\n# CONFIG_PAGE_SHIFT is not set\nCONFIG_KEXEC_HANDOVER=\n");
}

static size_t image_quotes(unsigned char *to, size_t size)
{
	return image_config(to, size, "CONFIG_CMDLINE_BOOL=y\nCONFIG_CMDLINE=\"\\\"\n");
}

static const struct {
	const char *name;
	size_t (*make)(unsigned char *to, size_t size);
	bool is_kernel;
} images[] = {
	{ "image of zeroes", image_zeros, false },
	{ "image packed three times", image_layers, false },
	{ "image of tiny LZ4 blocks", image_tiny_blocks, false },
	{ "image of versions", image_versions, false },
	{ "configuration of empty lines", image_empty_lines, true },
	{ "configuration of one line", image_one_line, true },
	{ "configuration of options", image_options, true },
	{ "configuration of quotes", image_quotes, true },
};

/* ------------------------------------------------------------------ lines */

/* Command lines of a target: one part, repeated. */
static const char *const lines[] = {
	"crashkernel=", "crashkernel=1M ", "crashkernel=1M-2M:3M,", "memmap=1M$1G ", "memmap=1M@1G,exactmap,", "1@1,",
	"kho=", "\"a=b c=d\" ", "\" ", "-- ", "reserve_mem=4096:4096:a ", "trace_instance=a@1M:1M ", "rd.kho.expect=1,2 ",
	"cma=1@1-2 initrd=1,1 memtest ", "mem_encrypt=on", "mem_encrypt=on ", "memory_corruption_check_size=1 ", "=", " ",
	"kho_scratch=1,1,1 ", "elfcorehdr ", "0",
};

/* -------------------------------------------------------------------- use */

struct seen {
	size_t n;
	uint64_t count;		/* that they stand for */
};

static int see_finding(const struct kho_finding *finding, void *data)
{
	struct seen *seen = data;

	seen->n++;
	seen->count += finding->count;
	return 0;
}

static int see_item(const struct kho_item *item, void *data)
{
	(void)item;
	(void)data;
	return 0;
}

static void use(const char *path, const char *copy)
{
	const struct kho_subtree *subtrees;
	struct kho_verify_summary summary;
	struct kho_map_entry entry;
	struct kho_map_iter *map;
	struct kho_dma_record record;
	struct kho_dma_iter *dma;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;
	struct seen seen = { 0 };
	uint64_t counted = 0;
	size_t n;

	if (kho_source_open_file(path, &source, &err) ||
	    kho_state_open(source, KHO_SIDE_OUT, &state, &err))
		die(err.message);
	if (kho_verify(state, NULL, see_finding, &seen, &summary, &err))
		die(err.message);
	/* only a few rules fire for one shape */
	if (seen.n > 5 * (KHO_FINDINGS_LISTED + 1))
		die("a flood of findings");
	for (size_t i = 0; i < 4; i++)
		counted += summary.findings[i];
	if (seen.count != counted + summary.unevaluated + summary.not_applicable)
		die("findings are lost");
	if (!kho_map_iter_create(state, &map, NULL)) {
		while (kho_map_iter_next(map, &entry, NULL) > 0)
			;
		kho_map_iter_destroy(map);
	}
	if (!kho_dma_iter_create(state, &dma, NULL)) {
		while (kho_dma_iter_next(dma, &record, NULL) > 0)
			;
		kho_dma_iter_destroy(dma);
	}
	subtrees = kho_state_subtrees(state, &n);
	for (size_t i = 0; i < n; i++)
		kho_subtree_decode(state, &subtrees[i], see_item, NULL, NULL);
	if (kho_snapshot_write(state, copy, &err))
		die(err.message);
	kho_state_close(state);
	kho_source_close(source);
}

struct limits {
	double work, memory;	/* for a byte of input */
	size_t memory_once;
};

/* True if work and memory are within the bounds. */
static bool check(const char *name, size_t n, uint64_t before, const struct limits *limits)
{
	bool grows = before && (double)work > MAX_GROWTH * (double)before &&
		     (double)work > WORK_ONCE;
	bool works = (double)work > WORK_ONCE + limits->work * (double)n;
	bool takes = (double)most_memory > (double)limits->memory_once + limits->memory * (double)n;

	printf("%-28s %8zu bytes: %9" PRIu64 " steps, %7zu KiB%s%s%s\n", name, n, work,
	       most_memory >> 10, grows ? " GROWS" : "", works ? " WORKS" : "",
	       takes ? " TAKES" : "");
	return !grows && !works && !takes;
}

/* Most of the images are not kernels: libkho must detect that in bounded time. */
static bool use_images(void)
{
	static const struct limits limits = { MAX_WORK, MAX_UNPACKED, UNPACKED_ONCE };
	struct kho_target target;
	struct kho_error err;
	bool ok = true;

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		uint64_t before = 0;

		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			unsigned char *image = __real_calloc(2, sizes[k]);
			size_t n;

			if (!image)
				die("out of memory");
			n = images[i].make(image, sizes[k]);
			work = 0;
			memory = most_memory = 0;
			if (images[i].is_kernel == !!kho_target_examine(image, n, images[i].name, &target, &err))
				die("an image that is not a kernel is taken for one, or the reverse");
			if (images[i].is_kernel && !target.config_known)
				die("a kernel has lost its configuration");
			ok &= check(images[i].name, n, before, &limits);
			before = work;
			__real_free(image);
		}
	}
	return ok;
}

/* Commands that show much of a state. */
static bool show(const char *path, const char *picture, const char *name, size_t n, uint64_t before[4])
{
	static const struct limits limits = { MAX_SHOWN, SHOWN_MEMORY, MEMORY_ONCE };
	static const struct {
		const char *name;
		int (*command)(const struct options *options);
		bool json;
	} commands[] = {
		{ "map -o", cmd_map, false }, { "map", cmd_map, true }, { "tree", cmd_tree, true },
		{ "ranges", cmd_ranges, true },
	};
	int console = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
	bool ok = true;

	if (console < 0 || nowhere < 0)
		die("no output");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct outfile outfile = { .broker = -1 };
		struct options options = {
			.core = path, .outfile = &outfile, .json = commands[i].json, .no_sandbox = true, .no_color = true,
			.output = commands[i].json ? NULL : picture,
		};
		char what[64];
		int status;

		fflush(stdout);
		dup2(nowhere, STDOUT_FILENO);
		work = 0;
		memory = most_memory = 0;
		if (!outfile_open(&options))
			die("cannot open the picture");
		status = commands[i].command(&options);
		outfile_close(&outfile);
		fflush(stdout);
		dup2(console, STDOUT_FILENO);
		if (status == EXIT_CANNOT_TELL)
			die("a command fails");
		snprintf(what, sizeof(what), "%s of %s", commands[i].name, name);
		ok &= check(what, n, before[i], &limits);
		before[i] = work;
	}
	close(console);
	close(nowhere);
	return ok;
}

/* Compressed dumps with four times as many records each. */
static bool use_dumps(char **paths, const char *copy)
{
	static const struct limits limits = { MAX_WORK, MAX_MEMORY, MEMORY_ONCE };
	uint64_t before = 0;
	bool ok = true;

	for (; *paths; paths++) {
		struct stat st;

		if (stat(*paths, &st))
			die("a dump is missing");
		work = 0;
		memory = most_memory = 0;
		use(*paths, copy);
		ok &= check("compressed dump", (size_t)st.st_size, before, &limits);
		before = work;
	}
	return ok;
}

static void put_file(const char *folder, const char *name, const void *data, size_t size)
{
	char path[PATH_MAX + 128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		die("cannot write a file of a machine");
	write_fully(fd, data, size, 0);
	close(fd);
}

static void put_text(const char *folder, const char *name, const char *text)
{
	put_file(folder, name, text, strlen(text));
}

/* Makes these folders of a machine made of files, each after its parent, and opens it. */
static void open_machine(const char *folder, const char *const *parts, size_t n, struct kho_files *files)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s%s", folder, parts[i]);
		if (mkdir(path, 0700))
			die("cannot make a machine");
	}
	if (kho_files_init(files, folder, NULL))
		die("cannot open a machine");
}

/* Adds the PCI devices @from to @to to a machine made of files. */
static void add_devices(const char *folder, unsigned int from, unsigned int to)
{
	char device[PATH_MAX + 64];

	for (unsigned int i = from; i < to; i++) {
		snprintf(device, sizeof(device), "%s/sys/bus/pci/devices/%04x:%02x:%02x.%u", folder, i >> 16, i >> 8 & 0xff,
			 i >> 3 & 0x1f, i & 7);
		if (mkdir(device, 0700))
			die("cannot make a device");
		put_text(device, "uevent", "PCI_CLASS=20000\nPCI_ID=8086:100E\n");
		put_text(device, "config", "\x86\x80\x0e\x10\x07\x01 and the rest");
	}
}

static bool use_devices(const char *folder)
{
	static const struct limits limits = { MAX_WORK, MAX_MEMORY, MEMORY_ONCE };
	static const char *const parts[] = { "", "/sys", "/sys/bus", "/sys/bus/pci", "/sys/bus/pci/devices" };
	struct kho_device *devices;
	struct kho_files files;
	uint64_t before = 0;
	bool ok = true;
	size_t n;

	open_machine(folder, parts, sizeof(parts) / sizeof(parts[0]), &files);
	for (unsigned int last = 0, next = 64; next <= 1024; last = next, next *= 4) {
		add_devices(folder, last, next);
		work = 0;
		memory = most_memory = 0;
		if (kho_devices_read_files(&files, &devices, &n, NULL) || n != next)
			die("devices are lost");
		__wrap_free(devices);
		ok &= check("devices", n * 1024, before, &limits);
		before = work;
	}
	kho_files_close(&files);
	return ok;
}

/* Makes a device tree of empty properties of the root and, after them, ranges of RAM. */
static void put_tree(const char *folder, size_t size)
{
	const fdt32_t reg[4] = { 0, 0, cpu_to_fdt32(1), 0 };
	void *fdt = __real_malloc(size);
	int ret;

	ret = !fdt || fdt_create(fdt, (int)size) || fdt_finish_reservemap(fdt) || fdt_begin_node(fdt, "");
	for (size_t i = 0; !ret && i < size / 2 / 12; i++)
		ret = fdt_property(fdt, "x", NULL, 0);
	ret = ret || fdt_property_u32(fdt, "#address-cells", 2) || fdt_property_u32(fdt, "#size-cells", 2);
	/* a node takes less than 128 bytes */
	for (size_t i = 0; !ret && i < size / 2 / 128 - 2; i++)
		ret = fdt_begin_node(fdt, "m") || fdt_property_string(fdt, "device_type", "memory") ||
		      fdt_property(fdt, "reg", reg, sizeof(reg)) || fdt_end_node(fdt);
	if (ret || fdt_end_node(fdt) || fdt_finish(fdt))
		die("cannot make a device tree");
	put_file(folder, "sys/firmware/fdt", fdt, fdt_totalsize(fdt));
	__real_free(fdt);
}

/* Makes a memory map of the boot loader with @n more parts, which are holes. */
static void put_map(const char *folder, unsigned int n)
{
	char path[PATH_MAX + 64];
	unsigned char map[4096] = { [X86_E820_COUNT_AT] = 1 };
	const struct x86_e820_entry ram = { 0, RAM, X86_E820_RAM };

	memcpy(map + X86_E820_TABLE_AT, &ram, sizeof(ram));
	put_file(folder, "sys/kernel/boot_params/data", map, sizeof(map));
	for (unsigned int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/sys/kernel/boot_params/setup_data/%u", folder, i);
		if (mkdir(path, 0700))
			die("cannot make a part of a memory map");
		put_text(path, "type", "0x1\n");
		put_text(path, "data", "");
		strcat(path, "/data");
		if (truncate(path, 4 << 20))
			die("cannot make a hole");
	}
}

/* Reads the memory map that a target gets, of arm64 and of x86. */
static bool use_maps(const char *folder)
{
	static const struct limits limits = { MAX_WORK, MAX_MEMORY, MEMORY_ONCE };
	static const char *const parts[] = { "/sys/firmware", "/sys/kernel", "/sys/kernel/boot_params",
					     "/sys/kernel/boot_params/setup_data" };
	struct kho_target_memory map;
	struct kho_source source = { .machine = EM_AARCH64 };
	struct kho_files files;
	uint64_t before = 0;
	bool ok = true;

	open_machine(folder, parts, sizeof(parts) / sizeof(parts[0]), &files);
	source.files = &files;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		put_tree(folder, sizes[k]);
		work = 0;
		memory = most_memory = 0;
		if (kho_target_read_ram(&source, &map, NULL))
			die("the memory map of arm64 is unreadable");
		kho_target_memory_free(&map);
		ok &= check("device tree", sizes[k], before, &limits);
		before = work;
	}
	put_map(folder, 64);
	source.machine = EM_X86_64;
	work = 0;
	memory = most_memory = 0;
	if (!kho_target_read_ram(&source, &map, NULL))
		die("entries that overlap pass for a memory map");
	ok &= check("memory map in holes", 64 << 10, 0, &limits);
	kho_files_close(&files);
	return ok;
}

static char *make_line(const char *part, size_t size)
{
	size_t n = strlen(part);
	char *line = __real_malloc(size + n + 1);

	if (!line)
		die("out of memory");
	for (size_t at = 0; at < size; at += n)
		memcpy(line + at, part, n + 1);
	return line;
}

/* Regions of reserve_mem= in a tree of @size bytes. The target needs an option for each. */
static void add_regions(size_t size)
{
	const uint64_t start = BASE, length = PAGE;
	uint64_t addr = allocate(size / PAGE);
	void *fdt = at(addr);
	char name[32];
	int ret;

	ret = fdt_create(fdt, (int)size) || fdt_finish_reservemap(fdt) || fdt_begin_node(fdt, "") ||
	      fdt_property_string(fdt, "compatible", MEMBLOCK_COMPATIBLE);
	/* a node takes less than 128 bytes */
	for (size_t i = 0; !ret && i < size / 128 - 2; i++) {
		snprintf(name, sizeof(name), "r%zu", i);
		ret = fdt_begin_node(fdt, name) ||
		      fdt_property_string(fdt, "compatible", RESERVE_MEM_COMPATIBLE) ||
		      fdt_property(fdt, "start", &start, sizeof(start)) ||
		      fdt_property(fdt, "size", &length, sizeof(length)) || fdt_end_node(fdt);
	}
	if (ret || fdt_end_node(fdt) || fdt_finish(fdt))
		die("cannot make a tree of regions");
	add_subtree(MEMBLOCK_SUBTREE, addr, fdt_totalsize(fdt));
}

/* kho_target_verify() on a small state. The line about regions is as long as there are regions. */
static void use_line(const char *path, const char *part, size_t size)
{
	const struct kho_target target = {
		.format = "bzImage", .has_kho = true, .config_known = true, .root_compatible = "kho-v4",
		.memory_size = 1 << 20, .memory_align = 1 << 20,
	};
	char *line = make_line(part, size);
	const struct kho_target_load load = { .cmdline = line, .initrd_known = true };
	struct kho_verify_summary summary;
	struct kho_source *source;
	struct seen seen = { 0 };
	struct kho_state *state;
	struct kho_error err;

	machine_begin();
	if (strstr(part, "reserve_mem"))
		add_regions(size);
	machine_write(path, 0, 0);
	if (kho_source_open_file(path, &source, &err) || kho_state_open(source, KHO_SIDE_OUT, &state, &err))
		die(err.message);
	work = 0;
	memory = most_memory = 0;
	if (kho_target_verify(state, &target, &load, see_finding, &seen, &summary, &err))
		die(err.message);
	kho_state_close(state);
	kho_source_close(source);
	__real_free(line);
}

static bool use_lines(const char *path)
{
	static const struct limits limits = { MAX_WORK, MAX_MEMORY, MEMORY_ONCE };
	bool ok = true;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		uint64_t before = 0;

		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			char name[64];

			snprintf(name, sizeof(name), "line of %s", lines[i]);
			use_line(path, lines[i], sizes[k]);
			ok &= check(name, sizes[k], before, &limits);
			before = work;
		}
	}
	return ok;
}

static size_t count_runs(struct kho_source *source)
{
	struct kho_range run = { 0 };
	size_t n = 0;

	while (kho_source_next_run(source, run.addr + run.size, &run))
		n++;
	return n;
}

/*
 * More runs of pages than an ELF header can count as program headers: blocks of records on every
 * other page, behind the memory of the machine.
 */
static void check_runs(const char *path, const char *copy)
{
	const size_t n = PN_XNUM + 10;
	const uint64_t first = BASE + MEMORY;
	struct kho_block_header_ser block = {
		.count = (PAGE - sizeof(block)) / sizeof(struct dma_alloc_record_ser),
	};
	struct kho_verify_summary before = { 0 }, after = { 0 };
	struct dma_alloc_ser *head;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;
	int fd;

	machine_begin();
	for (uint64_t addr = BASE; addr < first + 2 * n * PAGE; addr += PAGE << BASE_ORDER)
		preserve(addr, BASE_ORDER);
	head = at(add_dma_head());
	head->first_block_pa = first;
	machine_write(path, 0, 2 * n * PAGE);
	fd = open(path, O_RDWR);
	for (size_t i = 0; i < n; i++) {
		block.next = i == n - 1 ? 0 : first + 2 * (i + 1) * PAGE;
		write_fully(fd, &block, sizeof(block), (off_t)(m.offset + MEMORY + 2 * i * PAGE));
	}
	close(fd);

	for (int i = 0; i < 2; i++) {
		if (kho_source_open_file(i ? copy : path, &source, &err) ||
		    kho_state_open(source, KHO_SIDE_OUT, &state, &err) ||
		    kho_verify(state, NULL, NULL, NULL, i ? &after : &before, &err) ||
		    (!i && kho_snapshot_write(state, copy, &err)))
			die(err.message);
		if (i && count_runs(source) < n)
			die("the snapshot has not got all runs");
		kho_state_close(state);
		kho_source_close(source);
	}
	/* only the checksum of the head is wrong */
	if (memcmp(&before, &after, sizeof(before)) || after.findings[KHO_SEVERITY_ERROR] != 1 ||
	    after.unevaluated || after.findings[KHO_SEVERITY_FATAL])
		die("a snapshot with many runs does not say the same");
	unlink(path);
	unlink(copy);
}

int main(int argc, char **argv)
{
	static const struct limits limits = { MAX_WORK, MAX_MEMORY, MEMORY_ONCE };
	char path[PATH_MAX], copy[PATH_MAX];
	bool ok = true;

	if (argc < 2)
		die("usage: test-growth FOLDER DUMP...");
	snprintf(path, sizeof(path), "%s/machine", argv[1]);
	snprintf(copy, sizeof(copy), "%s/copy", argv[1]);
	m.data = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m.data == MAP_FAILED)
		die("out of memory");

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		uint64_t before = 0, shown[4] = { 0 };

		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			size_t n;

			machine_begin();
			n = machine_write(path, shapes[i].make(sizes[k]), shapes[i].hole);
			work = 0;
			memory = most_memory = 0;
			use(path, copy);
			ok &= check(shapes[i].name, n, before, &limits);
			before = work;
			/* the largest has so many ranges that it takes long */
			if (shapes[i].shown && k < 2)
				ok &= show(path, copy, shapes[i].name, n, shown);
		}
	}
	ok &= use_images();
	ok &= use_lines(path);
	ok &= use_dumps(argv + 2, copy);
	snprintf(path, sizeof(path), "%s/devices", argv[1]);
	ok &= use_devices(path);
	ok &= use_maps(path);
	snprintf(path, sizeof(path), "%s/machine", argv[1]);
	check_runs(path, copy);
	return !ok;
}
