// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reads a kernel image: finds the kernel in its format, and what the kernel says about itself. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "decompress.h"
#include "error.h"
#include "kho_output.h"
#include "library.h"
#include "target.h"
#include "target_search.h"
#include "abi/x86_boot.h"

#define BZIMAGE_MAGIC		0x53726448u /* "HdrS" */
#define PAYLOAD_SINCE		0x0208	/* boot protocol with payload_offset */
#define INIT_SIZE_SINCE		0x020a	/* and with init_size */
#define MIN_LOAD_ADDR		0x100000 /* of a bzImage */
#define KERNEL_INFO_SINCE	0x020f	/* and with kernel_info_offset */
/* Kernels compress to about a fifth; a file that exceeds this ratio is made to exhaust memory. */
#define MAX_RATIO		64
#define MAX_UNPACKED(size)	((size) < KHO_TARGET_MAX_SIZE / MAX_RATIO ? \
				 MAX_RATIO * (size_t)(size) + (16u << 20) : KHO_TARGET_MAX_SIZE)
#define MAX_LAYERS		3	/* a compressed UKI that contains a zboot image */
#define X86_PAGE_SIZE		4096

/* Nested images: the layers, and bytes to decompress, that are left. */
struct nest {
	unsigned int layers;
	size_t room;
	bool in_uki;
	bool unpacked;		/* this is the content of a compressed file */
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

#define LZ4_MAGIC		"\x02\x21\x4c\x18" /* of the legacy format */

static int no_kernel(const char *path, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
			   "%s does not contain the version of Linux: cannot determine its support of KHO",
			   path);

	return kho_remedy(err, ret, "Give a bzImage (vmlinuz), vmlinux or arm64 Image.");
}

static uint32_t read32(struct kho_bytes file, uint64_t at)
{
	uint32_t value = 0;

	if (at <= file.size && file.size - at >= sizeof(value))
		memcpy(&value, file.data + at, sizeof(value));
	return value;
}

static bool has_magic(struct kho_bytes file, size_t at, const char *magic)
{
	size_t len = strlen(magic);

	return at <= file.size && len <= file.size - at && !memcmp(file.data + at, magic, len);
}

/* Moves a string from the start of @where to @out; false if it has no end or does not fit. */
static bool take_string(struct kho_bytes *where, char *out, size_t size)
{
	size_t n = where->size ? strnlen((const char *)where->data, where->size) : 0;

	if (n == where->size || !kho_bytes_text(out, size, where->data, n))
		return false;
	where->data += n + 1;
	where->size -= n + 1;
	return true;
}

/* The chunk of @info with this magic; empty if there is none, or an earlier chunk is damaged. */
static struct kho_bytes kernel_info_chunk(struct kho_bytes info, const char *magic)
{
	uint64_t at = read32(info, KERNEL_INFO_SIZE_AT);

	while (at >= KERNEL_INFO_MIN && at < info.size) {
		struct kho_bytes chunk = kho_bytes_part(info, at, read32(info, at + 4));

		if (chunk.size < 8)
			break;
		if (has_magic(chunk, 0, magic))
			return chunk;
		at += chunk.size;
	}
	return (struct kho_bytes){ 0 };
}

/* Reads the release from the setup part: "7.3.4 (me@here) #1 ...". */
static bool setup_release(struct kho_bytes setup, const struct x86_setup_header *header,
			  struct kho_target *target)
{
	uint64_t at = header->kernel_version + 512u;

	return header->kernel_version && at < setup.size &&
	       kho_target_take_release(kho_bytes_part(setup, at, setup.size - at), target);
}

/*
 * Reads kernel_info, so that the image need not be decompressed. False if it is missing
 * or damaged: the payload decides then. Sets builtin_use to KHO_BUILTIN_UNKNOWN if only the
 * payload has the built-in command line.
 */
