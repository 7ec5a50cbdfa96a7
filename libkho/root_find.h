/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the root FDT if the kernel does not give its address. */
#ifndef KHO_ROOT_FIND_H
#define KHO_ROOT_FIND_H

#include "root.h"

/*
 * Finds the root by setup_data, by the kernel's symbols, or by its vmlinux if there is one, in
 * milliseconds. In a dump, only by vmlinux. 1 if it is found, 0 if not, or KHO_ERR_NOMEM.
 */
int kho_root_find_quick(struct kho_root *root, struct kho_source *source, enum kho_side side,
			struct kho_error *err);

/*
 * Finds the root by a scan of RAM, which takes seconds for each GiB on a live machine. In a
 * dump, the incoming root is the page that looks like a root and is not the outgoing one.
 */
int kho_root_find_scan(struct kho_root *root, struct kho_source *source, enum kho_side side,
		       struct kho_error *err);

#endif /* KHO_ROOT_FIND_H */
