// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-mutations SNAPSHOT IMAGE ROUNDS: makes every call of the library on copies of a snapshot and of a
 * kernel image with random changes of bytes, words and pages. The results do not matter, but under
 * the sanitizers nothing may read out of bounds, overflow, leak or hang. The sequence is always the
 * same, so that a failure can be repeated.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libkho/kho.h"

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "test-mutations: %s\n", what);
	exit(1);
}

static unsigned char *read_file(const char *path, size_t *size)
{
	unsigned char *data;
	struct stat st;
	FILE *f = fopen(path, "r");

	if (!f || fstat(fileno(f), &st))
		die(path);
	*size = (size_t)st.st_size;
	data = malloc(*size);
	if (!data || fread(data, 1, *size, f) != *size)
		die(path);
	fclose(f);
	return data;
}

/* Values at which arithmetic may go wrong, and addresses in the file. */
static uint64_t interesting(const unsigned char *data, size_t size)
{
	static const uint64_t values[] = {
		0, 1, 7, 8, 0xfff, 0x1000, 0x1001, 1ull << 31, 1ull << 32, 1ull << 51,
		1ull << 63, UINT64_MAX, UINT64_MAX - 0xfff, INT64_MAX,
	};
	uint64_t value;

	if (random_u64() % 2)
		return values[random_u64() % (sizeof(values) / sizeof(values[0]))];
	memcpy(&value, data + random_u64() % (size / 8) * 8, sizeof(value));
	return value;
}

static void mutate(unsigned char *data, size_t size)
{
	for (uint64_t n = 1 + random_u64() % 6; n; n--) {
		size_t word = random_u64() % (size / 8) * 8;
		uint64_t value;

		switch (random_u64() % 4) {
		case 0:
			data[random_u64() % size] ^= (unsigned char)(1u << random_u64() % 8);
			break;
		case 1:
			value = interesting(data, size);
			memcpy(data + word, &value, sizeof(value));
			break;
		case 2:
			/* most of a snapshot is zeros: change what is not */
			for (size_t i = 0; i < size / 8 && !data[word]; i++)
				word = (word + 8) % (size / 8 * 8);
			value = random_u64() % 3 ? interesting(data, size) : random_u64();
			memcpy(data + word, &value, sizeof(value));
			break;
		default:
			data[random_u64() % (size < 4096 ? size : 4096)] = (unsigned char)random_u64();
		}
	}
}

static void as_file(const unsigned char *data, size_t size, char *path, size_t path_size, int *fd)
{
	*fd = memfd_create("mutation", MFD_CLOEXEC);
	if (*fd < 0 || write(*fd, data, size) != (ssize_t)size)
		die("cannot write a copy");
	snprintf(path, path_size, "/proc/self/fd/%d", *fd);
}

static int count_finding(const struct kho_finding *finding, void *data)
{
	size_t *n = data;

	if (!finding->rule || !*finding->message)
		die("a finding without rule or text");
	for (const char *c = finding->message; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			die("a finding with bytes that are not text");
	}
	if (!finding->count)
		die("a finding that stands for none");
	*n += finding->count;
	return 0;
}

static int see_node(uint64_t addr, void *data)
{
	(void)addr;
	(void)data;
	return 0;
}

static int count_item(const struct kho_item *item, void *data)
{
	size_t *n = data;

	if (memchr(item->name, '\0', sizeof(item->name)) == NULL ||
	    memchr(item->text, '\0', sizeof(item->text)) == NULL)
		die("an item with a name or text that does not end");
	if (item->type == KHO_ITEM_BYTES && item->size > 65536)
		die("an item with more bytes than a subtree shows");
	return ++*n > 200000;
}

static void decode_subtrees(struct kho_state *state)
{
	const struct kho_subtree *subtrees;
	size_t n, items;
	struct kho_error err;

	subtrees = kho_state_subtrees(state, &n);
	for (size_t i = 0; i < n; i++) {
		items = 0;
		if (kho_subtree_decode(state, &subtrees[i], count_item, &items, &err) &&
		    !*err.message)
			die("an error without text");
	}
}

