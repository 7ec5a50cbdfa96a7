// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-live SNAPSHOT FOLDER: verify and snapshot on a running machine made of files in FOLDER. Its
 * memory changes at chosen moments: at the n-th read. "test-live SNAPSHOT FOLDER in" only makes the
 * machine, with incoming state.
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libkho/crc32c.h"
#include "libkho/source.h"
#include "libkho/abi/dma_alloc.h"

/* libkho reads damaged records again this many times, all records together. */
#define RECORD_TRIES	5

static struct {
	int fd;			/* descriptor of the file that stands for /proc/kcore */
	off_t head, record;	/* their places in it */
	int reads;
	int change_at;		/* change at the n-th read; 0: never */
	bool go_on;		/* change at every later read too */
	bool count;		/* the change adds a record to the count */
	bool heal;		/* the change repairs the record */
} machine;

static struct {
	unsigned int n[4], unevaluated;
	char rules[256];
} found;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "test-live: %s\n", what);
	exit(1);
}

/* --------------------------------------------------------------- machine */

ssize_t __real_pread(int fd, void *buf, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t offset);

static void peek(off_t offset, void *buf, size_t size)
{
	if (__real_pread(machine.fd, buf, size, offset) != (ssize_t)size)
		die("cannot read the machine's memory");
}

static void poke(off_t offset, const void *buf, size_t size)
{
	if (pwrite(machine.fd, buf, size, offset) != (ssize_t)size)
		die("cannot write the machine's memory");
}

static void flip_record(void)
{
	uint32_t crc;
	off_t at = machine.record + (off_t)offsetof(struct dma_alloc_record_ser, crc32c);

	peek(at, &crc, sizeof(crc));
	crc ^= 1;
	poke(at, &crc, sizeof(crc));
}

static void next_generation(void)
{
	struct dma_alloc_ser head;

	peek(machine.head, &head, sizeof(head));
	head.generation++;
	head.nr_records += machine.count;
	head.crc32c = kho_crc32c(&head, offsetof(struct dma_alloc_ser, crc32c));
	poke(machine.head, &head, sizeof(head));
}

ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t offset)
{
	ssize_t n = __real_pread(fd, buf, size, offset);

	machine.reads++;
	if (machine.change_at && (machine.reads == machine.change_at ||
				  (machine.go_on && machine.reads > machine.change_at))) {
		next_generation();
		if (machine.heal)
			flip_record();
	}
	return n;
}

/* -------------------------------------------------------------- building */

static void write_text(const char *root, const char *path, const struct kho_state *state,
		       char what)
{
	size_t n, i;
	const struct kho_range *scratch = kho_state_scratch(state, &n);
	char full[PATH_MAX];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "w");
	if (!f)
		die("cannot write debugfs");
	if (what == 'f')
		fprintf(f, "0x%" PRIx64 "\n", kho_state_fdt_addr(state));
	for (i = 0; what != 'f' && i < n; i++)
		fprintf(f, "0x%" PRIx64 "\n", what == 'a' ? scratch[i].addr : scratch[i].size);
	if (fclose(f))
		die("cannot write debugfs");
}

static void make_folders(const char *root, enum kho_side side)
{
	const char *const folders[] = {
		"/proc", "/sys", "/sys/kernel", "/sys/kernel/debug", "/sys/kernel/debug/kho",
		"/sys/kernel/debug/kho/out",
		/* this file shows that state arrived */
		side == KHO_SIDE_IN ? "/sys/kernel/debug/kho/in" : "/sys/kernel/debug/kho/out",
	};
	char full[PATH_MAX];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(full, sizeof(full), "%s%s", root, folders[i]);
		mkdir(full, 0755);
	}
}

/* Returns the offset of a physical address in the core that make_kcore() writes. */
static off_t place_of(struct kho_source *source, uint64_t addr)
{
	off_t offset = 1 << 20;

	struct kho_range run = { 0 };

	while (kho_source_next_run(source, run.addr + run.size, &run)) {
		if (addr >= run.addr && addr - run.addr < run.size)
			return offset + (off_t)(addr - run.addr);
		offset += (off_t)run.size;
	}
	die("no such address");
}

