/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kexec --kho: do not lose what the running kernel has to hand over (KHO).
 *
 * The hooks that kexec-tools calls. Built without libkho they do nothing, and
 * kexec is what it was.
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
	int file_mode;		/* kexec_file_load is tried */
	int may_fall_back;	/* and kexec_load if that is not available */
	unsigned long flags;	/* KEXEC_ON_CRASH, KEXEC_PRESERVE_CONTEXT */
};

#ifdef HAVE_LIBKHO

/*
 * --kho=MODE, --kho-dry-run, --kho-report=FILE. Returns 0, or -1 after a message when
 * @argument is wrong.
 */
int kexec_kho_option(int option, const char *argument);

/*
 * The options are read. Before a load (not of a crash kernel) verifies the outgoing
 * state. Ends the program when it has to be refused.
 */
void kexec_kho_begin(const struct kexec_kho_request *request);

/* The bytes that are about to be loaded, unpacked: reads what they have of KHO. */
void kexec_kho_image(const char *image, off_t size);

/*
 * The target's command line (allocated, may be NULL) is known: adds what the next kernel is to
 * expect, and holds target and command line against the state. Returns the command line to
 * use, allocated.
 */
char *kexec_kho_command_line(char *command_line);

/* Reduces @n free ranges to where segments may be; returns how many are left. */
int kexec_kho_restrict(struct memory_range **ranges, int n);

/* After "Could not find a free area": says why, if it is for want of scratch. */
void kexec_kho_explain(struct kexec_info *info, unsigned long size);

/* kexec_load path: adds the hand-over to the chain that begins at *setup_data. */
void kexec_kho_add_setup_data(struct kexec_info *info, uint64_t *setup_data);

/*
 * Before the system call: all segments are in scratch, and the hand-over is there. A
 * dry run ends here.
 */
void kexec_kho_check(struct kexec_info *info);

/*
 * After it, with errno as it left it, and leaves it so: says why it failed, or sees
 * that the kernel has what it was given.
 */
void kexec_kho_result(struct kexec_info *info, int result);

/* kexec_file_load is not available: says that the state goes the other way. */
void kexec_kho_fallback(void);

/* After an unload: keeps the note of the load if it failed. */
void kexec_kho_unloaded(int result, int file_mode);

/* Before the jump: the state is still sound. Ends the program when it is not. */
void kexec_kho_before_exec(void);

/* The kernel did not jump, with errno as it left it: says why. */
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

static inline char *kexec_kho_command_line(char *command_line)
{
	return command_line;
}

static inline int kexec_kho_restrict(struct memory_range **ranges, int n)
{
	(void)ranges;
	return n;
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

static inline void kexec_kho_fallback(void) { }
static inline void kexec_kho_before_exec(void) { }
static inline void kexec_kho_no_jump(void) { }

#endif /* HAVE_LIBKHO */

#endif /* KEXEC_KHO_H */
