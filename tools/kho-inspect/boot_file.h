/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a folder that only root writes to: replaced whole, mode 0600. */
#ifndef BOOT_FILE_H
#define BOOT_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "boot.h"

struct boot_file {
	int fd;
	char path[PATH_MAX], tmp[PATH_MAX];
};

/* These return 0, or -1 with errno. */
int boot_make_dir(const char *dir);
int boot_file_begin(struct boot_file *file, const char *dir, const char *name);
int boot_file_commit(struct boot_file *file);
void boot_file_abandon(struct boot_file *file);
/* All of it at once, with a newline behind it on request. */
int boot_file_write(const char *dir, const char *name, const char *data, size_t size,
		    bool newline);
void boot_file_remove(const char *dir, const char *name);

bool boot_file_exists(const char *dir, const char *name);
/* NULL where it cannot be opened. */
FILE *boot_file_read(const char *dir, const char *name);
bool boot_file_first_line(const char *dir, const char *name, char *line, size_t size);
/* The word of a status line; "unknown" where it has none. */
enum boot_word boot_earlier_word(const char *line);

#endif /* BOOT_FILE_H */
