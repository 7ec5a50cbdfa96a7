// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Determines which DMA allocations the next kexec would lose. Arguments are groups of three: a snapshot
 * of the incoming state, one of the outgoing state or "-", and the expected result: a number, or the
 * name of an error.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libkho/kho.h"

struct opened {
	struct kho_source *source;
	struct kho_state *state;
};

static int open_side(const char *path, enum kho_side side, struct opened *opened)
{
	*opened = (struct opened){ 0 };
	if (!strcmp(path, "-"))
		return 0;
	if (!kho_source_open_file(path, &opened->source, NULL) &&
	    !kho_state_open(opened->source, side, &opened->state, NULL))
		return 0;
	fprintf(stderr, "%s cannot be opened\n", path);
	return -1;
}

static void close_side(struct opened *opened)
{
	kho_state_close(opened->state);
	kho_source_close(opened->source);
}

static int check(const char *in_path, const char *out_path, const char *expected)
{
	struct opened in, out = { 0 };
	struct kho_error err = { 0 };
	uint64_t records = 12345;
	char found[32];
	int ret;

	if (open_side(in_path, KHO_SIDE_IN, &in) || open_side(out_path, KHO_SIDE_OUT, &out))
		return 1;
	ret = kho_dma_left_behind(in.state, out.state, &records, &err);
	if (!ret)
		snprintf(found, sizeof(found), "%" PRIu64, records);
	else
		snprintf(found, sizeof(found), "%s", ret == KHO_ERR_UNSUPPORTED ? "unsupported" :
			 ret == KHO_ERR_LOOP ? "loop" : "another error");
	close_side(&in);
	close_side(&out);
	if (!strcmp(found, expected) && (!ret || (*err.message && records == 12345)))
		return 0;
	fprintf(stderr, "%s, %s: expected %s, found %s (%s)\n", in_path, out_path, expected, found,
		err.message);
	return 1;
}

int main(int argc, char **argv)
{
	int bad = argc < 4 || argc % 3 != 1;

	for (int i = 1; !bad && i < argc; i += 3)
		bad = check(argv[i], argv[i + 1], argv[i + 2]);
	return bad;
}