static bool read_kernel_info(struct kho_bytes file, const struct x86_setup_header *header,
			     uint64_t setup_size, struct kho_target *target)
{
	struct kho_target found = { .page_size = X86_PAGE_SIZE, .config_known = true };
	uint64_t at = setup_size + header->kernel_info_offset;
	struct kho_bytes info, chunk, strings;
	uint32_t flags;

	if (header->version < KERNEL_INFO_SINCE || !header->kernel_info_offset ||
	    at > file.size || !has_magic(file, (size_t)at, KERNEL_INFO_MAGIC))
		return false;
	info = kho_bytes_part(file, at, read32(file, at + KERNEL_INFO_TOTAL_AT));
	chunk = kernel_info_chunk(info, KERNEL_INFO_KHO);
	if (chunk.size < KHO_INFO_STRINGS_AT)
		return false;

	strings = kho_bytes_part(chunk, KHO_INFO_STRINGS_AT, chunk.size - KHO_INFO_STRINGS_AT);
	if (!take_string(&strings, found.root_compatible, sizeof(found.root_compatible)) ||
	    !take_string(&strings, found.luo_compatible, sizeof(found.luo_compatible)) ||
	    !take_string(&strings, found.dma_compatible, sizeof(found.dma_compatible)) ||
	    !setup_release(kho_bytes_part(file, 0, setup_size), header, &found))
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

static int search_image(struct kho_bytes image, const char *path, struct kho_target *target,
			struct kho_error *err)
{
	int ret = kho_target_search(image, target);

	if (ret == KHO_ERR_NOMEM)
		return kho_fail_nomem(err);
	return ret ? no_kernel(path, err) : 0;
}

static int read_payload(struct kho_bytes payload, const char *path, size_t room,
			struct kho_target *target, struct kho_error *err)
{
	struct kho_target found = { .page_size = X86_PAGE_SIZE };
	struct kho_target_search s = { .target = &found };
	unsigned char *image;
	size_t size;
	int ret;

	ret = kho_decompress(payload.data, payload.size, room, kho_target_search_part, &s,
			     &image, &size);
	if (ret)
		return cannot_unpack(path, ret, err);

	if (s.no_memory) {
		ret = kho_fail_nomem(err);
	} else if (s.found) {
		*target = found;
		if (!target->config_known)
			target->has_kho = true;
	} else {
		target->page_size = X86_PAGE_SIZE;
		ret = search_image((struct kho_bytes){ image, size }, path, target, err);
	}
	free(image);
	return ret;
}

/* Takes the built-in command line from the configuration in the payload, if there is one. 0 or KHO_ERR_NOMEM. */
static int read_builtin_cmdline(struct kho_bytes payload, const char *path, size_t room,
				struct kho_target *target, struct kho_error *err)
{
	struct kho_target found = { 0 };
	int ret = read_payload(payload, path, room, &found, NULL);

	if (ret == KHO_ERR_NOMEM)
		return kho_fail_nomem(err);
	if (ret || !found.config_known)
		return 0;
	target->builtin_use = found.builtin_use;
	memcpy(target->builtin_cmdline, found.builtin_cmdline, sizeof(found.builtin_cmdline));
	return 0;
}

static int read_bzimage(struct kho_bytes file, const char *path, size_t room,
			struct kho_target *target, struct kho_error *err)
{
	struct x86_setup_header header;
	struct kho_bytes payload;
	uint64_t setup_size;
	int ret = 0;

	memcpy(&header, file.data + X86_SETUP_HEADER_AT, sizeof(header));
	setup_size = ((header.setup_sects ? header.setup_sects : 4u) + 1) * 512;
	payload = kho_bytes_part(file, setup_size + header.payload_offset, header.payload_length);
	if (header.version < PAYLOAD_SINCE || !payload.size)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: bzImage without a payload inside the file", path);

	if (!read_kernel_info(file, &header, setup_size, target))
		ret = read_payload(payload, path, room, target, err);
	else if (target->builtin_use == KHO_BUILTIN_UNKNOWN)
		ret = read_builtin_cmdline(payload, path, room, target, err);
	snprintf(target->format, sizeof(target->format), "bzImage");
	target->machine = EM_X86_64;
	if (header.version >= INIT_SIZE_SINCE) {
		target->memory_size = header.init_size;
		target->memory_align = header.kernel_alignment;
		target->memory_min = header.pref_address > MIN_LOAD_ADDR ? header.pref_address : MIN_LOAD_ADDR;
	}
	return ret;
}

static bool is_bzimage(struct kho_bytes file)
{
	struct x86_setup_header header;

	if (file.size < X86_SETUP_HEADER_AT + sizeof(header))
		return false;
	memcpy(&header, file.data + X86_SETUP_HEADER_AT, sizeof(header));
	return header.header == BZIMAGE_MAGIC;
}

static int read_vmlinux(struct kho_bytes file, const char *path, struct kho_target *target,
			struct kho_error *err)
{
	Elf64_Half machine = 0;

	if (file.size >= sizeof(Elf64_Ehdr))
		memcpy(&machine, file.data + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
	target->machine = machine;
	if (machine == EM_X86_64)
		target->page_size = X86_PAGE_SIZE;
	snprintf(target->format, sizeof(target->format), "vmlinux");
	return search_image(file, path, target, err);
}

/* An arm64 Image is not compressed, and its header gives the page size. */
static int read_arm64(struct kho_bytes file, const char *path, struct kho_target *target,
		      struct kho_error *err)
{
	unsigned int size = read32(file, ARM64_FLAGS_AT) >> 1 & 3;

	/* 1, 2, 3: 4, 16, 64 KiB */
	target->page_size = size ? 1024u << 2 * size : 0;
	target->memory_size = read32(file, ARM64_SIZE_AT);
	target->memory_align = ARM64_ALIGN;
	target->machine = EM_AARCH64;
	snprintf(target->format, sizeof(target->format), "Image");
	return search_image(file, path, target, err);
}

bool kho_target_is_arm64(const struct kho_target *target)
{
	return !strcmp(target->format, "Image") || !strcmp(target->format, "UKI (Image)");
}

/*
 * The content of the first section @name of a PE file; empty if there is none inside the file. *n
 * is the number of such sections.
 */
static struct kho_bytes pe_section(struct kho_bytes file, const char *name, size_t *n)
{
	uint64_t pe = read32(file, PE_HEADER_AT), at, sections;
	struct kho_bytes found = { 0 };

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
			found = kho_bytes_part(file, read32(file, at + 20), read32(file, at + 16));
	}
	return found;
}

static int read_image(struct kho_bytes file, const char *path, struct nest nest,
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

static int damaged_uki(const char *path, const char *section, const char *what, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "%s is a UKI, and its %s section %s", path, section,
			   what);

	return kho_remedy(err, ret, "Build the UKI again, or copy it again.");
}

/*
 * A unified kernel image contains the kernel as a section. One with profiles may have several
 * sections of a name: kexec takes the last one, boot loaders choose one.
 */
static int read_uki(struct kho_bytes file, struct kho_bytes kernel, size_t n, const char *path,
		    struct nest nest, struct kho_target *target, struct kho_error *err)
{
	char inner[sizeof(target->format)];
	struct kho_bytes initrd, cmdline;
	size_t nr_initrds, nr_cmdlines;
	int ret;

	if (n > 1)
		return ambiguous_uki(path, n, "kernel", ".linux", err);
	if (!kernel.size)
		return damaged_uki(path, ".linux", "is empty or lies outside the file", err);
	initrd = pe_section(file, ".initrd", &nr_initrds);
	if (nr_initrds > 1)
		return ambiguous_uki(path, nr_initrds, "initrd", ".initrd", err);
	if (nr_initrds && !initrd.data)
		return damaged_uki(path, ".initrd", "lies outside the file", err);
	cmdline = pe_section(file, ".cmdline", &nr_cmdlines);
	if (nr_cmdlines && !cmdline.data)
		return damaged_uki(path, ".cmdline", "lies outside the file", err);

	nest.in_uki = true;
	ret = read_image(kernel, path, nest, target, err);
	if (ret)
		return ret;
	target->initrd_size = initrd.size;
	target->has_cmdline = cmdline.size;
	memcpy(inner, target->format, sizeof(inner));
	snprintf(target->format, sizeof(target->format), "UKI (%.9s)", inner);
	return 0;
}

static int no_lz4(const char *path, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "%s is a kernel packed with lz4, which kexec cannot unpack", path);

	return kho_remedy(err, ret, "Unpack it, or pack it with gzip, xz or zstd.");
}

