// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds a kernel's root FDTs with its vmlinux: the symbol table has the addresses of kho_out and
 * kho_in, the debug information has the offsets of their members.
 *
 * Loads libdw on demand instead of linking it, because an initramfs has no vmlinux and should not
 * carry the libraries that libdw needs for compressed debug information. Uses only the functions
 * that find a member of a structure.
 *
 * Sources: kernel/kexec_handover.c of Linux 6.18 (kho_out.ser.fdt is a struct page *),
 * kernel/liveupdate/kexec_handover.c of 7.1, 7.2 and 7.3 (kho_out.fdt is a void *; and in
 * all of them kho_in.fdt_phys is a phys_addr_t); for VMCOREINFO
 * Documentation/admin-guide/kdump/vmcoreinfo.rst; for x86_64's direct map and vmemmap
 * arch/x86/include/asm/page_64.h and pgtable_64_types.h of 7.3.
 */
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
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

#include "config.h"
#include "error.h"
#include "library.h"
#include "source_kinds.h"
#include "vmlinux.h"
#include "abi/kexec_handover.h"

#define UNIT		"kexec_handover.c"
#define KERNEL_NOTES	"/sys/kernel/notes"
#define MAX_KERNEL_NOTES 65536
/* start of the mapping of the kernel's image on x86_64 */
#define START_KERNEL_MAP 0xffffffff80000000ull
/* typedefs and qualifiers of a type; in a damaged file they may form a loop */
#define MAX_PEEL	16
#define MAX_BUILD_ID	64
/* largest accepted ratio of unpacked to packed size; debug information packs to a third */
#define MAX_UNPACKED	64

struct build_id {
	char hex[2 * MAX_BUILD_ID + 1];
};

enum pointer { TO_MEMORY, TO_PAGE, PHYSICAL };

/* The variable of a side, and the member that leads to its root. */
struct place {
	uint64_t symbol;	/* linked address, 0: none */
	uint64_t offset;
	enum pointer pointer;
	uint64_t page_struct;	/* size of a struct page */
	bool known;
};

struct kho_vmlinux {
	struct place sides[2];	/* by enum kho_side */
	uint64_t text;		/* linked addresses of these three, 0: none */
	uint64_t page_offset_base;
	uint64_t vmemmap_base;
	uint64_t moved;		/* offset by KASLR */
	uint64_t phys_base;
	bool has_phys_base;
};

/* Bytes of a section in memory. */
struct span {
	const char *start;
	size_t size;
};

/* The vmlinux while it is read. */
struct file {
	const char *path;
	int fd;
	Elf *elf;
	struct span section_names;
	struct span strings[3];	/* sections with the names of the debug information */
	void *library;
	Dwarf *dwarf;
	__typeof__(dwarf_begin_elf) *begin_elf;
	__typeof__(dwarf_end) *end;
	__typeof__(dwarf_errmsg) *errmsg;
	__typeof__(dwarf_nextcu) *nextcu;
	__typeof__(dwarf_offdie) *offdie;
	__typeof__(dwarf_child) *child;
	__typeof__(dwarf_siblingof) *siblingof;
	__typeof__(dwarf_tag) *tag;
	__typeof__(dwarf_diename) *diename;
	__typeof__(dwarf_attr) *attr;
	__typeof__(dwarf_formref_die) *formref_die;
	__typeof__(dwarf_formudata) *formudata;
	__typeof__(dwarf_bytesize) *bytesize;
};

/* ------------------------------------------------------------------ sections */

/*
 * The span from @offset in @span to its end; size 0 if there is none. Names are compared in it, because
 * neither libelf 0.188 nor libdw 0.188 is certain to end the strings that they return.
 */
static struct span span_from(const struct span *span, uint64_t offset)
{
	if (offset >= span->size)
		return (struct span){ NULL, 0 };
	return (struct span){ span->start + offset, span->size - (size_t)offset };
}

/* True if the string at the start of @span is @name. */
static bool span_is(const struct span *span, const char *name)
{
	size_t n = strlen(name) + 1;

	return span->size >= n && !memcmp(span->start, name, n);
}

