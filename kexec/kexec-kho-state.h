/* SPDX-License-Identifier: GPL-2.0-only */
/* The outgoing state of the running kernel, verified before a load and again before a jump. */
#ifndef KEXEC_KHO_STATE_H
#define KEXEC_KHO_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include <kho.h>

enum kho_mode { KHO_MODE_AUTO, KHO_MODE_REQUIRE, KHO_MODE_OFF };

/* The open outgoing state. */
struct kho_held {
	struct kho_source *source;
	struct kho_state *state;	/* NULL: none is open */
	const struct kho_range *scratch;
	size_t nr_scratch;
};

extern struct kho_held kho_held;

enum kho_presence {
	KHO_ABSENT,	/* KHO is off, or not built in */
	KHO_NOTHING,	/* KHO is on, but nothing is preserved, so nothing would be lost */
	KHO_PRESENT,	/* opened: there is state to hand over */
};

/*
 * Opens the outgoing state. KHO_MODE_REQUIRE demands one, and accepts one that preserves nothing.
 * Ends the program if it cannot determine what is preserved.
 */
enum kho_presence kho_held_open(enum kho_mode mode);

/*
 * The same for --kho=off, which refuses nothing: opens the state if it can, to report its loss.
 * Returns 0; negative: there may be state, and *err says why it could not be read.
 */
int kho_held_look(struct kho_error *err);

/*
 * Ends the program if the running kernel neither took over all incoming DMA allocations nor hands
 * them over again: any kexec would lose them, with or without outgoing state.
 */
void kho_held_refuse_left_behind(void);

/*
 * Ends the program if a device keeps mastering over the kexec. Call this if there is no state to
 * verify: then none of the device's memory is preserved.
 */
void kho_held_refuse_devices(void);

/* Prints a warning for each device that keeps mastering over the kexec, for --kho=off. */
void kho_held_warn_of_devices(void);

/* Closes the state, which may be out of date. */
void kho_held_close(void);

/* Ends the program if the state has an error. */
void kho_held_verify(void);

/* Ends the program if @target, loaded like this, would lose the state. */
void kho_held_verify_target(const struct kho_target *target, const struct kho_target_load *load);

/* The head of the DMA records; all zeroes if there are none. */
struct kho_dma_header kho_held_dma(void);

#endif /* KEXEC_KHO_STATE_H */
