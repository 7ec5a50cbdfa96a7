// SPDX-License-Identifier: GPL-2.0-or-later
/* The box in which kexec reads images can answer, and do nothing else. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "kexec/kexec-kho-box.h"

#define MIB	(1u << 20)

static int failed;

static void *volatile sink;

static void add_one(const void *question, void *answer)
{
	*(int *)answer = *(const int *)question + 1;
}

/* Allocates small, large and growing pieces in any order, like decompressors. */
static void use_heap(const void *question, void *answer)
{
	size_t size = 1;

	(void)question;
	for (int i = 0; i < 1000; i++) {
		char *small = malloc(100 + i), *large = malloc(MIB + 1000u * (unsigned int)i);

		if (!small || !large)
			return;
		memset(large, 1, MIB);
		free(small);
		free(large);
	}
	for (char *p = malloc(size); p; size *= 2) {
		char *more = size < 16 * MIB ? realloc(p, 2 * size) : NULL;

		if (!more) {
			free(p);
			break;
		}
		p = more;
	}
	*(int *)answer = 7;
}

/* Like libkho for a packed kernel, after kho_target_libraries_load() has loaded the library. */
static void use_library(const void *question, void *answer)
{
	void *library = dlopen(KHO_LIBRARY_LZ4, RTLD_NOW | RTLD_LOCAL);

	(void)question;
	*(int *)answer = library && dlsym(library, "LZ4_decompress_safe") ? 7 : 8;
}

static void use_too_much(const void *question, void *answer)
{
	(void)question;
	for (int i = 0; i < 200; i++) {
		sink = malloc(MIB);
		if (sink)
			memset(sink, 1, MIB);
	}
	*(int *)answer = 7;
}

static void open_file(const void *question, void *answer)
{
	(void)question;
	*(int *)answer = open("/dev/null", O_RDONLY) < 0 ? 7 : 8;
}

static void map_code(const void *question, void *answer)
{
	(void)question;
	sink = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(int *)answer = 7;
}

static void signal_parent(const void *question, void *answer)
{
	(void)question;
	kill(getppid(), SIGTERM);
	*(int *)answer = 7;
}

static void crash(const void *question, void *answer)
{
	(void)question;
	*(int *)answer = 7;
	raise(SIGSEGV);
}

static void check(const char *what, void (*fn)(const void *question, void *answer),
		  enum kho_box_end wanted, int value)
{
	const int question = 6;
	int answer = 0;
	enum kho_box_end end = kho_box_run(64 * MIB, fn, &question, &answer, sizeof(answer));

	if (end == wanted && (end != KHO_BOX_ANSWERED || answer == value))
		return;
	fprintf(stderr, "%s: ended %d with %d\n", what, end, answer);
	failed = 1;
}

int main(void)
{
	check("an answer", add_one, KHO_BOX_ANSWERED, 7);
	check("memory", use_heap, KHO_BOX_ANSWERED, 7);
	check("a library that is not loaded", use_library, KHO_BOX_ENDED, 0);
	sink = dlopen(KHO_LIBRARY_LZ4, RTLD_NOW | RTLD_LOCAL);
	check("a library that is loaded", use_library, KHO_BOX_ANSWERED, 7);
	check("too much memory", use_too_much, KHO_BOX_ENDED, 0);
	check("a file", open_file, KHO_BOX_ENDED, 0);
	check("code", map_code, KHO_BOX_ENDED, 0);
	check("a signal", signal_parent, KHO_BOX_ENDED, 0);
	check("a crash", crash, KHO_BOX_ENDED, 0);
	return failed;
}
