/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Proves that bytes are a sound FDT before libfdt reads them. */
#ifndef KHO_FDT_CHECK_H
#define KHO_FDT_CHECK_H

#include <stddef.h>

/* Of every FDT that Linux makes (its copy of libfdt). */
#define KHO_FDT_VERSION	17
/* fdt_check_full() for FDTs of that version: 0, or a code of libfdt. */
int kho_fdt_check(const void *fdt, size_t size);

#endif /* KHO_FDT_CHECK_H */
