// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec --kho verifies the outgoing state of the running kernel, checks that the target can take
 * it over, and hands it over on the kexec_load path. This file has the options and the checks
 * before a load.
 */
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <kho_output.h>

#include "kexec.h"
#include "kexec-syscall.h"
#include "kexec-kho.h"
#include "kexec-kho-jump.h"
#include "kexec-kho-load.h"
#include "kexec-kho-say.h"
#include "kexec-kho-state.h"

static const char *const mode_names[] = { "auto", "require", "off" };

static enum kho_mode mode;
static bool mode_given, report_wanted;

/* ------------------------------------------------------------------ options */

static int set_mode(const char *name)
{
	char text[256];

	for (int i = 0; i < 3; i++) {
		if (strcmp(name, mode_names[i]))
			continue;
		if (mode_given && mode != (enum kho_mode)i) {
			fprintf(stderr, "--kho=%s and --kho=%s exclude each other: leave one of them out\n",
				mode_names[mode], mode_names[i]);
			return -1;
		}
		mode = i;
		mode_given = true;
		return 0;
	}
	kho_text(text, sizeof(text), name, strlen(name));
	fprintf(stderr, "--kho takes auto, require or off, not \"%s\"\n", text);
	return -1;
}

int kexec_kho_option(int option, const char *argument)
{
	switch (option) {
	case OPT_KHO:
		return set_mode(argument);
	case OPT_KHO_DRY_RUN:
		kho_report.dry_run = true;
		return 0;
	default:
		if (!*argument) {
			fprintf(stderr, "--kho-report takes a file, not an empty string\n");
			return -1;
		}
		if (report_wanted) {
			fprintf(stderr, "--kho-report is there twice: leave one of them out\n");
			return -1;
		}
		report_wanted = true;
		kho_say_report_to(strcmp(argument, "-") ? argument : "/dev/stdout");
		return 0;
	}
}

/* ---------------------------------------------------------------- --kho=off */

/* "dma-alloc, LUO, memblock", or "nothing" */
static void subtree_names(char *buf, size_t size)
{
	const struct kho_subtree *subtrees;
	size_t n, used = 0;

	subtrees = kho_state_subtrees(kho_held.state, &n);
	snprintf(buf, size, "nothing");
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
					 subtrees[i].name);
}

void kho_load_say_dropped(bool file_mode)
{
	struct kho_dma_header header = kho_held_dma();
	char names[256];

	if (file_mode) {
		fprintf(stderr, "kexec: KHO: --kho=off: not verified; the kernel itself hands the state over with kexec_file_load\n");
		return;
	}
	subtree_names(names, sizeof(names));
	fprintf(stderr, "kexec: KHO: --kho=off: the next kernel will not get the state: %" PRIu64 " DMA allocations in %" PRIu64 " pages are dropped, and all of: %s\n",
		header.nr_records, header.nr_pages, names);
}

static void begin_off(bool file_mode)
{
	struct kho_error err;

	kho_held_warn_of_devices();
	if (kho_held_look(&err))
		fprintf(stderr, "kexec: KHO: --kho=off: there may be state, which cannot be read: %s. %s\n",
			err.message, file_mode ?
			"The kernel itself hands it over with kexec_file_load, not verified" :
			"The next kernel will not get it");
	else if (kho_held.state)
		kho_load_say_dropped(file_mode);
}

/* -------------------------------------------------------------------- begin */

/* True if KHO matters for this action: not for a crash kernel, and not on Xen. */
static bool concerns_us(const struct kexec_kho_request *request)
{
	if (request->flags & KEXEC_ON_CRASH || (!request->load && !request->exec))
		return false;
	if (!xen_present())
		return true;
	if (mode == KHO_MODE_REQUIRE)
		kho_say_refused(KHO_RULE_K705, "below Xen the hypervisor jumps, and it does not know KHO.");
	return false;
}

static void begin_load(const struct kexec_kho_request *request, struct kho_load *load)
{
	enum kho_presence presence;

	if (load->give_up) {
		begin_off(request->file_mode);
		return;
	}
	presence = kho_held_open(mode);
	kho_held_refuse_left_behind();
	/* load like upstream; -e checks that there is still no state */
	load->nothing_there = presence == KHO_NOTHING;
	load->active = presence == KHO_PRESENT;
	if (!load->active) {
		kho_held_refuse_devices();
		return;
	}
	kho_held_verify();
	if (request->flags & KEXEC_PRESERVE_CONTEXT)
		kho_say_refused(KHO_RULE_K703, "--load-preserve-context loads a kernel that returns to this one, and cannot take the state.");
	/* kexec itself complains about a missing image */
	if (request->image && access(request->image, R_OK))
		kho_say_refused(KHO_RULE_K706, "cannot read the image of the new kernel: %s.",
				strerror(errno));
}

void kexec_kho_begin(const struct kexec_kho_request *request)
{
	struct kho_load load = {
		.give_up = mode == KHO_MODE_OFF,
		.file_mode = request->file_mode,
		.may_fall_back = request->may_fall_back,
	};

	kho_output_fill_standard();
	kho_report.action = request->load ? "load" : "exec";
	kho_report.mode = mode_names[mode];
	kho_report.required = mode == KHO_MODE_REQUIRE;
	if (request->load)
		kho_report.path = request->file_mode ? "kexec_file_load" : "kexec_load";
	kho_report.image = request->image;
	load.stay_out = !concerns_us(request);
	if ((kho_report.dry_run || report_wanted) && (load.stay_out || request->unload))
		die("%s goes with -l or -e, and not with -p or -u\n",
		    report_wanted ? "--kho-report" : "--kho-dry-run");
	kho_say_begin();

	if (request->unload && !(request->flags & KEXEC_ON_CRASH))
		kho_unload_begin();
	if (!load.stay_out && request->load)
		begin_load(request, &load);
	kho_load_begin(&load);
	kho_jump_begin(mode, load.stay_out);
}

#endif /* HAVE_LIBKHO */
