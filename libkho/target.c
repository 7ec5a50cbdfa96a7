// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a kernel image has of KHO: its strings say which formats it reads, and its
 * embedded configuration (if any) how it was built. K6xx.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decompress.h"
#include "decode.h"
#include "verify.h"
#include "abi/dma_alloc.h"
#include "abi/subtrees.h"

#define BZIMAGE_HEADER		0x1f1	/* of struct setup_header in the file */
#define BZIMAGE_MAGIC		0x53726448u /* "HdrS" */
#define PAYLOAD_SINCE		0x0208	/* boot protocol with payload_offset */
#define MAX_IMAGE		(1u << 30)

struct bytes {
	const unsigned char *data;
	size_t size;
};

/* ---------------------------------------------------------------- strings */

/*
 * The NUL-terminated string at the place where @prefix, followed by a digit,
 * begins in @where. A C string literal stands behind another one's NUL.
 */
static bool find_version(struct bytes where, const char *prefix, char *out, size_t size)
{
	size_t len = strlen(prefix);
	const unsigned char *p = where.data, *end = where.data + where.size;

	while ((size_t)(end - p) > len) {
		const unsigned char *hit = memmem(p, (size_t)(end - p), prefix, len);
		size_t n;

		if (!hit)
			return false;
		n = strnlen((const char *)hit, (size_t)(end - hit));
		p = hit + len;
		if (n == (size_t)(end - hit) || n >= size || n == len ||
		    hit[len] < '0' || hit[len] > '9')
			continue;
		if (hit > where.data && hit[-1])
			continue;
		memcpy(out, hit, n + 1);
		return true;
	}
	return false;
}

static void find_release(struct bytes image, struct kho_target *target)
{
	static const char banner[] = "Linux version ";
	const unsigned char *hit = memmem(image.data, image.size, banner, sizeof(banner) - 1);
	size_t left, n = 0;

	if (!hit || *target->release)
		return;
	hit += sizeof(banner) - 1;
	left = image.size - (size_t)(hit - image.data);
	while (n < left && n < sizeof(target->release) - 1 && hit[n] > ' ' && hit[n] <= '~')
		n++;
	memcpy(target->release, hit, n);
}

/* CONFIG_IKCONFIG puts a gzipped .config between two marks (kernel/configs.c). */
static void find_config(struct bytes image, struct kho_target *target)
{
	const unsigned char *start = memmem(image.data, image.size, "IKCFG_ST", 8);
	const unsigned char *stop;
	unsigned char *config;
	size_t size, left;

	if (!start)
		return;
	start += 8;
	left = image.size - (size_t)(start - image.data);
	stop = memmem(start, left, "IKCFG_ED", 8);
	if (!stop || kho_decompress(start, (size_t)(stop - start), 16 << 20, &config, &size))
		return;

	target->config_known = true;
	target->has_kho = memmem(config, size, "\nCONFIG_KEXEC_HANDOVER=y\n", 25);
	target->kho_default_on =
		memmem(config, size, "\nCONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y\n", 40);
	free(config);
}

/*
 * Where the kernel's own strings are: its .rodata. A search in all of the image
 * would also find those of programs in an initramfs that is built in, and this
 * library is such a program. An image without section headers is searched whole.
 */
static struct bytes rodata_of(struct bytes image)
{
	struct bytes found = image;
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	size_t names;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return image;
	elf = elf_memory((char *)image.data, image.size);
	if (!elf || elf_getshdrstrndx(elf, &names))
		goto out;

	while ((section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &shdr) ?
				   elf_strptr(elf, names, shdr.sh_name) : NULL;

		if (!name || strcmp(name, ".rodata") || shdr.sh_type == SHT_NOBITS ||
		    shdr.sh_offset > image.size || shdr.sh_size > image.size - shdr.sh_offset)
			continue;
		found = (struct bytes){ image.data + shdr.sh_offset, shdr.sh_size };
		break;
	}
out:
	elf_end(elf);
	return found;
}

