/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of the running kernel (debugfs, procfs, sysfs), below a folder that stands for "/".
 *
 * With such a folder, these functions refuse paths that contain a symbolic link, so that none
 * leads outside. (openat2() could resolve links within the folder, but a sandbox must forbid it,
 * because a seccomp filter cannot check its flags.)
 */
#ifndef KHO_FILES_H
#define KHO_FILES_H

#include <limits.h>

#include "kho.h"

struct kho_files {
	int root;		/* the folder; -1: "/" itself */
	char *prefix;		/* its name, "" for "/" */
};

/* @sysroot: NULL or "" for "/". */
int kho_files_init(struct kho_files *files, const char *sysroot, struct kho_error *err);
void kho_files_close(struct kho_files *files);

/* Returns a file descriptor, or -1 with errno. @path begins with '/'; @flags as for open(). */
int kho_files_open(const struct kho_files *files, const char *path, int flags);
/* True if @path exists, as a file of any type. If false, errno says why. */
bool kho_files_exist(const struct kho_files *files, const char *path);

/* Reads at most @max bytes of a file and adds a NUL. The caller frees *out. */
int kho_files_read(const struct kho_files *files, const char *path, size_t max, char **out,
		   size_t *size, struct kho_error *err);

/*
 * Returns 1 if /proc/kallsyms has @symbol, 0 if not, -1 if it is unreadable or empty, or KHO_ERR_NOMEM.
 * Sets *addr with 1, to 0 without CAP_SYSLOG: the kernel shows addresses as 0 then.
 */
int kho_files_symbol(const struct kho_files *files, const char *symbol, uint64_t *addr);

#endif /* KHO_FILES_H */
