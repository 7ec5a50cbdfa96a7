// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect scratch: the scratch areas, their cost, and a smaller size that suffices. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect.h"

/*
 * Memory that the next kernel allocates before it knows the preserved memory. Since Linux 7.3 it
 * is little, because kho_extend_scratch() then adds all memory without preserved pages. Earlier
 * kernels allocate everything that memblock serves from scratch: a struct page for each page, a
 * bounce buffer (64 MiB), and the rest.
 */
#define EARLY		(32ull << 20)
#define EARLY_BOUNCE	(64ull << 20)
#define STRUCT_PAGE	64
/* A kernel begins at a multiple of this (kernel_alignment of x86's boot protocol). */
#define KERNEL_ALIGN	(2ull << 20)
/* A margin for low estimates, and the unit of a proposed size. */
#define RESERVE(size)	((size) / 4)
#define ROUNDING	(16ull << 20)
/*
 * Kernels round areas of scratch up to this, and the one for CMA: 32 or 512 MiB with pages of 16 or
 * 64 KiB. With pages of 4 KiB it is 4 MiB at most, which ROUNDING includes.
 */
#define BLOCK(page)	((page) * (page) / 8)
/* Low memory has a free block of this size on any machine of interest. */
#define LARGEST		(1ull << 30)
/* One that is aligned to nothing larger than a page. */
#define WORST_ADDR	((256ull << 20) + 4096)
#define MAX_FILE	(64u << 10)

/* Who chose the size of the areas. */
enum chosen_by { CHOSEN_UNKNOWN, CHOSEN_DEFAULT, CHOSEN_COMMAND_LINE, CHOSEN_PREVIOUS, CHOSEN_REJECTED };
static const char *const chosen_names[] = {
	"unknown", "default", "command-line", "previous-kernel", "default",
};

struct facts {
	const struct kho_range *areas;
	size_t nr_areas;
	uint64_t total, ram;
	const char *option;		/* that sets it in this kernel */
	enum chosen_by chosen_by;
	bool cma_known, crash_known;
	uint64_t cma_total, cma_free;	/* of /proc/meminfo, in bytes */
	uint64_t crash;			/* reserved for a crash kernel */
	int crash_fits;			/* beside image and initrd, if given; negative: unknown */
};

/* Memory that an image needs. */
struct need {
	struct kho_target target;
	uint64_t initrd;
	bool initrd_known;		/* else not counted, and nothing is proposed */
	bool fits;
	uint64_t early;
	uint64_t proposal;		/* in one area; 0: no smaller size certainly suffices */
};

static uint64_t total_of(const struct kho_range *ranges, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += ranges[i].size;
	return total;
}

/* ---------------------------------------------------------- the running kernel */

/* A decimal number with @after behind it. */
static bool parse_number(const char *text, const char *after, uint64_t *number)
{
	char *end;

	return parse_decimal(text, number, &end) && !strncmp(end, after, strlen(after));
}

/* "CmaTotal:    32768 kB" */
static bool meminfo(const char *text, const char *key, uint64_t *bytes)
{
	const char *value = strstr(text, key);
	uint64_t kib;

	if (!value)
		return false;
	value += strlen(key);
	value += strspn(value, " ");
	if (!parse_number(value, " kB\n", &kib) || kib > UINT64_MAX >> 10)
		return false;
	*bytes = kib << 10;
	return true;
}

/* Reads a file of the running kernel, allocated; NULL if it cannot be read. */
static char *read_file(const struct opened *opened, const char *path)
{
	char *text;
	size_t size;

	return kho_source_read_file(opened->source, path, MAX_FILE, &text, &size, NULL) ? NULL : text;
}

static enum chosen_by who_has_chosen(const struct opened *opened, const struct facts *facts)
{
	char *incoming = read_file(opened, "/sys/kernel/debug/kho/in/fdt");
	char *cmdline = read_file(opened, "/proc/cmdline");
	enum chosen_by chosen_by = CHOSEN_UNKNOWN;
	int set;

	/* areas outlive the kernel that reserved them */
	if (incoming) {
		chosen_by = CHOSEN_PREVIOUS;
	} else if (cmdline) {
		set = kho_cmdline_scratch(cmdline, facts->option);
		chosen_by = set > 0 ? CHOSEN_COMMAND_LINE : set ? CHOSEN_REJECTED : CHOSEN_DEFAULT;
	}
	free(incoming);
	free(cmdline);
	return chosen_by;
}

