// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-dump [--memory GIB] [--pages KIB] [--scatter] [--host] [--v1] [--whole | --kdump] RECORDS FILE
 *
 * Makes an ELF core of a machine that hands over RECORDS DMA allocations. They have mixed sizes. The
 * allocations and the blocks of their records are scattered over all memory, as if the allocator took
 * stretches of 64 MiB in random order and used each from its start. With --scatter they have a
 * completely random order.
 *
 * With --host the machine also preserves the memory of 16 guests of 64 GiB, as live update does: one
 * guest in pages of 4 KiB, the others in folios of 2 MiB. With --v1 the map is that of kho-v1. Kernels
 * with that map do not know DMA records, so the allocations are preserved but have no records.
 *
 * With --pages 16 or 64 the machine is arm64, and its kernel has pages of that many KiB.
 *
 * The file contains the pages with metadata and the notes of a snapshot. With --whole it contains all
 * memory (the rest as holes) and no notes, like a dump by another program. With --kdump it is a
 * compressed dump like makedumpfile's, which excludes all other pages. The same arguments make the
 * same file.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libkho/crc32c.h"
#include "libkho/abi/kexec_handover.h"
#include "libkho/abi/dma_alloc.h"
#include "libkho/abi/snapshot.h"
#include "tests/bench/kdump.h"

static unsigned int page_shift = KHO_ABI_MIN_PAGE_SHIFT;

#define PAGE		(UINT64_C(1) << page_shift)
#define GIB		(1ull << 30)
#define MAX_ORDER	10u
#define LOW_END		(2 * GIB)	/* the tree is below, the allocations are above */
#define HOLE		(1 * GIB)	/* no RAM between 2 and 3 GiB, as on a PC */
#define STRETCH		(64ull << 20)
#define SCRATCH		(64ull << 20)
#define TREE		(256ull << 20)
#define GUESTS		16
#define GUEST		(64 * GIB)
#define GUEST_ROOM	(65 * GIB)	/* includes the blocks that it leaves out */
#define FOLIO_ORDER	9u
#define PER_BLOCK \
	((PAGE - sizeof(struct kho_block_header_ser)) / sizeof(struct dma_alloc_record_ser))

/* A page of the machine that the file contains. */
struct page {
	uint64_t addr;
	unsigned char *data;
};

struct machine {
	uint64_t memory;	/* bytes of RAM */
	uint64_t guests;	/* address of the first, behind everything else; 0 without guests */
	size_t records, blocks;
	bool scatter, v1;
	uint64_t *allocations;	/* address | order, in the order of their records */
	uint64_t *places;	/* addresses of root, head and blocks */
	struct page *pages;
	size_t nr_pages, room;
	uint64_t next_node;
	uint64_t *bitmap;	/* of kho-v1: the last one that was written to */
	uint64_t bitmap_start;
	unsigned int bitmap_order;
	uint64_t random;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench-dump: %s%s%s\n", what, errno ? ": " : "",
		errno ? strerror(errno) : "");
	exit(2);
}

static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		die("out of memory");
	return p;
}

/* splitmix64, because random() of another C library would make another dump. */
static uint64_t next_random(struct machine *m)
{
	uint64_t z = m->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void shuffle(struct machine *m, uint64_t *values, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = next_random(m) % i;
		uint64_t value = values[i - 1];

		values[i - 1] = values[k];
		values[k] = value;
	}
}

/* Shuffles the stretches of sorted @values, or all values. */
static void mix(struct machine *m, uint64_t *values, size_t n)
{
	uint64_t *copy = allocate(n + 1, sizeof(*copy)), *starts = allocate(n + 1, sizeof(*starts));
	size_t nr = 0, out = 0;

	for (size_t i = 0; i < n; i++) {
		copy[i] = values[i];
		if (!i || m->scatter || values[i] / STRETCH != values[i - 1] / STRETCH)
			starts[nr++] = i;
	}
	shuffle(m, starts, nr);
	for (size_t k = 0; k < nr; k++) {
		size_t i = starts[k];

		do
			values[out++] = copy[i++];
		while (!m->scatter && i < n && copy[i] / STRETCH == copy[i - 1] / STRETCH);
	}
	free(starts);
	free(copy);
}

