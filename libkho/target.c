// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Examines a kernel image: its strings show which formats it reads, and its embedded
 * configuration (if any) how it was built.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decompress.h"
#include "error.h"
#include "kconfig.h"
#include "kho_output.h"
#include "library.h"
#include "target.h"
#include "abi/x86_boot.h"

#define BZIMAGE_MAGIC		0x53726448u /* "HdrS" */
#define PAYLOAD_SINCE		0x0208	/* boot protocol with payload_offset */
#define INIT_SIZE_SINCE		0x020a	/* and with init_size */
#define MIN_LOAD_ADDR		0x100000 /* of a bzImage */
#define KERNEL_INFO_SINCE	0x020f	/* and with kernel_info_offset */
#define MAX_IMAGE		(1u << 30)
/* Kernels compress to about a fifth; a file that exceeds this ratio is made to exhaust memory. */
#define MAX_RATIO		64
#define MAX_UNPACKED(size)	((size) < MAX_IMAGE / MAX_RATIO ? \
				 MAX_RATIO * (size_t)(size) + (16u << 20) : MAX_IMAGE)
#define MAX_LAYERS		3	/* a compressed UKI that contains a zboot image */
#define X86_PAGE_SIZE		4096

/* Nested images: the layers, and bytes to decompress, that are left. */
struct nest {
	unsigned int layers;
	size_t room;
	bool in_uki;
};

/*
 * kernel_info of an x86 image (Documentation/arch/x86/boot.rst), which is not compressed, and
 * its chunk about KHO, which kernel-patches/ adds.
 */
#define KERNEL_INFO_MAGIC	"LToP"
#define KERNEL_INFO_SIZE_AT	4	/* size of the fixed part */
#define KERNEL_INFO_TOTAL_AT	8
#define KERNEL_INFO_MIN		12
#define KERNEL_INFO_KHO		"KHO1"
#define KHO_INFO_FLAGS_AT	8
#define KHO_INFO_STRINGS_AT	12
#define KHO_INFO_DEFAULT_ON	1u
#define KHO_INFO_BUILTIN	2u	/* it has options of its own for the command line */

/* PE: Microsoft's PE Format and the UAPI group's specification of UKIs. */
#define PE_HEADER_AT		0x3c	/* place of its offset */
#define PE_HEADER_SIZE		24
#define PE_SECTION_SIZE		40
#define PE_NAME_SIZE		8

/* The header of an arm64 Image (Documentation/arch/arm64/booting.rst). */
#define ARM64_SIZE_AT		0x10
#define ARM64_FLAGS_AT		0x18
#define ARM64_MAGIC_AT		0x38
#define ARM64_ALIGN		(2u << 20) /* of its load address */
#define ARM64_MAGIC		"ARM\x64"

/* The header of a zboot image (drivers/firmware/efi/libstub/zboot-header.S, Linux 7.3). */
#define ZBOOT_MAGIC_AT		4
#define ZBOOT_MAGIC		"zimg"
#define ZBOOT_OFFSET_AT		8
#define ZBOOT_SIZE_AT		12

struct bytes {
	const unsigned char *data;
	size_t size;
};

/* The @size bytes at @at; empty unless all of them are inside. */
static struct bytes part_of(struct bytes where, uint64_t at, uint64_t size)
{
	if (at > where.size || size > where.size - at)
		return (struct bytes){ 0 };
	return (struct bytes){ where.data + at, (size_t)size };
}

/* ---------------------------------------------------------------- strings */

/* The search of a kernel, all at once or during decompression. Results go to @target. */
struct search {
	struct kho_target *target;
	size_t from;		/* offset where the search for strings continues */
	size_t config_from;	/* the same for the configuration */
	size_t end;		/* of the part with the kernel's own strings, 0: unknown */
	bool found;		/* the kernel's own strings gave all results */
};

/* Longer than any string of the search: one may begin in one part and end in the next. */
#define MAX_STRING	256