/* Memory that is reserved for a crash kernel. False if it is unknown. */
static bool read_crash(const struct opened *opened, uint64_t *size)
{
	char *text = read_file(opened, "/sys/kernel/kexec_crash_size");
	char *loaded = read_file(opened, "/sys/kernel/kexec_loaded");
	bool known = text ? parse_number(text, "\n", size) : loaded != NULL;

	/* a kernel with kexec but without this file has no CONFIG_CRASH_DUMP */
	if (!text)
		*size = 0;
	free(text);
	free(loaded);
	return known;
}

static void ask_kernel(const struct opened *opened, struct facts *facts)
{
	char *text = read_file(opened, "/proc/meminfo");

	facts->chosen_by = who_has_chosen(opened, facts);
	facts->cma_known = text && meminfo(text, "CmaTotal:", &facts->cma_total) &&
			   meminfo(text, "CmaFree:", &facts->cma_free);
	facts->crash_known = read_crash(opened, &facts->crash);
	free(text);
}

static void collect(const struct opened *opened, struct facts *facts)
{
	const struct kho_state *state = opened->state;
	const struct kho_range *ram;
	size_t n;

	facts->areas = kho_state_scratch(state, &facts->nr_areas);
	facts->total = total_of(facts->areas, facts->nr_areas);
	ram = kho_state_ram(state, &n);
	facts->ram = kho_state_knows_ram(state) ? total_of(ram, n) : 0;
	facts->option = kho_state_scratch_option(state);
	/* a dump has no /proc/meminfo */
	ask_kernel(opened, facts);
}

/* ---------------------------------------------------------------- proposal */

