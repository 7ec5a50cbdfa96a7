// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"
#include "sandbox.h"

#ifdef HAVE_LIBSECCOMP

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
/* LeakSanitizer needs a thread of its own, and reads /proc/self/maps */
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* System calls of the C library and of parsers, once everything is open. */
static const int calls[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(fcntl),
	/* folders of sysfs */
	SCMP_SYS(getdents64), SCMP_SYS(readlinkat),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(ftruncate),
	SCMP_SYS(brk), SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(sysinfo),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* a second, narrower filter */
	SCMP_SYS(seccomp), SCMP_SYS(prctl),
};

static const int sanitizer_calls[] = {
	SCMP_SYS(clone), SCMP_SYS(ptrace), SCMP_SYS(wait4), SCMP_SYS(sigaltstack),
	SCMP_SYS(sched_yield), SCMP_SYS(getppid), SCMP_SYS(readlink),
	SCMP_SYS(process_vm_readv), SCMP_SYS(arch_prctl), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getrlimit), SCMP_SYS(prlimit64), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(kill),
	SCMP_SYS(set_robust_list), SCMP_SYS(stat), SCMP_SYS(getdents), SCMP_SYS(dup),
	SCMP_SYS(rseq), SCMP_SYS(getuid), SCMP_SYS(geteuid),
};

/* A call that this architecture lacks is not an error. */
static int allow(scmp_filter_ctx filter, const int *list, size_t n)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++) {
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, list[i], 0);
		if (ret == -EDOM)
			ret = 0;
	}
	return ret;
}

#define ALLOW(filter, list) allow(filter, list, sizeof(list) / sizeof((list)[0]))

static int allow_open(scmp_filter_ctx filter, enum sandbox level)
{
	const unsigned int writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;

	/* the C library uses openat(), sanitizers use open() */
	if (SANITIZED && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
					  SCMP_A1(SCMP_CMP_MASKED_EQ, writes, O_RDONLY)))
		return -EINVAL;
	if (level == SANDBOX_CLOSED && !SANITIZED)
		return 0;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));
}

/* isatty(), which is TCGETS2 in glibc since 2.42, and the width of the terminal. */
static int allow_terminal(scmp_filter_ctx filter)
{
	const unsigned int requests[] = { TCGETS, TCGETS2, TIOCGWINSZ };
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(requests) / sizeof(requests[0]); i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, requests[i]));
	return ret;
}

/* Memory that is not executable: all libraries are loaded. */
static int allow_memory(scmp_filter_ctx filter)
{
	int ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	return ret ? ret : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* A signal to this process only, for abort(). */
static int allow_abort(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

static int fill(scmp_filter_ctx filter, enum sandbox level)
{
	int ret;

	ret = ALLOW(filter, calls);
	if (!ret)
		ret = allow_memory(filter);
	if (!ret)
		ret = allow_abort(filter);
	if (!ret)
		ret = allow_open(filter, level);
	if (!ret)
		ret = allow_terminal(filter);
	if (!ret && SANITIZED)
		ret = ALLOW(filter, sanitizer_calls);
	return ret;
}

/* With CONFIG_SECCOMP_FILTER the kernel reads the filter at NULL: EFAULT (seccomp(2)). */
static bool kernel_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) == 0 || errno != EINVAL;
}

int sandbox_enter(enum sandbox level)
{
	scmp_filter_ctx filter;
	int ret;

	if (!kernel_has_filters())
		return -ENOSYS;
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	ret = fill(filter, level);
	/* libseccomp sets no_new_privs when it loads the filter */
	if (!ret)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	return ret;
}

#else /* !HAVE_LIBSECCOMP */

#include <errno.h>

int sandbox_enter(enum sandbox level)
{
	(void)level;
	return -ENOSYS;
}

#endif
