// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "error.h"
#include "library.h"

int kho_library_resolve(void *library, const char *name, const struct kho_library_symbol *symbols,
			size_t nr_symbols, struct kho_error *err)
{
	for (size_t i = 0; i < nr_symbols; i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (!symbol)
			return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR, "%s has no %s",
					name, symbols[i].name);
		/* C does not convert a pointer to an object to one to a function */
		memcpy(symbols[i].to, &symbol, sizeof(symbol));
	}
	return 0;
}

static bool is_elf(const char *path)
{
	/* do not wait for the writer of a FIFO; kho_source_open_file() refuses it */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[SELFMAG] = "";
	bool ok = fd >= 0 && read(fd, magic, sizeof(magic)) == SELFMAG;

	if (fd >= 0)
		close(fd);
	return ok && !memcmp(magic, ELFMAG, SELFMAG);
}

void kho_libraries_load(const char *core, const char *vmlinux)
{
	/* they stay loaded: nobody closes the handles */
	if (core && !is_elf(core))
		dlopen(KHO_LIBRARY_KDUMP, RTLD_NOW | RTLD_LOCAL);
	if (vmlinux)
		dlopen(KHO_LIBRARY_DW, RTLD_NOW | RTLD_LOCAL);
}

void kho_target_libraries_load(void)
{
	dlopen(KHO_LIBRARY_LZ4, RTLD_NOW | RTLD_LOCAL);
	dlopen(KHO_LIBRARY_LZMA, RTLD_NOW | RTLD_LOCAL);
}
