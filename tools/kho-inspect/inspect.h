/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the commands of kho-inspect. */
#ifndef INSPECT_H
#define INSPECT_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include <kho.h>
#include <kho_output.h>

/* Exit statuses; stable, see kho-inspect(1). */
enum {
	EXIT_CLEAN = 0,
	EXIT_FINDINGS = 1,
	EXIT_CANNOT_TELL = 2,
};

/* The file of -o, opened before anything is parsed; see output.c. */
struct outfile {
	struct kho_output *output;	/* NULL without -o */
	int broker;			/* of the process that puts it in place, or -1 */
	bool is_stdout;
};

enum v1_bitmap { V1_BITMAP_UNKNOWN, V1_BITMAP_512, V1_BITMAP_PAGE };

enum boot_stage { BOOT_INCOMING, BOOT_CLAIMS };

struct options {
	bool in;			/* --in: the incoming side */
	const char *core;		/* --core: a snapshot, or NULL for the live kernel */
	const char *vmlinux;		/* --vmlinux, or NULL */
	const char *sysroot;		/* --sysroot: prefix of /proc and /sys */
	unsigned int page_size;		/* --page-size: bytes, or 0 */
	enum v1_bitmap v1_bitmap;	/* --v1-bitmap */
	bool json;
	bool bytes;			/* sizes as plain numbers */
	bool no_color;
	bool prometheus;
	enum kho_severity fail_on;
	struct kho_verify_options verify;
	const char **only, **ignore;	/* lists that verify refers to */
	const char *output;		/* -o */
	struct outfile *outfile;
	const char *argument, *argument2; /* operands, or NULL */
	struct id_list {
		uint64_t *ids;
		size_t n;
	} content;			/* --with-content */
	bool blobs;			/* --with-blobs */
	bool no_sandbox;
	const char *initrd;		/* --initrd of scratch, or NULL */
	enum boot_stage stage;		/* --stage of boot-check */
	const char *dir;		/* --dir of boot-check and boot-report, or NULL */
	const char *cmdline;		/* --cmdline of boot-check, or NULL */
	unsigned int timeout;		/* --timeout of boot-check: seconds, or 0 */
	bool journal;			/* --journal of boot-report */
	const char *textfile;		/* --textfile of boot-report, "" or NULL for none */
};

int cmd_show(const struct options *options);
int cmd_list(const struct options *options);
int cmd_tree(const struct options *options);
int cmd_ranges(const struct options *options);
int cmd_scratch(const struct options *options);
int cmd_verify(const struct options *options);
int cmd_map(const struct options *options);
int cmd_snapshot(const struct options *options);
int cmd_diff(const struct options *options);
int cmd_extract(const struct options *options);
int cmd_check_target(const struct options *options);
int cmd_boot_check(const struct options *options);
int cmd_boot_report(const struct options *options);

/* ------------------------------------------------------- opening (open.c) */

struct progress {
	const char *what;
	struct timespec start;
	uint64_t done;		/* at the last update */
	unsigned int percent;
	bool shown;
};

struct opened {
	struct kho_source *source;
	struct kho_state *state;
	struct progress *progress; /* NULL if nobody would see it */
};

/*
 * Opens what the options name. A file that holds the incoming side alone is opened on it without
 * --in, unless @strict. Returns a libkho code and fills *err.
 */
int open_state(const struct options *options, enum kho_side side, bool strict, struct opened *out,
	       struct kho_error *err);
void close_state(struct opened *opened);
/*
 * Returns false, with a reason on stderr, if the options have one that decides nothing about @a, nor
 * about @b (NULL: there is only one state).
 */
bool options_have_effect(const struct options *options, const struct kho_state *a,
			 const struct kho_state *b);
/*
 * Names the operation that may take longer than a second. Shows nothing on a terminal that also
 * gets the command's lines, unless the command calls progress_hide() before them.
 */
void progress_begin(struct opened *opened, const char *what);
/* Progress of the command's own work; most calls do nothing. */
void progress_tell(struct opened *opened, uint64_t done, uint64_t total);
/* Clears the progress line until the next update. @progress may be NULL. */
void progress_hide(struct progress *progress);
/*
 * Takes a decimal number without a sign from the start of @text; *end is what follows. False if there is none,
 * or one that does not fit.
 */
