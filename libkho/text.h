/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text piece by piece, for writers that stream. */
#ifndef KHO_TEXT_H
#define KHO_TEXT_H

#include "kho_output.h"

#define KHO_TEXT_UNIT	4	/* bytes of the longest UTF-8 character, and of "\xNN" */

/*
 * Converts the character or byte at @from to @unit; @size bytes (not 0) are left. Returns the
 * number of bytes that it consumed.
 */
size_t kho_text_next(const unsigned char *from, size_t size, bool escape_backslash,
		     char unit[KHO_TEXT_UNIT], size_t *unit_size);

/* True if "\xNN" is at @text. */
bool kho_text_escaped(const char *text);
/* Returns the byte for the text at *text, which must not be at its end, and skips that text. */
unsigned char kho_text_byte(const char **text);

#endif /* KHO_TEXT_H */
