/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internal interface of the rules about a target kernel, and of command lines. */
#ifndef KHO_TARGET_H
#define KHO_TARGET_H

#include "kho.h"

struct kho_verify;

/* A part of a command line, without a NUL at the end. */
struct kho_cmdline_text {
	const char *p, *end;
};

/* The value of an option; empty if there is none. */
struct kho_cmdline_text kho_cmdline_value(const struct kho_cmdline_arg *arg);
/* Takes a number from the start of @text: simple_strtoull() with base 0. False if there is no digit. */
bool kho_cmdline_number(struct kho_cmdline_text *text, uint64_t *value);
/* The same with an optional suffix K, M, G, T, P or E: memparse(). */
bool kho_cmdline_size(struct kho_cmdline_text *text, uint64_t *value);

/* The rules about the target's command line: K605, K607 to K609. */
void kho_target_verify_cmdline(struct kho_verify *v, const struct kho_target *target,
			       const char *cmdline);

/*
 * True if the command line makes a kernel with CONFIG_CRASH_DUMP a crash kernel (is_kdump_kernel(),
 * setup_elfcorehdr() in kernel/elfcorehdr.c of Linux 7.3).
 */
bool kho_cmdline_is_kdump(const char *cmdline);

/* Memory that crashkernel= asks for. */
struct kho_crash_request {
	uint64_t size;
	uint64_t base;		/* fixed address; 0: any */
	uint64_t low;		/* additional low memory if the rest is not low */
};

/* The additional low memory of a request that does not say it. @target may be NULL, as below. */
uint64_t kho_crash_default_low(const struct kho_target *target);

/*
 * Returns 1 if scratch has room for the request and the kernel itself, 0 if not, KHO_ERR_UNSUPPORTED
 * if this is unknown. @target may be NULL.
 */
int kho_crash_request_fits(const struct kho_crash_request *request, const struct kho_target *target,
			   const struct kho_range *scratch, size_t nr_scratch);

/* True for an arm64 Image, compressed in any way or not. */
bool kho_target_is_arm64(const struct kho_target *target);

#endif /* KHO_TARGET_H */
