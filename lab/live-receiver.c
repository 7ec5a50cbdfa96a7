// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * live-receiver PORT FILE: counts numbered datagrams. A datagram begins with its number, 8 bytes in
 * big endian, which the receiver sends back. On SIGTERM it reads all datagrams that its socket still
 * holds, and writes FILE:
 *
 *	first=N last=N count=N at=MS duplicates=N missing=N unordered=N
 *
 * "at" is when the first datagram arrived, in ms since the kernel started. "missing" is how many
 * numbers between first and last did not arrive.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 1000000

static unsigned char seen[MOST];
static uint64_t first = UINT64_MAX, last, count, at, duplicates, unordered;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void take(uint64_t number)
{
	if (number >= MOST) {
		fprintf(stderr, "live-receiver: number %" PRIu64 " is too large\n", number);
		exit(2);
	}
	if (seen[number]) {
		duplicates++;
		return;
	}
	seen[number] = 1;
	if (!count)
		at = now_ms();
	if (count && number < last)
		unordered++;
	if (number < first)
		first = number;
	if (!count || number > last)
		last = number;
	count++;
}

static void drain(int fd)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	uint64_t number;
	ssize_t n;

	while ((n = recvfrom(fd, &number, sizeof(number), MSG_DONTWAIT | MSG_TRUNC,
			     (struct sockaddr *)&from, &size)) >= 0) {
		if (n < (ssize_t)sizeof(number))
			continue;
		take(be64toh(number));
		/* the sender only measures time by the answers, so one may be lost */
		sendto(fd, &number, sizeof(number), MSG_DONTWAIT, (struct sockaddr *)&from, size);
	}
	if (errno != EAGAIN)
		die("live-receiver: recv");
}

static int open_socket(const char *port)
{
	/* large enough for all datagrams in the ring of a NIC */
	int room = 64 << 20, fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
	};

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("live-receiver: socket");
	return fd;
}

static void report(const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		die(path);
	fprintf(out, "first=%" PRIu64 " last=%" PRIu64 " count=%" PRIu64 " at=%" PRIu64
		" duplicates=%" PRIu64 " missing=%" PRIu64 " unordered=%" PRIu64 "\n",
		count ? first : 0, last, count, at, duplicates, count ? last - first + 1 - count : 0, unordered);
	if (fclose(out))
		die(path);
}

int main(int argc, char **argv)
{
	struct pollfd fds[2];
	sigset_t signals;

	if (argc != 3) {
		fprintf(stderr, "usage: live-receiver PORT FILE\n");
		return 2;
	}

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fds[0] = (struct pollfd) { .fd = open_socket(argv[1]), .events = POLLIN };
	fds[1] = (struct pollfd) { .fd = signalfd(-1, &signals, 0), .events = POLLIN };
	if (fds[1].fd < 0)
		die("live-receiver: signalfd");

	do {
		if (poll(fds, 2, -1) < 0)
			die("live-receiver: poll");
		drain(fds[0].fd);
	} while (!fds[1].revents);
	/* some may have arrived between drain() and the signal */
	drain(fds[0].fd);
	report(argv[2]);
	return 0;
}