/* "kho-v4" and the like: a prefix that ends in "-v", and a digit. */
struct version {
	const char *prefix;
	char *out;
	size_t size;
};

/* Sets @out to the @n bytes as kho_text() gives them; to "" and returns false if they do not fit. */
static bool set_text(char *out, size_t size, const unsigned char *from, size_t n)
{
	if (kho_text(out, size, from, n) < size)
		return true;
	*out = '\0';
	return false;
}

/*
 * Copies the NUL-terminated string around @dash if it is this version, and returns true. The byte
 * before a C string literal is the NUL of another one.
 */
static bool take_version(struct bytes where, const unsigned char *dash, const struct version *version)
{
	size_t len = strlen(version->prefix), before = len - 2;
	const unsigned char *start;
	size_t left, n;

	if (*version->out || before > (size_t)(dash - where.data) ||
	    memcmp(dash - before, version->prefix, before))
		return false;
	start = dash - before;
	left = where.size - (size_t)(start - where.data);
	n = strnlen((const char *)start, left);
	/* truncated, or another string with this prefix */
	if (n == left || (start > where.data && start[-1]))
		return false;
	return set_text(version->out, version->size, start, n);
}

/* Finds the first string of each of @n versions in @where, from offset @from on. */
static void find_versions(struct bytes where, size_t from, const struct version *versions, size_t n)
{
	const unsigned char *end = where.data + where.size, *p = where.data + from;

	/* one pass for all versions, because the data is large, and mostly code */
	while ((p = memchr(p, '-', (size_t)(end - p)))) {
		if (end - p > 2 && p[1] == 'v' && p[2] >= '0' && p[2] <= '9') {
			for (size_t i = 0; i < n && !take_version(where, p, &versions[i]); i++)
				;
		}
		p++;
	}
}

/* Takes the first word of @where as the release; false if there is none, or it is truncated. */
static bool take_release(struct bytes where, struct kho_target *target)
{
	size_t n = 0;

	while (n < where.size && n < sizeof(target->release) - 1 && where.data[n] > ' ' &&
	       where.data[n] <= '~')
		n++;
	if (!n || n == where.size)
		return false;
	memcpy(target->release, where.data, n);
	return true;
}

static bool find_release(struct bytes where, size_t from, struct kho_target *target)
{
	static const char banner[] = "Linux version ";
	const unsigned char *hit;

	if (*target->release)
		return true;
	hit = memmem(where.data + from, where.size - from, banner, sizeof(banner) - 1);
	if (!hit)
		return false;
	hit += sizeof(banner) - 1;
	/* fails if the word is truncated, so that the next call finds it in full */
	return take_release((struct bytes){ hit, where.size - (size_t)(hit - where.data) }, target);
}

/* For architectures whose page size is a build option. */
static void find_page_size(struct bytes config, struct kho_target *target)
{
	struct kho_cmdline_text text;
	uint64_t shift;

	if (!target->page_size &&
	    kho_kconfig_value(config.data, config.size, "CONFIG_PAGE_SHIFT", &text) &&
	    kho_cmdline_number(&text, &shift) && shift >= 12 && shift <= 18)
		target->page_size = 1u << shift;
}

/* Copies a quoted string of a .config. False if it has no end or does not fit. */
static bool take_config_string(struct kho_cmdline_text text, char *out, size_t size)
{
	size_t n = 0;

	if (kho_cmdline_peek(&text) != '"')
		return false;
	for (text.p++; text.p < text.end && n < size; text.p++) {
		if (*text.p == '"') {
			out[n] = '\0';
			return true;
		}
		if (!*text.p)
			return false;
		/* kconfig escapes quotes and backslashes */
		if (*text.p == '\\' && text.end - text.p > 1)
			text.p++;
		out[n++] = *text.p;
	}
	return false;
}

static bool has_option(struct bytes config, const char *name)
{
	return kho_kconfig_is_on(config.data, config.size, name);
}

