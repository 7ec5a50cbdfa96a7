// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-progress DUMP SNAPSHOT: the reported progress of verify and of a snapshot grows up to the end,
 * and is not reported too often.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "libkho/kho.h"

#define MOST_CALLS	300

struct told {
	unsigned int calls;
	uint64_t done, total;
	bool fell;
};

static void tell(uint64_t done, uint64_t total, void *data)
{
	struct told *told = data;

	told->fell |= done < told->done || done > total || (told->total && total != told->total);
	told->done = done;
	told->total = total;
	told->calls++;
}

static int ignore(const struct kho_finding *finding, void *data)
{
	(void)finding;
	(void)data;
	return 0;
}

static void expect(const char *what, const struct told *told)
{
	if (!told->fell && told->calls > 1 && told->calls <= MOST_CALLS && told->total &&
	    told->done == told->total)
		return;
	fprintf(stderr, "%s: %u calls, %" PRIu64 " of %" PRIu64 " in the end%s\n", what, told->calls,
		told->done, told->total, told->fell ? ", and it fell" : "");
	exit(1);
}

static void __attribute__((noreturn)) die(const struct kho_error *err)
{
	fprintf(stderr, "test-progress: %s\n", err->message);
	exit(1);
}

int main(int argc, char **argv)
{
	const struct kho_verify_options options = { .skip_content = false };
	struct kho_verify_summary summary;
	struct told told = { 0 };
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;

	if (argc != 3)
		return 2;
	if (kho_source_open_file(argv[1], &source, &err) ||
	    kho_state_open(source, KHO_SIDE_OUT, &state, &err))
		die(&err);
	kho_source_set_progress(source, tell, &told);
	if (kho_verify(state, &options, ignore, NULL, &summary, &err))
		die(&err);
	expect("verify", &told);

	told = (struct told){ 0 };
	if (kho_snapshot_write(state, argv[2], &err))
		die(&err);
	expect("snapshot", &told);

	kho_state_close(state);
	kho_source_close(source);
	return 0;
}
