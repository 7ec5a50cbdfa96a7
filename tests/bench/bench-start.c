// SPDX-License-Identifier: GPL-2.0-or-later
/* Does nothing. Its time is the start of a program that links libfdt and libelf. */
#include <libelf.h>
#include <libfdt.h>

int main(void)
{
	return elf_version(EV_CURRENT) == EV_NONE || !*fdt_strerror(0);
}
