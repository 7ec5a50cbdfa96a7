// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec --kho: verifies what the running kernel has to hand over, checks that
 * the target can take it, and carries it on the kexec_load path.
 */
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kho.h>

#include "kexec.h"
#include "kexec-syscall.h"
#include "kexec-kho.h"
#include "kexec-kho-host.h"
#include "kexec-kho-plan.h"
#include "kexec-kho-report.h"

#define MAX_RULES_SAID	16

enum mode { MODE_AUTO, MODE_REQUIRE, MODE_OFF };

static const char *const mode_names[] = { "auto", "require", "off" };

/* kexec loads one image in its life, so there is one of these. */
static struct {
	enum mode mode;
	int dry_run;
	int active;		/* there is state, and it is to be kept */
	int nothing_there;	/* KHO is on, and nothing is preserved */
	int stay_out;		/* not a load or a jump that concerns us */
	int exec;		/* a jump, not a load */
	int file_mode;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_target target;
	int have_target;
	const char *image;
	const struct kho_range *scratch;
	size_t nr_scratch;
	char *command_line;	/* of the target, a copy */
	int command_line_seen;	/* by a loader that knows about all this */
	uint64_t setup_data;	/* KHO_NO_ADDR until it is added */
	struct kho_report_segment *segments;
	size_t nr_segments;
	const struct kho_rule *said[MAX_RULES_SAID];	/* of the target */
	size_t nr_said;
} kho = { .setup_data = KHO_NO_ADDR };

/* ------------------------------------------------------- messages and report */

static void write_report(const char *verdict, const char *message, int status)
{
	const struct kho_report report = {
		.action = kho.exec ? "exec" : "load",
		.mode = mode_names[kho.mode],
		.dry_run = kho.dry_run,
		.path = kho.exec ? NULL : kho.file_mode ? "kexec_file_load" : "kexec_load",
		.state = kho.state,
		.image = kho.image,
		.target = kho.have_target ? &kho.target : NULL,
		.command_line = kho.command_line,
		.segments = kho.segments,
		.nr_segments = kho.nr_segments,
		.setup_data = kho.setup_data,
		.verdict = verdict,
		.message = message,
		.exit_status = status,
	};

	if (kho_report_write(&report))
		fprintf(stderr, "kexec: KHO: cannot write the report: %s\n", strerror(errno));
}

/* The program ends without a verdict of ours: upstream's own die(), or a file that is missing. */
static void write_report_of_failure(void)
{
	write_report("failed", NULL, 255);
}

static void __attribute__((noreturn)) leave(const char *verdict, const char *message,
					    int status)
{
	write_report(verdict, message, status);
	fflush(stdout);
	exit(status);
}

/* Says no for the reason of @rule (NULL: the findings above), and ends the program. */
static void __attribute__((noreturn, format(printf, 2, 3))) refuse(const char *rule,
								    const char *fmt, ...)
{
	const struct kho_rule *found = rule ? kho_rule_find(rule) : NULL;
	struct kho_finding finding = { .rule = found, .count = 1, .addr = KHO_NO_ADDR };
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	fputs("kexec: KHO: ", stderr);
	if (found) {
		finding.severity = found->severity;
		snprintf(finding.message, sizeof(finding.message), "%.255s", text);
		kho_report_finding(&finding);
		fprintf(stderr, "%s %s: ", found->id, kho_severity_name(found->severity));
	}
	fprintf(stderr, "%s\nkexec: nothing was done. --kho=off gives the state up.\n", text);
	leave("refused", text, KEXEC_KHO_EXIT_REFUSED);
}

