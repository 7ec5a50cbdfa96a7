// SPDX-License-Identifier: GPL-2.0-or-later
/* A running machine that is made of files. */
#include <stdlib.h>
#include <unistd.h>

#include "machine.h"
#include "memory.h"
#include "nomem.h"

static const char *const files[] = {
	"proc/cmdline", "proc/sys/kernel/osrelease", "proc/iomem", "proc/kallsyms", "proc/kcore",
	"sys/kernel/notes", "sys/kernel/debug/kho/out/fdt", "sys/kernel/debug/kho/out/fdt_phys",
	"sys/kernel/debug/kho/out/scratch_phys", "sys/kernel/debug/kho/out/scratch_len",
	"sys/kernel/debug/kho/out/finalize", "sys/kernel/debug/kho/out/sub_fdts/dma-alloc",
	"sys/kernel/debug/kho/in/fdt", "sys/kernel/debug/kho/in/sub_fdts/dma-alloc",
	"sys/kernel/boot_params/setup_data/0/type", "sys/kernel/boot_params/setup_data/0/data",
	"sys/kernel/debug/clear_warn_once", "proc/config.gz", "boot/config-7.3.4",
	"sys/bus/pci/devices/0000:00:02.0/uevent", "sys/bus/pci/devices/0000:00:02.0/config",
	"sys/bus/pci/devices/0000:00:02.0/kexec_keep_master", "sys/kernel/boot_params/data",
	"sys/kernel/boot_params/setup_data/1/type", "sys/kernel/boot_params/setup_data/1/data", "sys/firmware/fdt", "vmlinux",
};

/* The memory map of a target is that of the machine. */
static void use_target(struct kho_state *state)
{
	struct kho_target target = {
		.format = "bzImage", .has_kho = true, .config_known = true, .root_compatible = "kho-v4", .page_size = 4096,
	};
	struct kho_verify_summary summary;

	kho_target_verify(state, &target, &(struct kho_target_load){ .cmdline = "memmap=1M@1M mem_encrypt=on" }, fuzz_see_finding, NULL,
			  &summary, NULL);
}

static void use_side(const char *sysroot, enum kho_side side)
{
	const struct kho_verify_options options = { .claims = true };
	struct kho_verify_summary summary;
	struct kho_error err = { 0 };
	struct kho_source *source;
	struct kho_state *state;
	char path[128];

	kho_kernel_is_on(sysroot);
	if (kho_source_open_live(sysroot, &source, &err)) {
		fuzz_memory_error(&err);
		return;
	}
	/* for a kcore that does not say it */
	kho_source_set_page_size(source, 4096, NULL);
	fuzz_scratch("vmlinux", path, sizeof(path));
	if (!access(path, F_OK) && kho_source_set_vmlinux(source, path, &err))
		fuzz_memory_error(&err);
	if (!kho_state_open(source, side, &state, &err)) {
		kho_verify(state, &options, fuzz_see_finding, NULL, &summary, NULL);
		if (side == KHO_SIDE_OUT)
			use_target(state);
		if (kho_snapshot_write(state, fuzz_scratch("snapshot", path, sizeof(path)), &err))
			fuzz_memory_error(&err);
		kho_state_close(state);
	} else {
		fuzz_memory_error(&err);
	}
	kho_source_close(source);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	char sysroot[128];

	fuzz_machine(files, sizeof(files) / sizeof(files[0]), data, size);
	fuzz_scratch("", sysroot, sizeof(sysroot));
	use_side(sysroot, KHO_SIDE_OUT);
	use_side(sysroot, KHO_SIDE_IN);
	return 0;
}
