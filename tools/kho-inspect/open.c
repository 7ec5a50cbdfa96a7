// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inspect.h"
#include "sandbox.h"

enum kho_side option_side(const struct options *options)
{
	return options->in ? KHO_SIDE_IN : KHO_SIDE_OUT;
}

bool parse_decimal(const char *text, uint64_t *number, char **end)
{
	/* strtoull() accepts a sign and white space */
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, end, 10);
	return !errno;
}

bool parse_id(const char *text, uint64_t *id)
{
	char *end;

	return parse_decimal(text, id, &end) && !*end;
}

/* --------------------------------------------------------------- progress */

/* A progress line on stderr for operations of more than a second. */
static void show_progress(uint64_t done, uint64_t total, void *data)
{
	struct progress *progress = data;
	struct timespec now;
	unsigned int percent;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (double)(now.tv_sec - progress->start.tv_sec) +
		  (double)(now.tv_nsec - progress->start.tv_nsec) / 1e9;
	if (!total || seconds < 1)
		return;
	percent = done < total ? (unsigned int)((double)done / (double)total * 100) : 100;
	if (percent == progress->percent)
		return;
	progress->percent = percent;
	fprintf(stderr, "\r%s [%-20.*s] %3u%%", progress->what, (int)(percent / 5),
		"####################", percent);
	progress->shown = true;
}

static void start_progress(struct opened *opened)
{
	if (!isatty(STDERR_FILENO))
		return;
	opened->progress = calloc(1, sizeof(*opened->progress));
	if (!opened->progress)
		return;
	kho_source_set_progress(opened->source, show_progress, opened->progress);
	progress_begin(opened, "looking through memory");
}

void progress_begin(struct opened *opened, const char *what)
{
	struct progress *progress = opened->progress;

	if (!progress)
		return;
	progress_hide(progress);
	*progress = (struct progress){ .what = what };
	clock_gettime(CLOCK_MONOTONIC, &progress->start);
}

void progress_tell(struct opened *opened, uint64_t done, uint64_t total)
{
	if (!opened->progress || done - opened->progress->done <= total / 256)
		return;
	opened->progress->done = done;
	show_progress(done, total, opened->progress);
}

void progress_hide(struct progress *progress)
{
	if (!progress || !progress->shown)
		return;
	fputs("\r\033[K", stderr);
	progress->shown = false;
	progress->percent = 0;
}

static bool is_snapshot(const struct kho_state *state)
{
	return kho_state_found_by(state) == KHO_FOUND_SNAPSHOT;
}

/*
 * A snapshot has one side, so --in is not needed. Any other file may hold both: an incoming root alone
 * does not prove that there is no outgoing one.
 */
static bool open_incoming_snapshot(struct opened *opened)
{
	if (kho_state_open(opened->source, KHO_SIDE_IN, &opened->state, NULL))
		return false;
	if (is_snapshot(opened->state))
		return true;
	kho_state_close(opened->state);
	opened->state = NULL;
	return false;
}

static int set_v1_bitmap(const struct options *options, struct kho_state *state, struct kho_error *err)
{
	unsigned int bytes = options->v1_bitmap == V1_BITMAP_512 ? 512 : kho_state_page_size(state);
	int ret;

	if (options->v1_bitmap == V1_BITMAP_UNKNOWN)
		return 0;
	ret = kho_state_set_v1_bitmap(state, bytes);
	if (ret) {
		*err = (struct kho_error){ .code = ret, .addr = KHO_NO_ADDR };
		snprintf(err->message, sizeof(err->message),
			 "--v1-bitmap contradicts kernel \"%.40s\", which has bitmaps of another size",
			 kho_state_release(state));
		snprintf(err->remedy, sizeof(err->remedy), "Leave it out.");
	}
	return ret;
}

int open_state(const struct options *options, enum kho_side side, bool strict, struct opened *out,
	       struct kho_error *err)
{
	struct opened opened = { 0 };
	int ret;

	if (options->core)
		ret = kho_source_open_file(options->core, &opened.source, err);
	else
		ret = kho_source_open_live(options->sysroot, &opened.source, err);
	if (ret)
		return ret;

	ret = kho_source_set_page_size(opened.source, options->page_size, err);
	if (!ret && options->vmlinux)
		ret = kho_source_set_vmlinux(opened.source, options->vmlinux, err);
	if (!ret) {
		start_progress(&opened);
		ret = kho_state_open(opened.source, side, &opened.state, err);
		if (ret == KHO_ERR_NO_STATE && options->core && side == KHO_SIDE_OUT && !strict &&
		    open_incoming_snapshot(&opened))
			ret = 0;
		progress_hide(opened.progress);
	}
	if (ret) {
		free(opened.progress);
		kho_source_close(opened.source);
		return ret;
	}
	ret = set_v1_bitmap(options, opened.state, err);
	if (ret) {
		close_state(&opened);
		return ret;
	}

	*out = opened;
	return 0;
}

/* True if the map is read in a way that --v1-bitmap decides. */
static bool has_v1_map(const struct kho_state *state)
{
	return kho_state_abi(state) == KHO_ABI_V1 && kho_state_side(state) == KHO_SIDE_OUT;
}

bool options_have_effect(const struct options *options, const struct kho_state *a,
			 const struct kho_state *b)
{
	bool snapshots = is_snapshot(a) && (!b || is_snapshot(b));

	if (options->vmlinux && snapshots)
		complain("A snapshot says itself where the root FDT is. Leave --vmlinux out.");
	else if (options->in && b && snapshots)
		complain("A snapshot holds one side. Leave --in out.");
	else if (options->v1_bitmap && !has_v1_map(a) && (!b || !has_v1_map(b)))
		complain("--v1-bitmap is about an outgoing map of kho-v1, and this is the %s state of \"%s\". Leave it out.",
			 kho_side_name(kho_state_side(a)), kho_state_compatible(a));
	else
		return true;
	return false;
}

void close_state(struct opened *opened)
{
	progress_hide(opened->progress);
	kho_state_close(opened->state);
	kho_source_close(opened->source);
	free(opened->progress);
}

static bool give_up(const struct options *options, enum sandbox level)
{
	int ret = options->no_sandbox ? 0 : sandbox_enter(level);

	/* old kernels and some builds have no filters: go on without */
	if (!ret || ret == -ENOSYS)
		return true;
	complain("cannot give up system calls: %s. --no-sandbox goes on without.", strerror(-ret));
	return false;
}

bool enter_sandbox(const struct options *options)
{
	return give_up(options, SANDBOX_READ);
}

bool close_sandbox(const struct options *options)
{
	/* libkho reads the running kernel's files again when the state changes */
	if (!options->core)
		return true;
	return give_up(options, SANDBOX_CLOSED);
}

int fail(const struct kho_error *err)
{
	return complain("%s.%s%s", *err->message ? err->message : kho_strerror(err->code),
			*err->remedy ? " " : "", err->remedy);
}

bool open_or_fail(const struct options *options, struct opened *out)
{
	struct kho_error err;

	if (!open_state(options, option_side(options), false, out, &err)) {
		if (options_have_effect(options, out->state, NULL) && close_sandbox(options))
			return true;
		close_state(out);
		return false;
	}
	fail(&err);
	return false;
}