static bool span_starts(const struct span *span, const char *name)
{
	size_t n = strlen(name);

	return span->size >= n && !memcmp(span->start, name, n);
}

/* True if the string at the start of @span ends with @name. */
static bool span_ends(const struct span *span, const char *name)
{
	size_t n = strnlen(span->start ? span->start : "", span->size), len = strlen(name);

	return n < span->size && n >= len && !memcmp(span->start + n - len, name, len);
}

static struct span section_bytes(Elf_Scn *scn)
{
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;

	return data && data->d_buf ? (struct span){ data->d_buf, data->d_size } : (struct span){ NULL, 0 };
}

static struct span section_name(const struct file *file, const GElf_Shdr *shdr)
{
	return span_from(&file->section_names, shdr->sh_name);
}

/* libelf and libdw trust the sizes in headers. No linker makes sections that overlap. */
static int check_section(const struct file *file, Elf_Scn *scn, const GElf_Shdr *shdr, struct kho_error *err)
{
	struct span name = section_name(file, shdr);
	GElf_Chdr packed;

	if (span_starts(&name, ".zdebug"))
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s has debug information in the old compressed form (.zdebug)", file->path);
	if (!(shdr->sh_flags & SHF_COMPRESSED))
		return 0;
	if (!gelf_getchdr(scn, &packed) || packed.ch_size / MAX_UNPACKED > shdr->sh_size)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s has a compressed section of %" PRIu64 " bytes that claims to unpack to more than %d times as many",
				file->path, shdr->sh_size, MAX_UNPACKED);
	return 0;
}

static int check_sections(struct file *file, struct kho_error *err)
{
	struct stat st;
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	uint64_t left;
	size_t names;
	int ret = 0;

	if (fstat(file->fd, &st))
		return kho_fail_os(err, "stat", file->path);
	left = (uint64_t)st.st_size;
	while ((scn = elf_nextscn(file->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS)
			continue;
		if (shdr.sh_size > left)
			return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
					"the sections of %s have more bytes than the file", file->path);
		left -= shdr.sh_size;
	}
	if (!elf_getshdrstrndx(file->elf, &names))
		file->section_names = section_bytes(elf_getscn(file->elf, names));
	while (!ret && (scn = elf_nextscn(file->elf, scn))) {
		if (gelf_getshdr(scn, &shdr))
			ret = check_section(file, scn, &shdr, err);
	}
	return ret;
}

/* -------------------------------------------------------- which kernel it is */

static bool build_id_set(struct build_id *id, const unsigned char *bytes, size_t n)
{
	if (!n || n > MAX_BUILD_ID)
		return false;
	for (size_t i = 0; i < n; i++)
		snprintf(id->hex + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

static bool build_id_of_notes(Elf_Data *data, struct build_id *id)
{
	size_t offset = 0, name, desc;
	GElf_Nhdr note;

	while ((offset = gelf_getnote(data, offset, &note, &name, &desc)) > 0) {
		const unsigned char *base = data->d_buf;

		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(base + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)))
			return build_id_set(id, base + desc, note.n_descsz);
	}
	return false;
}

static bool build_id_of_file(struct file *file, struct build_id *id)
{
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(file->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_NOTE)
			continue;
		data = elf_getdata(scn, NULL);
		if (data && build_id_of_notes(data, id))
			return true;
	}
	return false;
}

/* Returns 1, 0 if there is none, or KHO_ERR_NOMEM. */
static int build_id_of_live(struct kho_source *source, struct build_id *id)
{
	Elf_Data data = { .d_type = ELF_T_NHDR, .d_version = EV_CURRENT };
	char *notes;
	int ret;

	ret = kho_files_read(source->files, KERNEL_NOTES, MAX_KERNEL_NOTES, &notes, &data.d_size, NULL);
	if (ret)
		return ret == KHO_ERR_NOMEM ? ret : 0;
	data.d_buf = notes;
	ret = build_id_of_notes(&data, id);
	free(notes);
	return ret;
}