/*
 * CONFIG_CMDLINE: arch/x86/Kconfig, arch/arm64/Kconfig, drivers/of/fdt.c of Linux 7.3.
 * CONFIG_CMDLINE_FROM_BOOTCONFIG: arch/x86/kernel/setup.c. The configuration does not contain these
 * options. A bootconfig elsewhere comes after the kernel has read the options that matter here.
 */
static void find_builtin_cmdline(struct bytes config, struct kho_target *target)
{
	bool arm64 = has_option(config, "CONFIG_ARM64");
	struct kho_cmdline_text text;

	if (has_option(config, "CONFIG_CMDLINE_FROM_BOOTCONFIG")) {
		target->builtin_use = KHO_BUILTIN_UNKNOWN;
		return;
	}
	if (!kho_kconfig_value(config.data, config.size, "CONFIG_CMDLINE", &text) ||
	    (!arm64 && !has_option(config, "CONFIG_CMDLINE_BOOL")))
		return;
	if (!take_config_string(text, target->builtin_cmdline, sizeof(target->builtin_cmdline))) {
		target->builtin_use = KHO_BUILTIN_UNKNOWN;
		target->builtin_cmdline[0] = '\0';
		return;
	}
	if (!*target->builtin_cmdline)
		return;
	if (has_option(config, arm64 ? "CONFIG_CMDLINE_FORCE" : "CONFIG_CMDLINE_OVERRIDE"))
		target->builtin_use = KHO_BUILTIN_ONLY;
	else
		target->builtin_use = arm64 ? KHO_BUILTIN_DEFAULT : KHO_BUILTIN_FIRST;
}

/* CONFIG_IKCONFIG puts a gzipped .config between two marks (kernel/configs.c). */
static bool find_config(struct search *s, struct bytes where)
{
	struct kho_target *target = s->target;
	const unsigned char *start, *stop;
	unsigned char *config;
	struct bytes text;
	size_t size, left;

	if (target->config_known)
		return true;
	left = where.size - s->config_from;
	start = memmem(where.data + s->config_from, left, "IKCFG_ST", 8);
	if (!start) {
		s->config_from += left < 8 ? 0 : left - 8;
		return false;
	}
	s->config_from = (size_t)(start - where.data);
	start += 8;
	left = where.size - (size_t)(start - where.data);
	stop = memmem(start, left, "IKCFG_ED", 8);
	/* if decompression is under way, the end may follow */
	if (!stop || kho_decompress(start, (size_t)(stop - start), 16 << 20, NULL, NULL, &config,
				    &size))
		return false;

	target->config_known = true;
	text = (struct bytes){ config, size };
	target->has_kho = has_option(text, "CONFIG_KEXEC_HANDOVER");
	target->kho_default_on = has_option(text, "CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT");
	find_page_size(text, target);
	find_builtin_cmdline(text, target);
	free(config);
	return true;
}

/* Searches for missing results. True if all are found. */
static bool search(struct search *s, struct bytes where)
{
	struct kho_target *target = s->target;
	const struct version versions[] = {
		{ "kho-v", target->root_compatible, sizeof(target->root_compatible) },
		{ "luo-v", target->luo_compatible, sizeof(target->luo_compatible) },
		{ "dma-alloc-v", target->dma_compatible, sizeof(target->dma_compatible) },
	};
	size_t from = s->from > MAX_STRING ? s->from - MAX_STRING : 0;
	bool all;

	if (from > where.size)
		return false;
	find_versions(where, from, versions, sizeof(versions) / sizeof(versions[0]));
	all = *target->root_compatible && *target->luo_compatible && *target->dma_compatible;
	all &= find_release(where, from, target);
	all &= find_config(s, where);
	s->from = where.size;
	return all;
}

static bool lies_in(struct bytes image, uint64_t offset, uint64_t size)
{
	return offset <= image.size && size <= image.size - offset;
}

