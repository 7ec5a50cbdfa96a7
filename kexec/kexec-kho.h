/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kexec --kho: do not lose the state that the running kernel hands over (KHO).
 *
 * kexec-tools calls these hooks. Without libkho they do nothing, and kexec behaves like
 * upstream's.
 */
#ifndef KEXEC_KHO_H
#define KEXEC_KHO_H

#include <stdint.h>
#include <sys/types.h>

struct kexec_info;
struct memory_range;

/* Exit statuses: refused because state would be lost; refused by the running kernel. */
#define KEXEC_KHO_EXIT_REFUSED	3
#define KEXEC_KHO_EXIT_KERNEL	4

/* The actions and options of this call of kexec. */
struct kexec_kho_request {
	const char *image;	/* file of the kernel to load, or NULL */
	int load, exec, unload;
	int file_mode;		/* try kexec_file_load */
	int may_fall_back;	/* and kexec_load if that is unavailable */
	unsigned long flags;	/* KEXEC_ON_CRASH, KEXEC_PRESERVE_CONTEXT */
};

#ifdef HAVE_LIBKHO

/*
 * Handles --kho=MODE, --kho-dry-run and --kho-report=FILE. Returns 0, or -1 after a message if
 * @argument is wrong.
 */
int kexec_kho_option(int option, const char *argument);

/*
 * After the options: verifies the outgoing state before a load (not of a crash kernel). Ends the
 * program if it refuses the load.
 */
void kexec_kho_begin(const struct kexec_kho_request *request);

/* Reads the facts about KHO from the unpacked bytes of the kernel that kexec loads. */
void kexec_kho_image(const char *image, off_t size);

/*
 * Adds the promise to the target's command line (allocated, may be NULL), and compares target,
 * command line and size of the initrd with the state. @initrd is the file that the user
 * named, or NULL. Returns the command line to use, allocated.
 */
char *kexec_kho_command_line(char *command_line, const char *initrd);

/* Reduces @n free ranges to memory that segments may use; returns the new number of ranges. */
int kexec_kho_restrict(struct memory_range **ranges, int n);

/*
 * kexec_load path: merges the scratch areas into the @n ranges (allocated), where /proc/iomem shows
 * them as reserved.
 */
void kexec_kho_add_scratch(struct memory_range **ranges, int *n);

/* After "Could not find a free area": says so if the scratch areas are too small. */
void kexec_kho_explain(struct kexec_info *info, unsigned long size);

/* kexec_load path: adds the node to the chain that begins at *setup_data. */
void kexec_kho_add_setup_data(struct kexec_info *info, uint64_t *setup_data);

/*
 * The same for machines with a device tree: puts the table of scratch areas between @min and
 * @max, and sets *fdt and *scratch to the values of linux,kho-fdt and linux,kho-scratch in /chosen.
 * Returns 0 if nothing is handed over this way.
 */
int kexec_kho_add_chosen(struct kexec_info *info, unsigned long min, unsigned long max,
			 struct memory_range *fdt, struct memory_range *scratch);

/*
 * Before the system call: checks that all segments are in scratch and that the kernel gets the
 * state. A dry run ends here.
 */
void kexec_kho_check(struct kexec_info *info);

/*
 * After the system call, with its errno, which is kept: explains the failure, or checks that the
 * kernel has the state.
 */
void kexec_kho_result(struct kexec_info *info, int result);

/* kexec_file_load is unavailable: reports that kexec_load hands the state over. */
void kexec_kho_fallback(void);

/* After an unload: puts the note back if it failed. */
void kexec_kho_unloaded(int result, int file_mode);

/* Before the jump: ends the program unless the state is still sound. */
void kexec_kho_before_exec(void);

/*
 * Returns nonzero if the network interface has to stay up for the jump, because its device goes on
 * receiving into preserved memory. After kexec_kho_before_exec().
 */
int kexec_kho_leaves_up(const char *interface);

/* The jump failed with errno: explains it. */
void kexec_kho_no_jump(void);

#else

#include <stdio.h>

static inline int kexec_kho_option(int option, const char *argument)
{
	(void)option;
	(void)argument;
	fprintf(stderr, "--kho, --kho-dry-run, --kho-report: this kexec is built without libkho\n");
	return -1;
}

static inline void kexec_kho_begin(const struct kexec_kho_request *request)
{
	(void)request;
}

static inline void kexec_kho_image(const char *image, off_t size)
{
	(void)image;
	(void)size;
}

static inline char *kexec_kho_command_line(char *command_line, const char *initrd)
{
	(void)initrd;
	return command_line;
}

static inline int kexec_kho_restrict(struct memory_range **ranges, int n)
{
	(void)ranges;
	return n;
}

static inline void kexec_kho_add_scratch(struct memory_range **ranges, int *n)
{
	(void)ranges;
	(void)n;
}

static inline void kexec_kho_explain(struct kexec_info *info, unsigned long size)
{
	(void)info;
	(void)size;
}

static inline void kexec_kho_add_setup_data(struct kexec_info *info,
					    uint64_t *setup_data)
{
	(void)info;
	(void)setup_data;
}

static inline int kexec_kho_add_chosen(struct kexec_info *info, unsigned long min,
				       unsigned long max, struct memory_range *fdt,
				       struct memory_range *scratch)
{
	(void)info;
	(void)min;
	(void)max;
	(void)fdt;
	(void)scratch;
	return 0;
}

static inline void kexec_kho_check(struct kexec_info *info) { (void)info; }

static inline void kexec_kho_result(struct kexec_info *info, int result)
{
	(void)info;
	(void)result;
}

static inline void kexec_kho_unloaded(int result, int file_mode)
{
	(void)result;
	(void)file_mode;
}

static inline int kexec_kho_leaves_up(const char *interface)
{
	(void)interface;
	return 0;
}

static inline void kexec_kho_fallback(void) { }
static inline void kexec_kho_before_exec(void) { }
static inline void kexec_kho_no_jump(void) { }

#endif /* HAVE_LIBKHO */

#endif /* KEXEC_KHO_H */
