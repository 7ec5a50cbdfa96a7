/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internal interface to the PCI devices of the running kernel. */
#ifndef KHO_DEVICES_H
#define KHO_DEVICES_H

#include "files.h"

/* kho_devices_read(), below the folder of @files. */
int kho_devices_read_files(const struct kho_files *files, struct kho_device **out, size_t *n,
			   struct kho_error *err);

#endif /* KHO_DEVICES_H */
