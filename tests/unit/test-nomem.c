// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-nomem FILE...: finds and reads sound states, and lets memory run out at each allocation in turn. The
 * result must be an error or a rule that was not judged, and never a finding, "no state" or a crash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/kho.h"

static long fail_at;		/* allocations until the first that fails, and all after it; 0: none fails */

static bool runs_out(void)
{
	if (fail_at > 1)
		fail_at--;
	return fail_at == 1;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return runs_out() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return runs_out() ? NULL : __real_calloc(n, size);
}

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return runs_out() ? NULL : __real_reallocarray(p, n, size);
}

static int see(const struct kho_finding *finding, void *data)
{
	size_t *wrong = data;

	if (finding->severity > KHO_SEVERITY_INFO && finding->outcome == KHO_OUTCOME_FOUND) {
		printf("%s: %s\n", finding->rule->id, finding->message);
		++*wrong;
	}
	return 0;
}

static int see_item(const struct kho_item *item, void *data)
{
	(void)item;
	(void)data;
	return 0;
}

/* True if there was enough memory. */
static bool try(const char *path, long n, size_t *wrong)
{
	const struct kho_verify_options options = { .skip_content = true };
	const struct kho_subtree *subtrees;
	struct kho_verify_summary summary;
	struct kho_source *source;
	struct kho_state *state = NULL;
	struct kho_error err = { 0 };
	bool enough;
	size_t nr;
	int ret;

	if (kho_source_open_file(path, &source, &err) ||
	    (kho_state_open(source, KHO_SIDE_OUT, &state, &err) &&
	     kho_state_open(source, KHO_SIDE_IN, &state, &err))) {
		printf("%s: %s\n", path, err.message);
		exit(1);
	}
	fail_at = n + 1;
	ret = kho_verify(state, &options, see, wrong, &summary, &err);
	enough = fail_at > 1;
	if (ret && err.code != KHO_ERR_NOMEM) {
		printf("%s\n", err.message);
		++*wrong;
	}
	subtrees = kho_state_subtrees(state, &nr);
	for (size_t i = 0; i < nr; i++) {
		fail_at = n + 1;
		kho_subtree_decode(state, &subtrees[i], see_item, NULL, &err);
	}
	fail_at = 0;
	kho_state_close(state);
	kho_source_close(source);
	return enough;
}

/* True if there was enough memory to find the state. The result is the same then. */
static bool try_open(const char *path, enum kho_side side, long n, size_t *wrong)
{
	struct kho_source *source = NULL;
	struct kho_state *state = NULL;
	struct kho_error err = { 0 };
	bool enough;
	int ret;

	fail_at = n + 1;
	ret = kho_source_open_file(path, &source, &err);
	if (!ret)
		ret = kho_state_open(source, side, &state, &err);
	enough = fail_at > 1;
	if (ret && (enough || ret != KHO_ERR_NOMEM)) {
		printf("%s: allocation %ld: %s\n", path, n, err.message);
		++*wrong;
	}
	fail_at = 0;
	if (state)
		kho_state_close(state);
	if (source)
		kho_source_close(source);
	return enough;
}

int main(int argc, char **argv)
{
	enum kho_side side;
	size_t wrong = 0;

	for (int i = 1; i < argc; i++) {
		long n = 1;

		while (!try(argv[i], n, &wrong))
			n++;
		printf("%s: %ld allocations\n", argv[i], n - 1);
		wrong += n < 4;
		side = strstr(argv[i], "incoming") ? KHO_SIDE_IN : KHO_SIDE_OUT;
		for (n = 1; !try_open(argv[i], side, n, &wrong); n++)
			;
		wrong += n < 4;
	}
	return wrong || argc < 2;
}
