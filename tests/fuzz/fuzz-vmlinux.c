// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of --vmlinux, through libelf and libdw. The dump gets the build id of the input, because
 * libkho refuses any other build id at once.
 */
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libkho/vmlinux.h"
#include "memory.h"
#include "nomem.h"

#define BUILD_ID	20

static char *vmcoreinfo(const uint8_t *data, size_t size)
{
	static const unsigned char head[] = "\4\0\0\0\24\0\0\0\3\0\0\0GNU";
	const unsigned char *note = memmem(data, size, head, sizeof(head));
	char *text = NULL, hex[2 * BUILD_ID + 1] = "00";

	if (note && (size_t)(data + size - note) >= sizeof(head) + BUILD_ID) {
		for (size_t i = 0; i < BUILD_ID; i++)
			snprintf(hex + 2 * i, 3, "%02x", note[sizeof(head) + i]);
	}
	if (asprintf(&text, "OSRELEASE=7.3.4\nBUILD-ID=%s\nKERNELOFFSET=0\nNUMBER(phys_base)=0\n", hex) < 0)
		abort();
	return text;
}

int fuzz_one(const uint8_t *data, size_t size)
{
	const struct fuzz_page page = { 0x100000, 8 };
	const unsigned char *bytes = (const unsigned char *)"\xd0\r\xfe\xed\0\0\0";
	struct kho_error err = { 0 };
	struct kho_source *source;
	char path[FUZZ_PATH];
	uint64_t addr;
	int fd;

	/* like the reader of dumps */
	elf_version(EV_CURRENT);
	/* not a snapshot: it says where its root is */
	source = fuzz_source(KHO_ABI_MIN_PAGE_SHIFT, &page, &bytes, 1, NULL);
	fuzz_source_say(source, vmcoreinfo(data, size));
	fd = fuzz_file(data, size, path);
	if (kho_source_set_vmlinux(source, path, &err)) {
		if (!*err.message)
			abort();
		fuzz_memory_error(&err);
	} else {
		kho_vmlinux_root(source, KHO_SIDE_OUT, &addr);
		kho_vmlinux_root(source, KHO_SIDE_IN, &addr);
	}
	close(fd);
	kho_source_close(source);
	return 0;
}
