// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kho.h"

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
	}
	return "unknown error";
}
