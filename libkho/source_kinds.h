/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions that open the kinds of sources. */
#ifndef KHO_SOURCE_KINDS_H
#define KHO_SOURCE_KINDS_H

#include "source.h"

#define KHO_ELF_BYTE_ORDER \
	(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

/*
 * They own @fd, also on failure, and ignore its position. @path is for messages.
 * ELF cores: vmcores, snapshots, QEMU's dumps, and /proc/kcore with @live.
 */
int kho_elf_open(int fd, const char *path, bool live, struct kho_source **out,
		 struct kho_error *err);
/* Compressed dumps of makedumpfile. */
int kho_kdump_open(int fd, const char *path, struct kho_source **out, struct kho_error *err);

/* Finds the file offset of @addr in an ELF core; false if it is not there. For tests. */
bool kho_elf_place(struct kho_source *source, uint64_t addr, uint64_t *offset);

#endif /* KHO_SOURCE_KINDS_H */
