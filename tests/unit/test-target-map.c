// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-target-map FOLDER: K612 on a running machine made of files in FOLDER by test-live: RAM to
 * 0x7ffdd000, preserved memory from 0x82e000 to 0xe7ffff. Some tests make an arm64 machine of it.
 */
#include <elf.h>
#include <errno.h>
#include <libfdt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libkho/kho.h"
#include "libkho/abi/efi_memory.h"
#include "libkho/abi/x86_boot.h"
#include "tests/unit/check.h"

#define KIB		1024ull
#define MIB		(1024 * KIB)
#define RAM_END		0x7ffdd000ull
#define EFI_MAP		0x7f000000ull	/* in RAM, and not preserved */
#define PARAMS		"sys/kernel/boot_params"
#define RESERVED	2

static struct kho_target target = {
	.format = "bzImage", .release = "9.9.9", .has_kho = true, .kho_default_on = true,
	.config_known = true, .root_compatible = "kho-v4", .luo_compatible = "luo-v5",
	.dma_compatible = "dma-alloc-v1", .memory_size = 16 * MIB, .page_size = 4096,
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "test-target-map: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		die(path);
}

static int note_finding(const struct kho_finding *finding, void *data)
{
	char *found = data;

	if (finding->rule->number == KHO_RULE_K612)
		snprintf(found + strlen(found), 1024 - strlen(found), "K612%s %s",
			 finding->outcome == KHO_OUTCOME_NOT_JUDGED ? "?" : "", finding->message);
	return 0;
}

/* @wanted: the beginning of the finding; "": none, and the rule was evaluated. */
static void check(const char *what, const struct kho_target_load *load, const char *wanted)
{
	static size_t rules;
	struct kho_verify_summary summary;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;
	char found[1024] = "";

	if (kho_source_open_live(".", &source, &err) || kho_source_set_page_size(source, 4096, &err) ||
	    kho_state_open(source, KHO_SIDE_OUT, &state, &err))
		die(err.message);
	if (kho_target_verify(state, &target, load, note_finding, found, &summary, &err))
		die(err.message);
	if (strncmp(found, wanted, strlen(wanted)) || !*wanted != !*found ||
	    (!*wanted && !load && rules && summary.rules != rules)) {
		fprintf(stderr, "%s: found \"%s\", not \"%s\"; %zu rules\n", what, found, wanted,
			summary.rules);
		failed = 1;
	}
	if (!*wanted && !load)
		rules = summary.rules;
	kho_state_close(state);
	kho_source_close(source);
}

/* ------------------------------------------------------------------- x86 */

static void write_map(const struct x86_e820_entry *entries, size_t n)
{
	char params[4096] = { 0 };

	params[X86_E820_COUNT_AT] = (char)n;
	memcpy(params + X86_E820_TABLE_AT, entries, n * sizeof(*entries));
	write_file(PARAMS "/data", params, sizeof(params));
}

#define LOW	{ 0, 0x9f000, X86_E820_RAM }
#define MISSING	"K612 preserved memory 0x"

