// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dlfcn.h>
#include <string.h>

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
		/* a pointer to a function is none to an object, in C */
		memcpy(symbols[i].to, &symbol, sizeof(symbol));
	}
	return 0;
}
