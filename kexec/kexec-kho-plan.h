/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decisions of kexec --kho. Needs nothing of kexec-tools or of a running kernel, so
 * that it can be tested by itself.
 */
#ifndef KEXEC_KHO_PLAN_H
#define KEXEC_KHO_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kho.h>

/*
 * The longest command line, without its NUL, that x86 kernels take (COMMAND_LINE_SIZE is 2048).
 * On the kexec_load path the kernel silently cuts off a longer one.
 */
#define KHO_COMMAND_LINE_MAX	2047

/* setup_data of x86, Documentation/arch/x86/boot.rst of Linux 7.3. */
#define KHO_SETUP_TYPE	10	/* SETUP_KEXEC_KHO */

/*
 * The node of setup_data that hands the state over. The scratch table lies in its payload: the
 * target's KASLR avoids setup_data, but not memory that it points to, so that the next kernel
 * could overwrite a table elsewhere.
 */
struct kho_setup_data {
	uint64_t next;
	uint32_t type;
	uint32_t len;		/* bytes after this member */
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
 * The line after the message of a refusal by @rule: what became of the load or jump, and --kho=off where that is a way
 * out. @required: --kho=require.
 */
const char *kho_plan_refusal(enum kho_rule_number rule, bool required);

/*
 * Allocates the node for the scratch table, with all entries in their order. The caller sets
 * next, and scratch_addr once it knows the node's address. Returns NULL when out of memory.
 * *size is the size of the node.
 */
struct kho_setup_data *kho_plan_setup_data(uint64_t fdt_addr, uint64_t fdt_size,
					   const struct kho_range *scratch, size_t n,
					   size_t *size);

/*
 * A copy of @command_line (may be NULL) with rd.kho.expect=@expect as its first option and no
 * other rd.kho.expect=; without any if @expect is NULL. After "--" it would be an argument of
 * init. If @stale is not NULL, only those are removed that this command line has too. Allocated; NULL
 * when out of memory.
 */
char *kho_plan_command_line(const char *command_line, const char *expect, const char *stale);

/*
 * Writes the parts of [start, end] (inclusive, as in kexec-tools) that lie in scratch areas to
 * out[], sorted by address, at most @n of them. Returns the number of parts.
 */
size_t kho_plan_intersect(uint64_t start, uint64_t end, const struct kho_range *scratch,
			  size_t n, struct kho_range *out);

/*
 * Sorts the @n ranges by address, and makes one of those that meet or touch. Drops empty ranges
 * and those without an end. Returns how many are left.
 */
size_t kho_plan_merge(struct kho_range *ranges, size_t n);

/* True if [addr, addr+size) lies in one scratch area. */
int kho_plan_in_scratch(uint64_t addr, uint64_t size, const struct kho_range *scratch,
			size_t n);

/*
 * A name for the content of a segment of @size bytes (@memsz in memory): "kernel",
 * "initrd", "boot parameters" or "data".
 */
const char *kho_plan_content(const void *buf, size_t size, size_t memsz, size_t page);

/* Limit of the memory, in bytes, for reading an image of @size bytes: enough for any kernel. */
size_t kho_plan_box(size_t size);

#endif /* KEXEC_KHO_PLAN_H */