static const struct {
	const char *what, *wanted, *cmdline;
	struct x86_e820_entry entries[6];
} maps[] = {
	{ "all RAM", "", NULL, { LOW, { MIB, RAM_END - MIB, X86_E820_RAM } } },
	{ "in parts, not sorted", "", NULL,
	  { { 9 * MIB, RAM_END - 9 * MIB, X86_E820_RAM }, { MIB, 8 * MIB, X86_E820_RAM }, LOW, { 4ull << 30, MIB, RESERVED } } },
	{ "RAM that was added has nothing preserved", "", NULL, { LOW, { MIB, 1024 * MIB, X86_E820_RAM } } },
	{ "preserved memory in RAM that was added", MISSING "e40000+0x40000 is not in the memory map that the target gets: the target would crash",
	  NULL, { LOW, { MIB, 0xe7f000 - MIB, X86_E820_RAM } } },
	{ "at the start", MISSING "82e000+", NULL, { LOW, { 14 * MIB, 1024 * MIB, X86_E820_RAM } } },
	{ "a hole with nothing preserved", "", NULL,
	  { LOW, { MIB, 7 * MIB, X86_E820_RAM }, { 0x82d000, RAM_END - 0x82d000, X86_E820_RAM } } },
	{ "a hole with a preserved page", MISSING "845000+0x1000 ", NULL,
	  { LOW, { MIB, 0x845000 - MIB, X86_E820_RAM }, { 0x846000, RAM_END - 0x846000, X86_E820_RAM } } },
	{ "another type", MISSING "845000+0x1000 ", NULL,
	  { LOW, { MIB, RAM_END - MIB, X86_E820_RAM }, { 0x845000, 0x1000, RESERVED } } },
	{ "another type where nothing is preserved", "", NULL,
	  { LOW, { MIB, RAM_END - MIB, X86_E820_RAM }, { 16 * MIB, MIB, RESERVED } } },
	{ "a page of the map", "K612 page 0x82d000 of the map of preserved memory is not in", NULL,
	  { LOW, { MIB, 0x82d000 - MIB, X86_E820_RAM }, { 0x82e000, RAM_END - 0x82e000, X86_E820_RAM } } },
	{ "memmap= adds it", "", "memmap=16M@8M", { LOW, { 16 * MIB, 1024 * MIB, X86_E820_RAM } } },
	{ "memmap= adds other RAM", MISSING "82e000+", "memmap=16M@16M quiet", { LOW, { 16 * MIB, 1024 * MIB, X86_E820_RAM } } },
	{ "memmap= takes it away, which is K607", "", "memmap=16M$8M", { LOW, { MIB, 1024 * MIB, X86_E820_RAM } } },
	{ "no map", "K612? cannot determine which memory the target would know: " "/sys/kernel/boot_params/data has no memory map", NULL, { { 0, 0, 0 } } },
};

static void check_maps(void)
{
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		const struct kho_target_load load = { .cmdline = maps[i].cmdline };
		size_t n = 0;

		while (n < 6 && maps[i].entries[n].type)
			n++;
		write_map(maps[i].entries, n);
		check(maps[i].what, load.cmdline ? &load : NULL, maps[i].wanted);
	}
}

static void write_extension(const char *type, const struct x86_e820_entry *entries, size_t n)
{
	mkdir(PARAMS "/setup_data/1", 0755);
	write_file(PARAMS "/setup_data/1/type", type, strlen(type));
	write_file(PARAMS "/setup_data/1/data", entries, n * sizeof(*entries));
}

/* More entries than boot_params holds are in setup_data. The kernel's loader passes 128. */
static void check_many(void)
{
	const struct x86_e820_entry rest = { 2 * MIB, RAM_END - 2 * MIB, X86_E820_RAM };
	struct x86_e820_entry entries[128];

	mkdir(PARAMS "/setup_data", 0755);
	mkdir(PARAMS "/setup_data/0", 0755);
	write_file(PARAMS "/setup_data/0/type", "0x9\n", 4);
	/* 128 pages with gaps between them, below the rest */
	for (size_t i = 0; i < 128; i++)
		entries[i] = (struct x86_e820_entry){ MIB + i * 8 * KIB, 4 * KIB, X86_E820_RAM };
	write_map(entries, 127);
	check("127 of 128 entries", NULL, MISSING "82e000+");
	write_extension("0x1\n", &rest, 1);
	check("the 128th in setup_data", NULL, "");
	write_extension("0xa\n", &rest, 1);
	check("setup_data of another type", NULL, MISSING "82e000+");
	write_extension("0x1\n", &rest, 1);
	write_map(entries, 128);
	check("the 129th", NULL, MISSING "82e000+");
	entries[127] = (struct x86_e820_entry){ MIB + 126 * 8 * KIB + 4 * KIB, 4 * KIB, X86_E820_RAM };
	write_map(entries, 128);
	check("two of 129 are one", NULL, "");
	entries[127].addr -= 4 * KIB;
	write_map(entries, 128);
	check("many that overlap", NULL, "K612? cannot determine which memory the target would know: the 129 entries");
	unlink(PARAMS "/setup_data/1/data");
	check("unreadable", NULL, "K612? cannot determine which memory the target would know: ");
	unlink(PARAMS "/setup_data/1/type");
	check("unreadable", NULL, "K612? cannot determine which memory the target would know: ");
	rmdir(PARAMS "/setup_data/1");
}

