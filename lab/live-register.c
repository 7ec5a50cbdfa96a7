// SPDX-License-Identifier: GPL-2.0-or-later
/* live-register SLOT OFFSET VALUE: writes a register of the PCI device SLOT, in its first BAR. */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define BAR_SIZE	0x20000	/* of an e1000 */

int main(int argc, char **argv)
{
	volatile uint32_t *registers;
	unsigned long offset, value;
	char path[PATH_MAX];
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: live-register SLOT OFFSET VALUE\n");
		return 2;
	}
	offset = strtoul(argv[2], NULL, 0);
	value = strtoul(argv[3], NULL, 0);
	if (offset >= BAR_SIZE || offset % 4) {
		fprintf(stderr, "live-register: the device has no register at 0x%lx\n", offset);
		return 2;
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", argv[1]);
	fd = open(path, O_RDWR);
	registers = fd < 0 ? MAP_FAILED : mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (registers == MAP_FAILED) {
		perror(path);
		return 1;
	}
	registers[offset / 4] = (uint32_t)value;
	return 0;
}
