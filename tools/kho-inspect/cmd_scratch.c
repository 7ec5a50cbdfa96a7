// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect scratch: where the next kernel may go, and what it costs. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inspect.h"

/* A kernel begins at a multiple of this (kernel_alignment of x86's boot protocol). */
#define KERNEL_ALIGN	(2ull << 20)
/* Purgatory, boot parameters, command line, the hand-over itself, page tables. */
#define SMALL_PIECES	(1ull << 20)

static const char *area_use(size_t i)
{
	/* kho_reserve_scratch(): lowmem, global, then one for each node */
	return i == 0 ? "low memory" : i == 1 ? "global" : "node";
}

static uint64_t total_of(const struct kho_range *ranges, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += ranges[i].size;
	return total;
}

static void print_table(const struct options *options, const struct kho_range *scratch,
			size_t n, uint64_t total, uint64_t ram, const char *option)
{
	static const char *const headings[] = { "AREA", "FOR", "ADDRESS", "SIZE" };
	static const bool right[] = { true, false, true, true };
	struct table *table = table_create(headings, right, 4);
	char size[FORMAT_ROOM], ram_size[FORMAT_ROOM];

	for (size_t i = 0; i < n; i++) {
		char number[24], addr[24];
		const char *cells[] = { number, area_use(i), addr, size };

		snprintf(number, sizeof(number), "%zu", i);
		snprintf(addr, sizeof(addr), "0x%" PRIx64, scratch[i].addr);
		format_size(options, scratch[i].size, size);
		table_add(table, cells);
	}
	table_print(table, stdout);
	table_destroy(table);

	printf("%s of %s RAM (%.1f %%); used for movable pages meanwhile; set with %s=\n",
	       format_size(options, total, size),
	       format_size(options, ram, ram_size),
	       ram ? 100.0 * (double)total / (double)ram : 0.0, option);
}

/* ----------------------------------------------------- what an image would need */

struct need {
	uint64_t kernel, initrd;
	bool fits;
};

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return value > UINT64_MAX - align ? UINT64_MAX : (value + align - 1) / align * align;
}

/* Takes @size bytes out of the first area that has them. */
static bool take(uint64_t *left, size_t n, uint64_t size)
{
	for (size_t i = 0; i < n; i++) {
		if (left[i] >= size) {
			left[i] -= size;
			return true;
		}
	}
	return false;
}

/* Each piece lies in one area as a whole; what is larger goes first. */
static bool pieces_fit(const struct kho_range *scratch, size_t n, const struct need *need)
{
	uint64_t kernel = align_up(need->kernel, KERNEL_ALIGN) + KERNEL_ALIGN;
	uint64_t initrd = align_up(need->initrd, 4096);
	uint64_t *left = calloc(n ? n : 1, sizeof(*left));
	bool fits;

	if (!left)
		return false;
	for (size_t i = 0; i < n; i++)
		left[i] = scratch[i].size;
	fits = take(left, n, kernel > initrd ? kernel : initrd) &&
	       take(left, n, kernel > initrd ? initrd : kernel) && take(left, n, SMALL_PIECES);
	free(left);
	return fits;
}

/* Returns 0, or the exit status after a message. */
static int read_need(const struct options *options, const struct kho_range *scratch, size_t n,
		     struct need *need)
{
	struct kho_target target;
	struct kho_error err;
	struct stat st = { 0 };

	if (kho_target_read(options->target, &target, &err))
		return fail(&err);
	if (!target.memory_size) {
		fprintf(stderr, "kho-inspect: %s does not say how much memory it needs. Give a bzImage.\n",
			options->target);
		return EXIT_CANNOT_TELL;
	}
	if (options->initrd && stat(options->initrd, &st)) {
		fprintf(stderr, "kho-inspect: %s: %s\n", options->initrd, strerror(errno));
		return EXIT_CANNOT_TELL;
	}
	*need = (struct need){ target.memory_size, (uint64_t)st.st_size, false };
	need->fits = pieces_fit(scratch, n, need);
	return 0;
}

static void print_need(const struct options *options, const struct need *need,
		       const char *option)
{
	char kernel[FORMAT_ROOM], initrd[FORMAT_ROOM];

	printf("%s needs %s in one piece", options->target,
	       format_size(options, need->kernel, kernel));
	if (options->initrd)
		printf(", %s %s", options->initrd,
		       format_size(options, need->initrd, initrd));
	if (need->fits)
		puts(": they fit");
	else
		printf(": there is no room; boot this kernel with a larger %s=\n", option);
}

static struct json_object *json_need(const struct need *need)
{
	struct json_object *object = json_object_new_object();

	json_add_uint(object, "kernel", need->kernel);
	json_add_uint(object, "initrd", need->initrd);
	json_add_bool(object, "fits", need->fits);
	return object;
}

int cmd_scratch(const struct options *options)
{
	struct need need = { 0 };
	int status = EXIT_CLEAN;
	const struct kho_range *scratch, *ram;
	uint64_t total, ram_total;
	struct opened opened;
	size_t n, nr_ram;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	scratch = kho_state_scratch(opened.state, &n);
	ram = kho_state_ram(opened.state, &nr_ram);
	if (options->target)
		status = read_need(options, scratch, n, &need);
	if (status) {
		close_state(&opened);
		return status;
	}
	total = total_of(scratch, n);
	ram_total = total_of(ram, nr_ram);

	if (options->json) {
		struct json_object *document = json_document("scratch");
		struct json_object *array = json_object_new_array();

		for (size_t i = 0; i < n; i++)
			json_object_array_add(array, json_range(&scratch[i]));
		json_object_object_add(document, "state", json_state(opened.state));
		json_object_object_add(document, "scratch", array);
		json_add_uint(document, "total", total);
		json_add_uint(document, "ram", ram_total);
		json_object_object_add(document, "image", options->target ? json_need(&need) : NULL);
		json_print(document);
	} else {
		const char *option = kho_state_scratch_option(opened.state);

		print_table(options, scratch, n, total, ram_total, option);
		if (options->target)
			print_need(options, &need, option);
	}
	close_state(&opened);
	return options->target && !need.fits ? EXIT_FINDINGS : EXIT_CLEAN;
}