static void add_phdr(Elf64_Ehdr *ehdr, const Elf64_Phdr *phdr)
{
	poke((off_t)(sizeof(*ehdr) + ehdr->e_phnum++ * sizeof(*phdr)), phdr, sizeof(*phdr));
}

static void add_run(Elf64_Ehdr *ehdr, struct kho_source *source, const struct kho_range *run)
{
	const Elf64_Phdr phdr = {
		.p_type = PT_LOAD, .p_paddr = run->addr, .p_filesz = run->size,
		.p_memsz = run->size, .p_offset = (Elf64_Off)place_of(source, run->addr),
	};
	char *data = malloc(run->size);

	if (!data || kho_source_read(source, run->addr, data, run->size, NULL))
		die("cannot read the snapshot");
	poke((off_t)phdr.p_offset, data, run->size);
	free(data);
	add_phdr(ehdr, &phdr);
}

/* Writes a core with the snapshot's pages, and all RAM as program headers without content. */
static int make_kcore(const char *root, struct kho_source *source)
{
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr), .e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
	};
	struct kho_range run = { 0 };
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/proc/kcore", root);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		die("cannot write kcore");
	machine.fd = fd;
	while (kho_source_next_run(source, run.addr + run.size, &run))
		add_run(&ehdr, source, &run);
	for (size_t i = 0; i < source->nr_ram; i++)
		add_phdr(&ehdr, &(Elf64_Phdr){
			.p_type = PT_LOAD, .p_paddr = source->ram[i].addr,
			.p_memsz = source->ram[i].size,
		});
	poke(0, &ehdr, sizeof(ehdr));
	return fd;
}

static void make_machine(const char *snapshot, const char *root, enum kho_side side)
{
	struct kho_dma_header header;
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	struct kho_source *source;
	struct kho_state *state;

	if (kho_source_open_file(snapshot, &source, NULL) ||
	    kho_state_open(source, side, &state, NULL) ||
	    kho_dma_read_header(state, &header, NULL) ||
	    kho_dma_iter_create(state, &iter, NULL) ||
	    kho_dma_iter_next(iter, &record, NULL) != 1)
		die("not a sound snapshot");

	make_folders(root, side);
	write_text(root, side == KHO_SIDE_OUT ? "/sys/kernel/debug/kho/out/fdt_phys"
					      : "/sys/kernel/debug/kho/in/fdt_phys", state, 'f');
	write_text(root, "/sys/kernel/debug/kho/out/scratch_phys", state, 'a');
	write_text(root, "/sys/kernel/debug/kho/out/scratch_len", state, 's');
	make_kcore(root, source);
	machine.head = place_of(source, header.addr);
	machine.record = place_of(source, record.record_addr);

	kho_dma_iter_destroy(iter);
	kho_state_close(state);
	kho_source_close(source);
}

/* ------------------------------------------------------------- scenarios */

static int note_finding(const struct kho_finding *finding, void *data)
{
	size_t used = strlen(found.rules);

	(void)data;
	if (finding->severity == KHO_SEVERITY_INFO)
		return 0;
	if (finding->outcome == KHO_OUTCOME_NOT_JUDGED)
		found.unevaluated++;
	else
		found.n[finding->severity]++;
	snprintf(found.rules + used, sizeof(found.rules) - used, "%s%s ", finding->rule->id,
		 finding->outcome == KHO_OUTCOME_NOT_JUDGED ? "?" : "");
	return 0;
}

