// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-source FOLDER: reads files by other programs: segments in any order that overlap, notes that
 * share bytes, files that are truncated before or during the read, files that are not dumps. Writes
 * all of them to FOLDER.
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libkho/kho.h"
#include "libkho/source.h"

#define PAGE	4096u
#define CHECK(condition) \
	do { \
		if (!(condition)) \
			die(__LINE__, #condition); \
	} while (0)

static const char *folder, *step = "";
static char path[4096];

static void __attribute__((noreturn)) die(int line, const char *what)
{
	fprintf(stderr, "test-source:%d: %s: %s\n", line, step, what);
	exit(1);
}

/* ---------------------------------------------------------------- building */

static int create(const char *name)
{
	int fd;

	step = name;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	return fd;
}

static void put(int fd, const void *data, size_t size, uint64_t offset)
{
	CHECK(pwrite(fd, data, size, (off_t)offset) == (ssize_t)size);
}

/* Makes a core with @n headers, which the caller fills. */
static int create_core(const char *name, const Elf64_Phdr *phdrs, size_t n)
{
	const Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr), .e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = (Elf64_Half)n,
	};
	int fd = create(name);

	put(fd, &ehdr, sizeof(ehdr), 0);
	put(fd, phdrs, n * sizeof(*phdrs), sizeof(ehdr));
	return fd;
}

/* Each word of a page contains the address of the page. */
static void put_memory(int fd, const Elf64_Phdr *phdr)
{
	uint64_t page[PAGE / 8];

	for (uint64_t done = 0; done < phdr->p_filesz; done += PAGE) {
		for (size_t i = 0; i < PAGE / 8; i++)
			page[i] = phdr->p_paddr + done;
		put(fd, page, sizeof(page), phdr->p_offset + done);
	}
}

static Elf64_Phdr memory(uint64_t addr, uint64_t size, uint64_t offset)
{
	return (Elf64_Phdr){
		.p_type = PT_LOAD, .p_paddr = addr, .p_filesz = size, .p_memsz = size,
		.p_offset = offset,
	};
}

static struct kho_source *open_source(void)
{
	struct kho_source *source;
	struct kho_error err;

	if (kho_source_open_file(path, &source, &err))
		die(__LINE__, err.message);
	return source;
}

/* ------------------------------------------------------------------- checks */

static bool has_page(struct kho_source *source, uint64_t addr)
{
	uint64_t page[PAGE / 8];

	if (kho_source_read(source, addr, page, sizeof(page), NULL))
		return false;
	for (size_t i = 0; i < PAGE / 8; i++)
		CHECK(page[i] == addr);
	return true;
}

/* Runs are sorted and do not overlap, and their pages are readable. */
static uint64_t count_pages(struct kho_source *source)
{
	struct kho_range run = { 0 };
	uint64_t n = 0, end = 0;

	for (; kho_source_next_run(source, end, &run); end = run.addr + run.size) {
		CHECK(run.addr >= end && run.size);
		for (uint64_t done = 0; done < run.size; done += PAGE, n++)
			CHECK(has_page(source, run.addr + done));
	}
	return n;
}

/* For any order and overlap of segments, each of their pages exists once. */
static void test_overlap(void)
{
	static const struct {
		uint64_t addr, pages;
	} shapes[][6] = {
		{ { 0x100000, 64 }, { 0x120000, 4 } },			/* text within RAM */
		{ { 0x120000, 4 }, { 0x100000, 64 } },
		{ { 0x100000, 4 }, { 0x100000, 64 } },			/* same start */
		{ { 0x100000, 64 }, { 0x138000, 16 } },			/* beyond the end */
		{ { 0x100000, 64 }, { 0x100000, 64 } },			/* the same segment twice */
		{ { 0x130000, 16 }, { 0x100000, 64 }, { 0x110000, 2 }, { 0x160000, 8 }, { 0x120000, 40 } },
		/* around the hole of a crash kernel: low, before, text, behind, above 4 GiB */
		{ { 0x1000, 8 }, { 0x100000, 64 }, { 0x110000, 4 }, { 0x180000, 32 }, { 0x100000000, 16 } },
		{ { 0x110000, 4 }, { 0x100000000, 16 }, { 0x180000, 32 }, { 0x100000, 64 }, { 0x1000, 8 } },
	};
	char name[32];

	for (size_t shape = 0; shape < sizeof(shapes) / sizeof(shapes[0]); shape++) {
		uint64_t offset = 0x10000, expected = 0;
		struct kho_source *source;
		Elf64_Phdr phdrs[6];
		size_t n = 0;
		int fd;

		for (; n < 6 && shapes[shape][n].pages; n++) {
			phdrs[n] = memory(shapes[shape][n].addr, shapes[shape][n].pages * PAGE, offset);
			offset += phdrs[n].p_filesz + PAGE;
		}
		snprintf(name, sizeof(name), "overlap-%zu", shape);
		fd = create_core(name, phdrs, n);
		for (size_t i = 0; i < n; i++)
			put_memory(fd, &phdrs[i]);
		close(fd);

		source = open_source();
		for (size_t i = 0; i < n; i++) {
			for (uint64_t done = 0; done < phdrs[i].p_filesz; done += PAGE)
				CHECK(has_page(source, phdrs[i].p_paddr + done));
		}
		/* all pages of all segments */
		for (uint64_t addr = 0; addr < 0x200000; addr += PAGE)
			expected += has_page(source, addr);
		for (uint64_t addr = 0x100000000; addr < 0x100100000; addr += PAGE)
			expected += has_page(source, addr);
		CHECK(count_pages(source) == expected);
		CHECK(source->bytes == expected * PAGE);
		kho_source_close(source);
	}
}