static void check_broken(void)
{
	const struct x86_e820_entry all = { 0, RAM_END, X86_E820_RAM };

	write_map(&all, 1);
	check("one entry", NULL, "");
	if (truncate(PARAMS "/data", X86_E820_TABLE_AT + 19))
		die("truncate");
	check("cut short", NULL, "K612? ");
	if (truncate(PARAMS "/data", 0))
		die("truncate");
	check("empty", NULL, "K612? ");
	unlink(PARAMS "/data");
	check("no file", NULL, "K612? cannot determine which memory the target would know: cannot open ");
}

/* ----------------------------------------------------------------- arm64 */

#define TREE		"sys/firmware/fdt"
#define TREE_ROOM	4096

static void cells(void *fdt, int node, const char *name, const uint64_t *values, size_t n)
{
	uint32_t data[16];

	for (size_t i = 0; i < n; i++) {
		data[2 * i] = cpu_to_fdt32((uint32_t)(values[i] >> 32));
		data[2 * i + 1] = cpu_to_fdt32((uint32_t)values[i]);
	}
	fdt_setprop(fdt, node, name, data, (int)n * 8);
}

static void write_tree(void *fdt)
{
	fdt_pack(fdt);
	write_file(TREE, fdt, fdt_totalsize(fdt));
}

static void memory_node(void *fdt, const char *name, uint64_t addr, uint64_t size, const char *status)
{
	const uint64_t reg[] = { addr, size };
	int node = fdt_add_subnode(fdt, 0, name);

	fdt_setprop_string(fdt, node, "device_type", "memory");
	cells(fdt, node, "reg", reg, 2);
	if (status)
		fdt_setprop_string(fdt, node, "status", status);
}

static void empty_tree(void *fdt)
{
	fdt_create_empty_tree(fdt, TREE_ROOM);
	fdt_setprop_u32(fdt, 0, "#address-cells", 2);
	fdt_setprop_u32(fdt, 0, "#size-cells", 2);
	fdt_add_subnode(fdt, 0, "chosen");
}

static void check_tree(void)
{
	char fdt[TREE_ROOM];

	empty_tree(fdt);
	write_tree(fdt);
	check("no memory", NULL, "K612? cannot determine which memory the target would know: /sys/firmware/fdt has no memory");
	fdt_open_into(fdt, fdt, sizeof(fdt));
	memory_node(fdt, "memory@0", 0, RAM_END, NULL);
	write_tree(fdt);
	check("one node", NULL, "");
	empty_tree(fdt);
	memory_node(fdt, "memory@0", 0, 9 * MIB, "okay");
	memory_node(fdt, "memory@900000", 9 * MIB, RAM_END - 9 * MIB, NULL);
	write_tree(fdt);
	check("two nodes", NULL, "");
	empty_tree(fdt);
	memory_node(fdt, "memory@0", 0, 9 * MIB, NULL);
	memory_node(fdt, "memory@900000", 9 * MIB, RAM_END - 9 * MIB, "disabled");
	write_tree(fdt);
	check("one of two nodes", NULL, MISSING "da0000+0x4000 ");
	if (truncate(TREE, 100))
		die("truncate");
	check("cut short", NULL, "K612? cannot determine which memory the target would know: /sys/firmware/fdt is not a sound");
	unlink(TREE);
	check("no file", NULL, "K612? ");
}

static void write_chosen(uint64_t step, uint64_t size)
{
	const uint64_t addr = EFI_MAP;
	char fdt[TREE_ROOM];
	int chosen;

	empty_tree(fdt);
	/* EFI's map replaces this */
	memory_node(fdt, "memory@0", 0, RAM_END, NULL);
	chosen = fdt_path_offset(fdt, "/chosen");
	cells(fdt, chosen, "linux,uefi-mmap-start", &addr, 1);
	fdt_setprop_u32(fdt, chosen, "linux,uefi-mmap-size", (uint32_t)size);
	fdt_setprop_u32(fdt, chosen, "linux,uefi-mmap-desc-size", (uint32_t)step);
	write_tree(fdt);
}

