// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every command of kho-inspect, as a whole: the first byte says which, the second with what options, the rest is
 * the snapshot. What they print goes nowhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "nomem.h"
#include "tools/kho-inspect/inspect.h"

static int (*const commands[])(const struct options *options) = {
	cmd_show, cmd_list, cmd_tree, cmd_ranges, cmd_scratch, cmd_verify, cmd_map, cmd_snapshot, cmd_diff, cmd_extract,
};

struct run {
	int (*command)(const struct options *options);
	struct options *options;
	int status;
};

static void run_command(void *data)
{
	struct run *run = data;

	if (!outfile_open(run->options))
		run->status = EXIT_CANNOT_TELL;
	else
		run->status = run->command(run->options);
	outfile_close(run->options->outfile);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	struct outfile outfile = { .broker = -1 };
	struct options options = { .outfile = &outfile, .no_sandbox = true, .no_color = true, .fail_on = KHO_SEVERITY_INFO };
	static const char *const rules[] = { "K105", "K204", "K413", "K501", NULL };
	static const char *const other_rules[] = { "K105", "K413", NULL };
	uint64_t ids[] = { 1, 2, 3 };
	char path[FUZZ_PATH], output[128], id[] = "2";
	struct run run = { 0 };
	int fd;

	if (size < 6 || memcmp(data + 2, "\177ELF", 4))
		return -1;
	fuzz_silence();
	run.command = commands[data[0] % (sizeof(commands) / sizeof(commands[0]))];
	fd = fuzz_file(data + 2, size - 2, path);
	options.core = path;
	options.in = data[1] & 1;
	options.json = data[1] & 2;
	options.bytes = data[1] & 4;
	options.verify.claims = data[1] & 8;
	options.verify.have_expect = data[1] & 16;
	options.verify.expect_records = 5;
	options.verify.expect_generation = 9;
	options.prometheus = run.command == cmd_verify && !options.json && data[1] & 16;
	if (run.command == cmd_extract || run.command == cmd_snapshot || (run.command == cmd_map && !options.json && data[1] & 32))
		options.output = fuzz_scratch("output", output, sizeof(output));
	if (run.command == cmd_snapshot && data[1] & 64) {
		options.content = (struct id_list){ ids, data[1] & 4 ? 3 : 1 };
		options.blobs = true;
	}
	if (data[1] & 64)
		options.verify.only = data[1] & 8 ? other_rules : rules;
	if (data[1] & 128)
		options.verify.ignore = rules;
	if (run.command == cmd_extract)
		options.argument = id;
	if (run.command == cmd_diff)
		options.argument = path;

	run.options = &options;
	if (!fuzz_until_exit(run_command, &run)) {
		if (run.status < EXIT_CLEAN || run.status > EXIT_CANNOT_TELL)
			abort();
		fuzz_memory_status(run.status);
	}
	if (options.output)
		unlink(options.output);
	close(fd);
	return 0;
}