/* The same for any source. */
static int build_id_of_source(struct kho_source *source, struct build_id *id)
{
	int ret = source->files ? build_id_of_live(source, id) : 0;

	if (ret)
		return ret;
	return kho_source_vmcoreinfo(source, "BUILD-ID", id->hex, sizeof(id->hex)) && *id->hex;
}

/* Debug information of another build would give wrong addresses. */
static int check_build(struct kho_source *source, struct file *file, struct kho_error *err)
{
	const char *kernel = source->files ? "the running kernel" : source->path;
	struct build_id ours, theirs;
	int ret;

	if (!build_id_of_file(file, &theirs))
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s has no build id, so its kernel is unknown",
				file->path);
	ret = build_id_of_source(source, &ours);
	if (ret == KHO_ERR_NOMEM)
		return kho_fail_nomem(err);
	if (!ret)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s does not contain the build id of its kernel, so %s may belong to another kernel",
				kernel, file->path);
	if (!strcmp(ours.hex, theirs.hex))
		return 0;
	ret = kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR,
		       "%s is of another kernel: its build id is %.40s, that of %s %.40s",
		       file->path, theirs.hex, kernel, ours.hex);
	return kho_remedy(err, ret, "Use the vmlinux of the same build (the package of its debug information).");
}

/* ------------------------------------------------------------------- symbols */

static void read_symbol(struct kho_vmlinux *vmlinux, const struct span *name, uint64_t value)
{
	const struct {
		const char *name;
		uint64_t *to;
	} wanted[] = {
		{ "kho_out", &vmlinux->sides[KHO_SIDE_OUT].symbol },
		{ "kho_in", &vmlinux->sides[KHO_SIDE_IN].symbol },
		{ "_text", &vmlinux->text },
		{ "page_offset_base", &vmlinux->page_offset_base },
		{ "vmemmap_base", &vmlinux->vmemmap_base },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (span_is(name, wanted[i].name))
			*wanted[i].to = value;
	}
}

static void read_symbols_of(struct kho_vmlinux *vmlinux, Elf *elf, Elf_Scn *scn,
			    const GElf_Shdr *shdr)
{
	struct span strings = section_bytes(elf_getscn(elf, shdr->sh_link));
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Sym sym;

	for (int i = 0; data && gelf_getsym(data, i, &sym); i++) {
		struct span name = span_from(&strings, sym.st_name);

		if (sym.st_shndx != SHN_UNDEF)
			read_symbol(vmlinux, &name, sym.st_value);
	}
}

static int read_symbols(struct kho_vmlinux *vmlinux, struct file *file, struct kho_error *err)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(file->elf, scn))) {
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_SYMTAB)
			read_symbols_of(vmlinux, file->elf, scn, &shdr);
	}
	if (vmlinux->sides[KHO_SIDE_OUT].symbol && vmlinux->sides[KHO_SIDE_IN].symbol)
		return 0;
	return kho_fail(err, KHO_ERR_NOT_FOUND, KHO_NO_ADDR,
			"%s has no symbols kho_out and kho_in", file->path);
}

/* --------------------------------------------------------- debug information */

static int load(struct file *file, struct kho_error *err)
{
	const struct kho_library_symbol symbols[] = {
		{ "dwarf_begin_elf", &file->begin_elf }, { "dwarf_end", &file->end },
		{ "dwarf_errmsg", &file->errmsg }, { "dwarf_nextcu", &file->nextcu },
		{ "dwarf_offdie", &file->offdie }, { "dwarf_child", &file->child },
		{ "dwarf_siblingof", &file->siblingof }, { "dwarf_tag", &file->tag },
		{ "dwarf_diename", &file->diename }, { "dwarf_attr", &file->attr },
		{ "dwarf_formref_die", &file->formref_die },
		{ "dwarf_formudata", &file->formudata }, { "dwarf_bytesize", &file->bytesize },
	};
	int ret;

	file->library = dlopen(KHO_LIBRARY_DW, RTLD_NOW | RTLD_LOCAL);
	if (!file->library) {
		ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			       KHO_LIBRARY_DW " for the debug information of %s is not there", file->path);
		return kho_remedy(err, ret, "Install libdw (elfutils).");
	}
	return kho_library_resolve(file->library, KHO_LIBRARY_DW, symbols,
				   sizeof(symbols) / sizeof(symbols[0]), err);
}

