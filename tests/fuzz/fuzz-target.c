// SPDX-License-Identifier: GPL-2.0-or-later
/* check-target: the input is a kernel image. */
#include <stdlib.h>
#include <string.h>

#include "libkho/target.h"
#include "memory.h"
#include "nomem.h"

static const struct kho_range scratch[] = {
	{ 0x1000000, 64 << 20 }, { 0x40000000, 0 }, { 0x100000000, 256 << 20 },
};

int fuzz_one(const uint8_t *data, size_t size)
{
	struct kho_target target = { 0 };
	struct kho_error err = { 0 };

	if (kho_target_examine(data, size, "input", &target, &err)) {
		fuzz_memory_error(&err);
		return 0;
	}
	kho_target_fits(&target, 0, scratch, sizeof(scratch) / sizeof(scratch[0]));
	kho_target_fits(&target, size << 6, scratch, sizeof(scratch) / sizeof(scratch[0]));
	if (!memchr(target.release, 0, sizeof(target.release)) || !*target.format)
		abort();
	return 0;
}