static int packed_twice(const char *path, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "%s is packed twice, and kexec unpacks only one layer", path);

	return kho_remedy(err, ret, "Unpack it once.");
}

/*
 * Reads a compressed file, or the payload of a zboot image. kexec (2.0.32) unpacks the same formats
 * except lz4; that of a bzImage's payload is the kernel's own business.
 */
static int read_packed(struct kho_bytes packed, const char *path, struct nest nest,
		       struct kho_target *target, struct kho_error *err)
{
	unsigned char *image;
	size_t size;
	int ret;

	if (has_magic(packed, 0, LZ4_MAGIC))
		return no_lz4(path, err);
	ret = kho_decompress(packed.data, packed.size, nest.room, NULL, NULL, &image, &size);
	if (ret == KHO_ERR_UNSUPPORTED)
		return no_image(path, err);
	if (ret)
		return cannot_unpack(path, ret, err);
	if (nest.unpacked) {
		free(image);
		return packed_twice(path, err);
	}
	nest.room -= size;
	nest.unpacked = true;
	ret = read_image((struct kho_bytes){ image, size }, path, nest, target, err);
	free(image);
	return ret;
}

static int read_zboot(struct kho_bytes file, const char *path, struct nest nest,
		      struct kho_target *target, struct kho_error *err)
{
	struct kho_bytes packed = kho_bytes_part(file, read32(file, ZBOOT_OFFSET_AT),
						 read32(file, ZBOOT_SIZE_AT));

	if (!packed.size)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: zboot image without a payload inside the file", path);
	/* kexec unpacks the file and then the payload */
	nest.unpacked = false;
	return read_packed(packed, path, nest, target, err);
}

static int read_image(struct kho_bytes file, const char *path, struct nest nest,
		      struct kho_target *target, struct kho_error *err)
{
	struct kho_bytes kernel;
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
	if (n)
		return read_uki(file, kernel, n, path, nest, target, err);
	return read_packed(file, path, nest, target, err);
}

int kho_target_examine(const void *data, size_t size, const char *name,
		       struct kho_target *out, struct kho_error *err)
{
	struct kho_target target = { 0 };
	const struct nest nest = { .layers = MAX_LAYERS, .room = MAX_UNPACKED(size) };
	int ret = read_image((struct kho_bytes){ data, size }, name, nest, &target, err);

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
	if (!S_ISREG(st.st_mode) || !st.st_size || st.st_size > KHO_TARGET_MAX_SIZE) {
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
