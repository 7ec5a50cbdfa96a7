// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that runs out. With KHO_FUZZ_NOMEM=1, each input runs again, and one allocation of libkho
 * or the tools fails, or this one and all after it. A hash of the input chooses it. The second run
 * must not crash or leak, and must not say anything about the state that the first one did not say.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sanitizer/lsan_interface.h>

#include "memory.h"
#include "nomem.h"
#include "tests/unit/wrap-memory.h"

#define MAX_RULES	256
#define MAX_CODES	64
#define MANY		500
#define MAX_FILES	256
#define MAX_STATUSES	16

static unsigned int held;	/* above 0: the calls are the fuzzer's own, and neither count nor fail */
static unsigned long calls, fail_at;	/* fail_at 0: none fails */
static bool all_after, failed;

static const struct kho_rule *rules[MAX_RULES];
static size_t nr_rules;
static bool codes[MAX_CODES];
static int statuses[MAX_STATUSES];
static size_t nr_statuses, status_at;

static jmp_buf *on_exit_jump;

void fuzz_memory_hold(void)
{
	held++;
}

void fuzz_memory_release(void)
{
	held--;
}

bool fuzz_memory_fails(void)
{
	return fail_at;
}

bool memory_runs_out(void)
{
	if (held)
		return false;
	calls++;
	if (!fail_at || calls < fail_at || (calls > fail_at && !all_after))
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

/* A tool that runs out of memory calls exit(). Here this returns to fuzz_until_exit(). */
void __real_exit(int status) __attribute__((noreturn));
void __wrap_exit(int status) __attribute__((noreturn));
void __wrap_exit(int status)
{
	if (!on_exit_jump)
		__real_exit(status);
	/* "cannot tell" of all tools */
	if (!failed || status != 2)
		abort();
	longjmp(*on_exit_jump, 1);
}

/* Notes which files are open, or closes all others. */
static void look_at_files(bool before[MAX_FILES], bool close_others)
{
	for (int fd = 0; fd < MAX_FILES; fd++) {
		if (!close_others)
			before[fd] = fcntl(fd, F_GETFD) >= 0;
		else if (!before[fd])
			close(fd);
	}
}

bool fuzz_until_exit(void (*fn)(void *data), void *data)
{
	jmp_buf here, *before = on_exit_jump;
	bool files[MAX_FILES];

	on_exit_jump = &here;
	if (!fail_at) {
		fn(data);
		on_exit_jump = before;
		return false;
	}
	/* the kernel frees what a tool has not freed at its exit */
	look_at_files(files, false);
	__lsan_disable();
	if (!setjmp(here)) {
		fn(data);
		on_exit_jump = before;
		__lsan_enable();
		return false;
	}
	on_exit_jump = before;
	__lsan_enable();
	look_at_files(files, true);
	return true;
}

static void __attribute__((noreturn)) die(const char *what, const char *which)
{
	dprintf(STDERR_FILENO, "ERROR: %s%s\n", what, which);
	abort();
}

void fuzz_memory_rule(const struct kho_rule *rule)
{
	for (size_t i = 0; i < nr_rules; i++) {
		if (rules[i] == rule)
			return;
	}
	if (fail_at || nr_rules == MAX_RULES)
		die("a finding because of memory: ", rule->id);
	rules[nr_rules++] = rule;
}

void fuzz_memory_error(const struct kho_error *err)
{
	int code = err->code < 0 ? -err->code : err->code;

	if (code >= MAX_CODES || !*kho_strerror(err->code) || !*err->message)
		die("an error without a text: ", kho_strerror(err->code));
	if (!fail_at)
		codes[code] = true;
	else if (err->code != KHO_ERR_NOMEM && !codes[code] && !(err->code == KHO_ERR_OS && err->os_errno == ENOMEM))
		die("another error than that memory ran out: ", err->message);
}

void fuzz_memory_status(int status)
{
	if (!fail_at && nr_statuses < MAX_STATUSES)
		statuses[nr_statuses++] = status;
	else if (fail_at && status_at < nr_statuses && statuses[status_at++] && !status)
		die("a pass because of memory", "");
}

static uint64_t hash(const uint8_t *data, size_t size)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < size; i++)
		h = (h ^ data[i]) * 0x100000001b3ull;
	return h ^ h >> 32;
}

int fuzz_memory_first(const uint8_t *data, size_t size)
{
	nr_rules = nr_statuses = status_at = calls = fail_at = 0;
	memset(codes, 0, sizeof(codes));
	return fuzz_one(data, size);
}

void fuzz_memory_again(const uint8_t *data, size_t size)
{
	const char *wanted = getenv("KHO_FUZZ_NOMEM");
	uint64_t h;

	if (!wanted || strcmp(wanted, "1"))
		return;
	h = hash(data, size);
	/* of the slow inputs, run only some again */
	if (!calls || (calls > MANY && h % 4))
		return;
	fail_at = 1 + (h >> 3) % calls;
	all_after = h >> 2 & 1;
	failed = false;
	calls = 0;
	fuzz_one(data, size);
	fail_at = 0;
}