/* The same, where it is the running kernel that says no. */
static void __attribute__((noreturn, format(printf, 2, 3))) kernel_refused(const char *rule,
									    const char *fmt, ...)
{
	const struct kho_rule *found = kho_rule_find(rule);
	struct kho_finding finding = { .rule = found, .severity = found->severity,
				       .count = 1, .addr = KHO_NO_ADDR };
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding.message, sizeof(finding.message), fmt, args);
	va_end(args);

	kho_report_finding(&finding);
	fprintf(stderr, "kexec: KHO: %s %s: %s\nkexec: nothing was loaded.\n", found->id,
		kho_severity_name(found->severity), finding.message);
	leave("kernel-refused", finding.message, KEXEC_KHO_EXIT_KERNEL);
}

static int print_finding(const struct kho_finding *finding, void *data)
{
	(void)data;
	kho_report_finding(finding);
	if (finding->severity > KHO_SEVERITY_INFO)
		fprintf(stderr, "kexec: KHO: %s %s: %s%s\n", finding->rule->id,
			kho_severity_name(finding->severity),
			finding->unevaluated ? "not judged: " : "", finding->message);
	return 0;
}

/* The state could not be opened: its data may be wrong, or it cannot be looked at. */
static void __attribute__((noreturn)) refuse_error(const struct kho_error *err)
{
	struct kho_verify_summary summary;

	if (kho_verify_open_error(err, print_finding, NULL, &summary))
		refuse(NULL, "the state to be handed over is not sound, see the finding above and kho-rules(7).");
	refuse("K705", "%s.%s%s", *err->message ? err->message : kho_strerror(err->code),
	       *err->remedy ? " " : "", err->remedy);
}

/* ------------------------------------------------------------------ options */

static int set_mode(const char *mode)
{
	for (int i = 0; i < 3; i++) {
		if (!strcmp(mode, mode_names[i])) {
			kho.mode = i;
			return 0;
		}
	}
	fprintf(stderr, "--kho takes auto, require or off, not \"%s\"\n", mode);
	return -1;
}

int kexec_kho_option(int option, const char *argument)
{
	switch (option) {
	case OPT_KHO:
		return set_mode(argument);
	case OPT_KHO_DRY_RUN:
		kho.dry_run = 1;
		return 0;
	default:
		if (kho_report_open(argument))
			return -1;
		atexit(write_report_of_failure);
		return 0;
	}
}

/* --------------------------------------------------------------- detection */

/* Whether @code only says that there is no sign of KHO, which proves little. */
static int no_sign(int code)
{
	return code == KHO_ERR_DISABLED || code == KHO_ERR_NO_KHO ||
	       code == KHO_ERR_NO_DEBUGFS ||
	       (code == KHO_ERR_PERMISSION && !kho.source && !kho_host_has_debugfs());
}

/*
 * Whether KHO may be on though there is no sign of it: what this kernel was built
 * and booted with says more. Who may not load anything has nothing to lose.
 */
static int may_be_on(void)
{
	int on = kho_host_kho_on();

	return on > 0 || (on < 0 && !kho_host_has_debugfs() && !geteuid());
}

/*
 * Whether there is nothing for us to do here, found out by a child: without KHO not
 * even the heap or the mount namespace of this process is other than upstream's. (Its
 * probes of files that are no kernels read what they did not write.)
 */
