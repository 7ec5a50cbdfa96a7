/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The note that -l leaves for -e about the loaded kernel. It is true at each moment, even if this
 * process is killed: it is removed before the system call, and put back or replaced only once the
 * outcome is known.
 */
#ifndef KEXEC_KHO_NOTE_H
#define KEXEC_KHO_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include <kho.h>

#include "kexec-kho-plan.h"

#ifndef KHO_NOTE	/* tests use their own */
#define KHO_NOTE	"/run/kexec-kho"
#endif

/* How the loaded kernel was loaded. */
struct kho_note {
	bool by_kexec_load;	/* else kexec_file_load, where the kernel hands over */
	bool handed_over;	/* the kernel gets the state */
	bool judged;		/* target is known and was compared with the state */
	uint64_t fdt_addr;	/* that kexec_load gave it */
	struct kho_target target;
	uint64_t initrd_size;	/* 0: none */
	char command_line[KHO_COMMAND_LINE_MAX + 1];	/* that was judged with it */
};

/*
 * Waits for other loads, unloads and jumps by this kexec, and excludes them until this process
 * ends. May be called again.
 */
void kho_note_lock(void);

/*
 * Before the system call: puts the note aside, as it may become wrong. Returns 0, or -1 with errno
 * if the note cannot be moved: then nothing may be loaded.
 */
int kho_note_begin(void);

/* The system call failed, and the previous kernel is still loaded: puts the note back. */
void kho_note_keep(void);

/* After success. @note NULL: nothing is known of the loaded kernel. 0, or -1 with errno. */
int kho_note_end(const struct kho_note *note);

/* Reads the note into *note. False if there is none from this boot. */
bool kho_note_read(struct kho_note *note);

#endif /* KEXEC_KHO_NOTE_H */
