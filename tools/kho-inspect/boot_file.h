/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in the report folder of boot-check: replaced as a whole, mode 0600. */
#ifndef BOOT_FILE_H
#define BOOT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <kho_output.h>

#include "boot.h"

/* These return 0, or a libkho code and *err. */
int boot_make_dir(const char *dir, struct kho_error *err);
/* @flags: as of kho_output_open(). */
int boot_file_open(const char *dir, const char *name, unsigned int flags,
		   struct kho_output **out, struct kho_error *err);
/* All of it at once. */
int boot_file_write(const char *dir, const char *name, const char *data, size_t size,
		    struct kho_error *err);

/* A file that does not exist counts as removed. */
int boot_file_remove(const char *dir, const char *name, struct kho_error *err);
bool boot_file_exists(const char *dir, const char *name);
/* NULL with errno if it cannot be opened; ELOOP for a link, ENXIO for a folder, FIFO, or device. */
FILE *boot_file_read(const char *dir, const char *name);
bool boot_file_first_line(const char *dir, const char *name, char *line, size_t size);
/*
 * The status line. Returns false if there is none; @line then has the word of the findings, but
 * never "clean".
 */
bool boot_status_read(const char *dir, char *line, size_t size);
/* The word of a status line; "unknown" if it has none. */
enum boot_word boot_earlier_word(const char *line);

#endif /* BOOT_FILE_H */