static int nothing_here(void)
{
	struct kho_error err;
	pid_t child = fork();
	int status, ret;

	if (!child) {
		kho_host_see_debugfs();
		ret = kho_source_open_live(NULL, &kho.source, &err);
		_exit(!(ret && no_sign(ret) && !may_be_on()));
	}
	/* when in doubt, look again ourselves */
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

/*
 * Opens the outgoing state. False where the running kernel has no KHO, or has it
 * off; ends the program where that cannot be told.
 */
static int open_state(void)
{
	struct kho_error err;
	int ret;

	if (kho.mode != MODE_REQUIRE && !kho_host_shows_kho() && nothing_here())
		return 0;
	kho_host_see_debugfs();
	ret = kho_source_open_live(NULL, &kho.source, &err);
	if (!ret)
		ret = kho_state_open(kho.source, KHO_SIDE_OUT, &kho.state, &err);
	if (!ret) {
		kho.scratch = kho_state_scratch(kho.state, &kho.nr_scratch);
		return 1;
	}

	if (kho.mode != MODE_REQUIRE && no_sign(ret) && !may_be_on())
		return 0;
	refuse_error(&err);
}

/* What was read may be out of date. */
static void forget_state(void)
{
	kho_state_close(kho.state);
	kho_source_close(kho.source);
	kho.state = NULL;
	kho.source = NULL;
	kho.scratch = NULL;
	kho.nr_scratch = 0;
}

/* ------------------------------------------------------------ verification */

static void require_clean(const struct kho_verify_summary *summary, const char *what)
{
	size_t bad = summary->findings[KHO_SEVERITY_ERROR] +
		     summary->findings[KHO_SEVERITY_FATAL] + summary->unevaluated;

	if (bad)
		refuse(NULL, "%s, see the %zu finding(s) above and kho-rules(7).", what, bad);
}

static void verify_state(void)
{
	struct kho_verify_summary summary;
	struct kho_error err;

	if (kho_verify(kho.state, NULL, print_finding, NULL, &summary, &err))
		refuse_error(&err);
	require_clean(&summary, "the state to be handed over is not sound");
}

/* The target is judged twice, before and after its command line is known: says it once. */
static int print_finding_once(const struct kho_finding *finding, void *data)
{
	for (size_t i = 0; i < kho.nr_said; i++) {
		if (kho.said[i] == finding->rule)
			return 0;
	}
	if (kho.nr_said < MAX_RULES_SAID)
		kho.said[kho.nr_said++] = finding->rule;
	return print_finding(finding, data);
}

static void verify_target(const char *command_line)
{
	struct kho_verify_summary summary;
	struct kho_error err;

	if (kho_target_verify(kho.state, &kho.target, command_line, print_finding_once, NULL,
			      &summary, &err))
		refuse_error(&err);
	require_clean(&summary, "the target kernel would lose the state");
}

/* ------------------------------------------------------------ is there state */

static uint64_t pages_of(uint64_t size)
{
	uint64_t page = kho_state_page_size(kho.state);

	return size / page + !!(size % page);
}

/* Pages that are preserved; @most when there are more, or when they cannot be counted. */
static uint64_t preserved_pages(uint64_t most)
{
	struct kho_map_iter *iter;
	struct kho_map_entry entry;
	uint64_t pages = 0;
	int ret;

	if (kho_map_iter_create(kho.state, &iter, NULL))
		return most;
	while ((ret = kho_map_iter_next(iter, &entry, NULL)) > 0 && pages < most)
		pages += pages_of(entry.size);
	kho_map_iter_destroy(iter);
	return ret < 0 ? most : pages;
}

/*
 * Whether the kernel has KHO on and yet nothing would be lost: all that is preserved is the
 * root, what every kernel says of itself, and a list of DMA allocations with none on it.
 * (Not with live update: another format of it would make the target panic, empty or not.)
 */
static int nothing_to_lose(void)
{
	const struct kho_subtree *subtrees;
	struct kho_dma_header header;
	uint64_t pages = 1;		/* the root */
	size_t n;

	if (kho_state_abi(kho.state) == KHO_ABI_UNKNOWN)
		return 0;
	subtrees = kho_state_subtrees(kho.state, &n);
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(subtrees[i].name, "dma-alloc")) {
			if (kho_dma_read_header(kho.state, &header, NULL) || header.nr_records)
				return 0;
		} else if (strcmp(subtrees[i].name, "kexec-metadata")) {
			return 0;
		}
		if (!subtrees[i].size)
			return 0;	/* the ABI does not tell */
		pages += pages_of(subtrees[i].size);
	}
	return preserved_pages(pages + 1) == pages;
}

/* ---------------------------------------------------------------- --kho=off */

/* "dma-alloc, LUO, memblock", or "nothing" */
static void subtree_names(char *buf, size_t size)
{
	const struct kho_subtree *subtrees;
	size_t n, used = 0;

	subtrees = kho_state_subtrees(kho.state, &n);
	snprintf(buf, size, "nothing");
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
					 subtrees[i].name);
}

