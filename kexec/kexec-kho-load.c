// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec -l judges the target by the bytes that it loads, puts the promise rd.kho.expect= on its
 * command line, places segments in the scratch areas, and notes the outcome for kexec -e.
 */
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kho.h>
#include <kho_output.h>

#include "kexec.h"
#include "kexec-syscall.h"
#include "kexec-kho.h"
#include "kexec-kho-box.h"
#include "kexec-kho-host.h"
#include "kexec-kho-load.h"
#include "kexec-kho-note.h"
#include "kexec-kho-plan.h"
#include "kexec-kho-say.h"
#include "kexec-kho-state.h"

/* Formats of kernels whose loaders know about all this. */
#ifdef __aarch64__
#define LOADABLE	"an Image, an Image.gz or a zboot image (vmlinuz.efi)"
#else
#define LOADABLE	"a bzImage"
#endif

static struct kho_load load;
static bool command_line_seen;	/* by a loader with the hooks */
static uint64_t initrd_size;	/* that it loads */

void kho_load_begin(const struct kho_load *begun)
{
	load = *begun;
}

/* ------------------------------------------------------------------- target */

/*
 * With kexec_load, kexec uses the file itself as the kernel, although its loader of UKIs looked
 * for the kernel inside (kexec/kexec-uki.c of 2.0.32).
 */
static void require_loadable(void)
{
	if (!load.file_mode && !strncmp(kho_report.target.format, "UKI", 3))
		kho_say_refused(KHO_RULE_K703, "only kexec_file_load takes a UKI. Use -s, or give the kernel that is in it.");
}

struct bytes {
	const char *data;
	size_t size;
};

struct examined {
	int ret;
	struct kho_target target;
	struct kho_error err;
};

static void examine(const void *question, void *answer)
{
	const struct bytes *image = question;
	struct examined *examined = answer;

	examined->ret = kho_target_examine(image->data, image->size, kho_report.image,
					   &examined->target, &examined->err);
}

/* An image may come from anywhere, so a box unpacks and reads it. */
void kexec_kho_image(const char *image, off_t size)
{
	const struct bytes bytes = { image, (size_t)size };
	struct examined answer = { 0 };
	struct kho_error *err = &answer.err;

	if (!load.active || !image || size <= 0)
		return;
	/* it cannot load libraries there */
	kho_target_libraries_load();
	switch (kho_box_run(kho_plan_box(bytes.size), examine, &bytes, &answer, sizeof(answer))) {
	case KHO_BOX_ANSWERED:
		break;
	case KHO_BOX_ENDED:
		kho_say_refused(KHO_RULE_K706, "reading the image took more than %zu MiB of memory, or a system call that this does not need: it is not a sound kernel.",
				kho_plan_box(bytes.size) >> 20);
	case KHO_BOX_NONE:
		kho_say_refused(KHO_RULE_K706, "cannot start a process that reads the image: %s.",
				strerror(errno));
	}
	if (answer.ret)
		kho_say_refused(KHO_RULE_K706, "%s.%s%s",
				*err->message ? err->message : kho_strerror(err->code),
				*err->remedy ? " " : "", err->remedy);
	kho_report.target = answer.target;
	kho_report.have_target = true;
	require_loadable();
}

/* ------------------------------------------------------------- command line */

/*
 * Without state there is nothing to promise. A promise that --reuse-cmdline copies is one to the
 * running kernel, and would look like lost state to the next one.
 */
static char *without_promise(const char *command_line)
{
	char running[2 * KHO_COMMAND_LINE_MAX];
	const char *stale = NULL;

	if (!load.nothing_there)
		stale = kho_host_read_text("/proc/cmdline", running, sizeof(running)) > 0 ? running : "";
	return kho_plan_command_line(command_line, NULL, stale);
}

/* As the loaders: the initrd of a UKI counts if the user names no other. */
static void verify_target(const char *command_line, const char *initrd)
{
	struct kho_target_load described = { .cmdline = command_line };
	struct stat st;

	described.initrd_known = !initrd || (!stat(initrd, &st) && st.st_size >= 0);
	if (described.initrd_known)
		described.initrd_size = initrd ? (uint64_t)st.st_size : kho_report.target.initrd_size;
	initrd_size = described.initrd_size;
	kho_held_verify_target(&kho_report.target, &described);
}

