/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Libraries that are loaded where they are needed. */
#ifndef KHO_LIBRARY_H
#define KHO_LIBRARY_H

#include "kho.h"

/* Of the major versions whose headers this is compiled with. */
#define KHO_LIBRARY_KDUMP	"libkdumpfile.so.10"
#define KHO_LIBRARY_DW		"libdw.so.1"

/* Functions of a library that is loaded where it is needed; @to: a pointer to such a function. */
struct kho_library_symbol {
	const char *name;
	void *to;
};

/* All of them, of a handle of dlopen(); @name is for the error. */
int kho_library_resolve(void *library, const char *name, const struct kho_library_symbol *symbols,
			size_t nr_symbols, struct kho_error *err);

#endif /* KHO_LIBRARY_H */
