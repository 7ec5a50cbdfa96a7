/* SPDX-License-Identifier: GPL-2.0-only */
/* Hooks of a jump and of an unload. */
#ifndef KEXEC_KHO_JUMP_H
#define KEXEC_KHO_JUMP_H

#include <stdbool.h>

#include "kexec-kho-state.h"

/* @stay_out: leave this jump to upstream's code. */
void kho_jump_begin(enum kho_mode mode, bool stay_out);

/* Before an unload: puts the note aside until kexec_kho_unloaded(). */
void kho_unload_begin(void);

#endif /* KEXEC_KHO_JUMP_H */
