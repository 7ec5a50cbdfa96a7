/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What leaves a program: text that is fit for people, JSON documents, and files. Shared by libkho,
 * its tools and kexec, so that each of them writes it in the same way. Conventions are those of
 * kho.h.
 */
#ifndef KHO_OUTPUT_H
#define KHO_OUTPUT_H

#include <kho.h>
#include <stdio.h>
#include <sys/types.h>

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

/* ------------------------------------------------------------------ JSON */

/*
 * Writes one JSON document as it goes; nothing of it is kept. What stands within an object has a
 * @key, what stands within an array or alone has NULL. Members have a line each; an object or an
 * array within an array is one line. The first mistake in a sequence of calls (an end too many,
 * more than 64 levels) is told by kho_json_finish().
 */
struct kho_json;

/* @out stays the caller's. NULL: out of memory. */
struct kho_json *kho_json_create(FILE *out);
/*
 * Ends the document with a newline and releases @json (which may be NULL). Returns 0; KHO_ERR_OS
 * when not all of it could be written; KHO_ERR_USAGE when something is still open or was
 * closed too often.
 */
int kho_json_finish(struct kho_json *json);

void kho_json_object(struct kho_json *json, const char *key);
void kho_json_array(struct kho_json *json, const char *key);
/* Ends the object or array that was begun last. */
void kho_json_end(struct kho_json *json);

void kho_json_null(struct kho_json *json, const char *key);
void kho_json_bool(struct kho_json *json, const char *key, bool value);
void kho_json_uint(struct kho_json *json, const char *key, uint64_t value);
void kho_json_int(struct kho_json *json, const char *key, int64_t value);
/* A string "0x12ab". */
void kho_json_hex(struct kho_json *json, const char *key, uint64_t value);
/* The same; KHO_NO_ADDR is null. */
void kho_json_addr(struct kho_json *json, const char *key, uint64_t addr);
/* @size bytes as a string of hexadecimal digits. */
void kho_json_bytes(struct kho_json *json, const char *key, const void *bytes, size_t size);
/*
 * Text as this library gives it, or a message. NULL is null. What is not fit for people is
 * treated as kho_text_message() does. Where "\xNN" stands for a byte, a member "<key>_bytes" follows
 * with all of the bytes that the text was made from (within an object only).
 */
void kho_json_string(struct kho_json *json, const char *key, const char *text);
/* The same for a string that has not been through kho_text(): a path, a command line. */
void kho_json_raw(struct kho_json *json, const char *key, const char *bytes);

/* The tokens that documents have for these; "unknown" for another value. */
const char *kho_side_name(enum kho_side side);
const char *kho_found_by_name(enum kho_found_by found_by);
const char *kho_dma_fate_name(enum kho_dma_fate fate);

/* Objects as in kho-inspect.schema.json. NULL is null. */
void kho_json_state(struct kho_json *json, const char *key, const struct kho_state *state);
void kho_json_range(struct kho_json *json, const char *key, const struct kho_range *range);
/* The members of a range, for an object that has more of them. */
void kho_json_range_members(struct kho_json *json, const struct kho_range *range);
void kho_json_record(struct kho_json *json, const char *key, const struct kho_dma_record *record);
void kho_json_finding(struct kho_json *json, const char *key, const struct kho_finding *finding);
void kho_json_target(struct kho_json *json, const char *key, const struct kho_target *target);

/* ----------------------------------------------------------------- files */

/*
 * A file that is written. Symbolic links are followed. A regular file, or one that does not exist
 * yet, is there as a whole once kho_output_commit() has returned 0; until then, and when the
 * program dies, everything is as it was. Anything else (a device, a FIFO), and the standard
 * output or error of this process by whatever name, is written to as it is.
 */
struct kho_output;

/* It must be possible to write anywhere in it: what cannot is written to in one go at the end. */
#define KHO_OUTPUT_SEEKABLE	1u

/*
 * Opens @path for writing; a FIFO waits for its reader. A new file gets @mode (less the umask). One
 * that this user owns keeps its mode when it is replaced, somebody else's is replaced by a file
 * with @mode. In a folder with the sticky bit into which everybody may write, a link or a FIFO of
 * another user than this one and the folder's is refused, as Linux does with
 * fs.protected_symlinks and fs.protected_fifos.
 *
 * KHO_ERR_PERMISSION, KHO_ERR_OS, KHO_ERR_NOMEM, or KHO_ERR_USAGE for unknown @flags.
 */
int kho_output_open(const char *path, mode_t mode, unsigned int flags, struct kho_output **out,
		    struct kho_error *err);
/* To write with write() and the like. It stays the output's. */
int kho_output_fd(const struct kho_output *output);
/* To write with the functions of <stdio.h>; the same one each time, NULL without memory. */
FILE *kho_output_stream(struct kho_output *output);
/* True if it is the standard output of this process: messages have to go elsewhere. */
bool kho_output_is_stdout(const struct kho_output *output);
/*
 * Makes what was written the content of the file, on the disk, and releases @output, also when
 * that fails: then a regular file is as it was.
 */
int kho_output_commit(struct kho_output *output, struct kho_error *err);
/* Gives up: a regular file is as it was. @output may be NULL. */
void kho_output_discard(struct kho_output *output);

#ifdef __cplusplus
}
#endif

#endif /* KHO_OUTPUT_H */