static unsigned char *page_new(struct machine *m, uint64_t addr)
{
	if (m->nr_pages == m->room) {
		m->room = m->room ? 2 * m->room : 1024;
		m->pages = reallocarray(m->pages, m->room, sizeof(*m->pages));
		if (!m->pages)
			die("out of memory");
	}
	m->pages[m->nr_pages] = (struct page){ addr, allocate(1, PAGE) };
	return m->pages[m->nr_pages++].data;
}

/* ----------------------------------------------------------------- places */

/* Half of the allocations have order 0, a quarter order 1, and so on. */
static unsigned int random_order(struct machine *m)
{
	unsigned int order = (unsigned int)__builtin_ctzll(next_random(m) | 1ull << MAX_ORDER);

	return order;
}

/* Distributes everything evenly over all memory above LOW_END. */
static void place_all(struct machine *m)
{
	size_t n = m->records + m->blocks + 2, metadata = 0, allocations = 0;
	uint64_t *kinds = allocate(n, sizeof(*kinds));
	uint64_t taken = 0, gap, addr = LOW_END + HOLE;
	uint64_t end = m->guests ? m->guests : m->memory + HOLE;

	/* order << 1, with bit 0 set for an allocation */
	for (size_t i = 0; i < m->records; i++)
		kinds[i] = random_order(m) << 1 | 1;
	shuffle(m, kinds, n);
	for (size_t i = 0; i < n; i++)
		taken += (PAGE << (kinds[i] >> 1)) * 3 / 2;	/* includes alignment */
	if (addr >= end || taken > end - addr)
		die("the allocations do not fit in the memory");
	/* a gap is half of this on average, which leaves a quarter of the space as reserve */
	gap = 3 * ((end - addr - taken) / n) / 2 / PAGE;

	for (size_t i = 0; i < n; i++) {
		uint64_t size = PAGE << (kinds[i] >> 1);

		addr += next_random(m) % (gap + 1) * PAGE;
		addr = (addr + size - 1) / size * size;
		if (addr + size > end)
			die("the memory is too small for the gaps");
		if (kinds[i] & 1)
			m->allocations[allocations++] = addr | kinds[i] >> 1;
		else
			m->places[metadata++] = addr;
		addr += size;
	}
	free(kinds);
	mix(m, m->allocations, m->records);
	mix(m, m->places, metadata);
}

/* ------------------------------------------------------------------- tree */

static uint64_t *node_new(struct machine *m, uint64_t *addr)
{
	/* leave gaps, because no reader may depend on consecutive nodes */
	*addr = m->next_node;
	m->next_node += 2 * PAGE;
	if (m->next_node > TREE + (LOW_END - TREE) / 2)
		die("the tree does not fit in the memory for it");
	return (uint64_t *)page_new(m, *addr);
}

/* Returns the data of the node at @addr; nodes are the first pages of the list. */
static uint64_t *node_at(struct machine *m, uint64_t addr)
{
	return (uint64_t *)m->pages[(addr - TREE) / (2 * PAGE)].data;
}

static void preserve_radix(struct machine *m, uint64_t addr, unsigned int order)
{
	uint64_t key = 1ull << (64 - page_shift - order) |
		       addr >> (page_shift + order);
	uint64_t *node = node_at(m, TREE);

	for (unsigned int level = KHO_RADIX_LEVELS(page_shift) - 1; level; level--) {
		unsigned int shift = KHO_RADIX_BITMAP_BITS(page_shift) + (level - 1) * KHO_RADIX_TABLE_BITS(page_shift);
		uint64_t *entry = &node[key >> shift & ((1u << KHO_RADIX_TABLE_BITS(page_shift)) - 1)];

		if (*entry)
			node = node_at(m, *entry);
		else
			node = node_new(m, entry);
	}
	key &= (1u << KHO_RADIX_BITMAP_BITS(page_shift)) - 1;
	node[key / 64] |= 1ull << (key % 64);
}

/* Returns a page of the chain with space for another bitmap of @order; makes one if necessary. */
static struct khoser_mem_chunk *chunk_of(struct machine *m, unsigned int order)
{
	struct khoser_mem_chunk *chunk = (void *)node_at(m, TREE);

