// SPDX-License-Identifier: LGPL-2.1-or-later
/* Writes the pages that KHO's metadata lives on as an ELF core, see abi/snapshot.h. */
#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode.h"
#include "dma.h"
#include "kho_output.h"
#include "ranges.h"
#include "source.h"
#include "abi/snapshot.h"

/* Blobs of unknown subtrees are taken along up to this size. */
#define MAX_BLOB	(64u << 10)
/* A snapshot of a live machine is to be of one moment. */
#define LIVE_TRIES	5

struct pages {
	struct kho_range *ranges;	/* of whole pages */
	size_t n, room;
	bool failed;
};

static int pages_add(uint64_t addr, void *data)
{
	struct pages *pages = data;
	struct kho_range *ranges;

	if (pages->n == pages->room) {
		size_t room = pages->room ? 2 * pages->room : 64;

		ranges = reallocarray(pages->ranges, room, sizeof(*ranges));
		if (!ranges) {
			pages->failed = true;
			return 1;
		}
		pages->ranges = ranges;
		pages->room = room;
	}
	addr -= addr % KHO_ABI_PAGE_SIZE;
	pages->ranges[pages->n++] = (struct kho_range){ addr, KHO_ABI_PAGE_SIZE };
	return 0;
}

static void add_subtrees(struct kho_state *state, struct pages *pages)
{
	for (size_t i = 0; i < state->root.nr_subtrees; i++) {
		const struct kho_subtree *subtree = &state->root.subtrees[i];
		uint64_t size = subtree->size < MAX_BLOB ? subtree->size : MAX_BLOB;

		if (subtree->addr > UINT64_MAX - MAX_BLOB - KHO_ABI_PAGE_SIZE)
			continue;
		/* a blob need not begin where a page does */
		size += subtree->addr % KHO_ABI_PAGE_SIZE;
		for (uint64_t done = 0; done == 0 || done < size; done += KHO_ABI_PAGE_SIZE)
			pages_add(subtree->addr + done, pages);
		/* and what it refers to, as far as it can be read */
		kho_subtree_walk(state, subtree, NULL, NULL, pages_add, pages, NULL);
	}
}

/* Pages of an allocation; all of them, or an error. */
static int add_allocation(struct kho_state *state, const struct kho_dma_record *record,
			  struct pages *pages, struct kho_error *err)
{
	unsigned char page[KHO_ABI_PAGE_SIZE];
	int ret;

	if (!record->crc_ok || !record->pages ||
	    record->addr > UINT64_MAX - record->pages * KHO_ABI_PAGE_SIZE)
		return kho_fail(err, KHO_ERR_CORRUPT, record->state,
				"the record of allocation %" PRIu64 " is damaged: where its content is cannot be told",
				record->id);
	for (uint64_t done = 0; done < record->size; done += sizeof(page)) {
		ret = kho_source_read(state->source, record->addr + done, page, sizeof(page), err);
		if (ret)
			return ret;
		if (pages_add(record->addr + done, pages))
			return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	}
	return 0;
}

static int add_content(struct kho_state *state, uint64_t id, struct pages *pages,
		       struct kho_error *err)
{
	struct kho_dma_record record;
	struct kho_dma_iter *iter;
	int ret;

	ret = kho_dma_iter_create(state, &iter, err);
	if (ret && ret != KHO_ERR_NOT_FOUND)
		return ret;
	if (!ret) {
		while ((ret = kho_dma_iter_next(iter, &record, err)) > 0 && record.id != id)
			;
		kho_dma_iter_destroy(iter);
		if (ret < 0)
			return ret;
	}
	if (ret <= 0)
		return kho_fail(err, KHO_ERR_NOT_FOUND, KHO_NO_ADDR, "there is no allocation %" PRIu64,
				id);
	return add_allocation(state, &record, pages, err);
}

/* Keeps the pages that the source has, merges them. */
static void keep_readable(struct kho_state *state, struct pages *pages)
{
	unsigned char page[KHO_ABI_PAGE_SIZE];
	size_t kept = 0;

	for (size_t i = 0; i < pages->n; i++) {
		if (!kho_source_read(state->source, pages->ranges[i].addr, page, sizeof(page), NULL))
			pages->ranges[kept++] = pages->ranges[i];
	}
	pages->n = kho_ranges_merge(pages->ranges, kept);
}

/* -------------------------------------------------------------------- ELF */