/* elf_strptr() searches the end of a table at each call, which is too slow for one without an end. */
static bool is_rodata(struct bytes image, const GElf_Shdr *names, const GElf_Shdr *shdr)
{
	static const char name[] = ".rodata";

	return shdr->sh_type != SHT_NOBITS && lies_in(image, shdr->sh_offset, shdr->sh_size) &&
	       shdr->sh_name <= names->sh_size && sizeof(name) <= names->sh_size - shdr->sh_name &&
	       !memcmp(image.data + names->sh_offset + shdr->sh_name, name, sizeof(name));
}

/*
 * The part with the kernel's own strings: .rodata. A built-in initramfs may contain the
 * same strings, for example in this library. Returns the whole image if it has no
 * section headers.
 */
static struct bytes rodata_of(struct bytes image)
{
	struct bytes found = image;
	Elf_Scn *section = NULL;
	GElf_Shdr names, shdr;
	size_t index;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return image;
	elf = elf_memory((char *)image.data, image.size);
	if (!elf || elf_getshdrstrndx(elf, &index) ||
	    !gelf_getshdr(elf_getscn(elf, index), &names) ||
	    !lies_in(image, names.sh_offset, names.sh_size))
		goto out;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &shdr) || !is_rodata(image, &names, &shdr))
			continue;
		found = (struct bytes){ image.data + shdr.sh_offset, shdr.sh_size };
		break;
	}
out:
	elf_end(elf);
	return found;
}

/*
 * The same by program headers, for the beginning of an image: returns the end of its first
 * executable segment, or 0. On x86 that has .text and .rodata; a built-in initramfs is in
 * another one (arch/x86/kernel/vmlinux.lds.S of Linux 6.16 to 7.3).
 */
static size_t first_segment_end(const unsigned char *data, size_t size)
{
	_Alignas(Elf64_Ehdr) char head[4096];
	Elf64_Ehdr *ehdr = (Elf64_Ehdr *)head;
	size_t n, end = 0;
	GElf_Phdr phdr;
	Elf *elf;

	if (size < sizeof(head) || memcmp(data, ELFMAG, SELFMAG) || data[EI_CLASS] != ELFCLASS64 ||
	    elf_version(EV_CURRENT) == EV_NONE)
		return 0;
	memcpy(head, data, sizeof(head));
	/* the section headers are at the end of the image, which is missing so far */
	ehdr->e_shoff = 0;
	ehdr->e_shnum = 0;
	ehdr->e_shstrndx = 0;
	elf = elf_memory(head, sizeof(head));
	if (!elf || elf_getphdrnum(elf, &n))
		goto out;
	for (size_t i = 0; i < n && i < INT_MAX && !end && gelf_getphdr(elf, (int)i, &phdr); i++) {
		if (phdr.p_type == PT_LOAD && (phdr.p_flags & PF_X) && phdr.p_filesz &&
		    phdr.p_offset < MAX_IMAGE && phdr.p_filesz < MAX_IMAGE)
			end = phdr.p_offset + phdr.p_filesz;
	}
out:
	elf_end(elf);
	return end;
}

/*
 * True if the decompressed part of an x86 kernel has all results. If its strings are
 * complete but do not mention KHO, decompression continues, and examine() searches
 * the whole image before the rules report a missing KHO.
 */
static bool is_enough(const unsigned char *data, size_t size, void *arg)
{
	struct search *s = arg;
	bool all, end;

	if (!s->end)
		s->end = first_segment_end(data, size);
	if (!s->end || s->from >= s->end)
		return false;
	end = size >= s->end;
	all = search(s, (struct bytes){ data, end ? s->end : size });
	s->found = all || (end && *s->target->release && *s->target->root_compatible);
	return s->found;
}

/* False if it is not a kernel. */
static bool examine(struct bytes file, struct kho_target *target)
{
	struct search s = { .target = target };

	search(&s, rodata_of(file));
	if (!target->config_known)
		target->has_kho = *target->root_compatible;
	return *target->release;
}

static int no_kernel(const char *path, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
			   "%s does not contain the version of Linux: cannot determine its support of KHO",
			   path);

	return kho_remedy(err, ret, "Give a bzImage (vmlinuz) or vmlinux.");
}