char *kexec_kho_command_line(char *command_line, const char *initrd)
{
	char text[64], *changed;
	struct kho_dma_header header;
	const char *expect = NULL;

	if (load.stay_out || (!load.active && !command_line))
		return command_line;

	if (load.active && !kho_dma_read_header(kho_held.state, &header, NULL)) {
		snprintf(text, sizeof(text), "%" PRIu64 ",%" PRIu64, header.nr_records,
			 header.generation);
		expect = text;
	}
	changed = load.active ? kho_plan_command_line(command_line, expect, NULL) :
				without_promise(command_line);
	if (!changed)
		die("out of memory\n");
	free(command_line);
	if (!load.active)
		return changed;

	free(kho_report.command_line);
	kho_report.command_line = strdup(changed);
	if (strlen(changed) > KHO_COMMAND_LINE_MAX)
		kho_say_refused(KHO_RULE_K703, "the target's command line has %zu bytes with rd.kho.expect=, and the kernel drops everything after %d. Shorten it.",
				strlen(changed), KHO_COMMAND_LINE_MAX);
	if (kho_report.target.has_cmdline && kho_cmdline_bool(changed, "kho") < 0)
		fprintf(stderr, "kexec: KHO: kexec does not use the command line in the UKI. Give what the target needs with --append.\n");
	verify_target(changed, initrd);
	command_line_seen = true;
	return changed;
}

/* ---------------------------------------------------------------- placement */

static bool carries_by_hand(void)
{
	return load.active && !load.file_mode;
}

static struct memory_range memory_range(uint64_t addr, uint64_t size)
{
	return (struct memory_range){ .start = addr, .end = addr + size - 1, .type = RANGE_RAM };
}

int kexec_kho_restrict(struct memory_range **ranges, int n)
{
	struct memory_range *allowed;
	struct kho_range *parts;
	int count = 0;

	if (!carries_by_hand() || n <= 0)
		return n;

	parts = xmalloc((kho_held.nr_scratch + 1) * sizeof(*parts));
	allowed = xmalloc((size_t)n * (kho_held.nr_scratch + 1) * sizeof(*allowed));
	for (int i = 0; i < n; i++) {
		size_t found = kho_plan_intersect((*ranges)[i].start, (*ranges)[i].end,
						  kho_held.scratch, kho_held.nr_scratch, parts);

		for (size_t k = 0; k < found; k++) {
			allowed[count].start = parts[k].addr;
			allowed[count].end = parts[k].addr + parts[k].size - 1;
			allowed[count].type = RANGE_RAM;
			count++;
		}
	}
	free(parts);
	free(*ranges);
	*ranges = allowed;
	return count;
}

void kexec_kho_add_scratch(struct memory_range **ranges, int *n)
{
	struct kho_range *all;
	size_t count = 0;

	if (!carries_by_hand() || *n < 0)
		return;

	all = xmalloc(((size_t)*n + kho_held.nr_scratch + 1) * sizeof(*all));
	for (int i = 0; i < *n; i++) {
		all[count].addr = (*ranges)[i].start;
		all[count++].size = (*ranges)[i].end - (*ranges)[i].start + 1;
	}
	for (size_t i = 0; i < kho_held.nr_scratch; i++)
		all[count++] = kho_held.scratch[i];
	count = kho_plan_merge(all, count);

	*ranges = xrealloc(*ranges, (count + 1) * sizeof(**ranges));
	for (size_t i = 0; i < count; i++)
		(*ranges)[i] = memory_range(all[i].addr, all[i].size);
	*n = (int)count;
	free(all);
}

static uint64_t largest_scratch(void)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < kho_held.nr_scratch; i++) {
		if (kho_held.scratch[i].size > largest)
			largest = kho_held.scratch[i].size;
	}
	return largest;
}

/* MiB of scratch that hold @size bytes, with some room for the smaller segments. */
static uint64_t advised_scratch(uint64_t size)
{
	return size / (1 << 20) + 17;
}

/* The name of the option in this kernel: kho_bootmem since Linux 7.4. */
static const char *scratch_option(void)
{
	return kho_state_scratch_option(kho_held.state);
}

void kexec_kho_explain(struct kexec_info *info, unsigned long size)
{
	uint64_t largest = largest_scratch(), placed = 0;

	if (!carries_by_hand())
		return;

	for (int i = 0; i < info->nr_segments; i++)
		placed += info->segment[i].memsz;
	if (size > largest || placed > largest - size)
		kho_say_refused(KHO_RULE_K701, "the new kernel does not fit the scratch areas: %lu bytes in one piece beside %" PRIu64 " of others, and the largest area has %" PRIu64 ". Boot with %s= that begins with at least %" PRIu64 "M.",
				size, placed, largest, scratch_option(), advised_scratch(placed + size));
	/* an area is large enough, but the caller wants another place, or there are too many segments */
	kho_say_refused(KHO_RULE_K701, "no scratch area has the addresses that %lu bytes of the new kernel need: omit --real-mode, --entry-32bit, --mem-min and --mem-max, or boot with a larger %s=.",
			size, scratch_option());
}

