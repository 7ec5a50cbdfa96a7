/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of the running kernel (debugfs, procfs, sysfs), below a folder that stands for "/".
 *
 * With a folder, nothing leads outside of it: a path that has a symbolic link in it is refused.
 * (openat2() would resolve links within the folder, but a seccomp filter cannot see with which
 * flags it opens, so that a sandbox has to forbid it.)
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

/* A file descriptor, or -1 with errno. @path begins with '/'; @flags as of open(). */
int kho_files_open(const struct kho_files *files, const char *path, int flags);
/* True if it is there, whatever it is; else errno says why not. */
bool kho_files_exist(const struct kho_files *files, const char *path);

/* One file, NUL-terminated, at most @max bytes, in *out, which the caller frees. */
int kho_files_read(const struct kho_files *files, const char *path, size_t max, char **out,
		   size_t *size, struct kho_error *err);

/* The address of a symbol in /proc/kallsyms; 0 where the kernel does not tell. */
uint64_t kho_files_symbol(const struct kho_files *files, const char *symbol);

#endif /* KHO_FILES_H */
