/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internal interface of the rules about a target kernel. */
#ifndef KHO_TARGET_H
#define KHO_TARGET_H

#include "cmdline.h"
#include "crashkernel.h"
#include "kho.h"

struct kho_verify;

/* Memory that a target gets: RAM, and ranges that are taken for other use. Sorted and merged. */
struct kho_target_memory {
	struct kho_range *ram;
	size_t nr_ram;
	struct kho_range *taken;
	size_t nr_taken;
	bool changed;		/* by an option of the command line */
};

/* Adds a range, cut off at the end of the address space; not an empty one. @ranges has room. */
void kho_target_add_range(struct kho_range *ranges, size_t *n, uint64_t addr, uint64_t size);

/*
 * Sets *out to the memory that kexec_file_load on this machine tells the target of.
 * KHO_ERR_NOT_FOUND: the source is a file, which does not contain that.
 */
int kho_target_read_ram(struct kho_source *source, struct kho_target_memory *out,
			struct kho_error *err);
void kho_target_memory_free(struct kho_target_memory *memory);

/* K612 */
void kho_target_verify_map(struct kho_verify *v, const struct kho_target *target,
			   const struct kho_target_load *load);

/*
 * The rules about the target's command line: K605, K607 to K610. That of the loader may be unknown
 * only if a built-in one replaces it.
 */
void kho_target_verify_cmdline(struct kho_verify *v, const struct kho_target *target,
			       const struct kho_target_load *load);

/* K607. @given is the line of the loader (NULL: unknown), @cmdline the one that the target makes of it. */
void kho_target_verify_memory(struct kho_verify *v, const struct kho_target *target,
			      const char *given, const char *cmdline);

/* Describes the line that is judged, for messages. */
const char *kho_target_line_name(const struct kho_target *target);

/* The additional low memory of a request that does not say it. @target may be NULL. */
uint64_t kho_crash_default_low(const struct kho_target *target);

/* The area for DMA that cma= asks for, or the configuration (kernel/dma/contiguous.c). */
struct kho_cma_request {
	uint64_t size;		/* 0: none */
	uint64_t base, limit;	/* it must be between these; limit 0: none */
	bool fixed;		/* at base, in scratch or not */
};

/* Reads cma= of a command line. */
struct kho_cma_request kho_target_cma(const char *cmdline);

/* Memory that the target reserves while scratch is all that it has. */
struct kho_early_memory {
	const struct kho_target *target; /* NULL: x86, and the kernel itself does not count */
	uint64_t initrd_size;
	struct kho_cma_request cma;
	struct kho_crash_request crash;
};

/*
 * Returns 1 if the scratch areas have places for all of that, 0 if not, KHO_ERR_UNSUPPORTED if this is
 * unknown. KASLR can choose a place for the kernel that leaves less room.
 */
int kho_early_fits(const struct kho_early_memory *need, const struct kho_range *scratch, size_t nr_scratch);

/* True for an arm64 Image, compressed in any way or not. */
bool kho_target_is_arm64(const struct kho_target *target);

#endif /* KHO_TARGET_H */