static uint64_t file_size(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) || st.st_size < 0 ? 0 : (uint64_t)st.st_size;
}

#define NO_ROOM		"the new kernel does not fit the scratch areas: it needs %" PRIu64 " bytes in one piece, its initrd %" PRIu64 "; the largest area has %" PRIu64 ". Boot with %s= that begins with at least %" PRIu64 "M."

/* kexec_file_load: the kernel places the segments, and reports only that it found no room. */
static void check_room(const struct kexec_info *info)
{
	uint64_t initrd = file_size(info->initrd_fd), kernel = kho_report.target.memory_size;

	if (kho_target_fits(&kho_report.target, initrd, kho_held.scratch, kho_held.nr_scratch))
		return;
	kho_say_refused(KHO_RULE_K701, NO_ROOM, kernel, initrd, largest_scratch(), scratch_option(),
			advised_scratch(kernel + initrd));
}

/* Returns the address of the root FDT, as this kernel has it. */
static uint64_t live_fdt(void)
{
	struct kho_error err;

	if (kho_state_locate(kho_held.state, &err))
		kho_say_refused(KHO_RULE_K703, "%s. Use -s, or a kernel that says it: with CONFIG_KALLSYMS_ALL, or with out/fdt_phys in debugfs.",
				err.message);
	return kho_state_fdt_addr(kho_held.state);
}

void kexec_kho_add_setup_data(struct kexec_info *info, uint64_t *setup_data)
{
	struct kho_setup_data *sd;
	uint64_t fdt_addr;
	unsigned long base;
	size_t size;

	if (!carries_by_hand())
		return;
	fdt_addr = live_fdt();
	sd = kho_plan_setup_data(fdt_addr, kho_state_page_size(kho_held.state), kho_held.scratch,
				 kho_held.nr_scratch, &size);
	if (!sd)
		die("out of memory\n");

	sd->next = *setup_data;
	base = add_buffer(info, sd, size, size, getpagesize(), 0x100000, ULONG_MAX, -1);
	sd->scratch_addr = base + offsetof(struct kho_setup_data, scratch);
	*setup_data = base;
	kho_report.handover = base;
	dbgprintf("KHO: root FDT 0x%" PRIx64 ", setup_data at 0x%lx, %zu scratch areas\n",
		  fdt_addr, base, kho_held.nr_scratch);
}

int kexec_kho_add_chosen(struct kexec_info *info, unsigned long min, unsigned long max,
			 struct memory_range *fdt, struct memory_range *scratch)
{
	size_t size = kho_held.nr_scratch * sizeof(*kho_held.scratch);
	unsigned long base;
	void *table;

	if (!carries_by_hand())
		return 0;
	/* for kexec_load, kexec-tools leaves bootargs as the running kernel got them */
	if (!kho_report.command_line || !*kho_report.command_line)
		kho_say_refused(KHO_RULE_K703, "without a command line the next kernel gets the one in the device tree, with the promises of an earlier load. Use --reuse-cmdline or --command-line.");

	/* struct kho_scratch, include/linux/kexec_handover.h of Linux 7.3 */
	_Static_assert(sizeof(*kho_held.scratch) == 16, "an address and a size of 64 bits each");
	table = xmalloc(size);
	memcpy(table, kho_held.scratch, size);
	base = add_buffer_phys_virt(info, table, size, size, getpagesize(), min, max, 1, 0);
	kho_report.handover = base;
	*scratch = memory_range(base, size);
	*fdt = memory_range(live_fdt(), kho_state_page_size(kho_held.state));
	dbgprintf("KHO: root FDT 0x%llx, scratch table at 0x%lx, %zu scratch areas\n", fdt->start,
		  base, kho_held.nr_scratch);
	return 1;
}

/* A name for the content of segment @i, guessed from its bytes: kexec keeps no names. */
static const char *segment_content(const struct kexec_info *info, int i)
{
	const struct kexec_segment *segment = &info->segment[i];
	unsigned long addr = (uintptr_t)segment->mem;

	if (addr == kho_report.handover)
		return "hand-over";
	if (info->rhdr.rel_addr >= addr && info->rhdr.rel_addr - addr < segment->memsz)
		return "purgatory";
	return kho_plan_content(segment->buf, segment->bufsz, segment->memsz, getpagesize());
}

