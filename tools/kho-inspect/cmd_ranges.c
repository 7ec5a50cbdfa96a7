// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect ranges: the preserved-memory-map. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "inspect.h"

struct run {
	struct kho_range range;		/* what touches, as one */
	uint64_t entries;
};

struct output {
	const struct options *options;
	struct json_stream *stream;
	uint64_t ranges, bytes;
};

/* By hand, as a list may have as many lines as there are records. */
static void print_run(const struct options *options, const struct run *run)
{
	char first[FORMAT_ROOM], last[FORMAT_ROOM], size[FORMAT_ROOM], entries[FORMAT_ROOM];
	char line[5 * FORMAT_ROOM], *to = line;

	to = stpcpy(to, format_hex(run->range.addr, 12, first));
	*to++ = '-';
	to = stpcpy(to, format_hex(run->range.addr + run->range.size - 1, 12, last));
	to = stpcpy(to, "  ");
	for (size_t n = strlen(format_size(options, run->range.size, size)); n < 10; n++)
		*to++ = ' ';
	to = stpcpy(stpcpy(to, size), "  ");
	to = stpcpy(to, format_uint(run->entries, entries));
	stpcpy(to, run->entries == 1 ? " preservation\n" : " preservations\n");
	fputs(line, stdout);
}

static void flush_run(struct output *output, const struct run *run)
{
	if (!run->entries)
		return;
	output->ranges++;
	output->bytes += run->range.size;
	if (output->stream) {
		json_stream_add(output->stream, json_range(&run->range));
		return;
	}
	print_run(output->options, run);
}

static int walk(struct opened *opened, struct output *output, struct kho_error *err)
{
	const uint64_t end = isatty(STDOUT_FILENO) ? 0 : ram_end(opened->state);
	struct kho_map_entry entry;
	struct kho_map_iter *iter;
	struct run run = { 0 };
	int ret;

	ret = kho_map_iter_create(opened->state, &iter, err);
	if (ret)
		return ret;
	progress_begin(opened, "reading the map");
	while ((ret = kho_map_iter_next(iter, &entry, err)) > 0) {
		if (end)
			progress_tell(opened, entry.addr, end);
		if (run.entries && entry.addr == run.range.addr + run.range.size) {
			run.range.size += entry.size;
			run.entries++;
			continue;
		}
		flush_run(output, &run);
		run = (struct run){ { entry.addr, entry.size }, 1 };
	}
	flush_run(output, &run);
	progress_hide(opened->progress);
	kho_map_iter_destroy(iter);
	return ret;
}

int cmd_ranges(const struct options *options)
{
	struct output output = { .options = options };
	struct json_object *document;
	struct json_stream stream;
	struct opened opened;
	struct kho_error err;
	char size[FORMAT_ROOM];
	int ret;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;

	if (options->json) {
		document = json_document("ranges");
		json_object_object_add(document, "state", json_state(opened.state));
		json_stream_begin(&stream, document, "ranges");
		output.stream = &stream;
	}

	ret = walk(&opened, &output, &err);
	if (output.stream)
		json_stream_end(&stream);
	else if (!ret)
		printf("%" PRIu64 " ranges, %s\n", output.ranges,
		       format_size(options, output.bytes, size));
	close_state(&opened);
	return ret ? fail(&err) : EXIT_CLEAN;
}