/* ---------------------------------------------------------------- formats */

static uint32_t read32(struct bytes file, uint64_t at)
{
	uint32_t value = 0;

	if (at <= file.size && file.size - at >= sizeof(value))
		memcpy(&value, file.data + at, sizeof(value));
	return value;
}

static bool has_magic(struct bytes file, size_t at, const char *magic)
{
	size_t len = strlen(magic);

	return at <= file.size && len <= file.size - at && !memcmp(file.data + at, magic, len);
}

/* Moves a string from the start of @where to @out; false if it has no end or does not fit. */
static bool take_string(struct bytes *where, char *out, size_t size)
{
	size_t n = where->size ? strnlen((const char *)where->data, where->size) : 0;

	if (n == where->size || !set_text(out, size, where->data, n))
		return false;
	where->data += n + 1;
	where->size -= n + 1;
	return true;
}

/* The chunk of @info with this magic; empty if there is none, or an earlier chunk is damaged. */
static struct bytes kernel_info_chunk(struct bytes info, const char *magic)
{
	uint64_t at = read32(info, KERNEL_INFO_SIZE_AT);

	while (at >= KERNEL_INFO_MIN && at < info.size) {
		struct bytes chunk = part_of(info, at, read32(info, at + 4));

		if (chunk.size < 8)
			break;
		if (has_magic(chunk, 0, magic))
			return chunk;
		at += chunk.size;
	}
	return (struct bytes){ 0 };
}

/* Reads the release from the setup part: "7.3.4 (me@here) #1 ...". */
static bool setup_release(struct bytes setup, const struct x86_setup_header *header,
			  struct kho_target *target)
{
	uint64_t at = header->kernel_version + 512u;

	return header->kernel_version && at < setup.size &&
	       take_release(part_of(setup, at, setup.size - at), target);
}

/*
 * Reads kernel_info, so that the image need not be decompressed. False if it is missing
 * or damaged: the payload decides then. Sets builtin_use to KHO_BUILTIN_UNKNOWN if only the
 * payload has the built-in command line.
 */
static bool read_kernel_info(struct bytes file, const struct x86_setup_header *header,
			     uint64_t setup_size, struct kho_target *target)
{
	struct kho_target found = { .page_size = X86_PAGE_SIZE, .config_known = true };
	uint64_t at = setup_size + header->kernel_info_offset;
	struct bytes info, chunk, strings;
	uint32_t flags;

	if (header->version < KERNEL_INFO_SINCE || !header->kernel_info_offset ||
	    at > file.size || !has_magic(file, (size_t)at, KERNEL_INFO_MAGIC))
		return false;
	info = part_of(file, at, read32(file, at + KERNEL_INFO_TOTAL_AT));
	chunk = kernel_info_chunk(info, KERNEL_INFO_KHO);
	if (chunk.size < KHO_INFO_STRINGS_AT)
		return false;

	strings = part_of(chunk, KHO_INFO_STRINGS_AT, chunk.size - KHO_INFO_STRINGS_AT);
	if (!take_string(&strings, found.root_compatible, sizeof(found.root_compatible)) ||
	    !take_string(&strings, found.luo_compatible, sizeof(found.luo_compatible)) ||
	    !take_string(&strings, found.dma_compatible, sizeof(found.dma_compatible)) ||
	    !setup_release(part_of(file, 0, setup_size), header, &found))
		return false;
	flags = read32(chunk, KHO_INFO_FLAGS_AT);
	found.has_kho = *found.root_compatible;
	found.kho_default_on = flags & KHO_INFO_DEFAULT_ON;
	found.builtin_use = flags & KHO_INFO_BUILTIN ? KHO_BUILTIN_UNKNOWN : KHO_BUILTIN_NONE;
	*target = found;
	return true;
}

