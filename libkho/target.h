/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading kernel images from memory, for kho_target_read() and its tests. */
#ifndef KHO_TARGET_H
#define KHO_TARGET_H

#include "kho.h"

/* As kho_target_read() of a file with these bytes; @path is for messages. *out is zeroed. */
int kho_target_examine(const unsigned char *data, size_t size, const char *path,
		       struct kho_target *out, struct kho_error *err);

#endif /* KHO_TARGET_H */
