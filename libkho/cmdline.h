/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internal interface of the parser of kernel command lines. */
#ifndef KHO_CMDLINE_H
#define KHO_CMDLINE_H

#include "kho.h"

/* A part of a command line, without a NUL at the end. */
struct kho_cmdline_text {
	const char *p, *end;
};

/* True if the line has the option, with or without a value. */
bool kho_cmdline_has(const char *cmdline, const char *name);
/* The value of an option; empty if there is none. */
struct kho_cmdline_text kho_cmdline_value(const struct kho_cmdline_arg *arg);
/* The first character; NUL at the end. */
char kho_cmdline_peek(const struct kho_cmdline_text *text);
/* Takes the first character if it is @c; false if it is not. */
bool kho_cmdline_take(struct kho_cmdline_text *text, char c);
/* Takes a number from the start of @text: simple_strtoull() with base 0. False if there is no digit. */
bool kho_cmdline_number(struct kho_cmdline_text *text, uint64_t *value);
/* The same with an optional suffix K, M, G, T, P or E: memparse(). */
bool kho_cmdline_size(struct kho_cmdline_text *text, uint64_t *value);

/*
 * True if the command line makes a kernel with CONFIG_CRASH_DUMP a crash kernel (is_kdump_kernel(),
 * setup_elfcorehdr() in kernel/elfcorehdr.c of Linux 7.3).
 */
bool kho_cmdline_is_kdump(const char *cmdline);

/*
 * True if an x86 kernel with this line encrypts all of its memory (AMD SME), on a processor that can:
 * parse_mem_encrypt() in arch/x86/boot/compressed/misc.c of Linux 7.3, which does not know quotes.
 */
bool kho_cmdline_encrypts(const char *cmdline);

#endif /* KHO_CMDLINE_H */
