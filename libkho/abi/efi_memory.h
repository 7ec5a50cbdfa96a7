/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An entry of EFI's memory map: efi_memory_desc_t in include/linux/efi.h of Linux 7.3, version 1. */
#ifndef LIBKHO_ABI_EFI_MEMORY_H
#define LIBKHO_ABI_EFI_MEMORY_H

#include <stdint.h>

#define EFI_PAGE	4096ull

#define EFI_MEMORY_WC	0x2ull		/* write-combining */
#define EFI_MEMORY_WT	0x4ull		/* write-through */
#define EFI_MEMORY_WB	0x8ull		/* write-back */
#define EFI_MEMORY_SP	0x40000ull	/* specific purpose: soft reserved */

struct efi_memory_descriptor {
	uint32_t type;
	uint32_t pad;
	uint64_t addr;
	uint64_t virt_addr;
	uint64_t pages;		/* of EFI_PAGE bytes */
	uint64_t attribute;
};

_Static_assert(sizeof(struct efi_memory_descriptor) == 40, "version 1 of the descriptor");

#endif /* LIBKHO_ABI_EFI_MEMORY_H */