/* Returns the number of reads. */
static int run(const char *root, const char *what, const char *expected)
{
	/* a snapshot does not contain the content of allocations */
	const struct kho_verify_options options = { .skip_content = true };
	struct kho_verify_summary summary;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;

	memset(&found, 0, sizeof(found));
	if (kho_source_open_live(root, &source, &err) ||
	    kho_state_open(source, KHO_SIDE_OUT, &state, &err))
		die(err.message);
	machine.reads = 0;
	if (kho_verify(state, &options, note_finding, NULL, &summary, &err))
		die(err.message);
	machine.change_at = 0;
	machine.go_on = false;
	machine.heal = false;
	machine.count = false;

	if (strcmp(found.rules, expected) || summary.records != 5 ||
	    summary.unevaluated != found.unevaluated ||
	    summary.findings[KHO_SEVERITY_ERROR] != found.n[KHO_SEVERITY_ERROR]) {
		fprintf(stderr, "%s: found \"%s\" in %" PRIu64 " records, expected \"%s\"\n",
			what, found.rules, summary.records, expected);
		exit(1);
	}
	kho_state_close(state);
	kho_source_close(source);
	return machine.reads;
}

/* Writes a snapshot to @path, and returns libkho's code for it. */
static int take(const char *root, const char *path, struct kho_error *err)
{
	struct kho_source *source;
	struct kho_state *state;
	int ret;

	if (kho_source_open_live(root, &source, err) || kho_state_open(source, KHO_SIDE_OUT, &state, err))
		die(err->message);
	machine.reads = 0;
	ret = kho_snapshot_write(state, path, err);
	machine.change_at = 0;
	machine.go_on = false;
	kho_state_close(state);
	kho_source_close(source);
	return ret;
}

/* The library writes a snapshot of one moment, or none. */
static void test_snapshot(const char *root)
{
	char path[PATH_MAX];
	struct kho_source *source;
	struct kho_error err;
	int reads, again = 0;

	snprintf(path, sizeof(path), "%s/snapshot", root);
	if (take(root, path, &err))
		die(err.message);
	reads = machine.reads;
	for (int at = 1; at <= reads; at++) {
		machine.change_at = at;
		if (take(root, path, &err))
			die(err.message);
		again += machine.reads > reads;
	}
	if (again < reads / 4)
		die("a snapshot during which the state changed was not taken again");
	if (kho_source_open_file(path, &source, &err))
		die(err.message);
	kho_source_close(source);

	unlink(path);
	machine.change_at = 1;
	machine.go_on = true;
	if (take(root, path, &err) != KHO_ERR_NOT_PRESENT || !strstr(err.message, "changed each time"))
		die("a snapshot of no moment was taken");
	if (!access(path, F_OK))
		die("a snapshot that was not taken is there");
}

int main(int argc, char **argv)
{
	const char *root = argc == 3 ? argv[2] : "";
	struct dma_alloc_ser head;
	int reads, look;

	if (argc == 4 && !strcmp(argv[3], "in")) {
		make_machine(argv[1], argv[2], KHO_SIDE_IN);
		return 0;
	}
	if (argc != 3)
		die("usage: test-live SNAPSHOT FOLDER [in]");
	make_machine(argv[1], root, KHO_SIDE_OUT);

	reads = run(root, "at rest", "");
	machine.change_at = reads / 2;
	look = run(root, "changed, and nothing to be found", "");
	if (look != reads)
		die("a clean look was made again");

	/*
	 * The record is half written during the first look, even when libkho reads it again, and
	 * whole at the second look.
	 */
	flip_record();
	machine.change_at = reads + RECORD_TRIES + 1;
	machine.heal = true;
	look = run(root, "half written at the first look", "");
	if (look < 2 * reads)
		die("a look during which the state changed was not made again");

	flip_record();
	run(root, "damaged, at rest", "K405 ");
	/* a finding that two runs agree on counts, even if other state changes */
	machine.change_at = 1;
	machine.go_on = true;
	run(root, "damaged, while other things change", "K405 ");
	machine.change_at = 1;
	machine.go_on = true;
	machine.count = true;
	peek(machine.head, &head, sizeof(head));
	run(root, "never the same twice", "K405 K412 K412? ");
	poke(machine.head, &head, sizeof(head));
	flip_record();
	test_snapshot(root);
	return 0;
}