/* Finds the unpacked sections that libdw returns names from. */
static void find_strings(struct file *file)
{
	static const char *const names[] = { ".debug_info", ".debug_str", ".debug_line_str" };
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(file->elf, scn))) {
		struct span name = gelf_getshdr(scn, &shdr) ? section_name(file, &shdr) : (struct span){ NULL, 0 };

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (!file->strings[i].size && span_is(&name, names[i]))
				file->strings[i] = section_bytes(scn);
		}
	}
}

static struct span die_name(struct file *file, Dwarf_Die *die)
{
	const char *text = file->diename(die);

	for (size_t i = 0; text && i < sizeof(file->strings) / sizeof(file->strings[0]); i++) {
		const struct span *strings = &file->strings[i];

		if ((uintptr_t)text - (uintptr_t)strings->start < strings->size)
			return span_from(strings, (uintptr_t)text - (uintptr_t)strings->start);
	}
	return (struct span){ NULL, 0 };
}

static bool is_named(struct file *file, Dwarf_Die *die, int tag, const char *name)
{
	struct span text;

	if (file->tag(die) != tag)
		return false;
	text = die_name(file, die);
	return span_is(&text, name);
}

/* Finds the first child with this tag and name. */
static bool find_child(struct file *file, Dwarf_Die *parent, int tag, const char *name,
		       Dwarf_Die *child)
{
	int ret = file->child(parent, child);

	for (; !ret; ret = file->siblingof(child, child)) {
		if (is_named(file, child, tag, name))
			return true;
	}
	return false;
}

/* Finds the type of a variable, member or pointer, without typedefs and qualifiers. */
static bool type_of(struct file *file, Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	*type = *die;
	for (int i = 0; i < MAX_PEEL; i++) {
		if (!file->attr(type, DW_AT_type, &attr) || !file->formref_die(&attr, type))
			return false;	/* void */
		switch (file->tag(type)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
			continue;
		default:
			return true;
		}
	}
	return false;
}

/* Replaces a structure by the type of its member, and adds the member's offset. */
static bool enter_member(struct file *file, Dwarf_Die *type, const char *name, uint64_t *offset)
{
	Dwarf_Attribute attr;
	Dwarf_Word location;
	Dwarf_Die member;

	if (file->tag(type) != DW_TAG_structure_type ||
	    !find_child(file, type, DW_TAG_member, name, &member) ||
	    !file->attr(&member, DW_AT_data_member_location, &attr) ||
	    file->formudata(&attr, &location) ||
	    __builtin_add_overflow(*offset, location, offset))
		return false;
	return type_of(file, &member, type);
}

/* Determines from the type of a member how it refers to the root. */
static bool read_pointer(struct file *file, Dwarf_Die *type, struct place *place)
{
	Dwarf_Die target;
	int size;

	if (file->tag(type) == DW_TAG_base_type) {
		place->pointer = PHYSICAL;
		return file->bytesize(type) == sizeof(uint64_t);
	}
	if (file->tag(type) != DW_TAG_pointer_type)
		return false;
	if (!type_of(file, type, &target)) {
		place->pointer = TO_MEMORY;
		return true;
	}
	if (!is_named(file, &target, DW_TAG_structure_type, "page"))
		return false;
	size = file->bytesize(&target);
	place->pointer = TO_PAGE;
	place->page_struct = size > 0 ? (uint64_t)size : 0;
	return size > 0;
}

/* Follows @path, names of nested members that NULL terminates. */
static bool follow(struct file *file, const Dwarf_Die *variable, const char *const *path,
		   struct place *place)
{
	Dwarf_Die die = *variable, type;

