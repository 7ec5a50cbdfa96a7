/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's own subtrees. All integers are native endian, also those in FDT properties.
 * Each part names the kernel file that defines it.
 */
#ifndef LIBKHO_ABI_SUBTREES_H
#define LIBKHO_ABI_SUBTREES_H

#include <stdint.h>

#include "kexec_handover.h"

/*
 * A preserved vmalloc area: include/linux/kho/abi/kexec_handover.h of Linux 7.3,
 * kernel/kexec_handover.c of 6.18. A chain of pages that list the addresses of blocks of
 * 1 << order pages, up to the first 0.
 */
struct kho_vmalloc {
	uint64_t first;		/* struct kho_vmalloc_chunk */
	uint32_t total_pages;
	uint16_t flags;
	uint16_t order;
};

struct kho_vmalloc_chunk {
	uint64_t next;
	uint64_t phys[];	/* the rest of the page */
};

#define KHO_VMALLOC_PAGES(shift)	((1u << (shift)) / 8 - 1)

_Static_assert(sizeof(struct kho_vmalloc) == 16, "kho_vmalloc is 16 bytes");

/*
 * An FDT with a node for each reserve_mem=, with properties start and size (u64):
 * include/linux/kho/abi/memblock.h of Linux 7.1 to 7.3, mm/memblock.c of 6.18.
 */
#define MEMBLOCK_SUBTREE	"memblock"
#define MEMBLOCK_COMPATIBLE	"memblock-v1"
#define RESERVE_MEM_COMPATIBLE	"reserve-mem-v1"

/*
 * An FDT: lib/test_kho.c of Linux 6.18 to 7.3. "folios_info" in node "data" is a struct
 * kho_vmalloc with an array of nr_folios u64: address | order.
 */
#define KHO_TEST_SUBTREE	"kho_test"
#define KHO_TEST_COMPATIBLE	"kho-test-v1"

/* include/linux/kho/abi/kexec_metadata.h of Linux 7.1 to 7.3 */
#define KHO_METADATA_SUBTREE	"kexec-metadata"
#define KHO_METADATA_VERSION	1

struct kho_metadata_ser {
	uint32_t version;
	char previous_release[65];
	uint32_t kexec_count;
} __attribute__((packed));

/*
 * Live Update Orchestrator. luo-v5: include/linux/kho/abi/luo.h of Linux 7.2 and 7.3, a
 * struct luo_ser and chains of kho_block pages (sessions, and the files of each). luo-v1: the
 * same file of Linux 7.1, an FDT whose nodes hold the address of a u64 count that the sessions
 * follow, and the address of the FLBs; the files of a session are an array.
 */
#define LUO_SUBTREE		"LUO"
#define LUO_V1_COMPATIBLE	"luo-v1"
#define LUO_V5_COMPATIBLE	"luo-v5"
#define LUO_SESSION_NAME_LENGTH	64
#define LUO_COMPAT_LENGTH	48
/* of kernel/liveupdate/kho_block.c */
#define KHO_MAX_BLOCKS		10000u

struct luo_ser {
	char compatible[8];
	uint64_t liveupdate_num;
	uint64_t sessions_pa;
	uint64_t flbs_pa;
} __attribute__((packed));

struct luo_session_ser {
	char name[LUO_SESSION_NAME_LENGTH];
	uint64_t files;
	uint64_t count;
} __attribute__((packed));

struct luo_file_ser {
	char compatible[LUO_COMPAT_LENGTH];	/* of the handler */
	uint64_t data;				/* the handler's */
	uint64_t token;				/* the user's */
} __attribute__((packed));

struct luo_flb_header_ser {
	uint64_t pgcnt;
	uint64_t count;
} __attribute__((packed));

struct luo_flb_ser {
	char name[LUO_COMPAT_LENGTH];
	uint64_t data;
	uint64_t count;				/* of files that depend on it */
} __attribute__((packed));

/* A memfd of a session: include/linux/kho/abi/memfd.h of Linux 7.1 to 7.3. */
#define MEMFD_COMPATIBLE	"memfd-v2"
#define MEMFD_FOLIO_PFN_MASK	((1ull << 52) - 1)
#define MEMFD_FOLIO_FLAGS_SHIFT	52
#define MEMFD_FOLIO_DIRTY	(1u << 0)
#define MEMFD_FOLIO_UPTODATE	(1u << 1)

struct memfd_luo_folio_ser {
	uint64_t pfn_flags;			/* pfn:52, flags:12 */
	uint64_t index;				/* page offset in the file */
} __attribute__((packed));

struct memfd_luo_ser {
	uint64_t pos;
	uint64_t size;
	uint32_t seals;				/* F_SEAL_* */
	uint32_t flags;
	uint64_t nr_folios;
	struct kho_vmalloc folios;		/* of struct memfd_luo_folio_ser */
} __attribute__((packed));

#endif /* LIBKHO_ABI_SUBTREES_H */
