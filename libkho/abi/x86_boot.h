/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a bzImage: Documentation/arch/x86/boot.rst of Linux 7.3, and the memory map in
 * struct boot_params. asm/bootparam.h has them too, but only on x86, and libkho examines images on
 * any machine.
 */
#ifndef LIBKHO_ABI_X86_BOOT_H
#define LIBKHO_ABI_X86_BOOT_H

#include <stddef.h>
#include <stdint.h>

#define X86_SETUP_HEADER_AT	0x1f1	/* file offset */

struct x86_setup_header {
	uint8_t setup_sects;
	uint8_t unused1[0x202 - 0x1f2];
	uint32_t header;
	uint16_t version;
	uint8_t unused2[0x20e - 0x208];
	uint16_t kernel_version;
	uint8_t unused3[0x230 - 0x210];
	uint32_t kernel_alignment;
	uint8_t unused4[0x248 - 0x234];
	uint32_t payload_offset;
	uint32_t payload_length;
	uint8_t unused5[0x258 - 0x250];
	uint64_t pref_address;
	uint32_t init_size;
	uint8_t unused6[0x268 - 0x264];
	uint32_t kernel_info_offset;
} __attribute__((packed));

#define X86_SETUP_FIELD_AT(field, at) \
	_Static_assert(X86_SETUP_HEADER_AT + offsetof(struct x86_setup_header, field) == (at), #field)

X86_SETUP_FIELD_AT(header, 0x202);
X86_SETUP_FIELD_AT(version, 0x206);
X86_SETUP_FIELD_AT(kernel_version, 0x20e);
X86_SETUP_FIELD_AT(kernel_alignment, 0x230);
X86_SETUP_FIELD_AT(payload_offset, 0x248);
X86_SETUP_FIELD_AT(payload_length, 0x24c);
X86_SETUP_FIELD_AT(pref_address, 0x258);
X86_SETUP_FIELD_AT(init_size, 0x260);
X86_SETUP_FIELD_AT(kernel_info_offset, 0x268);

/* struct boot_params */
#define X86_E820_COUNT_AT	0x1e8	/* one byte */
#define X86_E820_TABLE_AT	0x2d0
#define X86_E820_MAX		128	/* entries there; others are in setup_data */
#define X86_SETUP_E820_EXT	1	/* type of that setup_data */
#define X86_E820_RAM		1

struct x86_e820_entry {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

_Static_assert(sizeof(struct x86_e820_entry) == 20, "struct boot_e820_entry");

#endif /* LIBKHO_ABI_X86_BOOT_H */