static void use_state(struct kho_state *state, const char *copy)
{
	const struct kho_verify_options options = {
		.have_expect = true, .expect_records = 5, .expect_generation = 9, .claims = true,
	};
	struct kho_verify_summary summary;
	struct kho_dma_record record;
	struct kho_map_entry entry;
	struct kho_map_iter *map;
	struct kho_dma_iter *dma;
	struct kho_target target = { .has_kho = true };
	struct kho_error err;
	size_t n = 0, findings = 0;
	uint64_t last = 0;

	/* read a map of kho-v1 with and without a given bitmap size */
	kho_state_set_v1_bitmap(state, random_u64() % 2 ? 0 : random_u64() % 2 ? 512 : 4096);
	if (kho_verify(state, &options, count_finding, &findings, &summary, &err) && !*err.message)
		die("an error without text");
	if (findings != summary.unevaluated + summary.not_applicable + summary.findings[0] +
	    summary.findings[1] + summary.findings[2] + summary.findings[3]) {
		/* rules of severity info that were not judged count as info */
		die("the summary is not that of the findings");
	}
	kho_target_verify(state, &target, &(struct kho_target_load){ .cmdline = "kho=on" }, count_finding, &findings, &summary, NULL);
	if (!kho_map_iter_create(state, &map, NULL)) {
		while (n++ < 200000 && kho_map_iter_next(map, &entry, NULL) > 0) {
			if (entry.addr < last)
				die("the map is not in order of addresses");
			last = entry.addr;
		}
		kho_map_iter_destroy(map);
	}
	kho_map_contains(state, random_u64(), random_u64() % 0x100000, NULL);
	kho_map_for_each_node(state, see_node, NULL, NULL);
	if (!kho_dma_iter_create(state, &dma, NULL)) {
		while (kho_dma_iter_next(dma, &record, NULL) > 0) {
			if (record.crc_ok && record.size < 1 << 20)
				kho_dma_check_content(state, &record, NULL);
		}
		kho_dma_iter_destroy(dma);
	}
	decode_subtrees(state);
	if (!(random_u64() % 16))
		kho_snapshot_write(state, copy, NULL);
}

/* True if the library opened the copy. */
static bool use_snapshot(const char *path, enum kho_side side, const char *copy)
{
	struct kho_verify_summary summary;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;
	size_t n = 0;

	if (kho_source_open_file(path, &source, &err)) {
		if (!*err.message)
			die("an error without text");
		return false;
	}
	if (kho_state_open(source, side, &state, &err)) {
		if (!*err.message)
			die("an error without text");
		kho_verify_open_error(&err, count_finding, &n, &summary);
		kho_source_close(source);
		return false;
	}
	use_state(state, copy);
	kho_state_close(state);
	kho_source_close(source);
	return true;
}

int main(int argc, char **argv)
{
	size_t size, image_size, opened = 0;
	unsigned char *sound, *image, *data;
	struct kho_target target;
	char path[64], copy[64];
	int fd, image_fd, rounds;

	if (argc != 4)
		die("usage: test-mutations SNAPSHOT IMAGE ROUNDS");
	rounds = atoi(argv[3]);
	sound = read_file(argv[1], &size);
	image = read_file(argv[2], &image_size);
	data = malloc(size > image_size ? size : image_size);
	if (!data || rounds < 1)
		die("no memory, or nothing to do");
	snprintf(copy, sizeof(copy), "mutation-%d.snapshot", (int)getpid());

	for (int i = 0; i < rounds; i++) {
		memcpy(data, sound, size);
		mutate(data, size);
		as_file(data, size, path, sizeof(path), &fd);
		opened += use_snapshot(path, KHO_SIDE_OUT, copy) ||
			  use_snapshot(path, KHO_SIDE_IN, copy);
		close(fd);

		if (i % 8)
			continue;
		memcpy(data, image, image_size);
		mutate(data, image_size);
		as_file(data, image_size, path, sizeof(path), &image_fd);
		kho_target_read(path, &target, NULL);
		close(image_fd);
	}
	unlink(copy);
	free(sound);
	free(image);
	free(data);
	printf("%zu of %d mutations could be opened\n", opened, rounds);
	/* otherwise no mutation gets past the first check */
	return opened < (size_t)rounds / 4;
}