	while ((chunk->order != order || chunk->num_elms == KHO_V1_CHUNK_BITMAPS(page_shift)) && chunk->next)
		chunk = (void *)node_at(m, chunk->next);
	if (chunk->num_elms && (chunk->order != order || chunk->num_elms == KHO_V1_CHUNK_BITMAPS(page_shift)))
		chunk = (void *)node_new(m, &chunk->next);
	chunk->order = order;
	return chunk;
}

/* Returns the bitmap of @order for the memory at @start; makes it if necessary. */
static uint64_t *bitmap_of(struct machine *m, unsigned int order, uint64_t start)
{
	struct khoser_mem_chunk *chunk = (void *)node_at(m, TREE);
	struct khoser_mem_bitmap_ptr *ptr;

	for (; chunk; chunk = chunk->next ? (void *)node_at(m, chunk->next) : NULL) {
		for (uint32_t i = 0; chunk->order == order && i < chunk->num_elms; i++) {
			if (chunk->bitmaps[i].phys_start == start)
				return node_at(m, chunk->bitmaps[i].bitmap);
		}
	}
	chunk = chunk_of(m, order);
	ptr = &chunk->bitmaps[chunk->num_elms++];
	ptr->phys_start = start;
	return node_new(m, &ptr->bitmap);
}

static void preserve_v1(struct machine *m, uint64_t addr, unsigned int order)
{
	const uint64_t span = PAGE * 8 * PAGE << order;
	uint64_t start = addr / span * span, bit = addr % span / (PAGE << order);

	if (!m->bitmap || m->bitmap_start != start || m->bitmap_order != order) {
		m->bitmap = bitmap_of(m, order, start);
		m->bitmap_start = start;
		m->bitmap_order = order;
	}
	m->bitmap[bit / 64] |= 1ull << (bit % 64);
}

static void preserve(struct machine *m, uint64_t addr, unsigned int order)
{
	if (m->v1)
		preserve_v1(m, addr, order);
	else
		preserve_radix(m, addr, order);
}

/* Preserves a guest in blocks of @order. After each run of @run blocks, it leaves one out. */
static void make_guest(struct machine *m, uint64_t addr, unsigned int order, unsigned int run)
{
	for (uint64_t i = 0; i < GUEST / (PAGE << order); i++) {
		if (i && i % run == 0)
			addr += PAGE << order;
		preserve(m, addr, order);
		addr += PAGE << order;
	}
}

static void make_tree(struct machine *m)
{
	uint64_t root;

	m->next_node = TREE;
	node_new(m, &root);
	for (size_t i = 0; i < m->records; i++)
		preserve(m, m->allocations[i] & -PAGE, m->allocations[i] % PAGE);
	for (size_t i = 0; i < m->blocks + 2; i++)
		preserve(m, m->places[i], 0);
	for (unsigned int i = 0; m->guests && i < GUESTS; i++)
		make_guest(m, m->guests + i * GUEST_ROOM, i ? FOLIO_ORDER : 0, i ? 512 : 1024);
}

/* ---------------------------------------------------------------- records */

static void make_record(struct machine *m, struct dma_alloc_record_ser *r, size_t i)
{
	unsigned int order = m->allocations[i] % PAGE;

	*r = (struct dma_alloc_record_ser){
		.page_phys = m->allocations[i] & -PAGE,
		.size = (PAGE << order) - (order ? next_random(m) % (PAGE << (order - 1)) : 0),
		.dma_addr = m->allocations[i] & -PAGE,
		/* a kernel uses slots again, so the ids do not have the order of the chain */
		.id = (i ^ (i % 8 ? 0 : 8)) + 1,
		.flags = DMA_ALLOC_FLAGS_WORD(DMA_ALLOC_IN_USE),
	};
	snprintf(r->device, sizeof(r->device), "pci:0000:%02x:%02x.0",
		 (unsigned int)(i >> 5) % 64, (unsigned int)i % 32);
	snprintf(r->tag, sizeof(r->tag), "ring%u", (unsigned int)i % 16);
	r->crc32c = kho_crc32c(r, offsetof(struct dma_alloc_record_ser, crc32c));
}