static void keep_segments(const struct kexec_info *info)
{
	if (load.file_mode || info->nr_segments <= 0)
		return;
	kho_report.segments = xmalloc((size_t)info->nr_segments * sizeof(*kho_report.segments));
	kho_report.nr_segments = (size_t)info->nr_segments;
	for (int i = 0; i < info->nr_segments; i++) {
		kho_report.segments[i].addr = (uintptr_t)info->segment[i].mem;
		kho_report.segments[i].size = info->segment[i].memsz;
		kho_report.segments[i].content = segment_content(info, i);
	}
}

static bool in_scratch(const struct kho_segment *segment)
{
	return kho_plan_in_scratch(segment->addr, segment->size, kho_held.scratch,
				   kho_held.nr_scratch);
}

static void check_plan(const struct kexec_info *info)
{
	if (!command_line_seen)
		kho_say_refused(KHO_RULE_K703, "to load a kernel of this type would lose the state. Give %s.",
				LOADABLE);
	if (load.file_mode) {
		check_room(info);
		return;
	}
	if (kho_report.handover == KHO_NO_ADDR)
		kho_say_refused(KHO_RULE_K703, "--real-mode and --entry-32bit need memory that a kernel with KHO must not use. Omit them.");

	for (size_t i = 0; i < kho_report.nr_segments; i++) {
		const struct kho_segment *segment = &kho_report.segments[i];

		if (!in_scratch(segment))
			kho_say_refused(KHO_RULE_K703, "segment %zu, 0x%" PRIx64 "+0x%" PRIx64 ", is outside the scratch areas: it might overwrite preserved memory.",
					i, segment->addr, segment->size);
	}
}

/* ------------------------------------------------------------------ dry run */

/* Prints a path or a command line, which may hold any bytes. */
static void print_raw(const char *before, const char *raw, const char *after)
{
	size_t size = strlen(raw);
	char *text = xmalloc(KHO_TEXT_ROOM(size));

	kho_text(text, KHO_TEXT_ROOM(size), raw, size);
	printf("%s%s%s", before, text, after);
	free(text);
}

static void print_plan(const struct kexec_info *info)
{
	print_raw("KHO: ", kho_report.image ? kho_report.image : "-", load.file_mode ?
		  " by kexec_file_load: the kernel itself places the segments\n" : " by kexec_load\n");
	for (size_t i = 0; i < kho_report.nr_segments; i++) {
		const struct kho_segment *segment = &kho_report.segments[i];

		printf("  segment %zu: 0x%" PRIx64 "+0x%" PRIx64 " %s%s\n", i, segment->addr,
		       segment->size, segment->content,
		       !load.active ? "" : in_scratch(segment) ? ", in scratch" : ", OUTSIDE scratch");
	}
	if (load.file_mode && kho_report.target.memory_size)
		printf("  the kernel needs %" PRIu64 " bytes in one piece, its initrd %" PRIu64 "; the largest scratch area has %" PRIu64 "\n",
		       kho_report.target.memory_size, file_size(info->initrd_fd), largest_scratch());
}

/* Right before the system call: prints the verdict and ends the program. */
static void __attribute__((noreturn)) end_dry_run(const struct kexec_info *info)
{
	const char *forbidden = kho_host_load_forbidden(load.file_mode);
	struct kho_dma_header header = kho_held_dma();

	if (forbidden && load.active)
		kho_say_kernel_refused(KHO_RULE_K704, "%s.", forbidden);
	print_plan(info);
	if (!load.active) {
		printf("KHO: %s: would load as without KHO (not loaded: dry run)\n",
		       load.give_up ? "--kho=off" : "there is no state to hand over");
		kho_say_and_leave(load.give_up ? "given-up" : "no-state", NULL, 0);
	}
	print_raw("KHO: command line: ", kho_report.command_line, "\n");
	printf("KHO: would load and hand over %" PRIu64 " DMA allocations in %" PRIu64 " pages (not loaded: dry run)\n",
	       header.nr_records, header.nr_pages);
	kho_say_and_leave("would-load", NULL, 0);
}

/* --------------------------------------------------------- before and after */

void kexec_kho_check(struct kexec_info *info)
{
	if (load.stay_out)
		return;
	keep_segments(info);
	if (load.active)
		check_plan(info);
	if (kho_report.dry_run)
		end_dry_run(info);
	if (kho_note_begin())
		kho_say_refused(KHO_RULE_K707, "cannot remove the note of the last load, " KHO_NOTE ": %s. kexec -e would use it for this kernel.",
				strerror(errno));
}

/* After these errors kexec falls back to kexec_load, if it may. */
static bool falls_back(int error)
{
	return load.file_mode && load.may_fall_back &&
	       (error == ENOSYS || error == EINVAL || error == ENOEXEC || error == ENOTSUP);
}

