// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules about the devices of the running kernel: compares sysfs with the records of each device.
 * kho_verify_dma() passes the records on as it reads them.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "devices.h"
#include "source.h"
#include "verify.h"

static bool outgoing(const struct kho_verify *v)
{
	return v->state->root.side == KHO_SIDE_OUT;
}

void kho_verify_devices_begin(struct kho_verify *v)
{
	struct kho_verify_devices *devices = &v->devices;
	struct kho_error err;

	/* a dump has no sysfs */
	if (!v->state->source->files)
		return;
	if (kho_devices_read_files(v->state->source->files, &devices->list, &devices->n, &err)) {
		kho_report_unevaluated(v, outgoing(v) ? KHO_RULE_K520 : KHO_RULE_K522, KHO_NO_ADDR,
				       0, "%s", err.message);
		return;
	}
	devices->known = true;
	if (!devices->n)
		return;
	devices->records = calloc(devices->n, sizeof(*devices->records));
	devices->live = calloc(devices->n, sizeof(*devices->live));
	if (devices->records && devices->live)
		return;
	kho_verify_devices_end(v);
	kho_report_unevaluated(v, outgoing(v) ? KHO_RULE_K520 : KHO_RULE_K522, KHO_NO_ADDR, 0,
			       "out of memory");
}

void kho_verify_devices_end(struct kho_verify *v)
{
	free(v->devices.list);
	free(v->devices.records);
	free(v->devices.live);
	v->devices = (struct kho_verify_devices){ 0 };
}

void kho_verify_devices_record(struct kho_verify *v, const struct kho_dma_record *record)
{
	struct kho_verify_devices *devices = &v->devices;
	const struct kho_device *device;

	/* only a running machine shows devices */
	if (!devices->n || !record->preserved)
		return;
	device = kho_devices_find_of(devices->list, devices->n, record);
	if (!device)
		return;
	devices->records[device - devices->list]++;
	devices->live[device - devices->list] += !record->sealed;
}

/* Reports a device that keeps mastering and has no record. */
static void judge_without_records(struct kho_verify *v, const struct kho_device *device)
{
	enum kho_rule_number rule = outgoing(v) ? KHO_RULE_K520 : KHO_RULE_K522;
	const char *driver = *device->driver ? device->driver : "no driver";

	/* an unreadable record may belong to the device */
	if (v->devices.lost_records)
		kho_report_unevaluated(v, rule, KHO_NO_ADDR, 0,
				       "PCI device %s (%s) is mastering, and some records are unreadable: they may belong to it",
				       device->name, driver);
	else if (outgoing(v))
		kho_report(v, rule, KHO_NO_ADDR, 0,
			   "PCI device %s (%s) keeps mastering over the kexec, and none of its memory is preserved: it would write to memory of the next kernel",
			   device->name, driver);
	else
		kho_report(v, rule, KHO_NO_ADDR, 0,
			   "PCI device %s (%s) is mastering, and no memory was handed over for it: it may be writing to memory of this kernel",
			   device->name, driver);
}

static void judge_device(struct kho_verify *v, size_t i)
{
	const struct kho_device *device = &v->devices.list[i];
	bool goes_on = outgoing(v) ? kho_device_keeps_mastering(device)
				   : device->masters && !*device->driver && device->keeps >= 0;

	/* a bridge keeps mastering for devices behind it, and masters before a driver has it */
	if (outgoing(v) ? device->forwards : device->bridge)
		return;
	if (goes_on && !v->devices.records[i])
		judge_without_records(v, device);
	if (outgoing(v) && !goes_on && v->devices.live[i] && device->keeps >= 0)
		kho_report(v, KHO_RULE_K521, KHO_NO_ADDR, 0,
			   "%" PRIu64 " allocation(s) of PCI device %s (%s) are live, but its bus mastering ends at the kexec: nothing is written to them from then on",
			   v->devices.live[i], device->name,
			   *device->driver ? device->driver : "no driver");
}

void kho_verify_devices(struct kho_verify *v)
{
	for (size_t i = 0; i < v->devices.n; i++)
		judge_device(v, i);
	if (!v->devices.known)
		return;
	kho_evaluated(v, outgoing(v) ? KHO_RULE_K520 : KHO_RULE_K522);
	if (outgoing(v) && !v->devices.lost_records)
		kho_evaluated(v, KHO_RULE_K521);
}