/* Returns whether it is a kernel at all. */
static bool examine(struct bytes file, struct kho_target *target)
{
	struct bytes image = rodata_of(file);

	bool root = find_version(image, "kho-v", target->root_compatible,
				 sizeof(target->root_compatible));

	find_version(image, "luo-v", target->luo_compatible, sizeof(target->luo_compatible));
	find_version(image, "dma-alloc-v", target->dma_compatible, sizeof(target->dma_compatible));
	find_release(image, target);
	target->has_kho = root;
	find_config(image, target);
	return *target->release;
}

static int no_kernel(const char *path, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
			   "%s does not say which Linux it is: what it has of KHO cannot be told",
			   path);

	return kho_remedy(err, ret, "Give a bzImage (vmlinuz) or vmlinux.");
}

/* ---------------------------------------------------------------- formats */

static int read_bzimage(struct bytes file, const char *path, struct kho_target *target,
			struct kho_error *err)
{
	struct setup_header header;
	uint64_t offset, setup_sects;
	unsigned char *image;
	size_t size;
	int ret;

	memcpy(&header, file.data + BZIMAGE_HEADER, sizeof(header));
	setup_sects = header.setup_sects ? header.setup_sects : 4;
	offset = (setup_sects + 1) * 512 + header.payload_offset;
	if (header.version < PAYLOAD_SINCE || !header.payload_length || offset > file.size ||
	    header.payload_length > file.size - offset)
		return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
				"%s: bzImage without a payload inside the file", path);

	ret = kho_decompress(file.data + offset, header.payload_length, MAX_IMAGE, &image, &size);
	if (ret)
		return kho_fail(err, ret, KHO_NO_ADDR, "%s: cannot unpack its payload: %s", path,
				kho_strerror(ret));

	snprintf(target->format, sizeof(target->format), "bzImage");
	target->memory_size = header.init_size;
	ret = examine((struct bytes){ image, size }, target) ? 0 : no_kernel(path, err);
	free(image);
	return ret;
}

static bool is_bzimage(struct bytes file)
{
	struct setup_header header;

	if (file.size < BZIMAGE_HEADER + sizeof(header))
		return false;
	memcpy(&header, file.data + BZIMAGE_HEADER, sizeof(header));
	return header.header == BZIMAGE_MAGIC;
}

static int read_image(struct bytes file, const char *path, struct kho_target *target,
		      struct kho_error *err)
{
	if (is_bzimage(file))
		return read_bzimage(file, path, target, err);

	if (file.size > SELFMAG && !memcmp(file.data, ELFMAG, SELFMAG)) {
		snprintf(target->format, sizeof(target->format), "vmlinux");
		return examine(file, target) ? 0 : no_kernel(path, err);
	}

	kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
		 "%s is neither a bzImage nor an ELF kernel: what it has of KHO cannot be told", path);
	return kho_remedy(err, KHO_ERR_UNSUPPORTED, "Give a bzImage (vmlinuz) or vmlinux.");
}

int kho_target_read(const char *path, struct kho_target *out, struct kho_error *err)
{
	struct kho_target target = { 0 };
	struct stat st;
	void *map;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		ret = kho_fail_os(err, "open", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode) || !st.st_size || st.st_size > MAX_IMAGE) {
		ret = kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR,
			       "%s is not a file of the size of a kernel", path);
		goto out;
	}

	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		ret = kho_fail_os(err, "map", path);
		goto out;
	}
	ret = read_image((struct bytes){ map, (size_t)st.st_size }, path, &target, err);
	munmap(map, (size_t)st.st_size);
	if (!ret)
		*out = target;
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

/* ------------------------------------------------------------------ rules */

static void verify_luo(struct kho_verify *v, const struct kho_target *target)
{
	const struct kho_subtree *subtree = kho_state_subtree(v->state, LUO_SUBTREE);
	struct kho_error err;
	char compatible[64];

	if (!subtree)
		return;
	if (!*target->luo_compatible)
		/* the subtree is there with and without sessions */
		kho_report_as(v, "K603", KHO_SEVERITY_WARNING, subtree->addr,
			      "the target has no live update: sessions, if there are any, would be lost");
	else if (kho_subtree_compatible(v->state, subtree, compatible, sizeof(compatible), &err))
		kho_report_unevaluated(v, "K603", subtree->addr, 0, "%s", err.message);
	else if (strcmp(compatible, target->luo_compatible))
		kho_report(v, "K603", subtree->addr, 0,
			   "live update state is \"%s\", the target reads \"%s\" and would panic",
			   compatible, target->luo_compatible);
}

