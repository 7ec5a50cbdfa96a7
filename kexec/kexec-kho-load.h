/* SPDX-License-Identifier: GPL-2.0-only */
/* What the hooks of a load share with those before it. */
#ifndef KEXEC_KHO_LOAD_H
#define KEXEC_KHO_LOAD_H

#include <stdbool.h>

/* What was found out before the load. */
struct kho_load {
	bool stay_out;		/* it is none of our business */
	bool active;		/* there is state, and it is to be kept */
	bool nothing_there;	/* KHO is on, and nothing is preserved */
	bool give_up;		/* --kho=off */
	bool file_mode;		/* kexec_file_load, until that falls back */
	bool may_fall_back;
};

void kho_load_begin(const struct kho_load *begun);

/* Says what --kho=off drops: the open state. */
void kho_load_say_dropped(bool file_mode);

#endif /* KEXEC_KHO_LOAD_H */
