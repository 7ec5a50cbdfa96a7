// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect ranges: the preserved-memory-map. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "inspect.h"

struct run {
	struct kho_range range;		/* adjacent entries, merged */
	uint64_t entries;
};

/* more than the bytes of a line */
#define LINE_ROOM	(5 * FORMAT_ROOM)

struct output {
	const struct options *options;
	struct kho_json *json;		/* or NULL for text */
	struct run run;
	uint64_t ranges, bytes;
	char lines[4096];		/* collected: fwrite() of each line took a tenth of the time */
	size_t used;
};

static void flush_lines(struct output *output)
{
	fwrite(output->lines, 1, output->used, stdout);
	output->used = 0;
}

/* Without printf(): a list may have as many lines as there are records. */
static void print_run(struct output *output)
{
	const struct run *run = &output->run;
	char size[FORMAT_ROOM], *to = output->lines + output->used;
	size_t n = (size_t)(put_size(size, output->options, run->range.size) - size);
	size_t pad = n < 10 ? 10 - n : 0;

	to = put_hex(to, run->range.addr, 12);
	*to++ = '-';
	to = put_hex(to, run->range.addr + run->range.size - 1, 12);
	memset(to, ' ', 2 + pad);
	to = stpcpy(to + 2 + pad, size);
	to = stpcpy(to, "  ");
	to = put_uint(to, run->entries);
	to = stpcpy(to, " preservation");
	if (run->entries != 1)
		*to++ = 's';
	*to++ = '\n';

	output->used = (size_t)(to - output->lines);
	if (output->used > sizeof(output->lines) - LINE_ROOM)
		flush_lines(output);
}

static void flush_run(struct output *output)
{
	const struct run *run = &output->run;

	if (!run->entries)
		return;
	output->ranges++;
	output->bytes += run->range.size;
	if (output->json)
		kho_json_range(output->json, NULL, &run->range);
	else
		print_run(output);
}

static int add_entry(const struct kho_map_entry *entry, void *data)
{
	struct output *output = data;
	struct run *run = &output->run;

	if (run->entries && entry->addr == run->range.addr + run->range.size) {
		run->range.size += entry->size;
		run->entries += entry->count;
		return 0;
	}
	flush_run(output);
	*run = (struct run){ { entry->addr, entry->size }, entry->count };
	return 0;
}

int cmd_ranges(const struct options *options)
{
	struct output output = { .options = options };
	struct opened opened;
	struct kho_error err;
	char size[FORMAT_ROOM];
	int ret, status;

	if (!open_or_fail(options, &opened))
		return EXIT_CANNOT_TELL;
	if (options->json) {
		output.json = json_document("ranges");
		kho_json_state(output.json, "state", opened.state);
		kho_json_array(output.json, "ranges");
	}
	ret = for_each_entry(&opened, !isatty(STDOUT_FILENO), add_entry, &output, &err);
	flush_run(&output);
	flush_lines(&output);
	status = ret ? fail(&err) : EXIT_CLEAN;
	if (output.json) {
		kho_json_end(output.json);
		json_error(output.json);
		json_close(output.json);
	} else if (!ret) {
		printf("%" PRIu64 " ranges, %s\n", output.ranges,
		       format_size(options, output.bytes, size));
	}
	close_state(&opened);
	return status;
}