static void verify_dma(struct kho_verify *v, const struct kho_target *target)
{
	struct kho_dma_header header;
	struct kho_error err;
	int ret;

	ret = kho_dma_read_header(v->state, &header, &err);
	if (ret == KHO_ERR_NOT_FOUND)
		return;
	if (ret)
		kho_report_unevaluated(v, "K604", err.addr, 0, "%s", err.message);
	else if (header.nr_records && strcmp(header.compatible, target->dma_compatible))
		kho_report(v, "K604", KHO_NO_ADDR, 0,
			   "%" PRIu64 " allocations are preserved as \"%s\", the target reads %s%s",
			   header.nr_records, header.compatible,
			   *target->dma_compatible ? "" : "no such list", target->dma_compatible);
}

/* kstrtobool() of the kernel: 1, 0, or -1 for a value that changes nothing. */
static int parse_bool(const char *value)
{
	if (*value == 'o' || *value == 'O')
		value++;
	else if (*value && strchr("eEyYtT1", *value))
		return 1;
	else
		return *value && strchr("dDnNfF0", *value) ? 0 : -1;

	if (*value == 'n' || *value == 'N')
		return 1;
	return *value == 'f' || *value == 'F' ? 0 : -1;
}

/* What the kho= options of a command line come to: -1 nothing, 0 off, 1 on. */
static int cmdline_kho(const char *cmdline)
{
	const char *p = cmdline;
	int value = -1;

	while (*p) {
		size_t len = strcspn(p, " \t\n");

		if (len == 2 && !strncmp(p, "--", 2))
			break;
		if (!strncmp(p, "kho=", 4)) {
			int this = parse_bool(p + 4);

			value = this < 0 ? value : this;
		}
		p += len;
		p += strspn(p, " \t\n");
	}
	return value;
}

static void verify_cmdline(struct kho_verify *v, const struct kho_target *target,
			   const char *cmdline)
{
	int value = cmdline_kho(cmdline);

	if (!value)
		kho_report(v, "K605", KHO_NO_ADDR, 0,
			   "the target's command line turns KHO off: its preserved memory could not be restored");
	else if (value < 0 && target->config_known && !target->kho_default_on)
		kho_report(v, "K605", KHO_NO_ADDR, 0,
			   "kho=on is not on the target's command line, and its KHO is off by default");
	else if (value < 0 && !target->config_known)
		kho_report(v, "K605", KHO_NO_ADDR, 0,
			   "kho=on is not on the target's command line, and its default cannot be told");
}

int kho_target_verify(struct kho_state *state, const struct kho_target *target,
		      const char *cmdline,
		      int (*fn)(const struct kho_finding *finding, void *data), void *data,
		      struct kho_verify_summary *summary, struct kho_error *err)
{
	static const struct kho_verify_options no_options;
	struct kho_verify v = {
		.state = state, .options = &no_options, .fn = fn, .data = data,
		.summary = summary,
	};

	if (!state || !target || !summary)
		return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR, "no state, target or summary");

	memset(summary, 0, sizeof(*summary));
	summary->rules = kho_rules_count(v.options, '6', '6');
	if (!target->has_kho) {
		kho_report(&v, "K601", KHO_NO_ADDR, 0,
			   "%s %s is built without CONFIG_KEXEC_HANDOVER: it would use preserved memory as its own",
			   target->format, target->release);
		return 0;
	}
	if (!*target->root_compatible)
		kho_report_unevaluated(&v, "K602", KHO_NO_ADDR, 0,
				       "the target has KHO, but its ABI cannot be told");
	else if (strcmp(state->compatible, target->root_compatible))
		kho_report(&v, "K602", KHO_NO_ADDR, 0,
			   "this kernel hands over \"%s\", the target reads \"%s\": it would use preserved memory as its own",
			   state->compatible, target->root_compatible);
	verify_luo(&v, target);
	verify_dma(&v, target);
	if (cmdline)
		verify_cmdline(&v, target, cmdline);
	return 0;
}
