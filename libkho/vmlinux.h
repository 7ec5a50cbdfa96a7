/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the root FDT with a vmlinux. */
#ifndef KHO_VMLINUX_H
#define KHO_VMLINUX_H

#include "source.h"

/*
 * Finds the root of @side with the source's vmlinux. The caller must check the result. False
 * without a vmlinux or a root, or if a read fails.
 */
bool kho_vmlinux_root(struct kho_source *source, enum kho_side side, uint64_t *addr);

#endif /* KHO_VMLINUX_H */
