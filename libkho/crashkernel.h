/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internal interface of the parser of crashkernel=. */
#ifndef KHO_CRASHKERNEL_H
#define KHO_CRASHKERNEL_H

#include "kho.h"

/* Memory that crashkernel= asks for. */
struct kho_crash_request {
	uint64_t size;		/* 0: the kernel reserves nothing, on any boot */
	uint64_t base;		/* fixed address; 0: any */
	uint64_t low;		/* additional low memory if the rest is not low */
};

/*
 * Reads crashkernel= of a machine with @ram bytes, 0 if that is unknown. The caller sets
 * @request->low to the kernel's default. Returns KHO_ERR_UNSUPPORTED, and changes nothing, if the
 * request depends on @ram and that is unknown.
 */
int kho_crash_request_parse(const char *cmdline, uint64_t ram, struct kho_crash_request *request);

#endif /* KHO_CRASHKERNEL_H */
