/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the root FDT where the kernel does not say where it is. */
#ifndef KHO_ROOT_FIND_H
#define KHO_ROOT_FIND_H

#include "state.h"

/* Whether a page holds an FDT with a compatible string of KHO. */
bool kho_root_looks_like(const unsigned char *page);

/*
 * Where the kernel does not say where the root FDT is: sets fdt_addr and found_by from
 * setup_data, the kernel's symbols, or its vmlinux if there is one, which is a matter of
 * milliseconds. Of a dump only the vmlinux is asked.
 */
bool kho_root_find_quick(struct kho_state *state);

/*
 * The same by looking at all of RAM, which takes seconds for each GiB on a live machine. In
 * a dump nothing tells the incoming root; it is what looks like one and is not outgoing.
 */
int kho_root_find_scan(struct kho_state *state, struct kho_error *err);

/* The address of a symbol in /proc/kallsyms; 0 where the kernel does not tell. */
uint64_t kho_kallsyms_find(const struct kho_source *source, const char *symbol);

#endif /* KHO_ROOT_FIND_H */
