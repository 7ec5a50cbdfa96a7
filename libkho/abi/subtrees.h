/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Heads of the kernel's own subtrees, as far as they are judged here:
 * include/linux/kho/abi/{kexec_metadata,luo}.h of Linux 7.3.
 */
#ifndef LIBKHO_ABI_SUBTREES_H
#define LIBKHO_ABI_SUBTREES_H

#include <stdint.h>

#define KHO_METADATA_SUBTREE	"kexec-metadata"
#define KHO_METADATA_VERSION	1

struct kho_metadata_ser {
	uint32_t version;
	char previous_release[65];
	uint32_t kexec_count;
} __attribute__((packed));

#define LUO_SUBTREE		"LUO"

struct luo_ser {
	char compatible[8];	/* "luo-v5" in Linux 7.3 */
	uint64_t liveupdate_num;
	uint64_t sessions_pa;
	uint64_t flbs_pa;
} __attribute__((packed));

#endif /* LIBKHO_ABI_SUBTREES_H */
