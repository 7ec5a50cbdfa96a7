/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a vmlinux says about the root FDT. */
#ifndef KHO_VMLINUX_H
#define KHO_VMLINUX_H

#include "source.h"

/*
 * Where the source's vmlinux says that the root of @side is, which is not proven. False where
 * there is no vmlinux, or no root, or where what it takes cannot be read.
 */
bool kho_vmlinux_root(struct kho_source *source, enum kho_side side, uint64_t *addr);

#endif /* KHO_VMLINUX_H */
