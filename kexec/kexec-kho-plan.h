/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decisions of kexec --kho. Needs nothing of kexec-tools or of a running kernel, so
 * that it can be tested by itself.
 */
#ifndef KEXEC_KHO_PLAN_H
#define KEXEC_KHO_PLAN_H

#include <stddef.h>
#include <stdint.h>

struct kho_range;

/*
 * The longest command line, without its end, that x86 kernels take: COMMAND_LINE_SIZE
 * of 2048. What is longer is cut off without a word on the kexec_load path.
 */
#define KHO_COMMAND_LINE_MAX	2047

/* setup_data of x86, Documentation/arch/x86/boot.rst of Linux 7.3. */
#define KHO_SETUP_TYPE	10	/* SETUP_KEXEC_KHO */

/*
 * The node of setup_data that hands the state over. The scratch table lies in
 * its payload, for the target's KASLR keeps clear of setup_data but not of what
 * that points to: anywhere else the next kernel may land on the table.
 */
struct kho_setup_data {
	uint64_t next;
	uint32_t type;
	uint32_t len;		/* of all that follows */
	uint64_t fdt_addr;
	uint64_t fdt_size;
	uint64_t scratch_addr;	/* of scratch[] below */
	uint64_t scratch_size;
	struct {
		uint64_t addr;
		uint64_t size;
	} scratch[];
} __attribute__((packed));

/*
 * Allocates the node for the scratch table, whole and in its own order. The
 * caller fills in next, and scratch_addr once it knows where the node will be.
 * NULL when out of memory. *size is that of the whole node.
 */
struct kho_setup_data *kho_plan_setup_data(uint64_t fdt_addr, uint64_t fdt_size,
					   const struct kho_range *scratch, size_t n,
					   size_t *size);

/*
 * @command_line (may be NULL) with rd.kho.expect= exactly once: that of @expect, in front of
 * everything, or not at all when @expect is NULL. Behind "--" or init= it would end up with
 * init. Allocated; NULL when out of memory.
 */
char *kho_plan_command_line(const char *command_line, const char *expect);

/*
 * The parts of [start, end] (inclusive, as kexec-tools has them) that lie in
 * scratch areas, sorted by address, into out[], which has room for @n of them.
 * Returns how many there are.
 */
size_t kho_plan_intersect(uint64_t start, uint64_t end, const struct kho_range *scratch,
			  size_t n, struct kho_range *out);

/* True if [addr, addr+size) lies in one scratch area. */
int kho_plan_in_scratch(uint64_t addr, uint64_t size, const struct kho_range *scratch,
			size_t n);

/*
 * A name for the content of a segment of @size bytes (@memsz in memory): "kernel",
 * "initrd", "boot parameters" or "data".
 */
const char *kho_plan_content(const void *buf, size_t size, size_t memsz, size_t page);

/* Bytes of memory for reading an image of @size bytes: enough for any kernel, and a bound. */
size_t kho_plan_box(size_t size);

#endif /* KEXEC_KHO_PLAN_H */