	place->offset = 0;
	if (!type_of(file, &die, &type))
		return false;
	for (; *path; path++) {
		if (!enter_member(file, &type, *path, &place->offset))
			return false;
	}
	return read_pointer(file, &type, place);
}

static void read_unit(struct kho_vmlinux *vmlinux, struct file *file, Dwarf_Die *unit)
{
	static const struct {
		enum kho_side side;
		const char *variable, *path[3];
	} ways[] = {
		{ KHO_SIDE_OUT, "kho_out", { "fdt" } },
		{ KHO_SIDE_OUT, "kho_out", { "ser", "fdt" } },
		{ KHO_SIDE_IN, "kho_in", { "fdt_phys" } },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct place *place = &vmlinux->sides[ways[i].side];
		Dwarf_Die variable;

		if (!place->known &&
		    find_child(file, unit, DW_TAG_variable, ways[i].variable, &variable))
			place->known = follow(file, &variable, ways[i].path, place);
	}
}

static bool all_known(const struct kho_vmlinux *vmlinux)
{
	return vmlinux->sides[KHO_SIDE_OUT].known && vmlinux->sides[KHO_SIDE_IN].known;
}

/* A kernel has thousands of units; the variables are in the unit of their source file. */
static void read_units(struct kho_vmlinux *vmlinux, struct file *file)
{
	Dwarf_Off offset = 0, next;
	struct span name;
	Dwarf_Die unit;
	size_t header;

	while (!all_known(vmlinux) &&
	       !file->nextcu(file->dwarf, offset, &next, &header, NULL, NULL, NULL)) {
		if (file->offdie(file->dwarf, offset + header, &unit)) {
			name = die_name(file, &unit);
			if (span_ends(&name, UNIT))
				read_unit(vmlinux, file, &unit);
		}
		if (next <= offset)
			break;
		offset = next;
	}
}

static int read_dwarf(struct kho_vmlinux *vmlinux, struct file *file, struct kho_error *err)
{
	int ret = load(file, err);

	if (ret)
		return ret;
	file->dwarf = file->begin_elf(file->elf, DWARF_C_READ, NULL);
	if (file->dwarf) {
		find_strings(file);
		read_units(vmlinux, file);
	}
	if (all_known(vmlinux))
		return 0;

	ret = kho_fail(err, KHO_ERR_NOT_FOUND, KHO_NO_ADDR,
		       "the debug information (DWARF) of %s does not describe kho_out and kho_in: %s",
		       file->path, file->dwarf ? "it lacks them, or has them in an unknown form"
					       : file->errmsg(-1));
	return kho_remedy(err, ret, "Use the vmlinux with debug information (CONFIG_DEBUG_INFO), not the one that was stripped.");
}

/* ------------------------------------------------------------------- the file */

static int open_file(struct file *file, struct kho_error *err)
{
	GElf_Ehdr ehdr;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR, "libelf is too old");
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return kho_fail_os(err, "open", file->path);
	file->elf = elf_begin(file->fd, ELF_C_READ, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF || !gelf_getehdr(file->elf, &ehdr) ||
	    (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN) ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != KHO_ELF_BYTE_ORDER)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s is not the vmlinux of a 64-bit kernel of this byte order", file->path);
	return 0;
}

static void close_file(struct file *file)
{
	if (file->dwarf)
		file->end(file->dwarf);
	if (file->library)
		dlclose(file->library);
	if (file->elf)
		elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
}

/* Reads the distance between the kernel's linked and actual address (KASLR). */
static int read_moved(struct kho_vmlinux *vmlinux, struct kho_source *source,
		      const struct file *file, struct kho_error *err)
{
	char text[32], *end;
	uint64_t now = 0;
	int ret = 0;

	if (kho_source_vmcoreinfo(source, "KERNELOFFSET", text, sizeof(text)) && *text) {
		errno = 0;
		vmlinux->moved = strtoull(text, &end, 16);
		if (!errno && !*end)
			return 0;
	}
	if (source->files && vmlinux->text)
		ret = kho_files_symbol(source->files, "_text", &now);
	if (ret == KHO_ERR_NOMEM)
		return kho_fail_nomem(err);
	if (ret != 1 || !now)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s does not contain KERNELOFFSET, so the place of the kernel of %s is unknown",
				source->path, file->path);
	vmlinux->moved = now - vmlinux->text;
	return 0;
}