/* Segments beyond the end of the file are missing, and are not part of the work. */
static void test_cut_short(void)
{
	const Elf64_Phdr phdrs[] = {
		memory(0x100000, 16 * PAGE, 0x10000), memory(0x200000, 1ull << 60, 0x20000),
		memory(1ull << 62, 1ull << 60, 0x10000),
	};
	struct kho_source *source;
	struct kho_error err;
	char page[PAGE];
	int fd = create_core("cut-short", phdrs, 3);

	put_memory(fd, &phdrs[0]);
	CHECK(!ftruncate(fd, 0x14000));
	source = open_source();
	CHECK(source->cut_short);
	CHECK(source->bytes <= 0x14000);
	CHECK(has_page(source, 0x103000));
	CHECK(kho_source_read(source, 0x104000, page, PAGE, &err) == KHO_ERR_NOT_PRESENT);
	CHECK(strstr(err.message, "is cut short") && err.addr == 0x104000);

	/* even shorter while it is open */
	CHECK(!ftruncate(fd, 0x11000));
	CHECK(kho_source_read(source, 0x102000, page, PAGE, &err) == KHO_ERR_NOT_PRESENT);
	kho_source_close(source);
	close(fd);
}

/* Returns the peak memory of the process in bytes. */
static uint64_t peak(void)
{
	struct rusage usage;

	CHECK(!getrusage(RUSAGE_SELF, &usage));
	return (uint64_t)usage.ru_maxrss * 1024;
}

/* Thousands of headers that name the same notes cost neither memory nor time. */
static void test_notes(void)
{
	enum { HEADERS = 8000, SIZE = 500000 };
	Elf64_Phdr *phdrs = calloc(HEADERS, sizeof(*phdrs));
	uint64_t before = peak();
	struct kho_source *source;
	struct kho_error err;
	int fd;

	CHECK(phdrs);
	for (size_t i = 0; i < HEADERS; i++)
		phdrs[i] = (Elf64_Phdr){
			.p_type = PT_NOTE, .p_offset = 0x1000, .p_filesz = SIZE, .p_align = 4,
		};
	fd = create_core("notes", phdrs, HEADERS);
	CHECK(!ftruncate(fd, 1 << 20));
	close(fd);
	free(phdrs);
	CHECK(kho_source_open_file(path, &source, &err) == KHO_ERR_FORMAT);
	CHECK(strstr(err.message, "notes"));
	CHECK(peak() - before < 64u << 20);
}

/* The time to read the lines of a snapshot is linear: 40,000 of them at once. */
static void test_note_lines(void)
{
	const char head[] = "side=out\nrelease=7.4.0\xff\nfdt_phys=0x1000\n";
	Elf64_Nhdr nhdr = { 4, 0, 0x4b484f31 };
	Elf64_Phdr phdr = { .p_type = PT_NOTE, .p_offset = 0x1000, .p_align = 4 };
	struct kho_source *source;
	char *text = malloc(2 << 20);
	size_t n = sizeof(head) - 1;
	int fd;

	CHECK(text);
	memcpy(text, head, n);
	for (uint64_t i = 0; i < 40000; i++)
		n += (size_t)sprintf(text + n, "ram=0x%" PRIx64 "+0x1000\n", i << 13);
	while (n % 4)
		text[n++] = '\n';
	nhdr.n_descsz = (Elf64_Word)n;
	phdr.p_filesz = sizeof(nhdr) + 4 + n;
	fd = create_core("lines", &phdr, 1);
	put(fd, &nhdr, sizeof(nhdr), 0x1000);
	put(fd, "KHO", 4, 0x1000 + sizeof(nhdr));
	put(fd, text, n, 0x1000 + sizeof(nhdr) + 4);
	close(fd);
	source = open_source();
	CHECK(source->nr_ram == 40000);
	CHECK(!strcmp(source->release, "7.4.0\\xff"));
	kho_source_close(source);

	/* not a range */
	fd = open(path, O_RDWR);
	put(fd, "ram=nonsense\n", 13, 0x1000 + sizeof(nhdr) + 4 + sizeof(head) - 1);
	close(fd);
	CHECK(kho_source_open_file(path, &source, NULL) == KHO_ERR_CORRUPT);
	free(text);
}

