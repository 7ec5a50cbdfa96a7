/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks that an FDT is sound before libfdt reads it. */
#ifndef KHO_FDT_CHECK_H
#define KHO_FDT_CHECK_H

#include <stddef.h>

/* Version of every FDT that Linux makes (with its copy of libfdt). */
#define KHO_FDT_VERSION	17
/* fdt_check_full() for untrusted FDTs of that version. Returns 0 or a code of libfdt. */
int kho_fdt_check(const void *fdt, size_t size);

#endif /* KHO_FDT_CHECK_H */
