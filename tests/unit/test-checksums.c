// SPDX-License-Identifier: GPL-2.0-or-later
/* Compares CRC-32C with the value that its definition gives for "123456789". */
#include <stdio.h>

#include "libkho/crc32c.h"

int main(void)
{
	/* lengths on both sides of the word size, at odd addresses */
	unsigned char zeros[40] = { 0 };

	if (kho_crc32c("123456789", 9) != 0xe3069283u) {
		fprintf(stderr, "CRC-32C of 123456789 is 0x%x\n", kho_crc32c("123456789", 9));
		return 1;
	}
	/* RFC 3720 B.4: 32 bytes of zeros */
	if (kho_crc32c(zeros + 3, 32) != 0x8a9136aau) {
		fprintf(stderr, "CRC-32C of 32 zeros is 0x%x\n", kho_crc32c(zeros + 3, 32));
		return 1;
	}
	return 0;
}
