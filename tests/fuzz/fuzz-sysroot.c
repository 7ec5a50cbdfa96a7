// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A running machine that is made of files: the input is their contents, one after the other, each behind four bytes
 * that say how long it is (0xffffffff: the file is not there).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

static const char *const files[] = {
	"proc/cmdline", "proc/sys/kernel/osrelease", "proc/iomem", "proc/kallsyms", "proc/kcore",
	"sys/kernel/notes", "sys/kernel/debug/kho/out/fdt", "sys/kernel/debug/kho/out/fdt_phys",
	"sys/kernel/debug/kho/out/scratch_phys", "sys/kernel/debug/kho/out/scratch_len",
	"sys/kernel/debug/kho/out/finalize", "sys/kernel/debug/kho/out/sub_fdts/dma-alloc",
	"sys/kernel/debug/kho/in/fdt", "sys/kernel/debug/kho/in/sub_fdts/dma-alloc",
	"sys/kernel/boot_params/setup_data/0/type", "sys/kernel/boot_params/setup_data/0/data",
};

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			abort();
		*slash = '/';
	}
}

static void put_file(const char *name, const uint8_t *data, size_t size)
{
	char path[256];
	int fd;

	fuzz_scratch(name, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0) {
		make_folders(path);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static void make_machine(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[256];
		uint32_t n = UINT32_MAX;

		if (size >= sizeof(n)) {
			memcpy(&n, data, sizeof(n));
			data += sizeof(n);
			size -= sizeof(n);
		}
		if (n == UINT32_MAX) {
			unlink(fuzz_scratch(files[i], path, sizeof(path)));
			continue;
		}
		n = n < size ? n : (uint32_t)size;
		put_file(files[i], data, n);
		data += n;
		size -= n;
	}
}

static void use_side(const char *sysroot, enum kho_side side)
{
	const struct kho_verify_options options = { .claims = true };
	struct kho_verify_summary summary;
	struct kho_error err = { 0 };
	struct kho_source *source;
	struct kho_state *state;

	if (kho_source_open_live(sysroot, &source, &err)) {
		if (!*err.message)
			abort();
		return;
	}
	if (!kho_state_open(source, side, &state, &err)) {
		kho_verify(state, &options, fuzz_see_finding, NULL, &summary, NULL);
		kho_state_close(state);
	} else if (!*err.message) {
		abort();
	}
	kho_source_close(source);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	char sysroot[128];

	make_machine(data, size);
	fuzz_scratch("", sysroot, sizeof(sysroot));
	use_side(sysroot, KHO_SIDE_OUT);
	use_side(sysroot, KHO_SIDE_IN);
	return 0;
}
