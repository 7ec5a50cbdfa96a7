// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-baseline [--crc] FILE: reads a file once from its beginning to its end, in large pieces. With
 * --crc it also computes CRC-32C over the file. No reader can do less. Holes read as zeroes.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libkho/crc32c.h"

/* bytes; fits easily in the second level of cache */
#define CHUNK	(256u << 10)

int main(int argc, char **argv)
{
	bool crc = argc == 3 && !strcmp(argv[1], "--crc");
	unsigned char *chunk = malloc(CHUNK);
	uint32_t sum = 0;
	ssize_t n;
	int fd;

	if ((argc != 2 && !crc) || !chunk) {
		fprintf(stderr, "usage: bench-baseline [--crc] FILE\n");
		return 2;
	}
	fd = open(argv[argc - 1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[argc - 1]);
		return 2;
	}
	while ((n = read(fd, chunk, CHUNK)) > 0) {
		if (crc)
			sum ^= kho_crc32c(chunk, (size_t)n);
		else
			sum ^= chunk[0];
	}
	if (n < 0) {
		perror(argv[argc - 1]);
		return 2;
	}
	printf("%08x\n", sum);
	close(fd);
	free(chunk);
	return 0;
}
