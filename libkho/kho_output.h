/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What leaves a program: text that is fit for people. Shared by libkho, its tools and kexec,
 * so that each of them writes it in the same way. Conventions are those of kho.h.
 */
#ifndef KHO_OUTPUT_H
#define KHO_OUTPUT_H

#include <kho.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ text */

/* Room for the text of @n bytes, with the NUL. */
#define KHO_TEXT_ROOM(n)	(4 * (n) + 1)

/*
 * Writes @size bytes of unknown origin to @to as text: valid UTF-8 without control
 * characters (C0, DEL, C1), without characters that turn the direction of text or end a line
 * (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069), and without U+FFFE and U+FFFF,
 * which XML does not have. Each byte that does not belong to such text, and each backslash,
 * becomes "\xNN". So kho_text_bytes() gets the bytes back.
 *
 * At most @room bytes are written, with a NUL at the end; no character and no "\xNN" is cut.
 * @room is not 0. Returns the length of the whole text, as snprintf() does.
 */
size_t kho_text(char *to, size_t room, const void *from, size_t size);

/*
 * The same for a message that was put together from several texts: backslashes stay as they are,
 * so that "\xNN" of a text in it does. @to and @message do not overlap.
 */
size_t kho_text_message(char *to, size_t room, const char *message);

/*
 * The bytes that kho_text() made @text from. At most strlen(@text) bytes are written to @to.
 * Returns how many.
 */
size_t kho_text_bytes(const char *text, void *to);

#ifdef __cplusplus
}
#endif

#endif /* KHO_OUTPUT_H */
