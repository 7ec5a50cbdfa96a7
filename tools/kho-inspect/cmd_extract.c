// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect extract: the content of one allocation, on request only. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect.h"

#define CHUNK	(1u << 20)

static int misuse(const char *what)
{
	fprintf(stderr, "kho-inspect: %s. Try kho-inspect extract --help.\n", what);
	return EXIT_CANNOT_TELL;
}

static int cannot_write(const char *path)
{
	fprintf(stderr, "kho-inspect: cannot write %s: %s.\n", path, strerror(errno));
	return EXIT_CANNOT_TELL;
}

/* 0, or EXIT_CANNOT_TELL with a reason on stderr. */
static int find_record(struct kho_state *state, uint64_t id, struct kho_dma_record *record)
{
	struct kho_dma_iter *iter;
	struct kho_error err;
	int ret;

	ret = kho_dma_iter_create(state, &iter, &err);
	if (ret && ret != KHO_ERR_NOT_FOUND)
		return fail(&err);
	if (!ret) {
		while ((ret = kho_dma_iter_next(iter, record, &err)) > 0 && record->id != id)
			;
		kho_dma_iter_destroy(iter);
		if (ret < 0)
			return fail(&err);
	}
	if (ret <= 0) {
		fprintf(stderr, "kho-inspect: there is no %s allocation %" PRIu64 ". kho-inspect list has their ids.\n",
			side_text(kho_state_side(state)), id);
		return EXIT_CANNOT_TELL;
	}
	if (!record->crc_ok || !record->pages) {
		fprintf(stderr, "kho-inspect: the record of allocation %" PRIu64 " is damaged: where its content is cannot be told.\n",
			id);
		return EXIT_CANNOT_TELL;
	}
	return 0;
}

static int write_content(FILE *out, struct opened *opened,
			 const struct kho_dma_record *record, const char *path)
{
	unsigned char *chunk = malloc(CHUNK);
	uint64_t addr = record->addr, left = record->size;
	struct kho_error err;
	int status = 0;

	if (!chunk)
		return cannot_write(path);
	while (left && !status) {
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		if (kho_source_read(opened->source, addr, chunk, n, &err))
			status = fail(&err);
		else if (fwrite(chunk, n, 1, out) != 1)
			status = cannot_write(path);
		addr += n;
		left -= n;
		progress_tell(opened, record->size - left, record->size);
	}
	free(chunk);
	return status;
}

/* All of it or nothing: the file is there once it is complete. */
static int write_file(struct opened *opened, const struct kho_dma_record *record,
		      const char *path)
{
	char tmp[PATH_MAX];
	int fd, status;
	FILE *out;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >= sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return cannot_write(path);
	}
	fd = mkstemp(tmp); /* mode 0600 */
	if (fd < 0)
		return cannot_write(path);
	out = fdopen(fd, "w");
	if (!out) {
		status = cannot_write(path);
		close(fd);
	} else {
		status = write_content(out, opened, record, path);
		if (fclose(out) && !status)
			status = cannot_write(path);
	}
	if (!status && rename(tmp, path))
		status = cannot_write(path);
	if (status)
		unlink(tmp);
	return status;
}

static void print_json(const struct options *options, struct kho_state *state,
		       const struct kho_dma_record *record, int intact)
{
	struct json_object *document = json_document("extract");

	json_object_object_add(document, "state", json_state(state));
	json_object_object_add(document, "record", json_record(record));
	json_add_string(document, "file", options->output);
	if (record->sealed)
		json_add_bool(document, "intact", intact > 0);
	else
		json_add_string(document, "intact", NULL);
	json_print(document);
}

static int extract(const struct options *options, struct opened *opened, uint64_t id)
{
	struct kho_state *state = opened->state;
	struct kho_dma_record record;
	struct kho_error err;
	char size[FORMAT_ROOM];
	int status, intact = 0;

	status = find_record(state, id, &record);
	if (status)
		return status;
	if (record.sealed) {
		progress_begin(opened, "checking");
		intact = kho_dma_check_content(state, &record, &err);
		progress_hide(opened->progress);
		if (intact < 0)
			return fail(&err);
	}
	progress_begin(opened, "writing");
	status = write_file(opened, &record, options->output);
	progress_hide(opened->progress);
	if (status)
		return status;

	if (options->json)
		print_json(options, state, &record, intact);
	else
		printf("%s: %s of allocation %" PRIu64 " (%s, %s): %s\n", options->output,
		       format_size(options, record.size, size), id, record.device,
		       record.tag, !record.sealed ? "live, so its content cannot be judged" :
		       intact ? "sealed, and as it was when sealed" :
		       "sealed, and NOT as it was when sealed");
	return record.sealed && !intact ? EXIT_FINDINGS : EXIT_CLEAN;
}

int cmd_extract(const struct options *options)
{
	struct opened opened;
	struct stat st;
	uint64_t id;
	int status;

	if (!options->argument || !parse_id(options->argument, &id))
		return misuse("extract needs the id of an allocation");
	if (!options->output)
		return misuse("extract needs -o FILE");
	/* a name like /dev/tty; what is replaced is a file and nothing else */
	if (!stat(options->output, &st) && !S_ISREG(st.st_mode)) {
		fprintf(stderr, "kho-inspect: %s is no file: content is written to files only.\n",
			options->output);
		return EXIT_CANNOT_TELL;
	}
	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	status = extract(options, &opened, id);
	close_state(&opened);
	return status;
}
