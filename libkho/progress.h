/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progress of one operation. */
#ifndef KHO_PROGRESS_H
#define KHO_PROGRESS_H

#include "kho.h"

struct kho_progress {
	kho_progress_fn fn;	/* may be NULL */
	void *data;
	uint64_t done, total;
	uint64_t told;		/* value of done at the last call of fn */
};

/* Adds @n to the steps done. Calls fn at most about 256 times per operation. */
void kho_progress_add(struct kho_progress *progress, uint64_t n);

#endif /* KHO_PROGRESS_H */
