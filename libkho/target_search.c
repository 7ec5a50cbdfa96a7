// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Searches a decompressed kernel: its strings show which formats it reads, and its embedded
 * configuration (if any) how it was built.
 */
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "decompress.h"
#include "kconfig.h"
#include "kho_output.h"
#include "target_search.h"

#define MAX_CONFIG	(16u << 20)	/* of a decompressed configuration */

struct kho_bytes kho_bytes_part(struct kho_bytes where, uint64_t at, uint64_t size)
{
	if (at > where.size || size > where.size - at)
		return (struct kho_bytes){ 0 };
	return (struct kho_bytes){ where.data + at, (size_t)size };
}

/* Longer than any string of the search: one may begin in one part and end in the next. */
#define MAX_STRING	256

/* "kho-v4" and the like: a prefix that ends in "-v", and a digit. */
struct version {
	const char *prefix;
	char *out;
	size_t size;
};

bool kho_bytes_text(char *out, size_t size, const unsigned char *from, size_t n)
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
static bool take_version(struct kho_bytes where, const unsigned char *dash,
			 const struct version *version)
{
	size_t len = strlen(version->prefix), before = len - 2;
	const unsigned char *start;
	size_t left, n;

	if (*version->out || before > (size_t)(dash - where.data) ||
	    memcmp(dash - before, version->prefix, before))
		return false;
	start = dash - before;
	if (start > where.data && start[-1])
		return false;
	/* no further than a result can be long: data of nothing but prefixes would take n^2 */
	left = where.size - (size_t)(start - where.data);
	left = left < version->size ? left : version->size;
	n = strnlen((const char *)start, left);
	/* truncated, or another string with this prefix */
	if (n == left)
		return false;
	return kho_bytes_text(version->out, version->size, start, n);
}

/* Finds the first string of each of @n versions in @where, from offset @from on. */
static void find_versions(struct kho_bytes where, size_t from, const struct version *versions,
			  size_t n)
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

bool kho_target_take_release(struct kho_bytes where, struct kho_target *target)
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

static bool find_release(struct kho_bytes where, size_t from, struct kho_target *target)
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
	return kho_target_take_release((struct kho_bytes){ hit, where.size - (size_t)(hit - where.data) },
				       target);
}

/* For architectures whose page size is a build option. */
static void find_page_size(struct kho_bytes config, struct kho_target *target)
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

static bool has_option(struct kho_bytes config, const char *name)
{
	return kho_kconfig_is_on(config.data, config.size, name);
}

/*
 * CONFIG_CMDLINE: arch/x86/Kconfig, arch/arm64/Kconfig, drivers/of/fdt.c of Linux 7.3.
 * CONFIG_CMDLINE_FROM_BOOTCONFIG: arch/x86/kernel/setup.c. The configuration does not contain these
 * options. verify_bootconfig() in target_cmdline.c is about a bootconfig in the initrd.
 */
static void find_builtin_cmdline(struct kho_bytes config, struct kho_target *target)
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
static bool find_config(struct kho_target_search *s, struct kho_bytes where)
{
	struct kho_target *target = s->target;
	const unsigned char *start, *stop;
	unsigned char *config;
	struct kho_bytes text;
	size_t size, left;
	int ret;

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
	if (!stop)
		return false;
	ret = kho_decompress(start, (size_t)(stop - start), MAX_CONFIG, NULL, NULL, &config, &size);
	s->no_memory |= ret == KHO_ERR_NOMEM;
	if (ret)
		return false;

	target->config_known = true;
	text = (struct kho_bytes){ config, size };
	target->has_kho = has_option(text, "CONFIG_KEXEC_HANDOVER");
	target->kho_default_on = has_option(text, "CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT");
	find_page_size(text, target);
	find_builtin_cmdline(text, target);
	free(config);
	return true;
}

/* Searches for missing results. True if all are found. */
static bool search(struct kho_target_search *s, struct kho_bytes where)
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

static bool lies_in(struct kho_bytes image, uint64_t offset, uint64_t size)
{
	return offset <= image.size && size <= image.size - offset;
}

/* elf_strptr() searches the end of a table at each call, which is too slow for one without an end. */
static bool is_rodata(struct kho_bytes image, const GElf_Shdr *names, const GElf_Shdr *shdr)
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
static struct kho_bytes rodata_of(struct kho_bytes image)
{
	struct kho_bytes found = image;
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
		found = (struct kho_bytes){ image.data + shdr.sh_offset, shdr.sh_size };
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
		    phdr.p_offset < KHO_TARGET_MAX_SIZE && phdr.p_filesz < KHO_TARGET_MAX_SIZE)
			end = phdr.p_offset + phdr.p_filesz;
	}
out:
	elf_end(elf);
	return end;
}

bool kho_target_search_part(const unsigned char *data, size_t size, void *arg)
{
	struct kho_target_search *s = arg;
	bool all, end;

	if (!s->end)
		s->end = first_segment_end(data, size);
	if (!s->end || s->from >= s->end)
		return false;
	end = size >= s->end;
	all = search(s, (struct kho_bytes){ data, end ? s->end : size });
	s->found = all || (end && *s->target->release && *s->target->root_compatible);
	return s->found || s->no_memory;
}

int kho_target_search(struct kho_bytes file, struct kho_target *target)
{
	struct kho_target_search s = { .target = target };

	search(&s, rodata_of(file));
	if (s.no_memory)
		return KHO_ERR_NOMEM;
	if (!target->config_known)
		target->has_kho = *target->root_compatible;
	return *target->release ? 0 : KHO_ERR_NOT_FOUND;
}
