// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * luo-session NAME SIZE...: creates a live update session in a test machine and preserves a memfd of
 * each size in it, with the tokens 1, 2 and so on. Then it stays in the background: a session exists as
 * long as its file is open, and a kexec hands over the open sessions.
 *
 * The structures come from include/uapi/linux/liveupdate.h of Linux 7.1 to 7.3. They are repeated here
 * because the headers of the build machine are older.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct create_session {
	uint32_t size;
	int32_t fd;
	uint8_t name[64];
};

struct preserve_fd {
	uint32_t size;
	int32_t fd;
	uint64_t token;
};

#define CREATE_SESSION	_IO(0xba, 0x00)
#define PRESERVE_FD	_IO(0xba, 0x40)

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(1);
}

static int make_session(const char *name)
{
	struct create_session create = { .size = sizeof(create) };
	int device = open("/dev/liveupdate", O_RDWR);

	if (device < 0)
		die("/dev/liveupdate");
	strncpy((char *)create.name, name, sizeof(create.name) - 1);
	if (ioctl(device, CREATE_SESSION, &create))
		die("cannot create the session");
	/* the kernel lets only one program open the device at a time */
	close(device);
	return create.fd;
}

static void preserve_memfd(int session, uint64_t token, size_t size)
{
	struct preserve_fd preserve = { .size = sizeof(preserve), .token = token };
	char *data;

	preserve.fd = memfd_create("luo-session", 0);
	if (preserve.fd < 0 || ftruncate(preserve.fd, (off_t)size))
		die("memfd");
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, preserve.fd, 0);
	if (data == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(token + i);
	munmap(data, size);
	if (ioctl(session, PRESERVE_FD, &preserve))
		die("cannot preserve the memfd");
}

int main(int argc, char **argv)
{
	int session;

	if (argc < 2) {
		fprintf(stderr, "usage: luo-session NAME SIZE...\n");
		return 2;
	}
	session = make_session(argv[1]);
	for (int i = 2; i < argc; i++)
		preserve_memfd(session, (uint64_t)i - 1, strtoul(argv[i], NULL, 0));
	if (daemon(0, 0))
		die("daemon");
	for (;;)
		pause();
}
