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
#include <sys/vfs.h>
#include <unistd.h>

#include <kho.h>

#include "kexec.h"
#include "kexec-kho.h"
#include "kexec-kho-plan.h"

#define DEBUGFS		"/sys/kernel/debug"

enum mode { MODE_AUTO, MODE_REQUIRE, MODE_OFF };

/* kexec loads one image in its life, so there is one of these. */
static struct {
	enum mode mode;
	int active;		/* there is state, and it is to be kept */
	int file_mode;
	struct kho_source *source;
	struct kho_state *state;
	struct kho_target target;
	const struct kho_range *scratch;
	size_t nr_scratch;
	int command_line_seen;	/* by a loader that knows about all this */
	int setup_data_added;
} kho;

static void __attribute__((noreturn, format(printf, 1, 2))) refuse(const char *fmt, ...)
{
	va_list args;

	fputs("kexec: KHO: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputs("\nkexec: nothing was done. --kho=off gives the state up.\n", stderr);
	fflush(stdout);
	exit(KEXEC_KHO_EXIT_REFUSED);
}

static void __attribute__((noreturn)) refuse_error(const struct kho_error *err)
{
	refuse("%s.%s%s", *err->message ? err->message : kho_strerror(err->code),
	       *err->remedy ? " " : "", err->remedy);
}

int kexec_kho_set_mode(const char *mode)
{
	static const char *const names[] = { "auto", "require", "off" };

	for (int i = 0; i < 3; i++) {
		if (!strcmp(mode, names[i])) {
			kho.mode = i;
			return 0;
		}
	}
	fprintf(stderr, "--kho takes auto, require or off, not \"%s\"\n", mode);
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

static int cmdline_has_kho_on(void)
{
	char line[4096] = " ", *p;
	FILE *f = fopen("/proc/cmdline", "r");
	int on = 0;

	if (!f)
		return 0;
	if (fgets(line + 1, sizeof(line) - 1, f)) {
		for (p = line; (p = strstr(p, " kho=")); p += 5)
			on = (p[5] && strchr("1yYtTeE", p[5])) || !strncasecmp(p + 5, "on", 2);
	}
	fclose(f);
	return on;
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

	if (kho.mode == MODE_REQUIRE || cmdline_has_kho_on())
		refuse_error(&err);
	/* no sign of KHO anywhere: as if we were not there */
	if (ret == KHO_ERR_DISABLED || ret == KHO_ERR_NO_KHO || ret == KHO_ERR_NO_DEBUGFS ||
	    (ret == KHO_ERR_PERMISSION && !kho.source && !is_debugfs()))
		return 0;
	refuse_error(&err);
}

/* ------------------------------------------------------------ verification */

static int print_finding(const struct kho_finding *finding, void *data)
{
	(void)data;
	if (finding->severity > KHO_SEVERITY_INFO)
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

	if (kho_verify(kho.state, NULL, print_finding, NULL, &summary, &err))
		refuse_error(&err);
	require_clean(&summary, "the state to be handed over is not sound");
}

static void verify_target(const char *command_line)
{
	struct kho_verify_summary summary;
	struct kho_error err;

	if (kho_target_verify(kho.state, &kho.target, command_line, print_finding, NULL,
			      &summary, &err))
		refuse_error(&err);
	require_clean(&summary, "the target kernel would lose the state");
}

static void say_what_is_dropped(void)
{
	struct kho_dma_header header;

	if (kho_dma_read_header(kho.state, &header, NULL))
		memset(&header, 0, sizeof(header));
	if (kho.file_mode)
		fprintf(stderr, "kexec: KHO: --kho=off: not verified; the kernel itself hands the state over with kexec_file_load\n");
	else
		fprintf(stderr, "kexec: KHO: --kho=off: the next kernel will not get the state: %" PRIu64 " DMA allocations in %" PRIu64 " pages are dropped\n",
			header.nr_records, header.nr_pages);
}

void kexec_kho_begin(const char *image, int file_mode)
{
	struct kho_error err;

	kho.file_mode = file_mode;
	if (kho.mode == MODE_OFF) {
		see_debugfs();
		if (!kho_source_open_live(NULL, &kho.source, NULL) &&
		    !kho_state_open(kho.source, KHO_SIDE_OUT, &kho.state, NULL))
			say_what_is_dropped();
		return;
	}

	if (!open_state())
		return;

	kho.active = 1;
	verify_state();
	if (!image)
		return;		/* kexec itself will say that there is none */
	if (kho_target_read(image, &kho.target, &err))
		refuse_error(&err);
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
	uint64_t fdt_addr = kho.active ? kho_state_fdt_addr(kho.state) : KHO_NO_ADDR;
	struct kho_setup_data *sd;
	unsigned long base;
	size_t size;

	if (!carries_by_hand())
		return;
	if (fdt_addr == KHO_NO_ADDR)
		refuse("this kernel does not say where its outgoing FDT is. Use -s, or a kernel with out/fdt_phys in debugfs.");

	sd = kho_plan_setup_data(fdt_addr, kho_state_page_size(kho.state), kho.scratch,
				 kho.nr_scratch, &size);
	if (!sd)
		die("out of memory\n");

	sd->next = *setup_data;
	base = add_buffer(info, sd, size, size, getpagesize(), 0x100000, ULONG_MAX, -1);
	sd->scratch_addr = base + offsetof(struct kho_setup_data, scratch);
	*setup_data = base;
	kho.setup_data_added = 1;
	dbgprintf("KHO: root FDT 0x%" PRIx64 ", setup_data at 0x%lx, %zu scratch areas\n",
		  fdt_addr, base, kho.nr_scratch);
}

void kexec_kho_check(struct kexec_info *info)
{
	if (!kho.active)
		return;
	if (!kho.command_line_seen)
		refuse("kernels of this type cannot be loaded without losing the state. Give a bzImage.");
	if (kho.file_mode)
		return;
	if (!kho.setup_data_added)
		refuse("--real-mode and --entry-32bit need memory where nothing may be placed with KHO. Leave them out.");

	for (int i = 0; i < info->nr_segments; i++) {
		uint64_t addr = (uintptr_t)info->segment[i].mem;

		if (!kho_plan_in_scratch(addr, info->segment[i].memsz, kho.scratch,
					 kho.nr_scratch))
			refuse("segment %d, 0x%" PRIx64 "+0x%zx, is outside the scratch areas: it might overwrite preserved memory.",
			       i, addr, info->segment[i].memsz);
	}
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
	kho.command_line_seen = 0;
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

	if (open_state())
		verify_state();
}

#endif /* HAVE_LIBKHO */
