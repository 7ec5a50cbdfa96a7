/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands, and the options that each of them has. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "inspect.h"

/* In the order of the table of commands. */
enum command_id {
	CMD_SHOW, CMD_LIST, CMD_TREE, CMD_RANGES, CMD_SCRATCH, CMD_VERIFY, CMD_MAP, CMD_SNAPSHOT,
	CMD_DIFF, CMD_EXTRACT, CMD_CHECK_TARGET, CMD_BOOT_CHECK, CMD_BOOT_REPORT,
	NR_COMMANDS
};

struct command {
	const char *name;
	int (*run)(const struct options *options);
	const char *summary;
	const char *arguments;	/* "IMAGE" for --help, or NULL */
	int min_arguments, max_arguments;
	bool needs_output;	/* -o is no choice */
	bool own_sandbox;	/* it enters it itself, when it is ready */
};
extern const struct command commands[NR_COMMANDS];

/*
 * Reads what follows the command. Returns true when @options are to be run; otherwise *status is
 * that of the program, which has said why.
 */
bool options_read(const struct command *command, int argc, char **argv, struct options *options,
		  int *status);
void options_free(struct options *options);
void print_help(const struct command *command);
/* A line on stderr that names --help, of @command or in general. Returns EXIT_CANNOT_TELL. */
int misuse(const struct command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* OPTIONS_H */
