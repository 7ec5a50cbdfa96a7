// SPDX-License-Identifier: LGPL-2.1-or-later
/* Writes a snapshot as an ELF core, see abi/snapshot.h. */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "kho_output.h"
#include "snapshot.h"
#include "source.h"
#include "source_kinds.h"
#include "abi/snapshot.h"

#if defined(__aarch64__)
#define HOST_MACHINE	EM_AARCH64
#else
#define HOST_MACHINE	EM_X86_64
#endif

static char *notes_text(const struct kho_state *state, size_t *size)
{
	char *text = NULL, release[sizeof(state->source->release)];
	FILE *f = open_memstream(&text, size);

	if (!f)
		return NULL;
	/* the raw bytes: the reader calls kho_text() again */
	fprintf(f, "side=%s\nrelease=%.*s\npage_size=0x%" PRIx64 "\nfdt_phys=0x%" PRIx64 "\n",
		kho_side_folder(state->root.side),
		(int)kho_text_bytes(state->source->release, release), release,
		kho_source_page(state->source), state->root.addr);
	if (state->scratch_unknown)
		fprintf(f, "scratch=" KHO_SNAPSHOT_UNKNOWN "\n");
	for (size_t i = 0; i < state->nr_scratch; i++)
		fprintf(f, "scratch=0x%" PRIx64 "+0x%" PRIx64 "\n", state->scratch[i].addr,
			state->scratch[i].size);
	for (size_t i = 0; i < state->source->nr_ram; i++)
		fprintf(f, "ram=0x%" PRIx64 "+0x%" PRIx64 "\n", state->source->ram[i].addr,
			state->source->ram[i].size);
	if (!state->source->knows_ram)
		fprintf(f, "ram=" KHO_SNAPSHOT_UNKNOWN "\n");
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

/*
 * Writes the headers without libelf, which cannot write PN_XNUM or more program headers. A section
 * header holds such a number.
 */
static int write_headers(int fd, unsigned int machine, uint64_t page,
			 const struct kho_range *runs, size_t n, uint64_t note_offset,
			 size_t note_size, uint64_t data_offset)
{
	const bool many = n + 1 >= PN_XNUM;
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, KHO_ELF_BYTE_ORDER,
			     EV_CURRENT },
		.e_type = ET_CORE, .e_machine = (Elf64_Half)machine, .e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr), .e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = (Elf64_Half)(many ? PN_XNUM : n + 1),
		.e_shoff = many ? sizeof(ehdr) + (n + 1) * sizeof(Elf64_Phdr) : 0,
		.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = many,
	};
	const Elf64_Shdr shdr = { .sh_info = (Elf64_Word)(n + 1) };
	Elf64_Phdr *phdrs = calloc(n + 1, sizeof(*phdrs));
	int ret;

	if (!phdrs)
		return -1;
	phdrs[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = note_offset,
				 .p_filesz = note_size, .p_align = 4 };
	for (size_t i = 0; i < n; i++) {
		phdrs[i + 1] = (Elf64_Phdr){
			.p_type = PT_LOAD, .p_flags = PF_R, .p_offset = data_offset,
			.p_paddr = runs[i].addr, .p_filesz = runs[i].size,
			.p_memsz = runs[i].size, .p_align = page,
		};
		data_offset += runs[i].size;
	}
	ret = write_fully(fd, &ehdr, sizeof(ehdr), 0);
	if (!ret)
		ret = write_fully(fd, phdrs, (n + 1) * sizeof(*phdrs), ehdr.e_phoff);
	if (!ret && many)
		ret = write_fully(fd, &shdr, sizeof(shdr), ehdr.e_shoff);
	free(phdrs);
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

/* Pages that are written together. */
struct batch {
	const struct kho_output *output;
	uint64_t offset;	/* in the file, of the first one */
	size_t used;		/* bytes of pages[] */
	unsigned char pages[KHO_ABI_MAX_PAGE];
};

static int batch_write(struct batch *batch, struct kho_error *err)
{
	if (write_fully(kho_output_fd(batch->output), batch->pages, batch->used, batch->offset))
		return kho_fail_os(err, "write", kho_output_path(batch->output));
	batch->offset += batch->used;
	batch->used = 0;
	return 0;
}

static int write_pages(const struct kho_output *output, struct kho_source *source, const struct kho_pieces *pieces,
		       const struct kho_range *runs, size_t n, uint64_t offset,
		       struct kho_error *err)
{
	struct batch batch = { .output = output, .offset = offset };
	const size_t size = kho_source_page(source);
	struct kho_progress progress;
	uint64_t total = 0;
	size_t next = 0;

	for (size_t i = 0; i < n; i++)
		total += runs[i].size;
	progress = kho_source_progress(source, total);

	for (size_t i = 0; i < n; i++) {
		for (uint64_t done = 0; done < runs[i].size; done += size) {
			int ret = kho_pieces_page(source, pieces, &next, runs[i].addr + done,
						  batch.pages + batch.used, err);

			if (ret)
				return ret;
			batch.used += size;
			if (batch.used == sizeof(batch.pages))
				ret = batch_write(&batch, err);
			if (ret)
				return ret;
			kho_progress_add(&progress, size);
		}
	}
	return batch_write(&batch, err);
}

static int write_runs(const struct kho_output *output, struct kho_state *state, const struct kho_pieces *pieces,
		      const struct kho_range *runs, size_t n, const char *text, size_t text_size,
		      struct kho_error *err)
{
	uint64_t note_offset = sizeof(Elf64_Ehdr) + (n + 1) * sizeof(Elf64_Phdr) +
			       (n + 1 >= PN_XNUM ? sizeof(Elf64_Shdr) : 0);
	size_t note_size = sizeof(Elf64_Nhdr) + align4(sizeof(KHO_SNAPSHOT_NOTE_NAME)) +
			   align4(text_size);
	const uint64_t page = kho_source_page(state->source);
	uint64_t data_offset = (note_offset + note_size + page - 1) & -page;

	int fd = kho_output_fd(output);
	unsigned int machine = state->source->machine ? state->source->machine : HOST_MACHINE;

	if (write_headers(fd, machine, page, runs, n, note_offset, note_size, data_offset) ||
	    write_note(fd, text, text_size, note_offset))
		return kho_fail_os(err, "write", kho_output_path(output));
	return write_pages(output, state->source, pieces, runs, n, data_offset, err);
}

int kho_snapshot_write_elf(const struct kho_output *output, struct kho_state *state,
			   const struct kho_pieces *pieces, struct kho_error *err)
{
	struct kho_range *runs;
	size_t n, text_size;
	char *text;
	int ret;

	runs = kho_pieces_runs(state->source, pieces, &n);
	text = notes_text(state, &text_size);
	if (runs && text)
		ret = write_runs(output, state, pieces, runs, n, text, text_size, err);
	else
		ret = kho_fail_nomem(err);
	free(runs);
	free(text);
	return ret;
}
