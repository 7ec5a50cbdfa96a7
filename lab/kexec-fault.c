// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A library to load into kexec (LD_PRELOAD) that makes one call fail: KEXEC_FAULT=CALL:ERRNO,
 * where CALL is kexec_load, kexec_file_load or reboot.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* Returns true and sets errno if KEXEC_FAULT names @call. */
static bool fails(const char *call)
{
	const char *fault = getenv("KEXEC_FAULT");
	size_t len = strlen(call);

	if (!fault || strncmp(fault, call, len) || fault[len] != ':')
		return false;
	errno = atoi(fault + len + 1);
	return true;
}

int reboot(int how)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "reboot");

	return fails("reboot") ? -1 : next(how);
}

long syscall(long number, ...)
{
	long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long args[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if ((number == SYS_kexec_load && fails("kexec_load")) ||
	    (number == SYS_kexec_file_load && fails("kexec_file_load")))
		return -1;
	return next(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}
