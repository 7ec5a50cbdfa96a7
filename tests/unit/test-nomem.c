// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-nomem SYSROOT FILE...: looks at a kernel that has KHO on but does not show it, finds and reads sound states,
 * and lets memory run out at each allocation in turn. The result must be an error or a rule that was not judged,
 * and never a finding, "no state", "KHO is off" or a crash.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/kho.h"

static long fail_at;		/* allocations until the first that fails, and all after it; 0: none fails */

static bool runs_out(void)
{
	if (fail_at > 1)
		fail_at--;
	if (fail_at != 1)
		return false;
	errno = ENOMEM;
	return true;
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

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size)
{
	return runs_out() ? NULL : __real_realloc(p, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
	return runs_out() ? NULL : __real_strdup(text);
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

/* True if there was enough memory. A kernel that has KHO on, but does not show it, is not one that has it off. */
static bool try_live(const char *sysroot, long n, size_t *wrong)
{
	struct kho_source *source = NULL;
	struct kho_error err = { 0 };
	bool enough;
	int on, ret;

	fail_at = n + 1;
	on = kho_kernel_is_on(sysroot);
	enough = fail_at > 1;
	fail_at = n + 1;
	ret = kho_source_open_live(sysroot, &source, &err);
	if (on != (enough ? 1 : -1) || (ret != KHO_ERR_NOMEM && ret != KHO_ERR_NO_KHO)) {
		printf("%s: allocation %ld: KHO is %d: %s\n", sysroot, n, on, err.message);
		++*wrong;
	}
	enough = fail_at > 1;
	fail_at = 0;
	if (source)
		kho_source_close(source);
	return enough;
}

/* Returns the number of allocations until all succeed. */
static long try_machine(const char *sysroot, size_t *wrong)
{
	long n = 1;

	while (!try_live(sysroot, n, wrong))
		n++;
	return n;
}

int main(int argc, char **argv)
{
	enum kho_side side;
	size_t wrong = 0;

	if (argc < 3)
		return 1;
	wrong += try_machine(argv[1], &wrong) < 4;
	for (int i = 2; i < argc; i++) {
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
	return wrong > 0;
}
