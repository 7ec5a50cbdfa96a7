/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With KHO_FUZZ_NOMEM=1, each input runs a second time, while memory runs out: nomem.c. */
#ifndef KHO_FUZZ_NOMEM_H
#define KHO_FUZZ_NOMEM_H

#include <stddef.h>
#include <stdint.h>

#include "libkho/kho.h"

/* Allocations between these two are the fuzzer's own and do not fail. */
void fuzz_memory_hold(void);
void fuzz_memory_release(void);
/* True in the second run. */
bool fuzz_memory_fails(void);

/*
 * These note a finding, an error and the status of a command. The second run stops the fuzzer if it has a finding
 * or an error that the first did not have, or if it turns another status into 0. An error without a text stops either run.
 */
void fuzz_memory_rule(const struct kho_rule *rule);
void fuzz_memory_error(const struct kho_error *err);
void fuzz_memory_status(int status);

/* Runs @fn, which may end by exit() if memory runs out. Returns true then. */
bool fuzz_until_exit(void (*fn)(void *data), void *data);

/* Both runs; limits.c calls them. The second does nothing without KHO_FUZZ_NOMEM=1. */
int fuzz_memory_first(const uint8_t *data, size_t size);
void fuzz_memory_again(const uint8_t *data, size_t size);

#endif /* KHO_FUZZ_NOMEM_H */
