// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect: finds the command and runs it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "options.h"

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

/* A full disk is an error even for a command without findings. */
static int close_stdout(int status)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fclose(stdout) || failed) {
		errno = errno ? errno : EIO;
		perror("kho-inspect: cannot write the output");
		return EXIT_CANNOT_TELL;
	}
	return status;
}

static int run_command(const struct command *command, struct options *options)
{
	kho_libraries_load(options->core, options->vmlinux);
	if (command->own_sandbox)
		return command->run(options);
	/* open everything else before memory is read */
	if (!outfile_open(options))
		return EXIT_CANNOT_TELL;
	if (command->run == cmd_check_target || command->run == cmd_scratch)
		kho_target_libraries_load();
	if (command->run == cmd_diff)
		kho_libraries_load(options->argument, options->argument2);
	return enter_sandbox(options) ? command->run(options) : EXIT_CANNOT_TELL;
}

static int run(int argc, char **argv, struct options *options)
{
	const struct command *command;
	int status;

	if (argc < 2)
		return misuse(NULL, "no command");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(NULL);
		return EXIT_CLEAN;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("kho-inspect " PACKAGE_VERSION);
		return EXIT_CLEAN;
	}
	command = find_command(argv[1]);
	if (!command)
		return misuse(NULL, "no such command: %s", argv[1]);
	if (!options_read(command, argc, argv, options, &status))
		return status;
	status = run_command(command, options);
	if (status == EXIT_CANNOT_TELL && options->json && !options->outfile->is_stdout)
		json_failure(command->name);
	return status;
}

int main(int argc, char **argv)
{
	/* a larger buffer for lists of many lines */
	static char output[64 << 10];
	struct outfile outfile = { .broker = -1 };
	struct options options = { .fail_on = KHO_SEVERITY_ERROR, .outfile = &outfile };
	int status;

	kho_output_fill_standard();
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, output, _IOFBF, sizeof(output));
	status = run(argc, argv, &options);

	outfile_close(&outfile);
	options_free(&options);
	return close_stdout(status);
}
