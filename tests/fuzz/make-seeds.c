// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make-seeds SNAPSHOT NAME DIR: cuts a snapshot into inputs of the fuzzers, one
 * DIR/<fuzzer>/NAME for each that has something to read in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/decode.h"
#include "libkho/dma.h"
#include "libkho/abi/dma_alloc.h"
#include "libkho/abi/subtrees.h"
#include "memory.h"

struct seed {
	struct kho_state *state;
	uint64_t pages[FUZZ_PAGES];
	size_t n;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "make-seeds: %s\n", what);
	exit(1);
}

static int add_page(uint64_t addr, void *data)
{
	struct seed *seed = data;

	addr &= -kho_source_page(seed->state->source);
	for (size_t i = 0; i < seed->n; i++) {
		if (seed->pages[i] == addr)
			return 0;
	}
	if (seed->n < FUZZ_PAGES)
		seed->pages[seed->n++] = addr;
	return 0;
}

static int add_read(uint64_t addr, size_t size, enum kho_kept kept, void *data)
{
	(void)kept;
	add_page(addr, data);
	if (size)
		add_page(addr + size - 1, data);
	return 0;
}

static FILE *create(const char *dir, const char *fuzzer, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, fuzzer, name);
	f = fopen(path, "w");
	if (!f)
		die(path);
	return f;
}

static void put(FILE *f, const void *data, size_t size)
{
	if (size && fwrite(data, size, 1, f) != 1)
		die("cannot write");
}

static void write_seed(const struct seed *seed, const struct fuzz_head *head, FILE *f)
{
	put(f, head, sizeof(*head));
	for (size_t i = 0; i < seed->n; i++) {
		struct fuzz_page page = { seed->pages[i], UINT16_MAX };
		unsigned char bytes[KHO_ABI_MAX_PAGE] = { 0 };

		if (kho_source_read(seed->state->source, page.addr, bytes,
				    kho_source_page(seed->state->source), NULL))
			continue;
		/* leaves out the last byte of a page of 64 KiB, which is used only if it is full */
		while (page.length && !bytes[page.length - 1])
			page.length--;
		put(f, &page, sizeof(page));
		put(f, bytes, page.length);
	}
	if (fclose(f))
		die("cannot write");
}

static void seed_root(struct kho_state *state, const char *dir, const char *name)
{
	FILE *f = create(dir, "root", name);

	put(f, state->root.fdt, state->root.fdt_size);
	if (fclose(f))
		die("cannot write");
}

static void seed_map(struct kho_state *state, const char *dir, const char *name)
{
	struct fuzz_head head = {
		.addr = state->root.map_addr, .option = FUZZ_PAGE_SHIFT(state->source->page_shift),
	};
	struct seed seed = { .state = state };

	if (!kho_map_for_each_node(state, add_page, &seed, NULL))
		write_seed(&seed, &head, create(dir, state->root.abi == KHO_ABI_V1 ? "map-v1" : "map-radix",
						name));
}

static void seed_subtree(struct kho_state *state, const struct kho_subtree *subtree,
			 const char *dir, const char *name)
{
	static const char *const decoders[][2] = {
		{ MEMBLOCK_SUBTREE, "memblock" }, { KHO_TEST_SUBTREE, "kho-test" },
		{ KHO_METADATA_SUBTREE, "kexec-metadata" }, { LUO_SUBTREE, "luo" },
		{ DMA_ALLOC_KHO_SUBTREE, "dma-alloc" },
	};
	const enum kho_side side = state->root.side;
	/* LUO has contents only in incoming state, and libkho reads them only in outgoing state */
	const bool freed = kho_subtree_is_freed(state, subtree);
	struct fuzz_head head = {
		subtree->addr, subtree->size,
		(side == KHO_SIDE_IN && !freed) | FUZZ_PAGE_SHIFT(state->source->page_shift),
	};
	struct seed seed = { .state = state };
	const struct kho_walk walk = { .touch = add_read, .touch_data = &seed };

	add_page(subtree->addr, &seed);
	state->root.side = freed ? KHO_SIDE_OUT : side;
	kho_subtree_walk(state, subtree, &walk, NULL);
	state->root.side = side;
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++) {
		if (strcmp(subtree->name, decoders[i][0]))
			continue;
		if (!strcmp(subtree->name, DMA_ALLOC_KHO_SUBTREE))
			kho_dma_for_each_block(state, add_page, &seed, NULL);
		write_seed(&seed, &head, create(dir, decoders[i][1], name));
		if (strcmp(subtree->name, MEMBLOCK_SUBTREE))
			return;
	}
	/* an FDT of an unknown subtree */
	write_seed(&seed, &head, create(dir, "raw", name));
}

int main(int argc, char **argv)
{
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;

	if (argc != 4)
		die("usage: make-seeds SNAPSHOT NAME DIR");
	if (kho_source_open_file(argv[1], &source, &err) ||
	    (kho_state_open(source, KHO_SIDE_OUT, &state, &err) &&
	     kho_state_open(source, KHO_SIDE_IN, &state, &err)))
		die(err.message);

	seed_root(state, argv[3], argv[2]);
	seed_map(state, argv[3], argv[2]);
	for (size_t i = 0; i < state->root.nr_subtrees; i++)
		seed_subtree(state, &state->root.subtrees[i], argv[3], argv[2]);
	kho_state_close(state);
	kho_source_close(source);
	return 0;
}
