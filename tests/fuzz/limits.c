// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits of the cost of one input: 256 MiB of heap at a time, and CPU time in proportion to its size.
 * libFuzzer's own limits count wall time and the memory of the whole process, which is mostly
 * libFuzzer's own. KHO_FUZZ_CPU limits the CPU time of the whole run, in seconds: on a busy machine
 * a run of a certain wall time may execute hardly anything.
 * That limit begins after KHO_FUZZ_INPUTS executions, which are the corpus: libFuzzer runs all of it in any case.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <sanitizer/allocator_interface.h>

#include "memory.h"
#include "nomem.h"

#define MEMORY_LIMIT	(256l << 20)
/* With sanitizers everything takes ten times as long; a hang takes far longer than either. */
#define SECONDS		4
#define SECONDS_PER_MIB	8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static atomic_long live;
static atomic_bool counting;

static void on_malloc(const volatile void *p, size_t size)
{
	(void)p;
	if (!counting || atomic_fetch_add(&live, (long)size) + (long)size <= MEMORY_LIMIT)
		return;
	counting = false;
	dprintf(STDERR_FILENO, "ERROR: one input takes more than 256 MiB of the heap\n");
	abort();
}

static void on_free(const volatile void *p)
{
	if (counting && p)
		atomic_fetch_sub(&live, (long)__sanitizer_get_allocated_size(p));
}

static void on_alarm(int signal)
{
	static const char text[] = "ERROR: one input takes too much time of the processor\n";

	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	abort();
}

static void set_alarm(long seconds)
{
	const struct itimerval timer = { .it_value.tv_sec = seconds };

	if (setitimer(ITIMER_PROF, &timer, NULL))
		abort();
}

/* Asks libFuzzer to end the run. It leaves without atexit(), so the scratch folder goes first. */
static void end_run(void)
{
	fuzz_scratch_remove();
	raise(SIGUSR1);
}

static bool cpu_time_is_over(void)
{
	const char *text = getenv("KHO_FUZZ_CPU"), *inputs = getenv("KHO_FUZZ_INPUTS");
	static unsigned long runs;
	struct timespec used;

	/* end_run() would remove the scratch folder of the rest of the corpus */
	if (inputs && runs++ < strtoul(inputs, NULL, 10))
		return false;
	return text && !clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) && used.tv_sec >= atol(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	int ret;

	if (!ready) {
		if (!__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) ||
		    signal(SIGPROF, on_alarm) == SIG_ERR)
			abort();
		ready = true;
	}
	live = 0;
	counting = true;
	set_alarm(SECONDS + (long)(size >> 20) * SECONDS_PER_MIB);
	ret = fuzz_memory_first(data, size);
	set_alarm(SECONDS + (long)(size >> 20) * SECONDS_PER_MIB);
	fuzz_memory_again(data, size);
	set_alarm(0);
	counting = false;
	if (cpu_time_is_over())
		end_run();
	return ret;
}