static int cannot_unpack(const char *path, int ret, struct kho_error *err)
{
	if (ret != KHO_ERR_NOT_FOUND)
		return kho_fail(err, ret, KHO_NO_ADDR, "%s: cannot unpack it: %s", path,
				kho_strerror(ret));
	kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR, "%s: cannot unpack it: its library is missing",
		 path);
	return kho_remedy(err, KHO_ERR_UNSUPPORTED,
			  "Install " KHO_LIBRARY_LZ4 " and " KHO_LIBRARY_LZMA ".");
}

static int read_payload(struct bytes payload, const char *path, size_t room,
			struct kho_target *target, struct kho_error *err)
{
	struct kho_target found = { .page_size = X86_PAGE_SIZE };
	struct search s = { .target = &found };
	unsigned char *image;
	size_t size;
	int ret;

	ret = kho_decompress(payload.data, payload.size, room, is_enough, &s,
			     &image, &size);
	if (ret)
		return cannot_unpack(path, ret, err);

	if (s.found) {
		*target = found;
		if (!target->config_known)
			target->has_kho = true;
	} else {
		target->page_size = X86_PAGE_SIZE;
		ret = examine((struct bytes){ image, size }, target) ? 0 : no_kernel(path, err);
	}
	free(image);
	return ret;
}

/* Takes the built-in command line from the configuration in the payload, if there is one. */
static void read_builtin_cmdline(struct bytes payload, const char *path, size_t room,
				 struct kho_target *target)
{
	struct kho_target found = { 0 };

	if (read_payload(payload, path, room, &found, NULL) || !found.config_known)
		return;
	target->builtin_use = found.builtin_use;
	memcpy(target->builtin_cmdline, found.builtin_cmdline, sizeof(found.builtin_cmdline));
}

static int read_bzimage(struct bytes file, const char *path, size_t room,
			struct kho_target *target, struct kho_error *err)
{
	struct x86_setup_header header;
	struct bytes payload;
	uint64_t setup_size;
	int ret = 0;

	memcpy(&header, file.data + X86_SETUP_HEADER_AT, sizeof(header));
	setup_size = ((header.setup_sects ? header.setup_sects : 4u) + 1) * 512;
	payload = part_of(file, setup_size + header.payload_offset, header.payload_length);
	if (header.version < PAYLOAD_SINCE || !payload.size)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: bzImage without a payload inside the file", path);

	if (!read_kernel_info(file, &header, setup_size, target))
		ret = read_payload(payload, path, room, target, err);
	else if (target->builtin_use == KHO_BUILTIN_UNKNOWN)
		read_builtin_cmdline(payload, path, room, target);
	snprintf(target->format, sizeof(target->format), "bzImage");
	target->machine = EM_X86_64;
	if (header.version >= INIT_SIZE_SINCE) {
		target->memory_size = header.init_size;
		target->memory_align = header.kernel_alignment;
		target->memory_min = header.pref_address > MIN_LOAD_ADDR ? header.pref_address : MIN_LOAD_ADDR;
	}
	return ret;
}

static bool is_bzimage(struct bytes file)
{
	struct x86_setup_header header;

	if (file.size < X86_SETUP_HEADER_AT + sizeof(header))
		return false;
	memcpy(&header, file.data + X86_SETUP_HEADER_AT, sizeof(header));
	return header.header == BZIMAGE_MAGIC;
}

static int read_vmlinux(struct bytes file, const char *path, struct kho_target *target,
			struct kho_error *err)
{
	Elf64_Half machine = 0;

	if (file.size >= sizeof(Elf64_Ehdr))
		memcpy(&machine, file.data + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
	target->machine = machine;
	if (machine == EM_X86_64)
		target->page_size = X86_PAGE_SIZE;
	snprintf(target->format, sizeof(target->format), "vmlinux");
	return examine(file, target) ? 0 : no_kernel(path, err);
}

/* An arm64 Image is not compressed, and its header gives the page size. */
static int read_arm64(struct bytes file, const char *path, struct kho_target *target,
		      struct kho_error *err)
{
	unsigned int size = read32(file, ARM64_FLAGS_AT) >> 1 & 3;