static char *notes_text(const struct kho_state *state, size_t *size)
{
	char *text = NULL, release[sizeof(state->source->release)];
	FILE *f = open_memstream(&text, size);

	if (!f)
		return NULL;
	/* as the kernel has it: the reader makes text of it */
	fprintf(f, "side=%s\nrelease=%.*s\nfdt_phys=0x%" PRIx64 "\n",
		state->root.side == KHO_SIDE_IN ? "in" : "out",
		(int)kho_text_bytes(state->source->release, release), release, state->root.addr);
	for (size_t i = 0; i < state->nr_scratch; i++)
		fprintf(f, "scratch=0x%" PRIx64 "+0x%" PRIx64 "\n", state->scratch[i].addr,
			state->scratch[i].size);
	for (size_t i = 0; i < state->source->nr_ram; i++)
		fprintf(f, "ram=0x%" PRIx64 "+0x%" PRIx64 "\n", state->source->ram[i].addr,
			state->source->ram[i].size);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static int write_fully(int fd, const void *buf, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t n = pwrite(fd, buf, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		buf = (const char *)buf + n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static int write_headers(int fd, const struct pages *pages, uint64_t note_offset,
			 size_t note_size, uint64_t data_offset)
{
	Elf *elf = elf_begin(fd, ELF_C_WRITE, NULL);
	GElf_Ehdr ehdr;
	GElf_Phdr phdr;
	int ret = -1;

	if (!elf || !gelf_newehdr(elf, ELFCLASS64) || !gelf_getehdr(elf, &ehdr))
		goto out;
	elf_flagelf(elf, ELF_C_SET, ELF_F_LAYOUT);
	ehdr.e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	ehdr.e_type = ET_CORE;
#if defined(__aarch64__)
	ehdr.e_machine = EM_AARCH64;
#else
	ehdr.e_machine = EM_X86_64;
#endif
	ehdr.e_version = EV_CURRENT;
	ehdr.e_phoff = sizeof(Elf64_Ehdr);
	if (!gelf_update_ehdr(elf, &ehdr) || !gelf_newphdr(elf, pages->n + 1))
		goto out;

	phdr = (GElf_Phdr){ .p_type = PT_NOTE, .p_offset = note_offset,
			    .p_filesz = note_size, .p_align = 4 };
	if (!gelf_update_phdr(elf, 0, &phdr))
		goto out;
	for (size_t i = 0; i < pages->n; i++) {
		phdr = (GElf_Phdr){
			.p_type = PT_LOAD, .p_flags = PF_R, .p_offset = data_offset,
			.p_paddr = pages->ranges[i].addr, .p_filesz = pages->ranges[i].size,
			.p_memsz = pages->ranges[i].size, .p_align = KHO_ABI_PAGE_SIZE,
		};
		if (!gelf_update_phdr(elf, (int)(i + 1), &phdr))
			goto out;
		data_offset += pages->ranges[i].size;
	}
	ret = elf_update(elf, ELF_C_WRITE) < 0 ? -1 : 0;
out:
	elf_end(elf);
	return ret;
}

static int write_note(int fd, const char *text, size_t size, uint64_t offset)
{
	Elf64_Nhdr nhdr = { sizeof(KHO_SNAPSHOT_NOTE_NAME), (Elf64_Word)size,
			    KHO_SNAPSHOT_NOTE_TYPE };
	char name[8] = KHO_SNAPSHOT_NOTE_NAME;

	if (write_fully(fd, &nhdr, sizeof(nhdr), offset) ||
	    write_fully(fd, name, align4(sizeof(KHO_SNAPSHOT_NOTE_NAME)), offset + sizeof(nhdr)))
		return -1;
	return write_fully(fd, text, size, offset + sizeof(nhdr) +
			   align4(sizeof(KHO_SNAPSHOT_NOTE_NAME)));
}

static int write_pages(int fd, struct kho_state *state, const struct pages *pages,
		       uint64_t offset, struct kho_error *err)
{
	unsigned char page[KHO_ABI_PAGE_SIZE];
	uint64_t total = 0;

	for (size_t i = 0; i < pages->n; i++)
		total += pages->ranges[i].size;
	kho_source_progress_begin(state->source, total);

	for (size_t i = 0; i < pages->n; i++) {
		for (uint64_t done = 0; done < pages->ranges[i].size; done += sizeof(page)) {
			int ret = kho_source_read(state->source, pages->ranges[i].addr + done,
						  page, sizeof(page), err);

			if (ret)
				return ret;
			if (write_fully(fd, page, sizeof(page), offset))
				return kho_fail_os(err, "write", "the snapshot");
			offset += sizeof(page);
			kho_source_progress_add(state->source, sizeof(page));
		}
	}
	return 0;
}

static int write_all(int fd, struct kho_state *state, const struct pages *pages,
		     struct kho_error *err)
{
	uint64_t note_offset = sizeof(Elf64_Ehdr) + (pages->n + 1) * sizeof(Elf64_Phdr);
	size_t text_size, note_size;
	uint64_t data_offset;
	char *text;
	int ret;

	text = notes_text(state, &text_size);
	if (!text)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	note_size = sizeof(Elf64_Nhdr) + align4(sizeof(KHO_SNAPSHOT_NOTE_NAME)) + align4(text_size);
	data_offset = (note_offset + note_size + KHO_ABI_PAGE_SIZE - 1) / KHO_ABI_PAGE_SIZE *
		      KHO_ABI_PAGE_SIZE;

	if (write_headers(fd, pages, note_offset, note_size, data_offset))
		ret = kho_fail(err, KHO_ERR_OS, KHO_NO_ADDR, "cannot write the snapshot: %s",
			       elf_errmsg(-1));
	else if (write_note(fd, text, text_size, note_offset))
		ret = kho_fail_os(err, "write", "the snapshot");
	else
		ret = write_pages(fd, state, pages, data_offset, err);
	free(text);
	return ret;
}

/* Grows with every change of the records; 0 where there are none. */
static uint64_t generation_of(struct kho_state *state)
{
	struct kho_dma_header header;

	return kho_dma_read_header(state, &header, NULL) ? 0 : header.generation;
}

/* 1: the state changed meanwhile, and the output is as it was before. */
static int write_content(struct kho_state *state, const struct pages *pages,
			 struct kho_output *output, uint64_t generation, struct kho_error *err)
{
	int fd = kho_output_fd(output), ret;

	ret = write_all(fd, state, pages, err);
	if (ret || !state->source->live || generation_of(state) == generation)
		return ret;
	return ftruncate(fd, 0) ? kho_fail_os(err, "write", "the snapshot") : 1;
}

static int write_once(struct kho_state *state, struct kho_output *output, const uint64_t *ids,
		      size_t n, struct kho_error *err)
{
	struct pages pages = { 0 };
	uint64_t generation;
	int ret;

	ret = kho_state_refresh(state, err);
	if (ret)
		return ret;
	generation = generation_of(state);

	pages_add(state->root.addr, &pages);
	/* what cannot be read on is left out: the reader then says so */
	kho_map_for_each_node(state, pages_add, &pages, NULL);
	add_subtrees(state, &pages);
	kho_dma_for_each_block(state, pages_add, &pages, NULL);
	for (size_t i = 0; i < n && !ret; i++)
		ret = add_content(state, ids[i], &pages, err);
	if (ret) {
		free(pages.ranges);
		return ret;
	}
	keep_readable(state, &pages);

	ret = pages.failed ? kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory")
			   : write_content(state, &pages, output, generation, err);
	free(pages.ranges);
	return ret;
}

int kho_snapshot_write_to(struct kho_state *state, struct kho_output *output,
			  const uint64_t *ids, size_t n, struct kho_error *err)
{
	int ret;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR, "libelf is too old");
	ret = kho_state_locate(state, err);
	if (ret)
		return ret;

	for (int i = 0; ; i++) {
		ret = write_once(state, output, ids, n, err);
		if (ret <= 0)
			return ret;
		if (i == LIVE_TRIES) {
			ret = kho_fail(err, KHO_ERR_NOT_PRESENT, KHO_NO_ADDR,
				       "the state changed each time it was read: the snapshot would not be of one moment, and was not written");
			return kho_remedy(err, ret, "Run this again when drivers are at rest.");
		}
	}
}

int kho_snapshot_write(struct kho_state *state, const char *path, struct kho_error *err)
{
	struct kho_output *output;
	int ret;

	ret = kho_output_open(path, 0600, KHO_OUTPUT_SEEKABLE, &output, err);
	if (ret)
		return ret;
	ret = kho_snapshot_write_to(state, output, NULL, 0, err);
	if (!ret)
		return kho_output_commit(output, err);
	kho_output_discard(output);
	return ret;
}
