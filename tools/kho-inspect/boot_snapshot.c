// SPDX-License-Identifier: GPL-2.0-or-later
/* The snapshot of boot-check: a child takes it, and the parent puts it in place. */
#include <stdio.h>
#include <string.h>

#include "boot_check.h"
#include "boot_file.h"
#include "inspect.h"

struct snapshot_job {
	const struct boot_check *check;
	struct kho_output *output;	/* the parent puts it in place */
};

struct snapshot_result {
	int code;
	char message[256];
};

static void take_snapshot(void *data, void *result)
{
	const struct snapshot_job *job = data;
	const struct boot_check *check = job->check;
	struct snapshot_result *snapshot = result;
	const struct options *options = check->options;
	const struct kho_snapshot_options metadata = { 0 };
	struct opened opened;
	struct kho_error err = { 0 };

	if (!options->core && !*check->sysroot)
		boot_mount_debugfs();
	if (!enter_sandbox(options)) {
		snapshot->code = KHO_ERR_OS;
		strcpy(snapshot->message, "cannot give up system calls");
		return;
	}
	snapshot->code = boot_open_incoming(options, &opened, &err);
	if (!snapshot->code) {
		snapshot->code = kho_snapshot_write_to(opened.state, job->output, &metadata, &err);
		close_state(&opened);
	}
	snprintf(snapshot->message, sizeof(snapshot->message), "%s", err.message);
}

void boot_snapshot_save(const struct boot_check *check, char *remark, size_t size)
{
	struct snapshot_job job = { .check = check };
	struct snapshot_result result = { 0 };
	struct kho_error err = { 0 };
	char why[160] = "";

	if (boot_file_exists(check->dir, BOOT_SNAPSHOT))
		return;
	if (boot_file_open(check->dir, BOOT_SNAPSHOT, KHO_OUTPUT_SEEKABLE, &job.output, &err)) {
		snprintf(remark, size, "no snapshot was taken: %s", err.message);
		return;
	}
	if (boot_run_child(take_snapshot, &job, &result, sizeof(result),
			   boot_clock() + 1000ull * check->boot.timeout, why, sizeof(why)))
		result.code = KHO_ERR_OS;
	if (result.code)
		kho_output_discard(job.output);
	else
		result.code = kho_output_commit(job.output, &err);
	if (result.code)
		snprintf(remark, size, "no snapshot was taken: %s", *why ? why :
			 *err.message ? err.message : result.message);
}
