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
#include <linux/magic.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <kho.h>

#include "kexec.h"
#include "kexec-kho.h"
#include "kexec-kho-plan.h"
#include "kexec-kho-report.h"

#define DEBUGFS		"/sys/kernel/debug"

enum mode { MODE_AUTO, MODE_REQUIRE, MODE_OFF };

static const char *const mode_names[] = { "auto", "require", "off" };

/* kexec loads one image in its life, so there is one of these. */
static struct {
	enum mode mode;
	int dry_run;
	int begun;		/* a load that takes part in all this: not of a crash kernel */
	struct kho_report report;
	int active;		/* there is state, and it is to be kept */
	int file_mode;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_target target;
	const struct kho_range *scratch;
	size_t nr_scratch;
	char *command_line;	/* of the target, from a loader that knows about all this */
	unsigned long setup_data;	/* where it will be; 0 as long as there is none */
} kho;

static void __attribute__((noreturn, format(printf, 1, 2))) refuse(const char *fmt, ...)
{
	char reason[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	fprintf(stderr, "kexec: KHO: %s\nkexec: nothing was done. --kho=off gives the state up.\n",
		reason);
	kho_report_verdict(&kho.report, "refused", reason);
	fflush(stdout);
	exit(KEXEC_KHO_EXIT_REFUSED);
}

static void __attribute__((noreturn)) refuse_error(const struct kho_error *err)
{
	refuse("%s.%s%s", *err->message ? err->message : kho_strerror(err->code),
	       *err->remedy ? " " : "", err->remedy);
}

/* Whatever way the program ends: upstream's die() as well. */
static void write_report(void)
{
	kho_report_write(&kho.report);
}

static int set_mode(const char *mode)
{
	for (int i = 0; i < 3; i++) {
		if (!strcmp(mode, mode_names[i])) {
			kho.mode = i;
			kho_report_mode(&kho.report, mode);
			return 0;
		}
	}
	fprintf(stderr, "--kho takes auto, require or off, not \"%s\"\n", mode);
	return -1;
}

int kexec_kho_option(int opt, const char *value)
{
	switch (opt) {
	case OPT_KHO:
		return set_mode(value);
	case OPT_KHO_DRY_RUN:
		kho.dry_run = 1;
		kho_report_dry_run(&kho.report);
		return 0;
	case OPT_KHO_REPORT:
		if (kho_report_open(&kho.report, value))
			return -1;
		return atexit(write_report);
	}
	return -1;
}

/* --------------------------------------------------------------- detection */

static int is_debugfs(void)
{
	struct statfs fs;

	return !statfs(DEBUGFS, &fs) && fs.f_type == DEBUGFS_MAGIC;
}

/*
 * debugfs may not be mounted, but it is all that tells whether KHO is on. Mounts
 * it for this process alone; that this fails shows when it is opened.
 */
static void see_debugfs(void)
{
	if (is_debugfs() || unshare(CLONE_NEWNS))
		return;
	if (!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
}

/* As the kernel's kstrtobool(): -1 for what it does not take. */
static int parse_bool(const char *text)
{
	if (strchr("yYtT1eE", *text) && *text)
		return 1;
	if (strchr("nNfF0dD", *text) && *text)
		return 0;
	if (*text == 'o' || *text == 'O')
		return text[1] == 'n' || text[1] == 'N' ? 1 :
		       text[1] == 'f' || text[1] == 'F' ? 0 : -1;
	return -1;
}

/* The last kho= of the running kernel's command line, or -1. */
static int asked_for_kho(void)
{
	FILE *f = fopen("/proc/cmdline", "r");
	char *line = NULL, *word, *rest;
	size_t room = 0;
	int on = -1, value;

	if (f && getline(&line, &room, f) > 0) {
		for (word = strtok_r(line, " \t\n", &rest); word;
		     word = strtok_r(NULL, " \t\n", &rest)) {
			value = strncmp(word, "kho=", 4) ? -1 : parse_bool(word + 4);
			if (value >= 0)
				on = value;
		}
	}
	free(line);
	if (f)
		fclose(f);
	return on;
}

/* Whether the configuration in @path has KHO on by default. */
static int config_has_default_on(const char *path)
{
	static const char option[] = "\nCONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y";
	off_t size = 0;
	char *config;
	int on;

	if (access(path, R_OK))
		return 0;
	config = slurp_decompress_file(path, &size);
	on = config && memmem(config, size, option, strlen(option));
	free(config);
	return on;
}

/*
 * Whether this kernel should have KHO, whatever can be seen of it: it may be
 * built without the debugfs files, or without debugfs.
 */
static int should_have_kho(void)
{
	char path[PATH_MAX];
	struct utsname name;
	int asked = asked_for_kho();

	if (asked >= 0)
		return asked;
	if (!access("/proc/config.gz", R_OK))
		return config_has_default_on("/proc/config.gz");
	if (uname(&name))
		return 0;
	snprintf(path, sizeof(path), "/boot/config-%s", name.release);
	return config_has_default_on(path);
}

/* Opening the state failed with @ret: there is none, as far as anything shows. */
static int no_sign_of_kho(int ret)
{
	if (ret != KHO_ERR_DISABLED && ret != KHO_ERR_NO_KHO && ret != KHO_ERR_NO_DEBUGFS &&
	    (ret != KHO_ERR_PERMISSION || kho.source || is_debugfs()))
		return 0;
	return !should_have_kho();
}

/*
 * Opens the outgoing state. False where the running kernel has no KHO, or has it
 * off; ends the program where that cannot be told.
 */
static int open_state(void)
{
	struct kho_error err;
	int ret;

	see_debugfs();
	ret = kho_source_open_live(NULL, &kho.source, &err);
	if (!ret)
		ret = kho_state_open(kho.source, KHO_SIDE_OUT, &kho.state, &err);
	if (!ret) {
		kho.scratch = kho_state_scratch(kho.state, &kho.nr_scratch);
		return 1;
	}

	if (kho.mode == MODE_REQUIRE || !no_sign_of_kho(ret))
		refuse_error(&err);
	return 0;
}

/* ------------------------------------------------------------ verification */

/* The target is judged twice, without and with its command line: told once. */
static int tell_finding(const struct kho_finding *finding, void *data)
{
	(void)data;
	if (kho_report_finding(&kho.report, finding) && finding->severity > KHO_SEVERITY_INFO)
		fprintf(stderr, "kexec: KHO: %s %s: %s%s\n", finding->rule->id,
			kho_severity_name(finding->severity),
			finding->unevaluated ? "not judged: " : "", finding->message);
	return 0;
}

static void require_clean(const struct kho_verify_summary *summary, const char *what)
{
	size_t bad = summary->findings[KHO_SEVERITY_ERROR] +
		     summary->findings[KHO_SEVERITY_FATAL] + summary->unevaluated;

	if (bad)
		refuse("%s, see the %zu finding(s) above and kho-rules(7).", what, bad);
}

static void verify_state(void)
{
	struct kho_verify_summary summary;
	struct kho_error err;

	if (kho_verify(kho.state, NULL, tell_finding, NULL, &summary, &err))
		refuse_error(&err);
	require_clean(&summary, "the state to be handed over is not sound");
}

static void verify_target(const char *command_line)
{
	struct kho_verify_summary summary;
	struct kho_error err;

	if (kho_target_verify(kho.state, &kho.target, command_line, tell_finding, NULL,
			      &summary, &err))
		refuse_error(&err);
	require_clean(&summary, "the target kernel would lose the state");
}

/* "dma-alloc (5 allocations in 96 pages), LUO": all that is in the state. */
static void describe_state(char *text, size_t size)
{
	const struct kho_subtree *subtrees;
	struct kho_dma_header header;
	size_t n, len = 0;

	*text = 0;
	subtrees = kho_state_subtrees(kho.state, &n);
	for (size_t i = 0; i < n && len < size; i++) {
		len += snprintf(text + len, size - len, "%s%s", i ? ", " : "", subtrees[i].name);
		if (len < size && !strcmp(subtrees[i].name, "dma-alloc") &&
		    !kho_dma_read_header(kho.state, &header, NULL))
			len += snprintf(text + len, size - len, " (%" PRIu64 " allocations in %" PRIu64 " pages)",
					header.nr_records, header.nr_pages);
	}
}

static void say_what_is_dropped(void)
{
	char state[512];

	describe_state(state, sizeof(state));
	if (kho.file_mode)
		fprintf(stderr, "kexec: KHO: --kho=off: not verified; the kernel itself hands the state over with kexec_file_load\n");
	else if (*state)
		fprintf(stderr, "kexec: KHO: --kho=off: the next kernel will not get the state: %s dropped\n",
			state);
}

/* --kho=off: no more than a word about what becomes of the state. */
static void give_up_state(void)
{
	struct kho_error err;
	int ret;

	see_debugfs();
	ret = kho_source_open_live(NULL, &kho.source, &err);
	if (!ret)
		ret = kho_state_open(kho.source, KHO_SIDE_OUT, &kho.state, &err);
	if (!ret)
		say_what_is_dropped();
	else if (!no_sign_of_kho(ret))
		fprintf(stderr, "kexec: KHO: --kho=off: what the next kernel will not get cannot be told: %s\n",
			*err.message ? err.message : kho_strerror(err.code));
	kho_report_verdict(&kho.report, "failed", NULL);
}

void kexec_kho_begin(const char *image, int file_mode)
{
	struct kho_error err;

	kho.begun = 1;
	kho.file_mode = file_mode;
	kho_report_action(&kho.report, "load");
	if (kho.mode == MODE_OFF) {
		give_up_state();
		return;
	}

	if (!open_state())
		return;

	kho.active = 1;
	kho_report_state(&kho.report, kho.state);
	verify_state();
	if (!image)
		return;		/* kexec itself will say that there is none */
	if (kho_target_read(image, &kho.target, &err))
		refuse_error(&err);
	kho_report_target(&kho.report, image, &kho.target);
	verify_target(NULL);
}

/* ------------------------------------------------------------ command line */

char *kexec_kho_command_line(char *command_line)
{
	struct kho_dma_header header;
	char text[64], *changed;
	const char *expect = NULL;

	if (!kho.active)
		return command_line;

	if (!kho_dma_read_header(kho.state, &header, NULL)) {
		snprintf(text, sizeof(text), "%" PRIu64 ",%" PRIu64, header.nr_records,
			 header.generation);
		expect = text;
	}
	changed = kho_plan_command_line(command_line, expect);
	if (!changed)
		die("out of memory\n");
	free(command_line);

	verify_target(changed);
	free(kho.command_line);
	kho.command_line = strdup(changed);
	kho_report_command_line(&kho.report, changed);
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

void kexec_kho_explain(unsigned long size)
{
	uint64_t largest = 0;

	if (!carries_by_hand())
		return;

	for (size_t i = 0; i < kho.nr_scratch; i++) {
		if (kho.scratch[i].size > largest)
			largest = kho.scratch[i].size;
	}
	/* large enough, and yet no room where the caller wanted it, or too many pieces */
	if (size <= largest)
		refuse("no room for %lu bytes of the new kernel in the scratch areas, the largest of which has %" PRIu64 " bytes in all. Boot with a larger kho_scratch=, and leave out --real-mode, --entry-32bit, --mem-min and --mem-max.",
		       size, largest);
	refuse("%lu bytes of the new kernel do not fit the scratch areas, the largest of which has %" PRIu64 " bytes in all. Boot with a larger kho_scratch=.",
	       size, largest);
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
		refuse("%s. Use -s, or a kernel that says it: with CONFIG_KALLSYMS_ALL, or with out/fdt_phys in debugfs.",
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

static void check_segments(const struct kexec_info *info)
{
	for (int i = 0; i < info->nr_segments; i++) {
		uint64_t addr = (uintptr_t)info->segment[i].mem;

		if (!kho_plan_in_scratch(addr, info->segment[i].memsz, kho.scratch,
					 kho.nr_scratch))
			refuse("segment %d, 0x%" PRIx64 "+0x%zx, is outside the scratch areas: it might overwrite preserved memory.",
			       i, addr, info->segment[i].memsz);
	}
}

static void check_hand_over(const struct kexec_info *info)
{
	if (!kho.command_line)
		refuse("kernels of this type cannot be loaded without losing the state. Give a bzImage.");
	if (kho.file_mode)
		return;
	if (!kho.setup_data)
		refuse("--real-mode and --entry-32bit need memory where nothing may be placed with KHO. Leave them out.");
	check_segments(info);
}

/* --------------------------------------------------------------------- plan */

/* What is in a segment, as far as it shows; kexec itself keeps no names. */
static const char *segment_content(const struct kexec_info *info, int i)
{
	const struct kexec_segment *segment = &info->segment[i];
	unsigned long addr = (uintptr_t)segment->mem;

	if (kho.setup_data && addr == kho.setup_data)
		return "KHO setup_data";
	if (info->rhdr.rel_addr >= addr && info->rhdr.rel_addr - addr < segment->memsz)
		return "purgatory";
	return kho_plan_content(segment->buf, segment->bufsz, segment->memsz, getpagesize());
}

static void tell_segments(const struct kexec_info *info)
{
	for (int i = 0; i < info->nr_segments; i++) {
		uint64_t addr = (uintptr_t)info->segment[i].mem;
		const char *what = segment_content(info, i);

		kho_report_segment(&kho.report, addr, info->segment[i].memsz, what);
		if (kho.dry_run)
			printf("segment %-2d 0x%012" PRIx64 " %10zu KiB  %s\n", i, addr,
			       info->segment[i].memsz / 1024, what);
	}
}

static void __attribute__((noreturn)) end_dry_run(void)
{
	char state[512] = "";

	if (kho.state)
		describe_state(state, sizeof(state));
	if (kho.active && kho.file_mode)
		puts("segments   placed by the kernel itself (kexec_file_load)");
	if (kho.command_line)
		printf("command line: %s\n", kho.command_line);
	if (kho.active)
		printf("verdict: would be loaded, and the state with it: %s\n",
		       *state ? state : "nothing is preserved");
	else if (kho.mode == MODE_OFF)
		puts("verdict: would be loaded; the state is given up (--kho=off)");
	else
		puts("verdict: would be loaded; this kernel has no KHO state to keep");
	kho_report_verdict(&kho.report, kho.active ? "would-load" :
			   kho.mode == MODE_OFF ? "given-up" : "no-state", NULL);
	fflush(stdout);
	exit(0);
}

void kexec_kho_check(struct kexec_info *info)
{
	if (kho.dry_run && !kho.begun)
		die("--kho-dry-run is not for crash kernels: -p takes no part in KHO\n");
	if (kho.active)
		check_hand_over(info);
	if (!kho.file_mode)
		tell_segments(info);
	if (kho.dry_run)
		end_dry_run();
}

static int kernel_has_image(void)
{
	off_t size;
	char *text = slurp_file_len("/sys/kernel/kexec_loaded", 2, &size);
	int loaded = text && size && *text == '1';

	free(text);
	return loaded;
}

int kexec_kho_loaded(int result)
{
	if (result || !kho.begun)
		return result;
	if (kho.active && !kernel_has_image()) {
		fprintf(stderr, "kexec: KHO: the load went through, and yet the kernel has no image (/sys/kernel/kexec_loaded): the state would be lost. Do not jump; see dmesg.\n");
		return -1;
	}
	kho_report_verdict(&kho.report, kho.active ? "loaded" :
			   kho.mode == MODE_OFF ? "given-up" : "no-state", NULL);
	return 0;
}

void kexec_kho_fallback(void)
{
	if (!kho.active) {
		kho.file_mode = 0;
		/* what was said of kexec_file_load does not hold any more */
		if (kho.mode == MODE_OFF && kho.state)
			say_what_is_dropped();
		return;
	}
	fprintf(stderr, "kexec: KHO: no kexec_file_load for this kernel: loading it with kexec_load, and the state with it\n");
	kho.file_mode = 0;
	free(kho.command_line);
	kho.command_line = NULL;
}

/* -------------------------------------------------------------------- jump */

void kexec_kho_before_exec(void)
{
	if (kho.mode == MODE_OFF)
		return;
	/* what was read for the load may be out of date */
	kho_state_close(kho.state);
	kho_source_close(kho.source);
	kho.state = NULL;
	kho.source = NULL;

	kho_report_action(&kho.report, "exec");
	if (open_state()) {
		kho_report_state(&kho.report, kho.state);
		verify_state();
	}
	kho_report_verdict(&kho.report, !kho.state ? "no-state" :
			   kho.dry_run ? "would-jump" : "jump", NULL);
	if (kho.dry_run) {
		puts("verdict: would jump");
		fflush(stdout);
		exit(0);
	}
	/* there is no later, unless the jump fails */
	kho_report_write(&kho.report);
	kho_report_verdict(&kho.report, "failed", NULL);
}

#endif /* HAVE_LIBKHO */
