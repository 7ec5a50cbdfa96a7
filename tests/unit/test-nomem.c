// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-nomem SYSROOT SYSROOT MACHINE KERNEL FILE...: lets memory run out at each allocation in turn, once only that
 * one and once all after it, while libkho
 * - looks at two kernels that have KHO on but do not show it, the second one without a configuration,
 * - finds the incoming root of a machine,
 * - examines a kernel image,
 * - finds and reads the states of the files.
 * The result must be an error, a rule that was not judged, or the same as with enough memory. It must not be another
 * finding, "no state", "KHO is off" or a crash.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/kho.h"
#include "tests/unit/wrap-memory.h"

static long fail_at;		/* allocations until the first that fails; 0: none fails */
static bool only_one;		/* else all after it fail too */

bool memory_runs_out(void)
{
	bool first = fail_at > 1;

	if (first)
		fail_at--;
	if (fail_at != 1 || (only_one && !first))
		return false;
	errno = ENOMEM;
	return true;
}

FILE *__real_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode)
{
	return memory_runs_out() ? NULL : __real_fdopen(fd, mode);
}

#define MAX_RULES	256

struct seen {
	const struct kho_rule *rules[MAX_RULES];	/* of the findings with enough memory */
	size_t n, *wrong;
};

static int note(const struct kho_finding *finding, void *data)
{
	struct seen *seen = data;

	if (finding->outcome == KHO_OUTCOME_FOUND && seen->n < MAX_RULES)
		seen->rules[seen->n++] = finding->rule;
	return 0;
}

static int see(const struct kho_finding *finding, void *data)
{
	const struct seen *seen = data;

	if (finding->severity == KHO_SEVERITY_INFO || finding->outcome != KHO_OUTCOME_FOUND)
		return 0;
	for (size_t i = 0; i < seen->n; i++) {
		if (seen->rules[i] == finding->rule)
			return 0;
	}
	printf("%s: %s\n", finding->rule->id, finding->message);
	++*seen->wrong;
	return 0;
}

/* Adds the text of an item to a hash. */
static int hash_item(const struct kho_item *item, void *data)
{
	const char *texts[] = { item->name, item->text };
	size_t *hash = data;

	for (size_t i = 0; i < 2; i++) {
		for (const char *p = texts[i]; *p; p++)
			*hash = (*hash ^ (unsigned char)*p) * 16777619;
	}
	return 0;
}

/* Decodes a subtree without the map from before. */
static int decode(struct kho_state *state, const struct kho_subtree *subtree, long fail, size_t *hash)
{
	int ret;

	*hash = 1;
	kho_state_set_v1_bitmap(state, 0);
	fail_at = fail;
	ret = kho_subtree_decode(state, subtree, hash_item, hash, NULL);
	fail_at = 0;
	return ret;
}

static void try_decode(struct kho_state *state, long n, size_t *wrong)
{
	const struct kho_subtree *subtrees;
	size_t nr, want, got;

	subtrees = kho_state_subtrees(state, &nr);
	for (size_t i = 0; i < nr; i++) {
		int ret = decode(state, &subtrees[i], 0, &want), again;

		again = decode(state, &subtrees[i], n + 1, &got);
		if (again == KHO_ERR_NOMEM || (again == ret && got == want))
			continue;
		printf("subtree %s: allocation %ld: %s, not %s, or other items\n", subtrees[i].name, n,
		       kho_strerror(again), kho_strerror(ret));
		++*wrong;
	}
}

/* True if there was enough memory. */
static bool try_verify(const char *path, long n, size_t *wrong)
{
	const struct kho_verify_options options = { .skip_content = true };
	struct seen seen = { .wrong = wrong };
	struct kho_verify_summary summary;
	struct kho_source *source;
	struct kho_state *state = NULL;
	struct kho_error err = { 0 };
	bool enough;
	int ret;

	if (kho_source_open_file(path, &source, &err) ||
	    (kho_state_open(source, KHO_SIDE_OUT, &state, &err) &&
	     kho_state_open(source, KHO_SIDE_IN, &state, &err))) {
		printf("%s: %s\n", path, err.message);
		exit(1);
	}
	kho_verify(state, &options, note, &seen, &summary, NULL);
	kho_state_set_v1_bitmap(state, 0);
	fail_at = n + 1;
	ret = kho_verify(state, &options, see, &seen, &summary, &err);
	enough = fail_at > 1;
	fail_at = 0;
	if (ret && err.code != KHO_ERR_NOMEM) {
		printf("%s\n", err.message);
		++*wrong;
	}
	try_decode(state, n, wrong);
	kho_state_close(state);
	kho_source_close(source);
	return enough;
}

