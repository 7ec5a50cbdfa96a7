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

	if (kho_target_read(options->argument, &target, &err))
		return fail(&err);
	if (!target.memory_size)
		return complain("%s does not say how much memory it needs. Give a bzImage.",
				options->argument);
	if (options->initrd && stat(options->initrd, &st))
		return complain("cannot look at %s: %s.", options->initrd, strerror(errno));
	*need = (struct need){ target.memory_size, (uint64_t)st.st_size, false };
	need->fits = pieces_fit(scratch, n, need);
	return 0;
}

static void print_need(const struct options *options, const struct need *need,
		       const char *option)
{
	char kernel[FORMAT_ROOM], initrd[FORMAT_ROOM];

	put_line(stdout, "%s needs %s in one piece%s%s%s%s: %s%s%s", options->argument,
		 format_size(options, need->kernel, kernel), options->initrd ? ", " : "",
		 options->initrd ? options->initrd : "", options->initrd ? " " : "",
		 options->initrd ? format_size(options, need->initrd, initrd) : "",
		 need->fits ? "they fit" : "there is no room; boot this kernel with a larger ",
		 need->fits ? "" : option, need->fits ? "" : "=");
}

static void print_json(const struct options *options, const struct kho_state *state,
		       const struct need *need)
{
	struct kho_json *json = json_document("scratch");
	const struct kho_range *scratch, *ram;
	size_t n, nr_ram;

	scratch = kho_state_scratch(state, &n);
	ram = kho_state_ram(state, &nr_ram);
	kho_json_state(json, "state", state);
	kho_json_array(json, "scratch");
	for (size_t i = 0; i < n; i++)
		kho_json_range(json, NULL, &scratch[i]);
	kho_json_end(json);
	kho_json_uint(json, "total", total_of(scratch, n));
	kho_json_uint(json, "ram", total_of(ram, nr_ram));
	if (options->argument) {
		kho_json_object(json, "image");
		kho_json_uint(json, "kernel", need->kernel);
		kho_json_uint(json, "initrd", need->initrd);
		kho_json_bool(json, "fits", need->fits);
		kho_json_end(json);
	} else {
		kho_json_null(json, "image");
	}
	json_close(json);
}

int cmd_scratch(const struct options *options)
{
	struct need need = { 0 };
	int status = EXIT_CLEAN;
	const struct kho_range *scratch, *ram;
	struct opened opened;
	size_t n, nr_ram;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	scratch = kho_state_scratch(opened.state, &n);
	ram = kho_state_ram(opened.state, &nr_ram);
	if (options->argument)
		status = read_need(options, scratch, n, &need);
	if (status) {
		close_state(&opened);
		return status;
	}
	if (options->json) {
		print_json(options, opened.state, &need);
	} else {
		const char *option = kho_state_scratch_option(opened.state);

		print_table(options, scratch, n, total_of(scratch, n), total_of(ram, nr_ram), option);
		if (options->argument)
			print_need(options, &need, option);
	}
	close_state(&opened);
	return options->argument && !need.fits ? EXIT_FINDINGS : EXIT_CLEAN;
}
