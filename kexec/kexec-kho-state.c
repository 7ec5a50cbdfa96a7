// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kexec-kho-host.h"
#include "kexec-kho-note.h"
#include "kexec-kho-say.h"
#include "kexec-kho-state.h"

struct kho_held kho_held;

/* True if @code only means that debugfs shows no KHO, which proves little. */
static bool no_sign(int code)
{
	return code == KHO_ERR_DISABLED || code == KHO_ERR_NO_KHO ||
	       code == KHO_ERR_NO_DEBUGFS ||
	       (code == KHO_ERR_PERMISSION && !kho_held.source && !kho_host_has_debugfs());
}

/*
 * True if KHO may be on although debugfs does not show it: the kernel's configuration and command
 * line decide. A user who may not load a kernel cannot lose state.
 */
static bool may_be_on(void)
{
	int on = kho_kernel_is_on(NULL);

	return on > 0 || (on < 0 && !kho_host_has_debugfs() && !geteuid());
}

static int open_live(struct kho_error *err)
{
	int ret;

	/* without KHO in debugfs there is nothing to note */
	if (kho_host_shows_kho() || !kho_host_has_debugfs())
		kho_note_lock();
	kho_host_see_debugfs();
	ret = kho_source_open_live(NULL, &kho_held.source, err);
	if (!ret)
		ret = kho_state_open(kho_held.source, KHO_SIDE_OUT, &kho_held.state, err);
	if (ret)
		return ret;
	kho_held.scratch = kho_state_scratch(kho_held.state, &kho_held.nr_scratch);
	kho_report.state = kho_held.state;
	return 0;
}

enum kho_presence kho_held_open(enum kho_mode mode)
{
	struct kho_error err;
	int ret = open_live(&err);

	if (ret && mode != KHO_MODE_REQUIRE && no_sign(ret) && !may_be_on()) {
		kho_held_close();
		return KHO_ABSENT;
	}
	if (ret)
		kho_say_refused_error(&err);
	if (mode != KHO_MODE_REQUIRE && kho_state_is_empty(kho_held.state, NULL) == 1)
		return KHO_NOTHING;
	return KHO_PRESENT;
}

int kho_held_look(struct kho_error *err)
{
	int ret = open_live(err);

	return ret && no_sign(ret) && !may_be_on() ? 0 : ret;
}

void kho_held_close(void)
{
	kho_state_close(kho_held.state);
	kho_source_close(kho_held.source);
	memset(&kho_held, 0, sizeof(kho_held));
	kho_report.state = NULL;
}

void kho_held_refuse_left_behind(void)
{
	struct kho_state *incoming;
	struct kho_error err;
	uint64_t records = 0;
	int ret;

	/* no source: no sign of KHO; no incoming state: nothing was handed to this kernel */
	if (!kho_held.source ||
	    kho_state_open(kho_held.source, KHO_SIDE_IN, &incoming, &err))
		return;
	ret = kho_dma_left_behind(incoming, kho_held.state, &records, &err);
	kho_state_close(incoming);
	if (ret)
		kho_say_refused(ret == KHO_ERR_UNSUPPORTED ? KHO_RULE_K401 : KHO_RULE_K403,
				"%s. This kexec would lose what the previous kernel preserved there, and a device may still use it.",
				err.message);
	if (records)
		kho_say_refused(KHO_RULE_K504, "this kernel did not take over %" PRIu64 " DMA allocation(s) that the previous kernel preserved. This kexec would lose them, and a device may still use them.",
				records);
}

/* ------------------------------------------------------------------ devices */

/* Calls @fn for each device that keeps mastering over the kexec. Returns 0 or an error. */
static int for_each_mastering(void (*fn)(const struct kho_device *device), struct kho_error *err)
{
	struct kho_device *devices;
	size_t n;
	int ret = kho_devices_read(NULL, &devices, &n, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++) {
		if (!devices[i].forwards && kho_device_keeps_mastering(&devices[i]))
			fn(&devices[i]);
	}
	free(devices);
	return 0;
}

static void refuse_device(const struct kho_device *device)
{
	kho_say_refused(KHO_RULE_K520, "PCI device %s (%s) keeps mastering over the kexec, and nothing is preserved: it would write to memory of the next kernel. Unload the driver first.",
			device->name, *device->driver ? device->driver : "no driver");
}

void kho_held_refuse_devices(void)
{
	struct kho_error err;

	if (for_each_mastering(refuse_device, &err))
		kho_say_refused(KHO_RULE_K520, "cannot determine which devices keep mastering over the kexec: %s.",
				err.message);
}

static void warn_of_device(const struct kho_device *device)
{
	fprintf(stderr, "kexec: KHO: --kho=off: PCI device %s (%s) keeps mastering over the kexec: it writes to memory of the next kernel, unless that memory is handed over\n",
		device->name, *device->driver ? device->driver : "no driver");
}

void kho_held_warn_of_devices(void)
{
	struct kho_error err;

	if (for_each_mastering(warn_of_device, &err))
		fprintf(stderr, "kexec: KHO: --kho=off: cannot determine which devices keep mastering over the kexec: %s\n",
			err.message);
}

/* ------------------------------------------------------------------- verify */

void kho_held_verify(void)
{
	struct kho_verify_summary summary;
	struct kho_error err;

	if (kho_verify(kho_held.state, NULL, kho_say_finding, NULL, &summary, &err))
		kho_say_refused_error(&err);
	kho_say_require_clean(&summary, "the state cannot be handed over as it is");
}

void kho_held_verify_target(const struct kho_target *target, const struct kho_target_load *load)
{
	struct kho_verify_summary summary;
	struct kho_error err;

	if (kho_target_verify(kho_held.state, target, load, kho_say_finding, NULL, &summary, &err))
		kho_say_refused_error(&err);
	kho_say_require_clean(&summary, "the target kernel would lose the state");
}

struct kho_dma_header kho_held_dma(void)
{
	struct kho_dma_header header;

	if (!kho_held.state || kho_dma_read_header(kho_held.state, &header, NULL))
		memset(&header, 0, sizeof(header));
	return header;
}

#endif /* HAVE_LIBKHO */