struct opened {
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;
	int ret;
	bool enough;
};

/* Opens the state of a machine (@live) or a file while allocation @n fails. */
static struct opened open_scarce(const char *path, bool live, enum kho_side side, long n)
{
	struct opened opened = { 0 };

	fail_at = n + 1;
	if (live)
		opened.ret = kho_source_open_live(path, &opened.source, &opened.err);
	else
		opened.ret = kho_source_open_file(path, &opened.source, &opened.err);
	if (!opened.ret)
		opened.ret = kho_state_open(opened.source, side, &opened.state, &opened.err);
	opened.enough = fail_at > 1;
	fail_at = 0;
	return opened;
}

static bool close_scarce(struct opened *opened)
{
	kho_state_close(opened->state);
	kho_source_close(opened->source);
	return opened->enough;
}

/* True if there was enough memory to find the state. Then the result is the usual one. */
static bool try_open(const char *path, long n, size_t *wrong)
{
	enum kho_side side = strstr(path, "incoming") ? KHO_SIDE_IN : KHO_SIDE_OUT;
	struct opened opened = open_scarce(path, false, side, n);

	if (opened.ret && (opened.enough || opened.ret != KHO_ERR_NOMEM)) {
		printf("%s: allocation %ld: %s\n", path, n, opened.err.message);
		++*wrong;
	}
	return close_scarce(&opened);
}

/* True if there was enough memory. A kernel has KHO on but does not show it: the answer is never "off". */
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

/* True if there was enough memory. Then libkho finds the root in the quick way, and otherwise in no other way. */
static bool try_find(const char *sysroot, long n, size_t *wrong)
{
	struct opened opened = open_scarce(sysroot, true, KHO_SIDE_IN, n);

	if (opened.ret ? opened.enough || opened.ret != KHO_ERR_NOMEM :
	    kho_state_found_by(opened.state) != KHO_FOUND_SETUP_DATA || !*kho_state_release(opened.state)) {
		printf("%s: allocation %ld: %s\n", sysroot, n,
		       opened.ret ? opened.err.message : "another root, or no release");
		++*wrong;
	}
	return close_scarce(&opened);
}

/* True if there was enough memory. If its configuration is lost for lack of memory, the image must not pass for one without a configuration. */
static bool try_target(const char *path, long n, size_t *wrong)
{
	struct kho_target target = { 0 };
	struct kho_error err = { 0 };
	bool enough;
	int ret;

	fail_at = n + 1;
	ret = kho_target_read(path, &target, &err);
	enough = fail_at > 1;
	fail_at = 0;
	if (ret ? enough || ret != KHO_ERR_NOMEM : !target.config_known) {
		printf("%s: allocation %ld: %s\n", path, n, ret ? err.message : "its configuration is lost");
		++*wrong;
	}
	return enough;
}

/* Lets each allocation fail in turn, until there was enough memory. Expects at least @least allocations. */
static void try_each(bool (*fn)(const char *path, long n, size_t *wrong), const char *path, long least, size_t *wrong)
{
	long n = 1;

	while (!fn(path, n, wrong))
		n++;
	if (n <= least) {
		printf("%s: only %ld allocations\n", path, n - 1);
		++*wrong;
	}
}

static size_t try_all(int argc, char **argv)
{
	size_t wrong = 0;

	try_each(try_live, argv[1], 3, &wrong);
	try_each(try_live, argv[2], 3, &wrong);
	try_each(try_find, argv[3], 3, &wrong);
	try_each(try_target, argv[4], 2, &wrong);
	for (int i = 5; i < argc; i++) {
		try_each(try_verify, argv[i], 3, &wrong);
		try_each(try_open, argv[i], 3, &wrong);
	}
	return wrong;
}

int main(int argc, char **argv)
{
	size_t wrong;

	if (argc < 6)
		return 1;
	wrong = try_all(argc, argv);
	only_one = true;
	wrong += try_all(argc, argv);
	return wrong > 0;
}