/* Adds a note of @text, and its program header. Returns the offset after it. */
static uint64_t put_note(int fd, Elf64_Phdr *phdr, const char *name, uint32_t type, const char *text,
			 uint64_t offset)
{
	char data[256] = { 0 };
	Elf64_Nhdr nhdr = { (Elf64_Word)strlen(name) + 1, (Elf64_Word)strlen(text), type };
	size_t n = sizeof(nhdr) + (nhdr.n_namesz + 3) / 4 * 4;

	memcpy(data, &nhdr, sizeof(nhdr));
	memcpy(data + sizeof(nhdr), name, nhdr.n_namesz);
	memcpy(data + n, text, nhdr.n_descsz);
	n += (nhdr.n_descsz + 3) / 4 * 4;
	put(fd, data, n, offset);
	*phdr = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = offset, .p_filesz = n, .p_align = 4 };
	return offset + n;
}

/* Some cores hold a part of RAM and do not say that there is more. */
static void test_knows_ram(void)
{
	static const struct {
		const char *name, *vmcoreinfo, *cpu, *snapshot;
		uint64_t vaddr, memory, ram;
		bool knows;
	} cores[] = {
		{ "one segment", NULL, NULL, NULL, 0, PAGE, PAGE, false },
		{ "memory without content", NULL, NULL, NULL, 0, 8 * PAGE, 8 * PAGE, true },
		{ "kdump", "OSRELEASE=7.3", NULL, NULL, 0xffff888000000000, PAGE, PAGE, true },
		{ "QEMU with vmcoreinfo", "OSRELEASE=7.3", "QEMU", NULL, 0, PAGE, PAGE, false },
		{ "QEMU with paging", "OSRELEASE=7.3", "QEMU", NULL, 0xffff888000000000, PAGE, PAGE, false },
		{ "QEMU on arm64", "OSRELEASE=7.3", "CORE", NULL, 0, PAGE, PAGE, false },
		{ "snapshot", NULL, NULL, "side=out\nram=0x0+0x9000\n", 0, PAGE, 9 * PAGE, true },
		{ "snapshot of a part", NULL, NULL, "side=out\nram=0x1000+0x2000\nram=unknown\n", 0, PAGE,
		  2 * PAGE, false },
		{ "snapshot without RAM", NULL, NULL, "side=out\n", 0, PAGE, PAGE, false },
	};

	for (size_t i = 0; i < sizeof(cores) / sizeof(cores[0]); i++) {
		Elf64_Phdr phdrs[4] = { memory(0x1000, PAGE, 0x10000) };
		int fd = create_core(cores[i].name, phdrs, 4);
		struct kho_source *source;
		uint64_t end = 0x1000;
		size_t n = 1;

		phdrs[0].p_vaddr = cores[i].vaddr;
		phdrs[0].p_memsz = cores[i].memory;
		if (cores[i].vmcoreinfo)
			end = put_note(fd, &phdrs[n++], "VMCOREINFO", 0, cores[i].vmcoreinfo, end);
		if (cores[i].cpu)
			end = put_note(fd, &phdrs[n++], cores[i].cpu, 0, "registers", end);
		if (cores[i].snapshot)
			put_note(fd, &phdrs[n++], "KHO", 0x4b484f31, cores[i].snapshot, end);
		put(fd, phdrs, sizeof(phdrs), sizeof(Elf64_Ehdr));
		put_memory(fd, &phdrs[0]);
		close(fd);
		source = open_source();
		CHECK(source->knows_ram == cores[i].knows);
		CHECK(source->nr_ram == 1 && source->ram[0].size == cores[i].ram);
		kho_source_close(source);
	}
}