/* Since Linux 7.3, early allocations soon leave scratch. */
static bool extends_scratch(const struct kho_target *target)
{
	unsigned int major, minor;

	return sscanf(target->release, "%u.%u", &major, &minor) == 2 &&
	       (major > 7 || (major == 7 && minor >= 3));
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

/* Proposes one area, for low memory, because any piece can be there. The other areas are then empty. */
static void propose(const struct facts *facts, uint64_t page, struct need *need)
{
	struct kho_range areas[3] = { { 0, 0 } };
	uint64_t size, block = BLOCK(page);

	need->early = EARLY;
	if (!extends_scratch(&need->target))
		need->early += EARLY_BOUNCE + facts->ram / page * STRUCT_PAGE;
	/* the share of RAM is a part of it, and so are the initrd, the crash kernel and CMA */
	if (!facts->ram || !need->initrd_known || !facts->crash_known || !facts->cma_known ||
	    need->target.memory_size > LARGEST || need->initrd > LARGEST || facts->crash > LARGEST ||
	    facts->cma_total > LARGEST || need->early > LARGEST)
		return;
	size = need->target.memory_size + KERNEL_ALIGN + need->initrd + facts->crash + facts->cma_total + need->early;
	/* early allocations are at the end of the area, in a block that CMA then cannot have */
	if (facts->cma_total)
		size += block;
	size = round_up(size + RESERVE(size), block > ROUNDING ? block : ROUNDING);
	/* the worst address for a crash kernel, which begins at a multiple of 16 MiB */
	areas[0] = (struct kho_range){ WORST_ADDR, size };
	if (size <= LARGEST && size < facts->total &&
	    kho_target_fits(&need->target, need->initrd, areas, 3) == 1 &&
	    kho_target_crash_fits(&need->target, need->initrd, facts->cma_total, facts->crash, areas, 3) == 1)
		need->proposal = size;
}

/* Reads image and size of the initrd before the sandbox. False, with a reason on stderr. */
static bool read_files(const struct options *options, struct need *need)
{
	struct kho_error err;
	struct stat st = { 0 };

	if (kho_target_read(options->argument, &need->target, &err)) {
		fail(&err);
		return false;
	}
	if (options->initrd && stat(options->initrd, &st)) {
		complain("cannot look at %s: %s.", options->initrd, strerror(errno));
		return false;
	}
	if (options->initrd && !S_ISREG(st.st_mode)) {
		complain("%s is not a regular file, so its size is not the size of an initrd.", options->initrd);
		return false;
	}
	/* as kexec: the one of a UKI counts where no other is named */
	need->initrd = options->initrd ? (uint64_t)st.st_size : need->target.initrd_size;
	need->initrd_known = options->initrd || need->target.initrd_size;
	return true;
}

/* False, with a reason on stderr. */
static bool place(const struct options *options, const struct kho_state *state,
		  const struct facts *facts, struct need *need)
{
	int fits;

	if (kho_target_is_foreign(state, &need->target)) {
		complain("%s is a kernel for another architecture than that of this state.", options->argument);
		return false;
	}
	fits = kho_target_fits(&need->target, need->initrd, facts->areas, facts->nr_areas);
	if (fits < 0) {
		complain("%s does not say how much memory it needs. Give a bzImage or an arm64 Image.", options->argument);
		return false;
	}
	need->fits = fits;
	propose(facts, kho_state_page_size(state), need);
	return true;
}

/* ------------------------------------------------------------------- text */

static const char *area_use(size_t i)
{
	/* kho_reserve_scratch(): lowmem, global, then one for each node */
	return i == 0 ? "low memory" : i == 1 ? "global" : "node";
}

static void print_table(const struct options *options, const struct facts *facts)
{
	static const char *const headings[] = { "AREA", "FOR", "ADDRESS", "SIZE" };
	static const bool right[] = { true, false, true, true };
	struct table *table = table_create(headings, right, 4);

	for (size_t i = 0; i < facts->nr_areas; i++) {
		char number[FORMAT_ROOM], addr[FORMAT_ROOM], size[FORMAT_ROOM];
		const char *cells[] = {
			format_uint(i, number), area_use(i), format_hex(facts->areas[i].addr, 1, addr),
			format_size(options, facts->areas[i].size, size),
		};

		table_add(table, cells);
	}
	table_print(table);
	table_destroy(table);
}

static void print_cost(const struct options *options, const struct facts *facts,
		       const struct need *need)
{
	static const char *const chosen[] = {
		[CHOSEN_UNKNOWN] = "", [CHOSEN_DEFAULT] = "; the kernel's own choice",
		[CHOSEN_COMMAND_LINE] = "; chosen on the command line",
		[CHOSEN_PREVIOUS] = "; made by a kernel before this one",
		[CHOSEN_REJECTED] = "; the kernel's own choice",
	};
	char size[FORMAT_ROOM], ram[FORMAT_ROOM], free_size[FORMAT_ROOM];

	fputs(format_size(options, facts->total, size), stdout);
	if (facts->ram)
		printf(" of %s RAM (%.1f %%)", format_size(options, facts->ram, ram),
		       100.0 * (double)facts->total / (double)facts->ram);
	else
		fputs("; it is unknown how much RAM there is", stdout);
	printf("%s; set with %s= at a boot through the firmware\n", chosen[facts->chosen_by],
	       facts->option);
	if (facts->chosen_by == CHOSEN_REJECTED)
		printf("The kernel rejected %s= of its command line. Give three sizes, for example %s=512M,0,0, or a percentage.\n",
		       facts->option, facts->option);
	puts("Only movable pages use it meanwhile. Memory that is pinned for long (RDMA, VFIO, io_uring) cannot be in it.");
	if (facts->cma_known)
		printf("CmaFree (%s) counts its free pages, CmaTotal (%s) does not count it.\n",
		       format_size(options, facts->cma_free, free_size),
		       format_size(options, facts->cma_total, size));
	if (facts->crash_fits < 0)
		puts("It is unknown whether the areas have room for a crash kernel.");
	if (facts->crash_fits == 0)
		printf("The areas have no room for a crash kernel of %s beside %s: the next kernel would come up without kdump. Boot with a larger %s=.\n",
		       format_size(options, facts->crash, size),
		       need->initrd ? "kernel and initrd" : "the kernel", facts->option);
}

static void print_need(const struct options *options, const struct facts *facts,
		       const struct need *need)
{
	char size[FORMAT_ROOM], early[FORMAT_ROOM], cma[FORMAT_ROOM];

	put_line(stdout, "%s needs %s in one piece", options->argument,
		 format_size(options, need->target.memory_size, size));
	if (options->initrd)
		put_line(stdout, "%s needs %s", options->initrd, format_size(options, need->initrd, size));
	else if (need->initrd)
		printf("the initrd in it needs %s\n", format_size(options, need->initrd, size));
	else
		puts("An initrd is not counted: name it with --initrd.");
	if (!need->fits) {
		printf("There is no room for this. Boot this kernel with a larger %s=.\n", facts->option);
		return;
	}
	puts("This fits.");
	if (!need->initrd_known) {
		puts("No smaller scratch is proposed: name the initrd with --initrd.");
		return;
	}
	if (!facts->crash_known) {
		puts("No smaller scratch is proposed: it is unknown what a crash kernel needs.");
		return;
	}
	if (!facts->cma_known) {
		puts("No smaller scratch is proposed: it is unknown what the next kernel reserves for DMA (CMA).");
		return;
	}
	if (!need->proposal) {
		puts("No smaller scratch is certain to be enough.");
		return;
	}
	printf("%s=%" PRIu64 "M,0,0 would suffice. It includes %s for early allocations of the next kernel, %s for a crash kernel, %s for DMA (CMA), and a quarter more\n",
	       facts->option, need->proposal >> 20, format_size(options, need->early, early),
	       format_size(options, facts->crash, size), format_size(options, facts->cma_total, cma));
}

/* ------------------------------------------------------------------- JSON */

static void add_need(struct kho_json *json, const struct facts *facts, const struct need *need)
{
	char proposal[64];

	snprintf(proposal, sizeof(proposal), "%s=%" PRIu64 "M,0,0", facts->option,
		 need->proposal >> 20);
	kho_json_object(json, "image");
	kho_json_uint(json, "kernel", need->target.memory_size);
	json_uint_or_null(json, "initrd", need->initrd_known, need->initrd);
	kho_json_bool(json, "fits", need->fits);
	kho_json_uint(json, "early", need->early);
	kho_json_string(json, "proposal", need->fits && need->proposal ? proposal : NULL);
	kho_json_end(json);
}

static void print_json(const struct kho_state *state, const struct facts *facts,
		       const struct need *need)
{
	struct kho_json *json = json_document("scratch");

	kho_json_state(json, "state", state);
	kho_json_array(json, "scratch");
	for (size_t i = 0; i < facts->nr_areas; i++)
		kho_json_range(json, NULL, &facts->areas[i]);
	kho_json_end(json);
	kho_json_uint(json, "total", facts->total);
	json_uint_or_null(json, "ram", facts->ram, facts->ram);
	kho_json_string(json, "chosen_by", chosen_names[facts->chosen_by]);
	json_uint_or_null(json, "cma_total", facts->cma_known, facts->cma_total);
	json_uint_or_null(json, "cma_free", facts->cma_known, facts->cma_free);
	json_uint_or_null(json, "crash_kernel", facts->crash_known, facts->crash);
	if (facts->crash_fits >= 0)
		kho_json_bool(json, "crash_kernel_fits", facts->crash_fits);
	else
		kho_json_null(json, "crash_kernel_fits");
	if (need)
		add_need(json, facts, need);
	else
		kho_json_null(json, "image");
	json_close(json);
}

/*
 * The next kernel reserves as much for DMA (CMA) as this one if its command line is the same. Unless
 * it is known whether that is in scratch, only a result that does not depend on it counts.
 */
static void judge_crash(struct facts *facts, const struct kho_target *target, uint64_t initrd)
{
	uint64_t cma = facts->cma_known ? facts->cma_total : 0;

	facts->crash_fits = -1;
	if (!facts->crash_known)
		return;
	facts->crash_fits = kho_target_crash_fits(target, initrd, cma, facts->crash, facts->areas, facts->nr_areas);
	if (cma && facts->crash_fits == 0 &&
	    kho_target_crash_fits(target, initrd, 0, facts->crash, facts->areas, facts->nr_areas) != 0)
		facts->crash_fits = -1;
}

static int show(const struct options *options, const struct opened *opened, struct need *need)
{
	struct facts facts = { 0 };

	collect(opened, &facts);
	judge_crash(&facts, options->argument ? &need->target : NULL, need->initrd);
	if (!facts.nr_areas)
		return complain("%s does not say where the scratch areas are.",
				options->core ? options->core : "the running kernel");
	if (options->argument && !place(options, opened->state, &facts, need))
		return EXIT_CANNOT_TELL;
	if (options->json) {
		print_json(opened->state, &facts, options->argument ? need : NULL);
	} else {
		print_table(options, &facts);
		print_cost(options, &facts, need);
		if (options->argument)
			print_need(options, &facts, need);
	}
	return options->argument && !need->fits ? EXIT_FINDINGS : EXIT_CLEAN;
}

int cmd_scratch(const struct options *options)
{
	struct need need = { 0 };
	struct opened opened;
	int status;

	if (options->argument && !read_files(options, &need))
		return EXIT_CANNOT_TELL;
	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;
	status = show(options, &opened, &need);
	close_state(&opened);
	return status;
}
