/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Libraries that libkho loads on demand. config.h has KHO_LIBRARY_KDUMP, KHO_LIBRARY_DW,
 * KHO_LIBRARY_LZ4 and KHO_LIBRARY_LZMA: the sonames of the libraries whose headers the compiler reads.
 */
#ifndef KHO_LIBRARY_H
#define KHO_LIBRARY_H

#include "kho.h"

struct kho_library_symbol {
	const char *name;
	void *to;		/* pointer to the function pointer to set */
};

/* Resolves all @symbols in @library, a handle of dlopen(). The error calls it @name. */
int kho_library_resolve(void *library, const char *name, const struct kho_library_symbol *symbols,
			size_t nr_symbols, struct kho_error *err);

#endif /* KHO_LIBRARY_H */