static uint64_t make_records(struct machine *m, const uint64_t *places)
{
	uint64_t pages = 0;

	for (size_t b = 0; b < m->blocks; b++) {
		size_t left = m->records - b * PER_BLOCK;
		struct kho_block_header_ser header = {
			b + 1 < m->blocks ? places[b + 1] : 0, left < PER_BLOCK ? left : PER_BLOCK,
		};
		struct dma_alloc_record_ser record;
		unsigned char *data = page_new(m, places[b]);

		memcpy(data, &header, sizeof(header));
		for (size_t k = 0; k < header.count; k++) {
			make_record(m, &record, b * PER_BLOCK + k);
			memcpy(data + sizeof(header) + k * sizeof(record), &record, sizeof(record));
			pages += 1ull << m->allocations[b * PER_BLOCK + k] % PAGE;
		}
	}
	return pages;
}

static void make_head(struct machine *m, uint64_t addr, uint64_t first_block, uint64_t pages)
{
	struct dma_alloc_ser head = {
		.compatible = DMA_ALLOC_COMPATIBLE,
		.header_size = sizeof(head),
		.record_size = sizeof(struct dma_alloc_record_ser),
		.first_block_pa = m->records ? first_block : 0,
		.nr_records = m->records,
		.nr_pages = pages,
		.generation = m->records,
		.next_id = m->records + 16,
	};

	head.crc32c = kho_crc32c(&head, offsetof(struct dma_alloc_ser, crc32c));
	memcpy(page_new(m, addr), &head, sizeof(head));
}

static bool make_subtree(void *fdt, uint64_t head)
{
	const uint64_t size = sizeof(struct dma_alloc_ser);

	return !fdt_begin_node(fdt, DMA_ALLOC_KHO_SUBTREE) &&
	       !fdt_property(fdt, KHO_FDT_DATA_PROP, &head, sizeof(head)) &&
	       !fdt_property(fdt, KHO_FDT_SIZE_PROP, &size, sizeof(size)) && !fdt_end_node(fdt);
}

static void make_root(struct machine *m, uint64_t addr, uint64_t head)
{
	unsigned char *fdt = page_new(m, addr);
	const uint64_t tree = TREE;

	if (fdt_create(fdt, (int)PAGE) || fdt_finish_reservemap(fdt) ||
	    fdt_begin_node(fdt, "") ||
	    fdt_property_string(fdt, "compatible", m->v1 ? "kho-v1" : "kho-v4") ||
	    fdt_property(fdt, KHO_FDT_MEMORY_MAP_PROP, &tree, sizeof(tree)) ||
	    (!m->v1 && !make_subtree(fdt, head)) ||
	    fdt_end_node(fdt) || fdt_finish(fdt))
		die("cannot make the root FDT");
}

/* ------------------------------------------------------------------- file */

static void write_at(int fd, const void *data, size_t size, uint64_t offset)
{
	if (pwrite(fd, data, size, (off_t)offset) != (ssize_t)size)
		die("cannot write the file");
}

static size_t make_notes(const struct machine *m, uint64_t root, char *buf, size_t size)
{
	Elf64_Nhdr *nhdr = (Elf64_Nhdr *)buf;
	char *text = buf + sizeof(*nhdr) + 4;
	int n = snprintf(text, size - sizeof(*nhdr) - 4,
			 "side=out\nrelease=%s-bench\npage_size=0x%" PRIx64 "\nfdt_phys=0x%" PRIx64 "\n"
			 "scratch=0x%llx+0x%llx\nram=0x%llx+0x%llx\nram=0x%llx+0x%llx\n",
			 m->v1 ? "7.0.0" : "7.3.4", PAGE, root, SCRATCH, SCRATCH, (1ull << 20), LOW_END - (1ull << 20),
			 LOW_END + HOLE, m->memory - LOW_END);

	*nhdr = (Elf64_Nhdr){ sizeof(KHO_SNAPSHOT_NOTE_NAME), (Elf64_Word)n,
			      KHO_SNAPSHOT_NOTE_TYPE };
	memcpy(buf + sizeof(*nhdr), KHO_SNAPSHOT_NOTE_NAME, sizeof(KHO_SNAPSHOT_NOTE_NAME));
	return sizeof(*nhdr) + 4 + ((size_t)n + 3) / 4 * 4;
}

