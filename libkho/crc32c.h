/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef KHO_CRC32C_H
#define KHO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C as in libkho/abi/dma_alloc.h. */
uint32_t kho_crc32c(const void *data, size_t size);

#endif /* KHO_CRC32C_H */