static void say_what_is_dropped(void)
{
	struct kho_dma_header header;
	char names[256];

	if (kho.file_mode) {
		fprintf(stderr, "kexec: KHO: --kho=off: not verified; the kernel itself hands the state over with kexec_file_load\n");
		return;
	}
	if (kho_dma_read_header(kho.state, &header, NULL))
		memset(&header, 0, sizeof(header));
	subtree_names(names, sizeof(names));
	fprintf(stderr, "kexec: KHO: --kho=off: the next kernel will not get the state: %" PRIu64 " DMA allocations in %" PRIu64 " pages are dropped, and all of: %s\n",
		header.nr_records, header.nr_pages, names);
}

static void begin_off(void)
{
	struct kho_error err;
	int ret;

	kho_host_see_debugfs();
	ret = kho_source_open_live(NULL, &kho.source, &err);
	if (!ret)
		ret = kho_state_open(kho.source, KHO_SIDE_OUT, &kho.state, &err);
	if (!ret)
		say_what_is_dropped();
	else if (!no_sign(ret) || may_be_on())
		fprintf(stderr, "kexec: KHO: --kho=off: there may be state, which cannot be looked at: %s. %s\n",
			err.message, kho.file_mode ?
			"The kernel itself hands it over with kexec_file_load, not verified" :
			"The next kernel will not get it");
}

/* -------------------------------------------------------------------- begin */

/*
 * With kexec_load, kexec takes what it was given for the kernel, though its loader of
 * UKIs looked for the one inside (kexec/kexec-uki.c of 2.0.32): rather say so.
 */
static void require_loadable(void)
{
	if (!kho.file_mode && !strncmp(kho.target.format, "UKI", 3))
		refuse("K703", "a UKI can be loaded by kexec_file_load alone. Use -s, or give the kernel that is in it.");
}

/* Whether KHO has a say here: not for a crash kernel, and not below Xen. */
static int concerns_us(int do_load, int do_exec, unsigned long flags)
{
	if (flags & KEXEC_ON_CRASH)
		return 0;
	if ((do_load || do_exec) && xen_present()) {
		if (kho.mode == MODE_REQUIRE)
			refuse("K705", "below Xen it is the hypervisor that jumps, which knows nothing of KHO.");
		return 0;
	}
	return do_load || do_exec;
}

void kexec_kho_begin(const char *image, int do_load, int do_exec, int do_unload,
		     int file_mode, unsigned long flags)
{
	struct kho_error err;

	kho.exec = !do_load;
	kho.file_mode = file_mode;
	kho.image = image;
	kho.stay_out = !concerns_us(do_load, do_exec, flags);
	if (kho.dry_run && (kho.stay_out || do_unload))
		die("--kho-dry-run goes with -l or -e, and not with -p or -u\n");
	if (do_unload && !(flags & KEXEC_ON_CRASH))
		kho_host_note_end(NULL);
	if (kho.stay_out || !do_load)
		return;

	if (kho.mode == MODE_OFF) {
		begin_off();
		return;
	}
	if (!open_state())
		return;

	kho.nothing_there = kho.mode == MODE_AUTO && nothing_to_lose();
	if (kho.nothing_there)
		return;		/* as upstream; -e looks whether that is still so */
	kho.active = 1;
	verify_state();
	if (flags & KEXEC_PRESERVE_CONTEXT)
		refuse("K703", "--load-preserve-context loads a kernel that is to come back, and cannot take the state.");
	if (!image)
		return;		/* kexec itself will say that there is none */
	if (kho_target_read(image, &kho.target, &err))
		refuse("K706", "%s.%s%s", *err.message ? err.message : kho_strerror(err.code),
		       *err.remedy ? " " : "", err.remedy);
	kho.have_target = 1;
	require_loadable();
	verify_target(NULL);
}

/* ------------------------------------------------------------ command line */