static int page_compare(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static bool is_x86(void)
{
	return page_shift == KHO_ABI_MIN_PAGE_SHIFT;
}

static void write_header(int fd, size_t phdrs)
{
	Elf64_Ehdr ehdr = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = is_x86() ? EM_X86_64 : EM_AARCH64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr), .e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = (Elf64_Half)phdrs,
	};

	if (phdrs >= PN_XNUM)
		die("an ELF header cannot describe so many segments: use --whole");
	write_at(fd, &ehdr, sizeof(ehdr), 0);
}

/* Writes only the pages with metadata, and the notes. */
static void write_pages(struct machine *m, int fd, uint64_t root)
{
	Elf64_Phdr *phdrs = allocate(m->nr_pages + 1, sizeof(*phdrs));
	char notes[1024] = { 0 };
	size_t n = 1, notes_size = make_notes(m, root, notes, sizeof(notes));
	uint64_t table = sizeof(Elf64_Ehdr), offset;

	offset = table + (m->nr_pages + 1) * sizeof(*phdrs);
	write_at(fd, notes, notes_size, offset);
	phdrs[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = offset,
				 .p_filesz = notes_size, .p_align = 4 };
	offset = (offset + notes_size + PAGE - 1) / PAGE * PAGE;

	for (size_t i = 0; i < m->nr_pages; i++) {
		Elf64_Phdr *last = &phdrs[n - 1];

		write_at(fd, m->pages[i].data, PAGE, offset);
		if (n > 1 && last->p_paddr + last->p_filesz == m->pages[i].addr) {
			last->p_filesz += PAGE;
			last->p_memsz += PAGE;
		} else {
			phdrs[n++] = (Elf64_Phdr){
				.p_type = PT_LOAD, .p_flags = PF_R, .p_offset = offset,
				.p_paddr = m->pages[i].addr, .p_filesz = PAGE,
				.p_memsz = PAGE, .p_align = PAGE,
			};
		}
		offset += PAGE;
	}
	write_at(fd, phdrs, n * sizeof(*phdrs), table);
	write_header(fd, n);
	free(phdrs);
}

/* Writes all of memory, most of it as holes of the file. */
static void write_whole(struct machine *m, int fd)
{
	Elf64_Phdr phdrs[] = {
		{ .p_type = PT_LOAD, .p_flags = PF_R, .p_offset = PAGE,
		  .p_filesz = LOW_END, .p_memsz = LOW_END, .p_align = PAGE },
		{ .p_type = PT_LOAD, .p_flags = PF_R, .p_offset = PAGE + LOW_END,
		  .p_paddr = LOW_END + HOLE, .p_filesz = m->memory - LOW_END,
		  .p_memsz = m->memory - LOW_END, .p_align = PAGE },
	};

	write_at(fd, phdrs, sizeof(phdrs), sizeof(Elf64_Ehdr));
	write_header(fd, 2);
	if (ftruncate(fd, (off_t)(PAGE + m->memory)))
		die("cannot extend the file to the size of the memory");
	for (size_t i = 0; i < m->nr_pages; i++) {
		uint64_t addr = m->pages[i].addr;

		write_at(fd, m->pages[i].data, PAGE, PAGE + addr - (addr < LOW_END ? 0 : HOLE));
	}
}

/* ------------------------------------------------------------------ kdump */

static void set_bits(unsigned char *bits, uint64_t addr, uint64_t size)
{
	for (uint64_t page = addr / PAGE; page < (addr + size) / PAGE; page++)
		bits[page / 8] |= (unsigned char)(1u << page % 8);
}

