/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A snapshot is an ELF core: PT_LOAD segments with physical addresses in p_paddr
 * for the pages that KHO's metadata lives on, and one PT_NOTE with this note.
 * Its descriptor is text, one "key=value" a line; addresses and sizes are
 * hexadecimal with 0x.
 *
 *   side=out|in
 *   release=<kernel release of the machine>
 *   page_size=<bytes of a page>	a file without this line has pages of 4096 bytes
 *   fdt_phys=<address of the root FDT's page>
 *   scratch=<address>+<size>	a line for each area, in the order of the table
 *   scratch=unknown		the source of the snapshot did not say where they are
 *   ram=<address>+<size>	a line for each range
 *   ram=unknown		the machine may have more: its source did not list all of it
 *
 * Without a line, scratch or RAM is unknown too.
 */
#ifndef LIBKHO_ABI_SNAPSHOT_H
#define LIBKHO_ABI_SNAPSHOT_H

#define KHO_SNAPSHOT_NOTE_NAME	"KHO"
#define KHO_SNAPSHOT_NOTE_TYPE	0x4b484f31	/* "KHO1" */
#define KHO_SNAPSHOT_UNKNOWN	"unknown"	/* value of scratch= and ram= */

#endif /* LIBKHO_ABI_SNAPSHOT_H */