char *kexec_kho_command_line(char *command_line)
{
	struct kho_dma_header header;
	char text[64], *changed;
	const char *expect = NULL;

	/* with nothing there, nothing is to be expected */
	if (!kho.active && !kho.nothing_there)
		return command_line;

	if (kho.active && !kho_dma_read_header(kho.state, &header, NULL)) {
		snprintf(text, sizeof(text), "%" PRIu64 ",%" PRIu64, header.nr_records,
			 header.generation);
		expect = text;
	}
	changed = kho_plan_command_line(command_line, expect);
	if (!changed)
		die("out of memory\n");
	free(command_line);
	if (!kho.active)
		return changed;

	if (strlen(changed) > KHO_COMMAND_LINE_MAX)
		refuse("K703", "the target's command line has %zu bytes with rd.kho.expect=, and the kernel cuts off what is beyond %d. Make it shorter.",
		       strlen(changed), KHO_COMMAND_LINE_MAX);
	verify_target(changed);
	free(kho.command_line);
	kho.command_line = strdup(changed);	/* for the report alone */
	kho.command_line_seen = 1;
	return changed;
}

/* --------------------------------------------------------------- placement */

static int carries_by_hand(void)
{
	return kho.active && !kho.file_mode;
}

int kexec_kho_restrict(struct memory_range **ranges, int n)
{
	struct memory_range *allowed;
	struct kho_range *parts;
	int count = 0;

	if (!carries_by_hand() || n <= 0)
		return n;

	parts = xmalloc((kho.nr_scratch + 1) * sizeof(*parts));
	allowed = xmalloc((size_t)n * (kho.nr_scratch + 1) * sizeof(*allowed));
	for (int i = 0; i < n; i++) {
		size_t found = kho_plan_intersect((*ranges)[i].start, (*ranges)[i].end,
						  kho.scratch, kho.nr_scratch, parts);

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

static uint64_t largest_scratch(void)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < kho.nr_scratch; i++) {
		if (kho.scratch[i].size > largest)
			largest = kho.scratch[i].size;
	}
	return largest;
}

/* What to boot with for @size bytes, in MiB, with some room for what is placed around. */
static uint64_t advised_scratch(uint64_t size)
{
	return size / (1 << 20) + 17;
}

void kexec_kho_explain(struct kexec_info *info, unsigned long size)
{
	uint64_t largest = largest_scratch(), placed = 0;

	if (!carries_by_hand())
		return;

	for (int i = 0; i < info->nr_segments; i++)
		placed += info->segment[i].memsz;
	if (size > largest || placed > largest - size)
		refuse("K701", "the new kernel does not fit the scratch areas: %lu bytes in one piece beside %" PRIu64 " of others, and the largest area has %" PRIu64 ". Boot with kho_scratch= whose first size is at least %" PRIu64 "M.",
		       size, placed, largest, advised_scratch(placed + size));
	/* large enough, and yet no room where the caller wanted it, or too many pieces */
	refuse("K701", "there is no scratch area where %lu bytes of the new kernel are wanted: leave out --real-mode, --entry-32bit, --mem-min and --mem-max, or boot with a larger kho_scratch=.",
	       size);
}

static uint64_t file_size(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) || st.st_size < 0 ? 0 : (uint64_t)st.st_size;
}

/* kexec_file_load: the kernel places the pieces, and says only that there is no room. */
static void __attribute__((noreturn)) refuse_scratch(const struct kexec_info *info, int status)
{
	uint64_t initrd = file_size(info->initrd_fd);
	static const char fmt[] = "the new kernel does not fit the scratch areas: it needs %" PRIu64 " bytes in one piece, its initrd %" PRIu64 "; the largest area has %" PRIu64 ". Boot with kho_scratch= whose first size is at least %" PRIu64 "M.";
	uint64_t advised = advised_scratch(kho.target.memory_size + initrd);

	if (status == KEXEC_KHO_EXIT_REFUSED)
		refuse("K701", fmt, kho.target.memory_size, initrd, largest_scratch(), advised);
	kernel_refused("K701", fmt, kho.target.memory_size, initrd, largest_scratch(), advised);
}

