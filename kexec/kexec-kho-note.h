/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The books: what -l leaves for -e about the kernel that is loaded. They are true at each moment,
 * even when this process is killed: the note goes away before the system call, and comes
 * back, or a new one does, only once the outcome is known.
 */
#ifndef KEXEC_KHO_NOTE_H
#define KEXEC_KHO_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include <kho.h>

#ifndef KHO_NOTE	/* tests have another */
#define KHO_NOTE	"/run/kexec-kho"
#endif

/* How the kernel was loaded that is now in place. */
struct kho_note {
	bool by_kexec_load;	/* else kexec_file_load, where the kernel hands over */
	bool handed_over;	/* the image has the hand-over */
	bool judged;		/* it was held against the state, and this is what it has */
	uint64_t fdt_addr;	/* that kexec_load gave it */
	struct kho_target target;
};

/*
 * Waits for other loads, unloads and jumps that keep these books, and keeps them out until this
 * process ends. Locking twice is once.
 */
void kho_note_lock(void);

/*
 * Before the system call: what was noted does not hold any more, whatever becomes of this process.
 * Returns 0, or -1 with errno where there is a note that stays: nothing may be loaded then.
 */
int kho_note_begin(void);

/* It failed, and what was loaded before is still there: what was noted holds again. */
void kho_note_keep(void);

/* It is done. @note NULL: nothing is known of what is loaded now. Returns 0, or -1 with errno. */
int kho_note_end(const struct kho_note *note);

/* True if there is one of this boot; then *note is it. */
bool kho_note_read(struct kho_note *note);

#endif /* KEXEC_KHO_NOTE_H */
