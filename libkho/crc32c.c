// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * CRC-32C. The packaged library for it is C++ and would pull libstdc++ into every
 * initramfs. Uses the CPU's instruction if there is one, else works bit by bit
 * (records are 128 bytes).
 */
#ifdef __aarch64__
#include <sys/auxv.h>
#endif
#ifdef __x86_64__
#include <sys/platform/x86.h>	/* glibc 2.33; __builtin_cpu_supports() brings 4 KiB of code along */
#endif
#include <string.h>

#include "crc32c.h"

#define CRC32C_POLY 0x82f63b78u

#ifdef __x86_64__
__attribute__((target("sse4.2")))
static uint32_t crc32c_sse42(uint32_t crc, const unsigned char *p, size_t size)
{
	uint64_t crc64 = crc;
	uint64_t word;

	for (; size >= sizeof(word); p += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		crc64 = __builtin_ia32_crc32di(crc64, word);
	}

	crc = (uint32_t)crc64;
	while (size--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}
#endif

#ifdef __aarch64__
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1ul << 7)	/* asm/hwcap.h */
#endif

/* The instruction is optional in ARMv8.0: the caller checks for it, the assembler must allow it. */
static uint32_t crc32c_armv8(uint32_t crc, const unsigned char *p, size_t size)
{
	uint64_t word;

	for (; size >= sizeof(word); p += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		__asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
	}
	while (size--)
		__asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1"
			: "+r"(crc) : "r"((uint32_t)*p++));
	return crc;
}
#endif

static uint32_t crc32c_bitwise(uint32_t crc, const unsigned char *p, size_t size)
{
	while (size--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = (crc >> 1) ^ (crc & 1 ? CRC32C_POLY : 0);
	}
	return crc;
}

static uint32_t crc32c_update(uint32_t crc, const void *data, size_t size)
{
#ifdef __x86_64__
	if (CPU_FEATURE_ACTIVE(SSE4_2))
		return crc32c_sse42(crc, data, size);
#endif
#ifdef __aarch64__
	if (getauxval(AT_HWCAP) & HWCAP_CRC32)
		return crc32c_armv8(crc, data, size);
#endif
	return crc32c_bitwise(crc, data, size);
}

uint32_t kho_crc32c(const void *data, size_t size)
{
	return ~crc32c_update(~0u, data, size);
}