/* The system call failed with @error: explains it in terms of KHO. */
static void explain_failure(const struct kexec_info *info, int error)
{
	const char *call = load.file_mode ? "kexec_file_load" : "kexec_load", *forbidden;
	uint64_t initrd = file_size(info->initrd_fd), kernel = kho_report.target.memory_size;

	switch (error) {
	case EADDRNOTAVAIL:
		if (load.file_mode)
			kho_say_kernel_refused(KHO_RULE_K701, NO_ROOM, kernel, initrd, largest_scratch(), scratch_option(),
					       advised_scratch(kernel + initrd));
		break;
	case EBUSY:
		kho_say_kernel_refused(KHO_RULE_K704, "another load, or a jump, is in progress. Try again when it has ended.");
	case EPERM:
		forbidden = kho_host_load_forbidden(load.file_mode);
		kho_say_kernel_refused(KHO_RULE_K704, "%s.", forbidden ? forbidden :
				       "the kernel does not permit it: a security module or a policy of signatures forbids it");
	}
	if (!load.file_mode && error == ENOSYS)
		kho_say_kernel_refused(KHO_RULE_K704, "this kernel has no kexec_load: it is built without CONFIG_KEXEC (arm64: without PM_SLEEP_SMP). Use -s.");
	kho_say_kernel_refused(KHO_RULE_K704, "%s: %s.", call, strerror(error));
}

/* Unloads the kernel that was just loaded, by the same call: lockdown forbids kexec_load. */
static bool unload(void)
{
	if (load.file_mode)
		return !kexec_file_load(-1, -1, 0, NULL, KEXEC_FILE_UNLOAD);
	return !kexec_load(NULL, 0, NULL, 0);
}

/*
 * kexec_file_load hands the state over if KHO is on at that moment, and does not report it.
 * Checks that KHO is still on and that a kernel is loaded.
 */
static void check_loaded(void)
{
	if (kho_host_kexec_loaded() != 1) {
		kho_note_end(NULL);
		kho_say_refused(KHO_RULE_K707, "the kernel reported success, but /sys/kernel/kexec_loaded says that no kernel is loaded.");
	}
	if (!load.file_mode || kho_host_shows_kho())
		return;
	kho_note_end(NULL);
	if (unload())
		kho_say_refused(KHO_RULE_K707, "KHO was turned off during the load. The loaded kernel was unloaded again.");
	kho_say_refused(KHO_RULE_K707, "KHO was turned off during the load, and kexec cannot unload the loaded kernel: %s. It would not get the state.",
			strerror(errno));
}

/* Writes the note that tells -e about the loaded kernel. */
static void leave_note(void)
{
	struct kho_note note = {
		.by_kexec_load = !load.file_mode,
		.handed_over = load.active || load.file_mode,
		.judged = load.active,
		.target = kho_report.target,
		.initrd_size = initrd_size,
	};

	if (load.active)
		snprintf(note.command_line, sizeof(note.command_line), "%s", kho_report.command_line);
	note.fdt_addr = kho_held.state ? kho_state_fdt_addr(kho_held.state) : KHO_NO_ADDR;
	/* without state, kexec did not judge the target */
	if (kho_note_end(kho_held.state && !load.nothing_there ? &note : NULL))
		fprintf(stderr, "kexec: KHO: cannot write " KHO_NOTE ": %s; kexec -e will refuse, because it does not know the loaded kernel\n",
			strerror(errno));
}

void kexec_kho_result(struct kexec_info *info, int result)
{
	int error = errno;

	if (load.stay_out)
		return;
	if (result) {
		kho_note_keep();
		if (load.active && !falls_back(error))
			explain_failure(info, error);
		if (!falls_back(error))
			kho_say_verdict("kernel-refused", strerror(error), 255);
		errno = error;
		return;
	}

	if (load.active)
		check_loaded();
	leave_note();
	if (!kho_say_verdict(load.active ? "loaded" : load.give_up ? "given-up" : "no-state", NULL, 0)) {
		fprintf(stderr, "kexec: the kernel is loaded, only its report is missing.\n");
		exit(EXIT_FAILURE);
	}
	errno = error;
}

void kexec_kho_fallback(void)
{
	if (load.stay_out)
		return;
	load.file_mode = false;
	kho_report.path = "kexec_load";
	command_line_seen = false;
	if (load.active)
		fprintf(stderr, "kexec: KHO: kexec_file_load does not take this kernel: loading it and the state with kexec_load\n");
	else if (load.give_up && kho_held.state)
		/* the messages about kexec_file_load no longer apply */
		kho_load_say_dropped(false);
}

#endif /* HAVE_LIBKHO */