	/* 1, 2, 3: 4, 16, 64 KiB */
	target->page_size = size ? 1024u << 2 * size : 0;
	target->memory_size = read32(file, ARM64_SIZE_AT);
	target->memory_align = ARM64_ALIGN;
	target->machine = EM_AARCH64;
	snprintf(target->format, sizeof(target->format), "Image");
	return examine(file, target) ? 0 : no_kernel(path, err);
}

bool kho_target_is_arm64(const struct kho_target *target)
{
	return !strcmp(target->format, "Image") || !strcmp(target->format, "UKI (Image)");
}

/*
 * The content of the first section @name of a PE file; empty if there is none inside the file. *n
 * is the number of such sections.
 */
static struct bytes pe_section(struct bytes file, const char *name, size_t *n)
{
	uint64_t pe = read32(file, PE_HEADER_AT), at, sections;
	struct bytes found = { 0 };

	*n = 0;
	if (!has_magic(file, 0, "MZ") || !has_magic(file, pe, "PE") ||
	    pe > file.size || file.size - pe < PE_HEADER_SIZE)
		return found;
	sections = read32(file, pe + 4) >> 16;
	at = pe + PE_HEADER_SIZE + (read32(file, pe + 20) & 0xffff);

	for (uint64_t i = 0; i < sections; i++, at += PE_SECTION_SIZE) {
		if (at > file.size || file.size - at < PE_SECTION_SIZE)
			break;
		/* ignores bytes after the NUL of a name */
		if (strncmp((const char *)file.data + at, name, PE_NAME_SIZE))
			continue;
		if (!(*n)++)
			found = part_of(file, read32(file, at + 20), read32(file, at + 16));
	}
	return found;
}

static int read_image(struct bytes file, const char *path, struct nest nest,
		      struct kho_target *target, struct kho_error *err);

static int no_image(const char *path, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "%s is not a kernel of a known kind: cannot determine its support of KHO",
			   path);

	return kho_remedy(err, ret,
			  "Give a bzImage (vmlinuz), vmlinux, arm64 Image, or a UKI with one of them.");
}

static int ambiguous_uki(const char *path, size_t n, const char *what, const char *section,
			 struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "%s is a UKI with %zu %ss (%s sections): cannot determine which one would boot",
			   path, n, what, section);

	return kho_remedy(err, ret, "Give the kernel itself, or a UKI with one.");
}

/* kexec and systemd's stub do not start a UKI, or decompress a kernel, inside a UKI. */
static int no_kernel_in_uki(const char *path, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "%s is a UKI, and kexec cannot load the kernel in its .linux section",
			   path);

	return kho_remedy(err, ret, "Build the UKI from a bzImage or an arm64 Image.");
}

/*
 * A unified kernel image contains the kernel as a section. One with profiles may have several
 * sections of a name: kexec takes the last one, boot loaders choose one.
 */
static int read_uki(struct bytes file, struct bytes kernel, size_t n, const char *path,
		    struct nest nest, struct kho_target *target, struct kho_error *err)
{
	char inner[sizeof(target->format)];
	struct bytes initrd, cmdline;
	size_t nr_initrds, nr_cmdlines;
	int ret;

	if (n > 1)
		return ambiguous_uki(path, n, "kernel", ".linux", err);
	initrd = pe_section(file, ".initrd", &nr_initrds);
	if (nr_initrds > 1)
		return ambiguous_uki(path, nr_initrds, "initrd", ".initrd", err);
	if (nr_initrds && !initrd.data)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s is a UKI, and its .initrd section lies outside the file", path);

	nest.in_uki = true;
	ret = read_image(kernel, path, nest, target, err);
	if (ret)
		return ret;
	cmdline = pe_section(file, ".cmdline", &nr_cmdlines);
	target->initrd_size = initrd.size;
	target->has_cmdline = cmdline.size;
	memcpy(inner, target->format, sizeof(inner));
	snprintf(target->format, sizeof(target->format), "UKI (%.9s)", inner);
	return 0;
}