bool parse_decimal(const char *text, uint64_t *number, char **end);
/* Parses an id of --with-content or extract, as list prints it. */
bool parse_id(const char *text, uint64_t *id);
/* The side that the options name. */
enum kho_side option_side(const struct options *options);
/* Prints one line to stderr: what failed and what to do. Returns EXIT_CANNOT_TELL. */
int fail(const struct kho_error *err);
/* Enters the sandbox, unless --no-sandbox; on failure false, with a reason on stderr. */
bool enter_sandbox(const struct options *options);
/* Once all inputs are open: forbids to open files, if the source allows that. */
bool close_sandbox(const struct options *options);
/* open_state() for commands that need it: prints the error. */
bool open_or_fail(const struct options *options, struct opened *out);

/* ----------------------------------------------- walking a state (walk.c) */

/*
 * Calls @fn for each record until it returns non-zero, and shows the progress if @progress. A state
 * without a list has no records. Returns 0, the value of @fn, or a libkho code with *err.
 */
int for_each_record(struct opened *opened, bool progress,
		    int (*fn)(const struct kho_dma_record *record, void *data), void *data,
		    struct kho_error *err);
/* The same for the entries of the preserved-memory-map. */
int for_each_entry(struct opened *opened, bool progress,
		   int (*fn)(const struct kho_map_entry *entry, void *data), void *data,
		   struct kho_error *err);

/* --------------------------------------------------- the output (output.c) */

/*
 * True if @path, a regular file or a new one, is in the folder @sub of @root or below it, after all
 * links are followed. @path and @root may be NULL.
 */
bool is_file_below(const char *path, const char *root, const char *sub);
/* True if a file that the command reads, or may read, is at @path. */
bool is_input(const struct options *options, const char *path);
/* Opens the file of -o, before the sandbox; on failure false, with a reason on stderr. */
bool outfile_open(struct options *options);
/* Puts the whole file in place; on failure false, with a reason on stderr. */
bool outfile_commit(const struct options *options);
/* The stream for messages: stderr if stdout is the output. */
FILE *outfile_notes(const struct options *options);
/* Discards an output that was not put in place. */
void outfile_close(struct outfile *outfile);

/* -------------------------------------------------------- text (format.c) */

/* The longest result of the following functions, with the NUL. */
#define FORMAT_ROOM	64
char *format_uint(uint64_t value, char *buf);
/* The same, or "an unknown number of" for KHO_COUNT_UNKNOWN. */
const char *format_count(uint64_t count, char *buf);
/* "0x12ab", padded with zeroes to @width digits. */
char *format_hex(uint64_t value, unsigned int width, char *buf);
/* "1.5 KiB", or with --bytes "1536". */
const char *format_size(const struct options *options, uint64_t size, char *buf);
/* The same texts, for a line of several: return the NUL, where the next one goes. */
char *put_uint(char *to, uint64_t value);
char *put_hex(char *to, uint64_t value, unsigned int width);
char *put_size(char *to, const struct options *options, uint64_t size);
const char *found_by_text(enum kho_found_by found_by);
#define NOT_JUDGED	"not judged: "
/* Prefix of a finding's message: "not judged: " or "". */
const char *outcome_text(enum kho_outcome outcome);
/* Prints @before and the number of subtrees without address or size of the blob, if there are any; false if not. */
bool print_bad_subtrees(const struct kho_state *state, const char *before);
/* "sealed", "live, carried over", "restored" ... */
const char *record_state_text(const struct kho_dma_record *record, char *buf);
/* True if stdout gets colours. */
bool use_color(const struct options *options);
/*
 * Prints a line that may hold a path or other text from outside the library, cleaned by
 * kho_text_message().
 */
void put_line(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints a line to stderr. Returns EXIT_CANNOT_TELL. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The first line that complain() printed, or NULL. */
const char *first_complaint(void);
/* Returns @p; ends the program if it is NULL. */
void *check_memory(void *p);

/*
 * A table on stdout. It keeps the first rows, so that its columns are as wide as their widest cell.
 * A table with more rows than that is printed while rows are added, and a wider cell that comes
 * later moves the columns after it from there on.
 */
struct table;
struct table *table_create(const char *const *headings, const bool *right, size_t columns);
void table_add(struct table *table, const char *const *cells);
/* Prints what is left, and the headings even if there is no row. */
void table_print(struct table *table);
void table_destroy(struct table *table);

/* -------------------------------------------------------- JSON (json.c) */

/* Begins a document on stdout: {"kho_inspect": {"version":..., "command":...}, ... */
struct kho_json *json_document(const char *command);
/* Unless a document was begun: prints that of a failure, with what complain() said. */
void json_failure(const char *command);
/* The member "error": what complain() said, or null. */
void json_error(struct kho_json *json);
void json_close(struct kho_json *json);
void json_uint_or_null(struct kho_json *json, const char *key, bool known, uint64_t value);

#endif /* INSPECT_H */
