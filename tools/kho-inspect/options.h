/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands and their options. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "inspect.h"

/* The index in the table of commands. */
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
	bool needs_output;	/* -o is required */
	bool own_sandbox;	/* enters the sandbox by itself */
};
extern const struct command commands[NR_COMMANDS];

/*
 * Parses the arguments after the command. Returns true if the command is to run; otherwise *status
 * is the exit status, and a message was printed.
 */
bool options_read(const struct command *command, int argc, char **argv, struct options *options,
		  int *status);
void options_free(struct options *options);
void print_help(const struct command *command);
/* Prints a line to stderr that names --help of @command or in general. Returns EXIT_CANNOT_TELL. */
int misuse(const struct command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* OPTIONS_H */
