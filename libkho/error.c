// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "kho_output.h"

const char *kho_strerror(int code)
{
	switch ((enum kho_error_code)code) {
	case KHO_OK: return "success";
	case KHO_ERR_OS: return "system call failed";
	case KHO_ERR_NOMEM: return "out of memory";
	case KHO_ERR_PERMISSION: return "permission denied";
	case KHO_ERR_NO_KHO: return "kernel without KHO";
	case KHO_ERR_DISABLED: return "KHO is off";
	case KHO_ERR_NO_DEBUGFS: return "debugfs is not mounted";
	case KHO_ERR_NO_KCORE: return "no /proc/kcore";
	case KHO_ERR_NO_STATE: return "no state on this side";
	case KHO_ERR_USAGE: return "invalid argument";
	case KHO_ERR_NOT_PRESENT: return "address not present in the source";
	case KHO_ERR_FORMAT: return "unreadable file format";
	case KHO_ERR_UNSUPPORTED: return "unsupported format or version";
	case KHO_ERR_CORRUPT: return "corrupt data";
	case KHO_ERR_LOOP: return "endless chain or tree";
	case KHO_ERR_NOT_FOUND: return "not found";
	case KHO_ERR_STOPPED: return "stopped by the caller";
	}
	return "unknown error";
}

/* Copies the end of @text, as much as fits, and whole characters only. */
static void copy_end(char *to, size_t room, const char *text)
{
	size_t size = strlen(text);

	/* each byte becomes at least one */
	if (size >= room)
		text += size - (room - 1);
	while ((*text & 0xc0) == 0x80 || kho_text_message(to, room, text) >= room)
		text++;
}

/*
 * Messages contain names and paths, which may contain any byte. In a message that is too long, a
 * path in the middle is cut: what failed stands before it, and the cause after it.
 */
static void format_message(char *to, size_t room, const char *fmt, va_list args)
{
	static const char gap[] = "...";
	char text[PATH_MAX + 512];
	size_t start;

	vsnprintf(text, sizeof(text), fmt, args);
	if (kho_text_message(to, room, text) < room)
		return;
	kho_text_message(to, room / 2, text);
	start = strlen(to);
	memcpy(to + start, gap, sizeof(gap));
	start += sizeof(gap) - 1;
	copy_end(to + start, room - start, text);
}

int kho_fail(struct kho_error *err, int code, uint64_t addr, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;

	memset(err, 0, sizeof(*err));
	err->code = code;
	err->addr = addr;
	va_start(args, fmt);
	format_message(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return code;
}

int kho_fail_nomem(struct kho_error *err)
{
	return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "%s", kho_strerror(KHO_ERR_NOMEM));
}

int kho_fail_os(struct kho_error *err, const char *what, const char *path)
{
	int saved = errno;
	int code = KHO_ERR_OS;

	if (saved == EACCES || saved == EPERM)
		code = KHO_ERR_PERMISSION;
	if (saved == ENOMEM)
		code = KHO_ERR_NOMEM;

	kho_fail(err, code, KHO_NO_ADDR, "cannot %s %s: %s", what, path, strerror(saved));
	if (err)
		err->os_errno = saved;
	if (code == KHO_ERR_PERMISSION)
		kho_remedy(err, code, "Run it as root; a kernel in lockdown mode refuses even root.");
	return code;
}

int kho_remedy(struct kho_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;

	va_start(args, fmt);
	format_message(err->remedy, sizeof(err->remedy), fmt, args);
	va_end(args);
	return err->code;
}

int kho_check_reserved(const uint64_t reserved[KHO_RESERVED], struct kho_error *err)
{
	for (size_t i = 0; i < KHO_RESERVED; i++) {
		if (reserved[i])
			return kho_fail(err, KHO_ERR_USAGE, KHO_NO_ADDR,
					"options that this libkho does not know");
	}
	return 0;
}

bool kho_parse_u64(const char *text, uint64_t *value)
{
	unsigned long long number;
	char *end;

	/* strtoull() accepts a sign and white space */
	if (*text < '0' || *text > '9')
		return false;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || *end)
		return false;

	*value = number;
	return true;
}

bool kho_parse_range(const char *text, struct kho_range *range)
{
	size_t n = strcspn(text, "+");
	char addr[32];

	if (n >= sizeof(addr) || text[n] != '+')
		return false;
	memcpy(addr, text, n);
	addr[n] = '\0';
	return kho_parse_u64(addr, &range->addr) && kho_parse_u64(text + n + 1, &range->size) &&
	       range->size <= UINT64_MAX - range->addr;
}
