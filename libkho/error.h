/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors, and parsing of numbers. */
#ifndef KHO_ERROR_H
#define KHO_ERROR_H

#include "kho.h"

#define KHO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fills *err (if any) and returns @code, so that callers can "return kho_fail(...)". */
int kho_fail(struct kho_error *err, int code, uint64_t addr, const char *fmt, ...)
	KHO_PRINTF(4, 5);
/* The same for memory that could not be allocated. */
int kho_fail_nomem(struct kho_error *err);
/* The same for a failed system call: takes the code and the reason from errno. */
int kho_fail_os(struct kho_error *err, const char *what, const char *path);
/* Number of reserved words in options. */
#define KHO_RESERVED	8
/* KHO_ERR_USAGE if one of them is set, which stands for an option that this library does not know. */
int kho_check_reserved(const uint64_t reserved[KHO_RESERVED], struct kho_error *err);
/* Adds the remedy. Returns err->code, or @code if @err is NULL. */
int kho_remedy(struct kho_error *err, int code, const char *fmt, ...)
	KHO_PRINTF(3, 4);

/* Parses "0x12ab" or "4711". False if the whole string is not a number. */
bool kho_parse_u64(const char *text, uint64_t *value);
/* Parses "0x12ab+0x1000". False if the whole string is not a range of addresses. */
bool kho_parse_range(const char *text, struct kho_range *range);

#endif /* KHO_ERROR_H */