void kexec_kho_add_setup_data(struct kexec_info *info, uint64_t *setup_data)
{
	struct kho_setup_data *sd;
	struct kho_error err;
	uint64_t fdt_addr;
	unsigned long base;
	size_t size;

	if (!carries_by_hand())
		return;
	if (kho_state_locate(kho.state, &err))
		refuse("K703", "%s. Use -s, or a kernel that says it: with CONFIG_KALLSYMS_ALL, or with out/fdt_phys in debugfs.",
		       err.message);
	fdt_addr = kho_state_fdt_addr(kho.state);

	sd = kho_plan_setup_data(fdt_addr, kho_state_page_size(kho.state), kho.scratch,
				 kho.nr_scratch, &size);
	if (!sd)
		die("out of memory\n");

	sd->next = *setup_data;
	base = add_buffer(info, sd, size, size, getpagesize(), 0x100000, ULONG_MAX, -1);
	sd->scratch_addr = base + offsetof(struct kho_setup_data, scratch);
	*setup_data = base;
	kho.setup_data = base;
	dbgprintf("KHO: root FDT 0x%" PRIx64 ", setup_data at 0x%lx, %zu scratch areas\n",
		  fdt_addr, base, kho.nr_scratch);
}

/* ---------------------------------------------------------------- dry run */

static void print_segments_of_plan(void)
{
	for (size_t i = 0; i < kho.nr_segments; i++) {
		const struct kho_report_segment *segment = &kho.segments[i];
		const char *where = "";

		if (kho.active)
			where = kho_plan_in_scratch(segment->addr, segment->size, kho.scratch,
						    kho.nr_scratch) ? ", in scratch" : ", OUTSIDE scratch";
		printf("  segment %zu: 0x%" PRIx64 "+0x%" PRIx64 " %s%s\n", i, segment->addr,
		       segment->size, segment->content, where);
	}
}

/* Everything is decided, and the system call comes next: says so and stops. */
static void __attribute__((noreturn)) end_dry_run(const struct kexec_info *info)
{
	struct kho_dma_header header = { 0 };
	uint64_t initrd = file_size(info->initrd_fd);

	if (kho.active && kho.file_mode &&
	    (kho.target.memory_size > largest_scratch() || initrd > largest_scratch()))
		refuse_scratch(info, KEXEC_KHO_EXIT_REFUSED);

	printf("KHO: %s by %s\n", kho.image ? kho.image : "-",
	       kho.file_mode ? "kexec_file_load: the kernel itself places the segments" : "kexec_load");
	print_segments_of_plan();
	if (kho.file_mode && kho.target.memory_size)
		printf("  the kernel needs %" PRIu64 " bytes in one piece, its initrd %" PRIu64 "; the largest scratch area has %" PRIu64 "\n",
		       kho.target.memory_size, initrd, largest_scratch());
	if (!kho.active) {
		printf("KHO: %s: would load as without KHO (not loaded: dry run)\n",
		       kho.mode == MODE_OFF ? "--kho=off" : "there is no state to hand over");
		leave(kho.mode == MODE_OFF ? "given-up" : "no-state", NULL, 0);
	}

	if (kho_dma_read_header(kho.state, &header, NULL))
		memset(&header, 0, sizeof(header));
	printf("KHO: command line: %s\n", kho.command_line);
	printf("KHO: would load and hand over %" PRIu64 " DMA allocations in %" PRIu64 " pages (not loaded: dry run)\n",
	       header.nr_records, header.nr_pages);
	leave("would-load", NULL, 0);
}

/* -------------------------------------------------------- before and after */

