/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts about KHO and kexec on this machine. Needs nothing of kexec-tools. */
#ifndef KEXEC_KHO_HOST_H
#define KEXEC_KHO_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads a small file of /proc, /sys or /run into @buf. Returns its length or -1. */
ssize_t kho_host_read_text(const char *path, char *buf, size_t size);

/* True if debugfs is mounted at its usual place. */
bool kho_host_has_debugfs(void);

/*
 * Mounts debugfs in a namespace of this process if it is not mounted. A failure shows
 * when a file is opened.
 */
void kho_host_see_debugfs(void);

/* The number in /sys/kernel/kexec_loaded, or -1. */
int kho_host_kexec_loaded(void);

/*
 * The reason for which the kernel would refuse a load by this process with EPERM, as far as it
 * can be known; NULL if there is none.
 */
const char *kho_host_load_forbidden(bool file_mode);

/* True if this process can see in debugfs that KHO is on. */
bool kho_host_shows_kho(void);

#endif /* KEXEC_KHO_HOST_H */
