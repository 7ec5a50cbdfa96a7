/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text piece by piece, for those who write it as they go. */
#ifndef KHO_TEXT_H
#define KHO_TEXT_H

#include "kho_output.h"

#define KHO_TEXT_UNIT	4	/* bytes of a character of UTF-8, or of "\xNN" */

/*
 * The piece of text for the character or the byte at @from, of which @size bytes (not 0) are
 * left. Returns how many of them it stands for.
 */
size_t kho_text_next(const unsigned char *from, size_t size, bool escape_backslash,
		     char unit[KHO_TEXT_UNIT], size_t *unit_size);

/* True if "\xNN" is at @text. */
bool kho_text_escaped(const char *text);
/* The byte that the text at *text stands for; *text becomes what follows. Not at its end. */
unsigned char kho_text_byte(const char **text);

#endif /* KHO_TEXT_H */
