// SPDX-License-Identifier: GPL-2.0-or-later
/* kho_crash_request_parse() reads crashkernel= as the kernel does. */
#include <inttypes.h>

#include "libkho/crashkernel.h"
#include "tests/unit/check.h"

#define MIB		(1ull << 20)
#define GIB		(1ull << 30)
#define DEFAULT_LOW	(256 * MIB)

static const struct {
	const char *cmdline;
	uint64_t ram;
	uint64_t size, base, low;
} requests[] = {
	{ "", 0, 0, 0, DEFAULT_LOW },
	{ "quiet", 0, 0, 0, DEFAULT_LOW },
	/* size[@base] */
	{ "crashkernel=64M", 0, 64 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=64M@0x72000000", 0, 64 * MIB, 0x72000000, DEFAULT_LOW },
	{ "crashkernel=64M@", 0, 64 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=64M@x", 0, 64 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=64Mx", 0, 0, 0, DEFAULT_LOW },
	{ "crashkernel=", 0, 0, 0, DEFAULT_LOW },
	{ "crashkernel=0", 0, 0, 0, DEFAULT_LOW },
	{ "crashkernel=auto", 0, 0, 0, DEFAULT_LOW },
	{ "crashkernel=99999999T", 0, UINT64_MAX, 0, DEFAULT_LOW },
	/* size,high and size,low */
	{ "crashkernel=64M,high", 0, 64 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=64M,high crashkernel=32M,low", 0, 64 * MIB, 0, 32 * MIB },
	{ "crashkernel=32M,low crashkernel=64M,high", 0, 64 * MIB, 0, 32 * MIB },
	{ "crashkernel=64M,high crashkernel=0,low", 0, 64 * MIB, 0, 0 },
	{ "crashkernel=64M,high crashkernel=x,low", 0, 0, 0, DEFAULT_LOW },
	{ "crashkernel=64M@1G,high", 0, 0, 0, DEFAULT_LOW },
	{ "crashkernel=,high", 0, 0, 0, DEFAULT_LOW },
	{ "crashkernel=64M,low", 0, 0, 0, DEFAULT_LOW },
	{ "crashkernel=64M,cma", 0, 0, 0, DEFAULT_LOW },
	/* the first range that has this much RAM */
	{ "crashkernel=1G-4G:192M,4G-64G:256M", 2 * GIB, 192 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=1G-4G:192M,4G-64G:256M", 4 * GIB, 256 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=1G-4G:192M,4G-64G:256M", 64 * GIB, 0, 0, DEFAULT_LOW },
	{ "crashkernel=1G-4G:192M,4G-64G:256M", GIB - 1, 0, 0, DEFAULT_LOW },
	{ "crashkernel=1G-4G:192M,4G-64G:256M", GIB, 192 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=1G-:192M@16M", 2 * GIB, 192 * MIB, 16 * MIB, DEFAULT_LOW },
	{ "crashkernel=1G-4G:192M,4G-:256M@16M", 2 * GIB, 192 * MIB, 16 * MIB, DEFAULT_LOW },
	{ "crashkernel=1G-:192M@", 2 * GIB, 0, 0, DEFAULT_LOW },
	{ "crashkernel=4G-:192M@x", 2 * GIB, 0, 0, DEFAULT_LOW },
	/* an invalid range makes the option invalid if the kernel comes to it */
	{ "crashkernel=4G-1G:2M,1G-:192M", 2 * GIB, 0, 0, DEFAULT_LOW },
	{ "crashkernel=4G-:2G,1G-:192M", 2 * GIB, 0, 0, DEFAULT_LOW },
	{ "crashkernel=1G-:192M,4G-1G:2M", 2 * GIB, 192 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=1G:192M", 2 * GIB, 0, 0, DEFAULT_LOW },
	{ "crashkernel=1G-4G192M:", 2 * GIB, 0, 0, DEFAULT_LOW },
	{ "crashkernel=:192M", 2 * GIB, 0, 0, DEFAULT_LOW },
	{ "crashkernel=1G-:", 2 * GIB, 0, 0, DEFAULT_LOW },
	/* the last option counts, and those without a suffix before the others */
	{ "crashkernel=64M crashkernel=32M", 0, 32 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=64M crashkernel=32M,high", 0, 64 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=x crashkernel=32M,high", 0, 0, 0, DEFAULT_LOW },
	/* the kernel looks for the text, in quotes, in other options, and after "--" too */
	{ "quiet -- crashkernel=64M", 0, 64 * MIB, 0, DEFAULT_LOW },
	{ "x=\"a crashkernel=64M b\"", 0, 64 * MIB, 0, DEFAULT_LOW },
	{ "\"crashkernel=64M\"", 0, 0, 0, DEFAULT_LOW },
	{ "nocrashkernel=64M", 0, 64 * MIB, 0, DEFAULT_LOW },
	{ "crashkernel=64M\tquiet", 0, 0, 0, DEFAULT_LOW },
	{ "crashkernel", 0, 0, 0, DEFAULT_LOW },
};

static void check_request(size_t i)
{
	struct kho_crash_request request = { .low = DEFAULT_LOW };
	int ret = kho_crash_request_parse(requests[i].cmdline, requests[i].ram, &request);

	/* base and low mean nothing without a size */
	if (!ret && request.size == requests[i].size &&
	    (!request.size || (request.base == requests[i].base && request.low == requests[i].low)))
		return;
	fprintf(stderr, "\"%s\": %d, 0x%" PRIx64 " at 0x%" PRIx64 ", low 0x%" PRIx64 "\n",
		requests[i].cmdline, ret, request.size, request.base, request.low);
	failed = 1;
}

/* The size depends on RAM, and that is unknown. */
static void check_unknown_ram(void)
{
	struct kho_crash_request request = { 1, 2, 3 };

	CHECK(kho_crash_request_parse("crashkernel=1G-:64M", 0, &request) == KHO_ERR_UNSUPPORTED);
	CHECK(request.size == 1 && request.base == 2 && request.low == 3);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		check_request(i);
	check_unknown_ram();
	return failed;
}
