// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-measure RUNS COMMAND...: runs the command RUNS times and discards its output. Prints the
 * shortest wall time and CPU time in microseconds, because other load only increases them, and the peak
 * of resident memory in KiB.
 *
 * The peak of a process includes the memory of the process that forked it, so a small program must
 * measure it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t us(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

static void __attribute__((noreturn)) child(char **argv)
{
	int null = open("/dev/null", O_WRONLY);

	if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
		execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	uint64_t wall = UINT64_MAX, cpu = UINT64_MAX;
	long rss = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: bench-measure RUNS COMMAND...\n");
		return 2;
	}
	for (int i = atoi(argv[1]); i > 0; i--) {
		uint64_t start = now_us(), took;
		struct rusage usage;
		pid_t pid = fork();
		int status;

		if (!pid)
			child(argv + 2);
		if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
			perror("bench-measure");
			return 2;
		}
		if (status) {
			fprintf(stderr, "bench-measure: %s failed\n", argv[2]);
			return 1;
		}
		took = now_us() - start;
		wall = took < wall ? took : wall;
		took = us(usage.ru_utime) + us(usage.ru_stime);
		cpu = took < cpu ? took : cpu;
		rss = usage.ru_maxrss > rss ? usage.ru_maxrss : rss;
	}
	printf("%llu %llu %ld\n", (unsigned long long)wall, (unsigned long long)cpu, rss);
	return 0;
}
