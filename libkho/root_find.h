/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the root FDT where the kernel does not say where it is. */
#ifndef KHO_ROOT_FIND_H
#define KHO_ROOT_FIND_H

#include "root.h"

/*
 * Finds the root by setup_data, by the kernel's symbols, or by its vmlinux if there is one,
 * which takes milliseconds. In a dump, only the vmlinux tells.
 */
bool kho_root_find_quick(struct kho_root *root, struct kho_source *source, enum kho_side side);

/*
 * The same by looking at all of RAM, which takes seconds for each GiB on a live machine. In
 * a dump nothing tells the incoming root; it is what looks like one and is not outgoing.
 */
int kho_root_find_scan(struct kho_root *root, struct kho_source *source, enum kho_side side,
		       struct kho_error *err);

#endif /* KHO_ROOT_FIND_H */