/* Reads a compressed file, or the payload of a zboot image. */
static int read_packed(struct bytes packed, const char *path, struct nest nest,
		       struct kho_target *target, struct kho_error *err)
{
	unsigned char *image;
	size_t size;
	int ret = kho_decompress(packed.data, packed.size, nest.room, NULL, NULL, &image, &size);

	if (ret == KHO_ERR_UNSUPPORTED)
		return no_image(path, err);
	if (ret)
		return cannot_unpack(path, ret, err);
	nest.room -= size;
	ret = read_image((struct bytes){ image, size }, path, nest, target, err);
	free(image);
	return ret;
}

static int read_zboot(struct bytes file, const char *path, struct nest nest,
		      struct kho_target *target, struct kho_error *err)
{
	struct bytes packed = part_of(file, read32(file, ZBOOT_OFFSET_AT), read32(file, ZBOOT_SIZE_AT));

	if (!packed.size)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: zboot image without a payload inside the file", path);
	return read_packed(packed, path, nest, target, err);
}

static int read_image(struct bytes file, const char *path, struct nest nest,
		      struct kho_target *target, struct kho_error *err)
{
	struct bytes kernel;
	size_t n;

	if (is_bzimage(file))
		return read_bzimage(file, path, nest.room, target, err);
	if (has_magic(file, 0, ELFMAG) && !nest.in_uki)
		return read_vmlinux(file, path, target, err);
	if (has_magic(file, ARM64_MAGIC_AT, ARM64_MAGIC))
		return read_arm64(file, path, target, err);
	if (!nest.layers--)
		return no_image(path, err);

	if (has_magic(file, ZBOOT_MAGIC_AT, ZBOOT_MAGIC))
		return read_zboot(file, path, nest, target, err);
	if (nest.in_uki)
		return no_kernel_in_uki(path, err);
	kernel = pe_section(file, ".linux", &n);
	if (kernel.size || n > 1)
		return read_uki(file, kernel, n, path, nest, target, err);
	return read_packed(file, path, nest, target, err);
}

int kho_target_examine(const void *data, size_t size, const char *name,
		       struct kho_target *out, struct kho_error *err)
{
	struct kho_target target = { 0 };
	const struct nest nest = { .layers = MAX_LAYERS, .room = MAX_UNPACKED(size) };
	int ret = read_image((struct bytes){ data, size }, name, nest, &target, err);

	if (!ret)
		*out = target;
	return ret;
}

/* Reads all @size bytes. Does not map the file, so truncating it meanwhile is only an error. */
static int read_file(int fd, const char *path, size_t size, unsigned char **out,
		     struct kho_error *err)
{
	unsigned char *data = malloc(size);
	size_t have = 0;
	ssize_t n = 1;
	int ret;

	if (!data)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "%s: out of memory", path);
	while (have < size && (n > 0 || errno == EINTR)) {
		n = read(fd, data + have, size - have);
		have += n > 0 ? (size_t)n : 0;
		if (!n)
			break;
	}
	if (have == size) {
		*out = data;
		return 0;
	}
	ret = n < 0 ? kho_fail_os(err, "read", path) :
		      kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s became shorter during the read",
			       path);
	free(data);
	return ret;
}

int kho_target_read(const char *path, struct kho_target *out, struct kho_error *err)
{
	unsigned char *data = NULL;
	struct stat st;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st)) {
		ret = kho_fail_os(err, "open", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode) || !st.st_size || st.st_size > MAX_IMAGE) {
		ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
			       "%s is not a file of the size of a kernel", path);
		goto out;
	}
	ret = read_file(fd, path, (size_t)st.st_size, &data, err);
	if (ret)
		goto out;
	ret = kho_target_examine(data, (size_t)st.st_size, path, out, err);
	free(data);
out:
	if (fd >= 0)
		close(fd);
	return ret;
}
