/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of a compressed dump: struct disk_dump_header, from diskdump_mod.h of makedumpfile 1.7.2 */
#ifndef BENCH_KDUMP_H
#define BENCH_KDUMP_H

#include <stdint.h>

struct kdump_header {
	char signature[8];
	int32_t version;
	char utsname[6][65];
	char padding[6];
	int64_t timestamp[2];
	uint32_t status;
	int32_t block_size, sub_header_blocks;
	uint32_t bitmap_blocks, max_page, rest[6];
};

struct kdump_sub_header {
	uint64_t phys_base;
	int32_t dump_level, split;
	uint64_t rest[2], vmcoreinfo, vmcoreinfo_size, more[4];
	uint64_t start_page, end_page, max_page;
};

struct kdump_page {
	uint64_t offset;
	uint32_t size, flags;
	uint64_t page_flags;
};

#endif /* BENCH_KDUMP_H */