/* The message names the kind of the file. */
static void test_no_dumps(void)
{
	static const struct {
		const char *magic;
		size_t size;
		const char *name, *remedy;
	} kinds[] = {
		{ "makedumpfile\0\0\0\0", 16, "flattened", "makedumpfile -R" },
		{ "QFI\xfb", 4, "disk image", "dump-guest-memory" },
		{ "LibvirtQemudSave", 16, "virsh save", "--memory-only" },
		{ "QEVM", 4, "QEMU", "--memory-only" },
		{ "EMiL", 4, "LiME", "vmcore" },
		{ "\x1f\x8b", 2, "gzip", "Unpack" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd", "Unpack" },
		{ "nothing of all that", 19, "neither an ELF core nor", "snapshot" },
		{ "", 0, "empty", "again" },
		{ "KDUMP   ", 8, "not a dump of an x86_64 or aarch64", "" },
	};
	struct kho_source *source;
	struct kho_error err;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int fd = create("no-dump");

		step = kinds[i].name;
		put(fd, kinds[i].magic, kinds[i].size, 0);
		close(fd);
		CHECK(kho_source_open_file(path, &source, &err));
		CHECK(err.code == KHO_ERR_FORMAT || err.code == KHO_ERR_UNSUPPORTED);
		CHECK(strstr(err.message, kinds[i].name));
		CHECK(strstr(err.remedy, kinds[i].remedy));
	}
	step = "a folder";
	CHECK(kho_source_open_file(folder, &source, &err) == KHO_ERR_OS);
	step = "a pipe";
	snprintf(path, sizeof(path), "%s/pipe", folder);
	CHECK(!mkfifo(path, 0600));
	CHECK(kho_source_open_file(path, &source, &err) == KHO_ERR_FORMAT && strstr(err.message, "is a pipe"));
}

/* ------------------------------------------------------------ a live machine */

static void put_file(const char *name, const char *text)
{
	int fd = create(name);

	put(fd, text, strlen(text), 0);
	close(fd);
}

static void make_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	CHECK(!mkdir(path, 0700));
}

/* No path below --sysroot leads out of it. */
static void test_sysroot(void)
{
	static const char *const folders[] = {
		"root", "root/proc", "root/sys", "root/sys/kernel", "root/sys/kernel/debug",
		"root/sys/kernel/debug/kho", "outside",
	};
	struct kho_source *source;
	struct kho_error err;
	char root[4096], outside[4096];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		make_folder(folders[i]);
	put_file("outside/osrelease", "6.66-secret\n");
	snprintf(root, sizeof(root), "%s/root", folder);
	snprintf(outside, sizeof(outside), "%s/outside", folder);

	step = "a link in place of kcore";
	snprintf(path, sizeof(path), "%s/root/proc/kcore", folder);
	CHECK(!symlink("../../outside/osrelease", path));
	CHECK(kho_source_open_live(root, &source, &err) == KHO_ERR_OS);
	CHECK(!unlink(path));

	step = "a link in place of a folder";
	put_file("root/proc/kcore", "");
	snprintf(path, sizeof(path), "%s/root/proc/sys", folder);
	CHECK(!symlink(outside, path));
	{
		const Elf64_Phdr phdr = memory(0x1000, PAGE, 0x1000);
		int fd = create_core("root/proc/kcore", &phdr, 1);

		put_memory(fd, &phdr);
		close(fd);
	}
	if (kho_source_open_live(root, &source, &err))
		die(__LINE__, err.message);
	CHECK(!*source->release);
	CHECK(source->changes && source->has_all_ram && source->files);
	kho_source_close(source);
}

/* In a machine without KHO, libkho reads the command line like the kernel. */
static void test_without_kho(void)
{
	static const struct {
		const char *cmdline;
		int code;
	} lines[] = {
		{ "quiet kho=on\n", KHO_ERR_NO_KHO },
		{ "\"kho=on\" quiet\n", KHO_ERR_NO_KHO },
		{ "kho=\"on\"\n", KHO_ERR_NO_KHO },
		{ "kho=1 x=\"a kho=off b\"\n", KHO_ERR_NO_KHO },
		{ "kho=on kho=off\n", KHO_ERR_DISABLED },
		{ "acpi_osi=\"a kho=on b\"\n", KHO_ERR_DISABLED },
		{ "quiet -- kho=on\n", KHO_ERR_DISABLED },
		{ "kho_scratch=on\n", KHO_ERR_DISABLED },
	};
	struct kho_source *source;
	struct kho_error err;
	char root[4096];

	snprintf(path, sizeof(path), "%s/root/sys/kernel/debug/kho", folder);
	CHECK(!rmdir(path));
	snprintf(root, sizeof(root), "%s/root", folder);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		put_file("root/proc/cmdline", lines[i].cmdline);
		step = lines[i].cmdline;
		CHECK(kho_source_open_live(root, &source, &err) == lines[i].code);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	folder = argv[1];
	test_overlap();
	test_cut_short();
	test_notes();
	test_note_lines();
	test_knows_ram();
	test_no_dumps();
	test_sysroot();
	test_without_kho();
	return 0;
}