static void read_phys_base(struct kho_vmlinux *vmlinux, struct kho_source *source)
{
	char text[32], *end;

	if (!kho_source_vmcoreinfo(source, "NUMBER(phys_base)", text, sizeof(text)) || !*text)
		return;
	errno = 0;
	vmlinux->phys_base = (uint64_t)strtoll(text, &end, 10); /* may be negative */
	vmlinux->has_phys_base = !errno && !*end;
}

static int read_file(struct kho_vmlinux *vmlinux, struct kho_source *source,
		     struct file *file, struct kho_error *err)
{
	int ret = open_file(file, err);

	if (!ret)
		ret = check_sections(file, err);
	if (!ret)
		ret = check_build(source, file, err);
	if (!ret)
		ret = read_symbols(vmlinux, file, err);
	if (!ret)
		ret = read_dwarf(vmlinux, file, err);
	if (!ret)
		ret = read_moved(vmlinux, source, file, err);
	if (!ret)
		read_phys_base(vmlinux, source);
	return ret;
}

int kho_source_set_vmlinux(struct kho_source *source, const char *path, struct kho_error *err)
{
	struct file file = { .path = path, .fd = -1 };
	struct kho_vmlinux *vmlinux;
	int ret;

	/* a snapshot gives the address of its root */
	if (source->notes)
		return 0;
	vmlinux = calloc(1, sizeof(*vmlinux));
	if (!vmlinux)
		return kho_fail_nomem(err);

	ret = read_file(vmlinux, source, &file, err);
	close_file(&file);
	if (ret) {
		free(vmlinux);
		return ret;
	}
	free(source->vmlinux);
	source->vmlinux = vmlinux;
	return 0;
}

/* ----------------------------------------------------------------- addresses */

/* Reads a u64 of the kernel's image, at @offset from the linked address. */
static bool read_image(struct kho_source *source, uint64_t linked, uint64_t offset,
		       uint64_t *value)
{
	const struct kho_vmlinux *vmlinux = source->vmlinux;
	uint64_t vaddr = linked + vmlinux->moved, addr;

	if (!linked || __builtin_add_overflow(vaddr, offset, &vaddr))
		return false;
	if (!kho_source_translate(source, vaddr, &addr)) {
		if (!vmlinux->has_phys_base || vaddr < START_KERNEL_MAP)
			return false;
		addr = vaddr - START_KERNEL_MAP + vmlinux->phys_base;
	}
	return !kho_source_read(source, addr, value, sizeof(*value), NULL);
}

static bool direct_to_phys(struct kho_source *source, uint64_t vaddr, uint64_t *addr)
{
	uint64_t base;

	if (kho_source_translate(source, vaddr, addr))
		return true;
	if (!read_image(source, source->vmlinux->page_offset_base, 0, &base) || vaddr < base)
		return false;
	*addr = vaddr - base;
	return true;
}

static bool page_to_phys(struct kho_source *source, uint64_t page, uint64_t size, uint64_t *addr)
{
	uint64_t base;

	return read_image(source, source->vmlinux->vmemmap_base, 0, &base) && page >= base &&
	       !((page - base) % size) &&
	       !__builtin_mul_overflow((page - base) / size, kho_source_page(source), addr);
}

bool kho_vmlinux_root(struct kho_source *source, enum kho_side side, uint64_t *addr)
{
	const struct place *place;
	uint64_t value;

	if (!source->vmlinux)
		return false;
	place = &source->vmlinux->sides[side];
	if (!read_image(source, place->symbol, place->offset, &value) || !value)
		return false;
	switch (place->pointer) {
	case TO_MEMORY: return direct_to_phys(source, value, addr);
	case TO_PAGE: return page_to_phys(source, value, place->page_struct, addr);
	case PHYSICAL: *addr = value; return true;
	}
	return false;
}
