// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec -e verifies the state again, and compares it with the note that the load left about the
 * loaded kernel. kexec -u removes the note together with the kernel, or keeps both.
 */
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec-kho.h"
#include "kexec-kho-host.h"
#include "kexec-kho-jump.h"
#include "kexec-kho-note.h"
#include "kexec-kho-say.h"

static enum kho_mode jump_mode;
static bool jump_stays_out;
static bool jump_keeps;		/* the jump hands over state */
static bool unloads, unload_had_note;

void kho_jump_begin(enum kho_mode mode, bool stay_out)
{
	jump_mode = mode;
	jump_stays_out = stay_out;
}

/* Ends the program unless the loaded kernel gets the state and can take it over. */
static void check_what_is_loaded(void)
{
	struct kho_note note;
	struct kho_error err;

	if (!kho_note_read(&note))
		kho_say_refused(KHO_RULE_K707, "kexec knows nothing about the loaded kernel: another program loaded it, or it was loaded without state, or its load was killed. Load it again.");
	if (!note.handed_over)
		kho_say_refused(KHO_RULE_K707, "the kernel was loaded by kexec_load with --kho=off, so it will not get the state. Load it again, or jump with --kho=off.");
	if (!note.judged)
		kho_say_refused(KHO_RULE_K707, "the kernel was loaded with --kho=off, so kexec did not check that it can take the state. Load it again, or jump with --kho=off.");
	/*
	 * memory that was preserved after the load may lie where the target's command line or map
	 * takes it away
	 */
	kho_held_verify_target(&note.target, &(struct kho_target_load){
		.cmdline = note.command_line,
		.initrd_size = note.initrd_size, .initrd_known = true,
	});
	if (!note.by_kexec_load)
		return;
	if (kho_state_locate(kho_held.state, &err))
		kho_say_refused(KHO_RULE_K707, "cannot determine whether the loaded kernel would get the state: %s",
				err.message);
	if (note.fdt_addr != kho_state_fdt_addr(kho_held.state))
		kho_say_refused(KHO_RULE_K707, "the loaded kernel expects the root FDT at 0x%" PRIx64 ", and this kernel has it at 0x%" PRIx64 ". Load it again.",
				note.fdt_addr, kho_state_fdt_addr(kho_held.state));
}

void kexec_kho_before_exec(void)
{
	if (jump_stays_out)
		return;
	kho_report.action = "exec";
	kho_report.path = NULL;
	if (jump_mode == KHO_MODE_OFF) {
		kho_note_lock();
	} else {
		kho_held_close();
		jump_keeps = kho_held_open(jump_mode) == KHO_PRESENT;
		if (!jump_keeps)
			kho_held_refuse_devices();
	}
	if (jump_keeps) {
		kho_held_verify();
		check_what_is_loaded();
	}
	if (!kho_report.dry_run) {
		if (kho_say_verdict("jump", NULL, 0))
			return;
		kho_say_stays_loaded();
		exit(EXIT_FAILURE);
	}
	printf("KHO: would jump%s (not done: dry run)\n",
	       jump_keeps ? ", the state is sound" : "");
	kho_say_and_leave("would-jump", NULL, 0);
}

/* ------------------------------------------------------------- the interfaces */

/*
 * True if @path, a folder of sysfs, is below a PCI device that keeps mastering. The nearest device
 * decides.
 */
static bool below_mastering(char *path, const struct kho_device *devices, size_t n)
{
	const struct kho_device *device = NULL;
	char *slash;

	while (!device && (slash = strrchr(path, '/'))) {
		device = kho_devices_find(devices, n, slash + 1);
		*slash = '\0';
	}
	return device && kho_device_keeps_mastering(device);
}

int kexec_kho_leaves_up(const char *interface)
{
	char path[PATH_MAX], *folder;
	struct kho_device *devices;
	bool keeps = false;
	size_t n;

	/* if nothing is handed over, taking the interface down stops the device in time */
	if (!jump_keeps)
		return 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s/device", interface);
	folder = realpath(path, NULL);
	/* an interface without a device cannot keep receiving */
	if (folder && !kho_devices_read(NULL, &devices, &n, NULL)) {
		keeps = below_mastering(folder, devices, n);
		free(devices);
	}
	free(folder);
	if (keeps)
		fprintf(stderr, "kexec: KHO: %s stays up: its device goes on receiving over the kexec\n",
			interface);
	return keeps;
}

static void __attribute__((noreturn)) explain_no_jump(int error)
{
	switch (error) {
	case EBUSY:
		kho_say_no_jump("the kernel does not jump: another load is in progress, or a live update is not ready. Try again later.");
	case EPERM:
		kho_say_no_jump("the kernel does not permit the jump: this needs CAP_SYS_BOOT.");
	default:
		kho_say_no_jump("the kernel does not jump: %s.", strerror(error));
	}
}

void kexec_kho_no_jump(void)
{
	int error = errno;

	if (jump_stays_out)
		return;
	/* the report says "jump", but the kernel did not jump */
	kho_say_again();
	/* the kernel stays loaded, and its note remains correct */
	if (jump_keeps)
		explain_no_jump(error);
	kho_say_verdict("kernel-refused", strerror(error), 255);
	errno = error;
}

/* ------------------------------------------------------------------- unload */

void kho_unload_begin(void)
{
	struct kho_note note;

	kho_note_lock();
	unloads = true;
	unload_had_note = kho_note_read(&note);
	if (kho_note_begin())
		kho_say_refused(KHO_RULE_K707, "cannot remove the note of the load, " KHO_NOTE ": %s. kexec -e would use it for another kernel.",
				strerror(errno));
}

void kexec_kho_unloaded(int result, int file_mode)
{
	const char *forbidden;

	if (!unloads)
		return;
	if (!result) {
		kho_note_end(NULL);
		return;
	}
	kho_note_keep();
	if (!unload_had_note)
		return;
	forbidden = kho_host_load_forbidden(file_mode);
	fprintf(stderr, "kexec: KHO: the loaded kernel stays loaded, and would get the state%s%s\n",
		forbidden ? ": " : "", forbidden ? forbidden : "");
}

#endif /* HAVE_LIBKHO */
