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
/* physical memory of the kernel's image, which is linked at START_KERNEL_MAP + 16 MiB */
#define IMAGE		(16ull << 20)
#define IMAGE_PAGES	32

static char *vmcoreinfo(const uint8_t *data, size_t size)
{
	static const unsigned char head[] = "\4\0\0\0\24\0\0\0\3\0\0\0GNU";
	const unsigned char *end = data + size, *note = NULL, *next = data;
	char *text = NULL, hex[2 * BUILD_ID + 1] = "00";

	/* the last one: an input may end with another id than it has */
	while ((next = memmem(next, (size_t)(end - next), head, sizeof(head))))
		note = next++;
	if (note && (size_t)(end - note) >= sizeof(head) + BUILD_ID) {
		for (size_t i = 0; i < BUILD_ID; i++)
			snprintf(hex + 2 * i, 3, "%02x", note[sizeof(head) + i]);
	}
	if (asprintf(&text, "OSRELEASE=7.3.4\nBUILD-ID=%s\nKERNELOFFSET=0\nNUMBER(phys_base)=0\n", hex) < 0)
		abort();
	return text;
}

int fuzz_one(const uint8_t *data, size_t size)
{
	static uint64_t image[512];
	const unsigned char *bytes[IMAGE_PAGES];
	struct fuzz_page pages[IMAGE_PAGES];
	struct kho_error err = { 0 };
	struct kho_source *source;
	char path[FUZZ_PATH];
	uint64_t addr;
	int fd;

	/* like the reader of dumps */
	elf_version(EV_CURRENT);
	/* each variable is a pointer to the same place */
	for (size_t i = 0; i < 512; i++)
		image[i] = 0xffff888000100000;
	for (size_t i = 0; i < IMAGE_PAGES; i++) {
		pages[i] = (struct fuzz_page){ IMAGE + i * sizeof(image), sizeof(image) };
		bytes[i] = (const unsigned char *)image;
	}
	/* not a snapshot: it says where its root is */
	source = fuzz_source(KHO_ABI_MIN_PAGE_SHIFT, pages, bytes, IMAGE_PAGES, NULL);
	fuzz_source_say(source, vmcoreinfo(data, size));
	fd = fuzz_file(data, size, path);
	if (kho_source_set_vmlinux(source, path, &err)) {
		fuzz_memory_error(&err);
	} else {
		kho_vmlinux_root(source, KHO_SIDE_OUT, &addr);
		kho_vmlinux_root(source, KHO_SIDE_IN, &addr);
	}
	close(fd);
	kho_source_close(source);
	return 0;
}