/* What is in a segment, as far as it shows; kexec itself keeps no names. */
static const char *segment_content(const struct kexec_info *info, int i)
{
	const struct kexec_segment *segment = &info->segment[i];
	unsigned long addr = (uintptr_t)segment->mem;

	if (addr == kho.setup_data)
		return "hand-over";
	if (info->rhdr.rel_addr >= addr && info->rhdr.rel_addr - addr < segment->memsz)
		return "purgatory";
	return kho_plan_content(segment->buf, segment->bufsz, segment->memsz, getpagesize());
}

static void keep_segments(const struct kexec_info *info)
{
	if (kho.file_mode || info->nr_segments <= 0)
		return;
	kho.segments = xmalloc((size_t)info->nr_segments * sizeof(*kho.segments));
	kho.nr_segments = (size_t)info->nr_segments;
	for (int i = 0; i < info->nr_segments; i++) {
		kho.segments[i].addr = (uintptr_t)info->segment[i].mem;
		kho.segments[i].size = info->segment[i].memsz;
		kho.segments[i].content = segment_content(info, i);
	}
}

static void check_plan(void)
{
	if (!kho.command_line_seen)
		refuse("K703", "kernels of this type cannot be loaded without losing the state. Give a bzImage.");
	if (kho.file_mode)
		return;
	if (kho.setup_data == KHO_NO_ADDR)
		refuse("K703", "--real-mode and --entry-32bit need memory where nothing may be placed with KHO. Leave them out.");

	for (size_t i = 0; i < kho.nr_segments; i++) {
		const struct kho_report_segment *segment = &kho.segments[i];

		if (!kho_plan_in_scratch(segment->addr, segment->size, kho.scratch, kho.nr_scratch))
			refuse("K703", "segment %zu, 0x%" PRIx64 "+0x%" PRIx64 ", is outside the scratch areas: it might overwrite preserved memory.",
			       i, segment->addr, segment->size);
	}
}

void kexec_kho_check(struct kexec_info *info)
{
	if (kho.stay_out)
		return;
	keep_segments(info);
	if (kho.active)
		check_plan();
	if (kho.dry_run)
		end_dry_run(info);
	kho_host_note_begin(kho.state != NULL);
}

/* The system call failed with @error: says why, in terms of KHO. */
static void explain_failure(const struct kexec_info *info, int error)
{
	switch (error) {
	case ENOSYS:
	case EINVAL:
	case ENOEXEC:
	case ENOTSUP:
		if (kho.file_mode)
			return;	/* kexec goes the other way, if it may */
		break;
	case EADDRNOTAVAIL:
		if (kho.file_mode)
			refuse_scratch(info, KEXEC_KHO_EXIT_KERNEL);
		break;
	case EBUSY:
		kernel_refused("K704", "another load, or a jump, is in progress. Try again when it has ended.");
	case EPERM:
		if (!kho.file_mode && kho_host_locked_down())
			kernel_refused("K704", "the kernel is locked down and takes no kexec_load. Use -s, with a signed kernel where signatures are asked for.");
		kernel_refused("K704", "the kernel does not permit it: this needs CAP_SYS_BOOT, and kernel.kexec_load_disabled and kernel.kexec_load_limit_reboot have to allow it.");
	}
	kernel_refused("K704", "%s: %s.", kho.file_mode ? "kexec_file_load" : "kexec_load",
		       strerror(error));
}

/* The image is there but would lose the state: away with it. */
static void __attribute__((noreturn)) take_back(const char *why)
{
	if (kexec_load(NULL, 0, NULL, 0))
		fprintf(stderr, "kexec: KHO: and the loaded kernel cannot be unloaded: %s\n",
			strerror(errno));
	refuse("K707", "%s. The loaded kernel was unloaded again.", why);
}

/*
 * kexec_file_load hands the state over when KHO is on at that moment, and says
 * nothing of it: looks whether both still hold.
 */
static void check_loaded(void)
{
	if (kho_host_kexec_loaded() != 1)
		refuse("K707", "the kernel said that it loaded the new one, and /sys/kernel/kexec_loaded does not.");
	if (kho.file_mode && !kho_host_shows_kho())
		take_back("KHO is not on any more after the load");
}

