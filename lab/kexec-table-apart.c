// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A library to load into kexec (LD_PRELOAD). It moves KHO's scratch table out of the payload of its
 * setup_data into a segment of its own, 16 MiB into the first scratch region. A loader may put the table
 * there. KASLR avoids setup_data, but not memory that setup_data refers to. Use the library with
 * kexec -i, because otherwise purgatory detects that setup_data changed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/kexec.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SETUP_KEXEC_KHO	10	/* arch/x86/include/uapi/asm/setup_data.h, Linux 7.3 */
#define PAGE		4096UL
#define APART		(16UL << 20)

struct setup_data_kho {
	uint64_t next;
	uint32_t type, len;
	uint64_t fdt_addr, fdt_size, scratch_addr, scratch_size;
} __attribute__((packed));

struct scratch {
	uint64_t addr, size;
};

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "kexec-table-apart: %s\n", what);
	exit(99);
}

/* Returns KHO's setup_data node if its segment also contains the table, else NULL. */
static struct setup_data_kho *find(const struct kexec_segment *segments, size_t n,
				   const struct scratch **table)
{
	for (size_t i = 0; i < n; i++) {
		const struct kexec_segment *s = &segments[i];
		uint64_t start = (uintptr_t)s->mem;

		for (size_t at = 0; at + sizeof(struct setup_data_kho) <= s->bufsz; at += 8) {
			struct setup_data_kho *node = (void *)((char *)s->buf + at);

			if (node->type != SETUP_KEXEC_KHO || node->scratch_addr < start ||
			    node->scratch_size < sizeof(**table) || node->scratch_size > PAGE ||
			    node->scratch_addr + node->scratch_size > start + s->bufsz)
				continue;
			*table = (const void *)((char *)s->buf + (node->scratch_addr - start));
			return node;
		}
	}
	return NULL;
}

static void move_table(struct kexec_segment *segments, size_t *n)
{
	struct kexec_segment *apart = &segments[*n];
	const struct scratch *table;
	struct setup_data_kho *node = find(segments, *n, &table);
	char *page = aligned_alloc(PAGE, PAGE);
	uintptr_t to;

	if (!node || !page || *n >= KEXEC_SEGMENT_MAX)
		fail("found no setup_data with a scratch table, or cannot add a segment");
	to = table->addr + APART;
	if (APART + PAGE > table->size)
		fail("scratch is too small");
	for (size_t i = 0; i < *n; i++) {
		uintptr_t start = (uintptr_t)segments[i].mem;

		if (to < start + segments[i].memsz && start < to + PAGE)
			fail("another segment is where the table must go");
	}
	memset(page, 0, PAGE);
	memcpy(page, table, node->scratch_size);
	*apart = (struct kexec_segment){ page, PAGE, (void *)to, PAGE };
	node->scratch_addr = to;
	(*n)++;
	printf("the scratch table is at 0x%lx\n", (unsigned long)to);
	fflush(stdout);
}

/* Replaces libc's function, which kexec-tools calls. Changes only kexec_load(). */
long syscall(long number, ...)
{
	static long (*real)(long number, ...);
	struct kexec_segment segments[KEXEC_SEGMENT_MAX + 1];
	long args[6];
	va_list ap;
	size_t n;

	if (!real) {
		void *symbol = dlsym(RTLD_NEXT, "syscall");

		if (!symbol)
			fail("libc has no syscall()");
		memcpy(&real, &symbol, sizeof(real));
	}
	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(ap, long);
	va_end(ap);

	n = (size_t)args[1];
	if (number == SYS_kexec_load && n && n < KEXEC_SEGMENT_MAX) {
		memcpy(segments, (const void *)args[2], n * sizeof(*segments));
		move_table(segments, &n);
		args[1] = (long)n;
		args[2] = (long)segments;
	}
	return real(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}
