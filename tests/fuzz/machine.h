/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input of the fuzzers of whole machines: the contents of files, one after the other, each behind
 * four bytes that say how long it is (0xffffffff: the file is not there).
 */
#ifndef KHO_FUZZ_MACHINE_H
#define KHO_FUZZ_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* Makes the @n files below the fuzzer's own folder, or removes them. */
void fuzz_machine(const char *const *files, size_t n, const uint8_t *data, size_t size);

#endif /* KHO_FUZZ_MACHINE_H */
