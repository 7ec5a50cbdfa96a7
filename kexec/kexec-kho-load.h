/* SPDX-License-Identifier: GPL-2.0-only */
/* Hooks of a load. */
#ifndef KEXEC_KHO_LOAD_H
#define KEXEC_KHO_LOAD_H

#include <stdbool.h>

/* Decisions made before the load. */
struct kho_load {
	bool stay_out;		/* leave this load to upstream's code */
	bool active;		/* there is state to hand over */
	bool nothing_there;	/* KHO is on, but nothing is preserved */
	bool give_up;		/* --kho=off */
	bool file_mode;		/* kexec_file_load, until kexec falls back */
	bool may_fall_back;
};

void kho_load_begin(const struct kho_load *begun);

/* Lists the open state, which --kho=off drops. */
void kho_load_say_dropped(bool file_mode);

#endif /* KEXEC_KHO_LOAD_H */
