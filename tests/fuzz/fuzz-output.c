// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that libkho writes. The first byte selects what exists before, the second how to write, the
 * third what happens meanwhile; the rest is the content. In the end the file must have all of the
 * content or be unchanged, and nothing else may be left behind.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libkho/kho_output.h"
#include "memory.h"
#include "nomem.h"

#define OLD	"what was there"

enum there {
	NOTHING, FILE_THERE, LINK_TO_FILE, LINK_TO_NOTHING, LINK_LOOP, FIFO_THERE, LINK_TO_FIFO, FOLDER, LINK_TO_NULL,
	LONG_LINK, NO_FOLDER, SLASH, EMPTY, OWN_FD, LINK_TO_OWN_FD, PLANTED_LINK, PLANTED_FIFO, CLOSED_FD, BAD_FD,
	READ_ONLY_FD, OTHERS_FILE, LONG_NAME, NR_THERE,
};

/* bits of the second byte */
#define FLAGS		(KHO_OUTPUT_SEEKABLE | KHO_OUTPUT_NEW_MODE)
#define UNKNOWN_FLAG	4
#define DISCARD		8
#define BY_STREAM	16

/* the third byte */
enum meanwhile { NOTHING_HAPPENS, FILE_APPEARS, FILE_VANISHES, FOLDER_VANISHES, NR_MEANWHILE };

struct box {
	char folder[128], path[5000], target[200];
	int own;	/* a file of ours, or the reader of the FIFO; or -1 */
};

static void must(int ret)
{
	if (ret < 0)
		abort();
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

static void empty(const char *folder)
{
	char command[256];

	snprintf(command, sizeof(command), "%s/target", folder);
	unlink(command);
	snprintf(command, sizeof(command), "%s/file", folder);
	if (unlink(command))
		rmdir(command);
	if (rmdir(folder) && access(folder, F_OK) == 0)
		abort(); /* something is left behind */
}

static void make(struct box *box, enum there there)
{
	static char longer[PATH_MAX + 100];

	*box = (struct box){ .own = -1 };
	fuzz_scratch("box", box->folder, sizeof(box->folder));
	must(mkdir(box->folder, 0700));
	snprintf(box->path, sizeof(box->path), "%s/file", box->folder);
	snprintf(box->target, sizeof(box->target), "%s/target", box->folder);
	memset(longer, 'a', sizeof(longer) - 1);
	if (there == FILE_THERE || there == OTHERS_FILE)
		put(box->path, OLD);
	if (there == OTHERS_FILE)
		must(chown(box->path, 1, 1));
	if (there == LINK_TO_FILE)
		put(box->target, OLD);
	if (there == LINK_TO_FILE || there == LINK_TO_NOTHING || there == LINK_TO_FIFO || there == PLANTED_LINK)
		must(symlink(there == LINK_TO_FILE ? "target" : box->target, box->path));
	if (there == LINK_LOOP)
		must(symlink("file", box->path));
	if (there == LONG_LINK)
		must(symlink(longer + sizeof(longer) - PATH_MAX, box->path));
	if (there == LINK_TO_NULL)
		must(symlink("/dev/null", box->path));
	if (there == FOLDER)
		must(mkdir(box->path, 0700));
	if (there == FIFO_THERE || there == PLANTED_FIFO || there == LINK_TO_FIFO) {
		const char *fifo = there == LINK_TO_FIFO ? box->target : box->path;

		must(mkfifo(fifo, 0600));
		must(box->own = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC));
		must(fcntl(box->own, F_SETPIPE_SZ, 1 << 20));
	}
	if (there == PLANTED_LINK || there == PLANTED_FIFO) {
		must(lchown(box->path, 1, 1));
		must(chmod(box->folder, 01777));
	}
	if (there == OWN_FD || there == LINK_TO_OWN_FD || there == READ_ONLY_FD) {
		must(box->own = memfd_create("own", MFD_CLOEXEC));
		snprintf(box->target, sizeof(box->target), "/proc/self/fd/%d", box->own);
		if (there == LINK_TO_OWN_FD)
			must(symlink(box->target, box->path));
		else
			snprintf(box->path, sizeof(box->path), "/dev/fd/%d", box->own);
	}
	if (there == READ_ONLY_FD) {
		int fd = open(box->target, O_RDONLY | O_CLOEXEC);

		must(fd);
		close(box->own);
		box->own = fd;
		snprintf(box->path, sizeof(box->path), "/dev/fd/%d", fd);
	}
	if (there == NO_FOLDER)
		strcat(box->path, "/no/file");
	if (there == SLASH)
		strcat(box->path, "/");
	if (there == EMPTY)
		*box->path = '\0';
	if (there == LONG_NAME)
		strcat(box->path, longer + PATH_MAX - 300);
	if (there == CLOSED_FD || there == BAD_FD)
		strcpy(box->path, there == BAD_FD ? "/dev/fd/x" : "/dev/fd/999");
}

static void happen(const struct box *box, enum meanwhile what)
{
	char file[200];

	snprintf(file, sizeof(file), "%s/file", box->folder);
	if (what == FILE_APPEARS && access(file, F_OK))
		put(file, OLD);
	if (what >= FILE_VANISHES)
		unlink(file);
	if (what == FOLDER_VANISHES)
		rmdir(box->folder);
}

static bool write_all(struct kho_output *output, const uint8_t *data, size_t size, bool by_stream)
{
	FILE *stream;

	if (!by_stream)
		return write(kho_output_fd(output), data, size) == (ssize_t)size;
	stream = kho_output_stream(output);
	return stream && fwrite(data, 1, size, stream) == size;
}

/* The regular file has either all of the data or what was there. */
static void check(const struct box *box, const uint8_t *data, size_t size, bool written)
{
	char file[200], buf[sizeof(OLD)] = "";
	struct stat st;
	FILE *f;

	snprintf(file, sizeof(file), "%s/file", box->folder);
	/* a descriptor gets the data at once */
	if (stat(file, &st) || !S_ISREG(st.st_mode) || box->own >= 0)
		return;
	f = fopen(file, "re");
	if (!f)
		abort();
	if (written) {
		for (size_t i = 0; i < size; i++) {
			if (fgetc(f) != data[i])
				abort();
		}
		if (fgetc(f) != EOF)
			abort();
	} else if (fread(buf, 1, sizeof(buf) - 1, f) != strlen(OLD) || strcmp(buf, OLD)) {
		abort();
	}
	fclose(f);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	struct kho_output *output;
	struct kho_error err = { 0 };
	bool written = false;
	struct box box;

	if (size < 3 || size > 1 << 19)
		return -1;
	fuzz_memory_hold();
	make(&box, data[0] % NR_THERE);
	fuzz_memory_release();
	if (kho_output_open(box.path, 0600, data[1] & (FLAGS | UNKNOWN_FLAG), &output, &err)) {
		fuzz_memory_error(&err);
	} else {
		bool whole = write_all(output, data + 3, size - 3, data[1] & BY_STREAM);

		happen(&box, data[2] % NR_MEANWHILE);
		if (data[1] & DISCARD || !whole)
			kho_output_discard(output);
		else
			written = !kho_output_commit(output, &err);
		kho_output_fill_standard();
	}
	check(&box, data + 3, size - 3, written);
	if (box.own >= 0)
		close(box.own);
	empty(box.folder);
	return 0;
}
