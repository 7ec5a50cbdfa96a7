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

struct output {
	const struct options *options;
	struct kho_json *json;		/* or NULL for text */
	struct run run;
	uint64_t ranges, bytes;
};

/* Without printf(): a list may have as many lines as there are records. */
static void print_run(const struct options *options, const struct run *run)
{
	char size[FORMAT_ROOM], line[5 * FORMAT_ROOM], *to = line;
	size_t n = (size_t)(put_size(size, options, run->range.size) - size);
	size_t pad = n < 10 ? 10 - n : 0;

	to = put_hex(to, run->range.addr, 12);
	*to++ = '-';
	to = put_hex(to, run->range.addr + run->range.size - 1, 12);
	memset(to, ' ', 2 + pad);
	to = stpcpy(to + 2 + pad, size);
	*to++ = ' ';
	*to++ = ' ';
	to = put_uint(to, run->entries);
	to = stpcpy(to, run->entries == 1 ? " preservation\n" : " preservations\n");
	fwrite(line, 1, (size_t)(to - line), stdout);
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
		print_run(output->options, run);
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
