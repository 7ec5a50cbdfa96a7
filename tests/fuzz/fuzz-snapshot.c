// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole file: the reader of snapshots, and then every call on a state. Also writes a snapshot of it,
 * which the library must accept.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libkho/source.h"
#include "memory.h"
#include "nomem.h"

#define MAX_TOLD	2000000

static int see_finding(const struct kho_finding *finding, void *data)
{
	fuzz_see_finding(finding, NULL);
	return ++*(size_t *)data > MAX_TOLD;
}

static int see_item(const struct kho_item *item, void *data)
{
	(void)item;
	return ++*(size_t *)data > MAX_TOLD;
}

/*
 * The bytes after the last NUL of the input are also a target's command line. The byte before this NUL says
 * how the target uses the same text as its built-in options, whether it is an arm64 kernel, and which of the
 * targets it is. Or the text is the only rule or an ignored one, and these bits say with which options.
 */
#define CMDLINE	200
#define ARM64	8
#define ONLY	16
#define TARGET	32

static char cmdline[CMDLINE + 1];
static uint8_t target_option;

static void set_cmdline(const uint8_t *data, size_t size)
{
	size_t n = 0;

	while (n < CMDLINE && n < size && data[size - 1 - n])
		n++;
	memcpy(cmdline, data + size - n, n);
	cmdline[n] = '\0';
	target_option = size - n >= 2 ? data[size - n - 2] : 0;
}

static void change_target(struct kho_target *target)
{
	switch (target_option / TARGET) {
	case 1:
		target->has_kho = false;
		break;
	case 2:
		target->root_compatible[0] = '\0';
		break;
	case 3:
		target->dma_compatible[0] = target->luo_compatible[0] = '\0';
		break;
	case 4:
		target->page_size = 0;
		break;
	case 5:
		target->page_size = 65536;
		break;
	case 6:
		target->machine = EM_AARCH64;
		break;
	case 7:
		target->machine = EM_S390;
		target->kho_default_on = true;
		break;
	}
}

static void use_state(struct kho_state *state)
{
	const char *const rules[] = { cmdline, NULL };
	const bool only = target_option & ONLY;
	const unsigned int bits = target_option / TARGET;
	const struct kho_verify_options options = {
		.have_expect = !only || bits == 1, .expect_records = 5 + bits, .expect_generation = 9,
		.claims = !only || bits == 2, .skip_content = only && bits == 3,
		.only = only && bits != 4 ? rules : NULL, .ignore = only && bits == 4 ? rules : NULL,
	};
	struct kho_target target = {
		.has_kho = true, .builtin_use = target_option % ARM64 % (KHO_BUILTIN_UNKNOWN + 1), .config_known = true, .root_compatible = "kho-v4", .luo_compatible = "luo-v5",
		.dma_compatible = "dma-alloc-v1", .memory_size = 16 << 20, .memory_align = 2 << 20,
		.page_size = 4096,
	};
	struct kho_verify_summary summary;
	const struct kho_subtree *subtrees;
	size_t n, told = 0;

	strcpy(target.format, target_option & ARM64 ? "Image" : "bzImage");
	strcpy(target.builtin_cmdline, cmdline);
	change_target(&target);
	kho_verify(state, &options, see_finding, &told, &summary, NULL);
	kho_target_verify(state, &target, &(struct kho_target_load){ .cmdline = cmdline }, see_finding, &told, &summary, NULL);
	if (kho_state_is_live(state) || kho_state_abi(state) > KHO_ABI_V4 || !kho_state_fdt(state, &n) || !n)
		abort();
	subtrees = kho_state_subtrees(state, &n);
	for (size_t i = 0; i < n; i++)
		kho_subtree_decode(state, &subtrees[i], see_item, &told, NULL);
}

static void write_snapshot(struct kho_state *state)
{
	struct kho_error err = { 0 };
	struct kho_source *source;
	char path[128];

	fuzz_scratch("snapshot", path, sizeof(path));
	if (kho_snapshot_write(state, path, &err)) {
		fuzz_memory_error(&err);
		return;
	}
	fuzz_memory_hold();
	if (kho_source_open_file(path, &source, &err))
		abort(); /* we can read what we write */
	fuzz_memory_release();
	kho_source_close(source);
}

static void use_file(const char *path, enum kho_side side)
{
	struct kho_error err = { 0 };
	struct kho_source *source;
	struct kho_state *state;
	uint64_t records;
	char release[64];

	if (kho_source_open_file(path, &source, &err)) {
		fuzz_memory_error(&err);
		return;
	}
	/* for a dump that does not say it */
	if (kho_source_set_page_size(source, 4096, NULL))
		kho_source_set_page_size(source, 65536, NULL);
	kho_source_vmcoreinfo(source, "OSRELEASE", release, sizeof(release));
	if (!kho_state_open(source, side, &state, &err)) {
		if (side == KHO_SIDE_IN)
			kho_dma_left_behind(state, NULL, &records, &err);
		use_state(state);
		write_snapshot(state);
		kho_state_close(state);
	} else {
		fuzz_memory_error(&err);
	}
	kho_source_close(source);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	char path[FUZZ_PATH];
	int fd;

	/* libkdumpfile reads other files */
	if (size < 4 || memcmp(data, "\177ELF", 4))
		return 0;
	set_cmdline(data, size);
	fd = fuzz_file(data, size, path);
	use_file(path, KHO_SIDE_OUT);
	use_file(path, KHO_SIDE_IN);
	close(fd);
	return 0;
}
