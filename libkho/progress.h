/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far one operation has come. */
#ifndef KHO_PROGRESS_H
#define KHO_PROGRESS_H

#include "kho.h"

struct kho_progress {
	kho_progress_fn fn;	/* NULL: nobody listens */
	void *data;
	uint64_t done, total;
	uint64_t told;		/* what the listener knows of */
};

/* @n more are done. The listener is told now and then. */
void kho_progress_add(struct kho_progress *progress, uint64_t n);

#endif /* KHO_PROGRESS_H */