/* Puts the map in memory, with entries that are longer than those of version 1. */
static void write_efi_map(FILE *kcore, long at, uint64_t attribute)
{
	const struct efi_memory_descriptor map[] = {
		{ 7, 0, 0, 0, 9 * MIB / EFI_PAGE, EFI_MEMORY_WB },
		{ 2, 0, 9 * MIB, 0, (RAM_END - 9 * MIB) / EFI_PAGE, attribute },
		{ 11, 0, 4ull << 30, 0, UINT64_MAX, EFI_MEMORY_WB },
	};

	for (size_t i = 0; i < 3; i++) {
		if (fseek(kcore, at + (long)i * 48, SEEK_SET) || fwrite(&map[i], sizeof(map[i]), 1, kcore) != 1)
			die("kcore");
	}
	if (fflush(kcore))
		die("kcore");
}

static void check_efi(FILE *kcore, long at)
{
	write_chosen(48, 3 * 48);
	write_efi_map(kcore, at, EFI_MEMORY_WB | EFI_MEMORY_WT);
	check("all RAM", NULL, "");
	write_efi_map(kcore, at, 1);
	check("device memory", NULL, MISSING "da0000+0x4000 ");
	write_efi_map(kcore, at, EFI_MEMORY_WB | EFI_MEMORY_SP);
	check("soft reserved", NULL, MISSING "da0000+0x4000 ");
	write_efi_map(kcore, at, EFI_MEMORY_WB);
	write_chosen(48, 48);
	check("one entry", NULL, MISSING "da0000+0x4000 ");
	write_chosen(32, 96);
	check("entries too small", NULL, "K612? cannot determine which memory the target would know: /sys/firmware/fdt does not say how large");
	write_chosen(48, 0);
	check("no entries", NULL, "K612? ");
	write_chosen(48, 0xffffffff);
	check("too many entries", NULL, "K612? ");
	write_chosen(48, 8 * KIB);
	check("entries outside of memory", NULL, "K612? cannot determine which memory the target would know: ");
}

/* Makes an arm64 machine with a page of content at EFI_MAP. */
static FILE *make_arm64(long *at)
{
	FILE *kcore = fopen("proc/kcore", "r+");
	Elf64_Phdr phdr = { .p_type = PT_LOAD, .p_paddr = EFI_MAP, .p_filesz = 4 * KIB, .p_memsz = 4 * KIB };
	Elf64_Ehdr ehdr;
	char page[4096] = { 0 };

	if (!kcore || fread(&ehdr, sizeof(ehdr), 1, kcore) != 1 || fseek(kcore, 0, SEEK_END))
		die("kcore");
	*at = ftell(kcore);
	phdr.p_offset = (Elf64_Off)*at;
	if (fwrite(page, sizeof(page), 1, kcore) != 1 ||
	    fseek(kcore, (long)(ehdr.e_phoff + ehdr.e_phnum++ * sizeof(phdr)), SEEK_SET) ||
	    fwrite(&phdr, sizeof(phdr), 1, kcore) != 1)
		die("kcore");
	ehdr.e_machine = EM_AARCH64;
	rewind(kcore);
	if (fwrite(&ehdr, sizeof(ehdr), 1, kcore) != 1 || fflush(kcore))
		die("kcore");
	return kcore;
}

int main(int argc, char **argv)
{
	FILE *kcore;
	long at;

	if (argc != 2 || chdir(argv[1]) || mkdir(PARAMS, 0755) || mkdir("sys/firmware", 0755))
		die("usage: test-target-map FOLDER");
	check_maps();
	check_many();
	check_broken();

	kcore = make_arm64(&at);
	strcpy(target.format, "Image");
	check_tree();
	check_efi(kcore, at);
	fclose(kcore);
	return failed;
}
