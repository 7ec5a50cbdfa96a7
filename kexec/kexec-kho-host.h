/* SPDX-License-Identifier: GPL-2.0-only */
/* What this machine tells about KHO and kexec, without anything of kexec itself. */
#ifndef KEXEC_KHO_HOST_H
#define KEXEC_KHO_HOST_H

#include <stddef.h>
#include <stdint.h>

#include <kho.h>

/* Whether debugfs is mounted at its usual place. */
int kho_host_has_debugfs(void);

/*
 * Makes debugfs visible where it is not mounted, for this process alone. That this
 * fails shows when it is opened.
 */
void kho_host_see_debugfs(void);

/*
 * Whether KHO is on in the running kernel by its command line and configuration:
 * 1 on, 0 off or not built in, -1 cannot be told. Only for where debugfs is silent.
 */
int kho_host_kho_on(void);

/* The number in /sys/kernel/kexec_loaded, or -1. */
int kho_host_kexec_loaded(void);

/* Whether the kernel is locked down (Documentation/security/lsm, any level). */
int kho_host_locked_down(void);

/* Whether debugfs, where this process can see it, shows that KHO is on. */
int kho_host_shows_kho(void);

/* What -l leaves for -e: how the kernel was loaded that is now in place. */
struct kho_host_loaded {
	int by_kexec_load;	/* 0: kexec_file_load, where the kernel hands over */
	int handed_over;	/* the image has the hand-over */
	int judged;		/* it was held against the state, and this is what it has */
	uint64_t fdt_addr;	/* that kexec_load gave it */
	struct kho_target target;
};

#define KHO_HOST_LOADED	"/run/kexec-kho"

/*
 * Before the system call: what was noted does not hold any more, whatever becomes of
 * this process. With @lock waits for other loads that leave a note.
 */
void kho_host_note_begin(int lock);

/* It failed, and what was loaded before is still there: what was noted holds again. */
void kho_host_note_keep(void);

/* It is done. @loaded NULL: nothing is known of it. Returns 0, or -1 with errno. */
int kho_host_note_end(const struct kho_host_loaded *loaded);

/* 1 when there is one of this boot, else 0. */
int kho_host_read_loaded(struct kho_host_loaded *loaded);

#endif /* KEXEC_KHO_HOST_H */
