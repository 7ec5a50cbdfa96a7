/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input of the fuzzers of whole machines: the contents of consecutive files, each after four bytes
 * with its length (0xffffffff: the file does not exist).
 */
#ifndef KHO_FUZZ_MACHINE_H
#define KHO_FUZZ_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* Makes the @n files below the fuzzer's own folder, or removes them. */
void fuzz_machine(const char *const *files, size_t n, const uint8_t *data, size_t size);

#endif /* KHO_FUZZ_MACHINE_H */
