// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot-check at both stages, boot-report, check-target and other commands that read more than a state,
 * each as a whole, in a machine made of files. The first byte contains options. Code that runs in a
 * child elsewhere runs in this process, so that the fuzzer sees it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "memory.h"
#include "nomem.h"
#include "tools/kho-inspect/boot.h"
#include "tools/kho-inspect/inspect.h"

#define DIR	"run/initramfs/kho"
#define PCI	"sys/bus/pci/devices/"

static const char *const files[] = {
	"core", "image", "proc/cmdline", "etc/cmdline", "etc/cmdline.d/10.conf", "proc/sys/kernel/bootloader_type",
	"proc/sys/kernel/osrelease", "proc/iomem", "proc/vmcore", "proc/kcore", "dev/kmsg",
	"sys/kernel/boot_params/version", "sys/kernel/boot_params/setup_data/0/type",
	"sys/kernel/boot_params/setup_data/0/data", "sys/kernel/debug/kho/in/fdt", "sys/kernel/debug/kho/out/fdt",
	"sys/kernel/debug/kho/out/fdt_phys", "sys/kernel/debug/kho/out/scratch_phys",
	"sys/kernel/debug/kho/out/scratch_len", "proc/meminfo", "sys/kernel/kexec_crash_size",
	PCI "0000:00:02.0/uevent", PCI "0000:00:02.0/config",
	PCI "0000:00:02.0/kexec_keep_master", PCI "0000:00:01.0/uevent", PCI "0000:00:01.0/config",
	DIR "/status", DIR "/findings", DIR "/findings.claims", DIR "/report.json", DIR "/claims.json",
	DIR "/snapshot.khosnap", DIR "/dmesg", "metrics/kho.prom",
};

int __wrap_boot_run_child(boot_child_fn fn, void *data, void *result, size_t size, uint64_t deadline, char *why,
			  size_t why_size);
struct child {
	boot_child_fn fn;
	void *data, *result;
};

static void run_child(void *data)
{
	struct child *child = data;

	child->fn(child->data, child->result);
}

int __wrap_boot_run_child(boot_child_fn fn, void *data, void *result, size_t size, uint64_t deadline, char *why,
			  size_t why_size)
{
	struct child child = { fn, data, result };
	bool exited;
	int saved;

	(void)size, (void)deadline;
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	exited = fuzz_until_exit(run_child, &child);
	fflush(stdout);
	if (saved < 0 || dup2(saved, STDOUT_FILENO) < 0)
		abort();
	close(saved);
	clearerr(stdout);
	if (exited)
		snprintf(why, why_size, "it ended");
	return exited ? -ECHILD : 0;
}

/*
 * The status is one complete line: a word that matches the exit status, and text that is safe for a
 * console.
 */
static void check_status(const char *path, int status)
{
	char line[4096], word[16];
	FILE *file = fopen(path, "re");
	enum boot_word parsed;

	fuzz_memory_status(status);
	/* if memory ran out, there may be no status, and the exit status must match that */
	if (!file && fuzz_memory_fails() && status != boot_word_status(WORD_CLEAN))
		return;
	if (!file || !fgets(line, sizeof(line), file) || fgetc(file) != EOF)
		abort();
	fclose(file);
	if (sscanf(line, "%15s", word) != 1 || !boot_word_parse(word, &parsed) || line[strlen(line) - 1] != '\n')
		abort();
	for (const char *c = line; *c != '\n'; c++) {
		if (*c < ' ' || *c > '~')
			abort();
	}
	if (boot_word_status(parsed) != status)
		abort();
}

/* Runs the commands that also read devices, scratch areas and an image. */
static void use_machine(struct options *options)
{
	static int (*const commands[])(const struct options *options) = {
		cmd_check_target, cmd_scratch, cmd_list, cmd_verify,
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int ret = commands[i](options);

		if (ret < EXIT_CLEAN || ret > EXIT_CANNOT_TELL)
			abort();
		fuzz_memory_status(ret);
	}
}

static void use_input(void *input)
{
	const uint8_t *data = input;
	char sysroot[128], dir[128], core[128], image[128], metrics[128], status[160];
	struct options options = {
		.no_sandbox = true, .no_color = true, .fail_on = KHO_SEVERITY_ERROR, .sysroot = sysroot, .dir = dir,
		.timeout = 5,
	};
	int ret;

	fuzz_scratch("", sysroot, sizeof(sysroot));
	fuzz_scratch(DIR, dir, sizeof(dir));
	fuzz_scratch(DIR "/status", status, sizeof(status));
	fuzz_scratch("metrics/kho.prom", metrics, sizeof(metrics));
	if (data[0] & 1)
		options.core = fuzz_scratch("core", core, sizeof(core));

	/* a report that another program left */
	options.journal = true;
	if (data[0] & 2)
		cmd_boot_report(&options);
	options.stage = data[0] & 4 ? BOOT_CLAIMS : BOOT_INCOMING;
	if (cmd_boot_check(&options) == boot_word_status(WORD_CLEAN) && access(status, F_OK))
		abort();
	options.stage = BOOT_INCOMING;
	check_status(status, cmd_boot_check(&options));
	options.stage = BOOT_CLAIMS;
	cmd_boot_check(&options);
	options.textfile = data[0] & 8 ? metrics : NULL;
	ret = cmd_boot_report(&options);
	if (ret != EXIT_CLEAN && ret != EXIT_FINDINGS)
		abort();

	options.argument = fuzz_scratch("image", image, sizeof(image));
	options.json = data[0] & 16;
	options.in = data[0] & 32;
	use_machine(&options);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	if (!size)
		return -1;
	fuzz_silence();
	fuzz_machine(files, sizeof(files) / sizeof(files[0]), data + 1, size - 1);
	fuzz_until_exit(use_input, (void *)(uintptr_t)data);
	return 0;
}
