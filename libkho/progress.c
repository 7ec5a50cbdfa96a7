// SPDX-License-Identifier: LGPL-2.1-or-later
#include "progress.h"

void kho_progress_add(struct kho_progress *progress, uint64_t n)
{
	uint64_t left = progress->total - progress->done;

	if (!progress->fn)
		return;
	/* the announced total may be too small */
	progress->done += n < left ? n : left;
	if (progress->done - progress->told <= progress->total / 256 &&
	    progress->done < progress->total)
		return;
	progress->told = progress->done;
	progress->fn(progress->done, progress->total, progress->data);
}
