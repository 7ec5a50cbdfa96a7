/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Libraries that libkho loads on demand. */
#ifndef KHO_LIBRARY_H
#define KHO_LIBRARY_H

#include "kho.h"

/* The major versions of the headers that libkho is compiled with. */
#define KHO_LIBRARY_KDUMP	"libkdumpfile.so.10"
#define KHO_LIBRARY_DW		"libdw.so.1"
#define KHO_LIBRARY_LZ4		"liblz4.so.1"
#define KHO_LIBRARY_LZMA	"liblzma.so.5"

struct kho_library_symbol {
	const char *name;
	void *to;		/* pointer to the function pointer to set */
};

/* Resolves all @symbols in @library, a handle of dlopen(). The error calls it @name. */
int kho_library_resolve(void *library, const char *name, const struct kho_library_symbol *symbols,
			size_t nr_symbols, struct kho_error *err);

#endif /* KHO_LIBRARY_H */
