/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Output of libkho, its tools and kexec: printable text, JSON documents, and files. The
 * conventions of kho.h apply.
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

/* Size of a buffer for the text of @n bytes, with the NUL. */
#define KHO_TEXT_ROOM(n)	(4 * (n) + 1)

/*
 * Writes @size bytes of unknown origin to @to as text: valid UTF-8 without control
 * characters (C0, DEL, C1), without characters that change the direction of text or end a line
 * (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069), and without U+FFFE and U+FFFF,
 * which XML does not allow. Every other byte, and each backslash, becomes "\xNN", so that
 * kho_text_bytes() can restore the bytes.
 *
 * Writes at most @room bytes, with a NUL at the end, and never part of a character or of "\xNN".
 * @room is not 0. Returns the length of the whole text, as snprintf() does.
 */
size_t kho_text(char *to, size_t room, const void *from, size_t size);

/*
 * The same for a message that contains texts: keeps backslashes, and so each "\xNN" of those
 * texts. @to and @message do not overlap.
 */
size_t kho_text_message(char *to, size_t room, const char *message);

/*
 * Reverts kho_text(). Writes at most strlen(@text) bytes to @to and returns their number.
 */
size_t kho_text_bytes(const char *text, void *to);

/* ------------------------------------------------------------------ JSON */

/*
 * A JSON document. Each call writes its part at once. @key is the name of a member of an object,
 * and NULL in an array or at the top. Each member has its own line; an object or array in an
 * array is one line. kho_json_finish() reports misuse (an end too many, more than 64 levels).
 */
struct kho_json;

/* @out remains the caller's. Returns NULL if out of memory. */
struct kho_json *kho_json_create(FILE *out);
/*
 * Ends the document with a newline and releases @json (which may be NULL). Returns 0; KHO_ERR_OS
 * if a write failed; KHO_ERR_USAGE if an object or array is still open or was ended too often.
 */
int kho_json_finish(struct kho_json *json);

void kho_json_object(struct kho_json *json, const char *key);
void kho_json_array(struct kho_json *json, const char *key);
/* Ends the innermost object or array. */
void kho_json_end(struct kho_json *json);

void kho_json_null(struct kho_json *json, const char *key);
void kho_json_bool(struct kho_json *json, const char *key, bool value);
void kho_json_uint(struct kho_json *json, const char *key, uint64_t value);
void kho_json_int(struct kho_json *json, const char *key, int64_t value);
/* A string such as "0x12ab". */
void kho_json_hex(struct kho_json *json, const char *key, uint64_t value);
/* The same, but null for KHO_NO_ADDR. */
void kho_json_addr(struct kho_json *json, const char *key, uint64_t addr);
/* @size bytes as a string of hexadecimal digits. */
void kho_json_bytes(struct kho_json *json, const char *key, const void *bytes, size_t size);
/*
 * Output of kho_text() or a message; NULL becomes null. Escapes unprintable bytes as
 * kho_text_message() does. If @text contains "\xNN", a member "<key>_bytes" with all the original
 * bytes follows (in an object only).
 */
void kho_json_string(struct kho_json *json, const char *key, const char *text);
/* The same for a raw string, such as a path or a command line. */
void kho_json_raw(struct kho_json *json, const char *key, const char *bytes);

/* The tokens that documents use for these, "unknown" for another value. */
const char *kho_side_name(enum kho_side side);
const char *kho_outcome_name(enum kho_outcome outcome);
const char *kho_found_by_name(enum kho_found_by found_by);
const char *kho_dma_fate_name(enum kho_dma_fate fate);

/* Objects of kho-inspect.schema.json. A NULL pointer becomes null. */
void kho_json_state(struct kho_json *json, const char *key, const struct kho_state *state);
void kho_json_range(struct kho_json *json, const char *key, const struct kho_range *range);
/* Writes only the members of a range, into an object that has other members too. */
void kho_json_range_members(struct kho_json *json, const struct kho_range *range);
void kho_json_record(struct kho_json *json, const char *key, const struct kho_dma_record *record);
void kho_json_finding(struct kho_json *json, const char *key, const struct kho_finding *finding);
void kho_json_target(struct kho_json *json, const char *key, const struct kho_target *target);

/* ----------------------------------------------------------------- files */

/*
 * A file to write. Symbolic links are followed. kho_output_commit() creates or replaces a regular
 * file as a whole; until then, and if the program dies, nothing changes. Anything else (a
 * device, a FIFO), a file descriptor (/dev/fd/3), and the standard output or error of this process
 * under any name, receives the data directly. A regular file by a descriptor of another process
 * (/proc/PID/fd/3) gets it at the commit.
 */
struct kho_output;

/* The caller seeks: kho_output_commit() copies the data to a device, a FIFO and the like. */
#define KHO_OUTPUT_SEEKABLE	1u
/* A regular file that this user owns gets @mode too, instead of keeping its own. */
#define KHO_OUTPUT_NEW_MODE	2u

/*
 * Opens @path for writing; with a FIFO, waits for a reader. A new file gets @mode (less the umask),
 * and so does one that replaces another user's file; a file of this user keeps its mode. In a
 * world-writable folder with the sticky bit, refuses a link or FIFO unless this user or the
 * folder's owner owns it, as Linux does with fs.protected_symlinks and fs.protected_fifos.
 *
 * KHO_ERR_PERMISSION, KHO_ERR_OS, KHO_ERR_NOMEM, or KHO_ERR_USAGE for unknown @flags.
 */
int kho_output_open(const char *path, mode_t mode, unsigned int flags, struct kho_output **out,
		    struct kho_error *err);
/* The path that was opened, for messages. Owned by @output. */
const char *kho_output_path(const struct kho_output *output);
/* For write() and the like. Owned by @output. */
int kho_output_fd(const struct kho_output *output);
/* For <stdio.h>. Owned by @output, the same at each call. NULL if out of memory. */
FILE *kho_output_stream(struct kho_output *output);
/*
 * Opens /dev/null as each standard file that the caller has closed. Otherwise a file that is opened later
 * gets its descriptor, and what is printed. To be called first.
 */
void kho_output_fill_standard(void);
/* True if it is the standard output of this process: messages must go elsewhere. */
bool kho_output_is_stdout(const struct kho_output *output);
/*
 * Makes the written data the content of the file, on the disk. Releases @output, also on failure,
 * which leaves a regular file unchanged. KHO_ERR_OS, KHO_ERR_PERMISSION, KHO_ERR_NOMEM.
 */
int kho_output_commit(struct kho_output *output, struct kho_error *err);
/* Releases @output and leaves a regular file unchanged. @output may be NULL. */
void kho_output_discard(struct kho_output *output);

#ifdef __cplusplus
}
#endif

#endif /* KHO_OUTPUT_H */