/* For -e, which has to know what it jumps to. */
static void leave_note(void)
{
	struct kho_host_loaded loaded = {
		.by_kexec_load = !kho.file_mode,
		.handed_over = kho.active || kho.file_mode,
		.judged = kho.active,
		.target = kho.target,
	};

	loaded.fdt_addr = kho.state ? kho_state_fdt_addr(kho.state) : KHO_NO_ADDR;
	/* with nothing there, nothing was looked at that could be noted */
	if (kho_host_note_end(kho.state && !kho.nothing_there ? &loaded : NULL))
		fprintf(stderr, "kexec: KHO: cannot write " KHO_HOST_LOADED ": %s; kexec -e will not know what is loaded, and refuse\n",
			strerror(errno));
}

void kexec_kho_result(struct kexec_info *info, int result)
{
	int error = errno;

	if (kho.stay_out)
		return;
	if (result) {
		kho_host_note_keep();
		if (kho.active)
			explain_failure(info, error);
		else
			write_report("kernel-refused", strerror(error), 255);
		errno = error;
		return;
	}

	if (kho.active)
		check_loaded();
	leave_note();
	write_report(kho.active ? "loaded" : kho.mode == MODE_OFF ? "given-up" : "no-state",
		     NULL, 0);
	errno = error;
}

void kexec_kho_fallback(void)
{
	if (kho.stay_out)
		return;
	kho.file_mode = 0;
	kho.command_line_seen = 0;
	if (!kho.active) {
		/* what was said of kexec_file_load does not hold any more */
		if (kho.mode == MODE_OFF && kho.state)
			say_what_is_dropped();
		return;
	}
	require_loadable();
	fprintf(stderr, "kexec: KHO: no kexec_file_load for this kernel: loading it with kexec_load, and the state with it\n");
}

/* -------------------------------------------------------------------- jump */

/* Whether the kernel that is loaded gets the state and can take it: by the note of the load. */
static void check_what_is_loaded(void)
{
	struct kho_host_loaded loaded;
	struct kho_error err;

	if (!kho_host_read_loaded(&loaded))
		refuse("K707", "whether the kernel that is loaded gets the state and can take it was not looked at: it was loaded when there was no state, or by another program, or a load was killed. Load it again.");
	if (!loaded.handed_over)
		refuse("K707", "the kernel that is loaded was loaded with --kho=off by kexec_load: it will not get the state. Load it again, or jump with --kho=off.");
	if (!loaded.judged)
		refuse("K707", "whether the kernel that is loaded can take the state was not looked at: it was loaded with --kho=off. Load it again, or jump with --kho=off.");
	kho.target = loaded.target;
	verify_target(NULL);
	if (!loaded.by_kexec_load)
		return;
	if (kho_state_locate(kho.state, &err))
		refuse("K707", "whether the kernel that is loaded would get the state cannot be told: %s",
		       err.message);
	if (loaded.fdt_addr != kho_state_fdt_addr(kho.state))
		refuse("K707", "the kernel that is loaded was told of a root FDT at 0x%" PRIx64 ", and this kernel's is at 0x%" PRIx64 ". Load it again.",
		       loaded.fdt_addr, kho_state_fdt_addr(kho.state));
}

void kexec_kho_before_exec(void)
{
	if (kho.stay_out)
		return;
	if (kho.mode != MODE_OFF) {
		forget_state();
		kho.exec = 1;
		kho.active = open_state() &&
			     (kho.mode == MODE_REQUIRE || !nothing_to_lose());
		if (kho.active) {
			verify_state();
			check_what_is_loaded();
		}
	}
	if (!kho.dry_run) {
		write_report("jump", NULL, 0);
		return;
	}
	printf("KHO: would jump%s (not done: dry run)\n",
	       kho.active ? ", the state is sound" : "");
	leave("would-jump", NULL, 0);
}

#endif /* HAVE_LIBKHO */