/* Writes a compressed dump: a bitmap of RAM, and only the pages with metadata. */
static void write_kdump(const struct machine *m, int fd)
{
	uint64_t pages = (m->memory + HOLE) / PAGE;
	uint64_t bitmap = (pages / 8 + PAGE - 1) / PAGE * PAGE;
	struct kdump_header header = {
		.signature = { 'K', 'D', 'U', 'M', 'P', ' ', ' ', ' ' },
		.version = 6,
		.block_size = (int32_t)PAGE,
		.sub_header_blocks = 1,
		.bitmap_blocks = (uint32_t)(2 * bitmap / PAGE),
		.max_page = (uint32_t)pages,
	};
	struct kdump_sub_header sub = { .dump_level = 31, .end_page = pages, .max_page = pages };
	unsigned char *ram = allocate(1, bitmap), *present = allocate(1, bitmap);
	struct kdump_page *table = allocate(m->nr_pages, sizeof(*table));
	uint64_t descriptors = 2 * PAGE + 2 * bitmap;
	uint64_t data = (descriptors + m->nr_pages * sizeof(*table) + PAGE - 1) / PAGE * PAGE;

	snprintf(header.utsname[0], 65, "Linux");
	snprintf(header.utsname[2], 65, "7.3.4-bench");
	snprintf(header.utsname[4], 65, "%s", is_x86() ? "x86_64" : "aarch64");
	set_bits(ram, 0, LOW_END);
	set_bits(ram, LOW_END + HOLE, m->memory - LOW_END);
	for (size_t i = 0; i < m->nr_pages; i++) {
		set_bits(present, m->pages[i].addr, PAGE);
		table[i] = (struct kdump_page){ .offset = data + i * PAGE, .size = (uint32_t)PAGE };
		write_at(fd, m->pages[i].data, PAGE, table[i].offset);
	}
	write_at(fd, &header, sizeof(header), 0);
	write_at(fd, &sub, sizeof(sub), PAGE);
	write_at(fd, ram, bitmap, 2 * PAGE);
	write_at(fd, present, bitmap, 2 * PAGE + bitmap);
	write_at(fd, table, m->nr_pages * sizeof(*table), descriptors);
	free(table);
	free(present);
	free(ram);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "host", no_argument, NULL, 'h' },
		{ "kdump", no_argument, NULL, 'k' },
		{ "memory", required_argument, NULL, 'm' },
		{ "pages", required_argument, NULL, 'p' },
		{ "scatter", no_argument, NULL, 's' },
		{ "v1", no_argument, NULL, '1' },
		{ "whole", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	struct machine m = { .memory = 64 * GIB, .random = 1 };
	bool whole = false, kdump = false, host = false;
	uint64_t pages = 0;
	int option, fd;

	while ((option = getopt_long(argc, argv, "1hkm:p:sw", long_options, NULL)) != -1) {
		if (option == 'm')
			m.memory = strtoull(optarg, NULL, 0) * GIB;
		else if (option == 'p')
			page_shift = 10 + (unsigned int)__builtin_ctzll(strtoull(optarg, NULL, 0) | 1ull << 63);
		else if (option == 's')
			m.scatter = true;
		else if (option == 'k')
			kdump = true;
		else if (option == 'h')
			host = true;
		else if (option == '1')
			m.v1 = true;
		else if (option == 'w')
			whole = true;
		else
			die("unknown option");
	}
	if (argc - optind != 2 || m.memory <= LOW_END || m.memory > 1024 * GIB ||
	    page_shift < KHO_ABI_MIN_PAGE_SHIFT || page_shift > KHO_ABI_MAX_PAGE_SHIFT)
		die("usage: bench-dump [--memory GIB (3 to 1024)] [--pages KIB (4 to 64)] [--scatter] [--host] [--v1] [--whole | --kdump] RECORDS FILE");
	if (host) {
		m.guests = m.memory + HOLE;
		m.memory += GUESTS * GUEST_ROOM;
	}

	m.records = strtoull(argv[optind], NULL, 0);
	m.blocks = (m.records + PER_BLOCK - 1) / PER_BLOCK;
	m.allocations = allocate(m.records + 1, sizeof(*m.allocations));
	m.places = allocate(m.blocks + 2, sizeof(*m.places));
	place_all(&m);
	make_tree(&m);
	if (!m.v1) {
		pages = make_records(&m, m.places + 2);
		make_head(&m, m.places[1], m.places[2], pages);
	}
	make_root(&m, m.places[0], m.places[1]);

	fd = open(argv[optind + 1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		die(argv[optind + 1]);
	qsort(m.pages, m.nr_pages, sizeof(*m.pages), page_compare);
	if (kdump)
		write_kdump(&m, fd);
	else if (whole)
		write_whole(&m, fd);
	else
		write_pages(&m, fd, m.places[0]);
	if (close(fd))
		die("cannot write the file");
	for (size_t i = 0; i < m.nr_pages; i++)
		free(m.pages[i].data);
	free(m.pages);
	free(m.allocations);
	free(m.places);
	return 0;
}
