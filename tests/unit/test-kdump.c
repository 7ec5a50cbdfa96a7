// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-kdump DUMP: cuts off the last byte of the dump and reads it, and truncates it further while it is open. Before
 * that, references to the bitmaps of libkdumpfile. kdump_get_attr() gives none (attr.c of 0.5.1, 0.5.4 and 0.5.6): the
 * dump owns a bitmap, and libkho must not release what belongs to the dump.
 */
#include <fcntl.h>

#include "libkho/source_kdump.c"

/* Returns the number of references to a bitmap of the dump. */
static unsigned long references(struct kdump *kdump, const char *key)
{
	kdump_attr_t attr = { .type = KDUMP_BITMAP };

	if (kdump->get_attr(kdump->ctx, key, &attr) != KDUMP_OK)
		return 0;
	kdump->incref(attr.val.bitmap);
	return kdump->decref(attr.val.bitmap);
}

/* libkdumpfile 0.5.1 reads zeroes beyond the end of the file. */
static bool sees_shrinking(struct kho_source *source, const char *path)
{
	struct kho_range run;
	struct kho_error err;
	char page[4096];

	if (!kho_source_next_run(source, 0, &run) || kho_source_read(source, run.addr, page, sizeof(page), &err) ||
	    truncate(path, 8192))
		return false;
	return kho_source_read(source, run.addr, page, sizeof(page), &err) == KHO_ERR_NOT_PRESENT &&
	       strstr(err.message, "became shorter during the read");
}

/* Reads the last page twice: the end of the file is in it, and libkdumpfile 0.5.1 reads zeroes there. */
static bool knows_end(struct kho_source *source)
{
	const struct kdump *kdump = kdump_of(source);
	struct kho_range run = { 0 };
	struct kho_error err;
	char page[4096];

	while (next_run(kdump, kdump->present, run.addr + run.size, &run))
		;
	for (int i = 0; i < 2; i++) {
		if (kho_source_read(source, run.addr + run.size - sizeof(page), page, sizeof(page), &err) !=
		    KHO_ERR_NOT_PRESENT)
			return false;
	}
	return strstr(err.message, "is cut short");
}

static bool cut_last_byte(int fd, const char *path)
{
	off_t size = lseek(fd, 0, SEEK_END);

	return size > 0 && !truncate(path, size - 1);
}

int main(int argc, char **argv)
{
	unsigned long ram, present;
	bool shrinks, ends;
	struct kho_source *source;
	struct kho_error err;
	int fd;

	fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || !cut_last_byte(fd, argv[1]) || kho_kdump_open(fd, argv[1], &source, &err)) {
		fprintf(stderr, "usage: test-kdump DUMP, a compressed dump\n");
		return 2;
	}
	ram = references(kdump_of(source), KDUMP_ATTR_MEMORY_PAGEMAP);
	present = references(kdump_of(source), KDUMP_ATTR_FILE_PAGEMAP);
	ends = knows_end(source);
	shrinks = sees_shrinking(source, argv[1]);
	kho_source_close(source);
	if (!ends) {
		fprintf(stderr, "the last page, which is cut off, was read\n");
		return 1;
	}
	if (!shrinks) {
		fprintf(stderr, "a dump that became shorter was read\n");
		return 1;
	}
	/* libkho uses the second bitmap until it closes the dump */
	if (ram == 1 && present == 2)
		return 0;
	fprintf(stderr, "references to the bitmaps: %lu and %lu\n", ram, present);
	return 1;
}
