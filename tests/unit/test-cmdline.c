// SPDX-License-Identifier: GPL-2.0-or-later
/* libkho splits command lines and reads kho= like the kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/kho.h"
#include "tests/unit/check.h"

#define MAX_ARGS	7

/* next_arg() of Linux 7.3 (lib/cmdline.c) printed the right-hand side. */
static const struct {
	const char *line;
	struct { const char *name, *value; } args[MAX_ARGS];
} lines[] = {
	{ "", { { NULL, NULL } } },
	{ "   ", { { NULL, NULL } } },
	{ "quiet", { { "quiet", NULL } } },
	{ "  quiet  kho=on  ", { { "quiet", NULL }, { "kho", "on" } } },
	{ "kho=on\tro\vx\fy\rz\xa0" "end", { { "kho", "on" }, { "ro", NULL }, { "x", NULL }, { "y", NULL }, { "z", NULL }, { "end", NULL } } },
	{ "\"kho=on\" root=/dev/vda", { { "kho", "on" }, { "root", "/dev/vda" } } },
	{ "kho=\"on\"", { { "kho", "on" } } },
	{ "acpi_osi=\"a kho=on b\"", { { "acpi_osi", "a kho=on b" } } },
	{ "kho=on x=\"a kho=off b\"", { { "kho", "on" }, { "x", "a kho=off b" } } },
	{ "\"acpi_osi=a kho=on b\" q", { { "acpi_osi", "a kho=on b" }, { "q", NULL } } },
	{ "a=\"unclosed kho=on rd.kho.expect=1,2", { { "a", "unclosed kho=on rd.kho.expect=1,2" } } },
	{ "\"unclosed kho=on", { { "unclosed kho", "on" } } },
	{ "a\"b c\"d e", { { "a\"b c\"d", NULL }, { "e", NULL } } },
	{ "a\"=b c\" d", { { "a\"", "b c\"" }, { "d", NULL } } },
	{ "=x y", { { "=x", NULL }, { "y", NULL } } },
	{ "==x", { { "=", "x" } } },
	{ "\"=x\" y", { { "=x", NULL }, { "y", NULL } } },
	{ "x=", { { "x", "" } } },
	{ "x=\"", { { "x", "" } } },
	{ "x=\"\"", { { "x", "" } } },
	{ "\"x=\"", { { "x", "" } } },
	{ "\"x=\" y", { { "x", "" }, { "y", NULL } } },
	{ "\"\"", { { "", NULL } } },
	{ "\"", { { "", NULL } } },
	{ "\"\" a", { { "", NULL }, { "a", NULL } } },
	{ "a \"\" b", { { "a", NULL }, { "", NULL }, { "b", NULL } } },
	{ "x=\"a\"b", { { "x", "a\"b" } } },
	{ "x=\"a\"b\"", { { "x", "a\"b" } } },
	{ "\"x=\"a b\" c", { { "x", "a" }, { "b\" c", NULL } } },
	{ "\"--\" kho=on", { { "--", NULL }, { "kho", "on" } } },
	{ "-- kho=on", { { "--", NULL }, { "kho", "on" } } },
	{ "--=1 kho=on", { { "--", "1" }, { "kho", "on" } } },
	{ "kho=on -- a b", { { "kho", "on" }, { "--", NULL }, { "a", NULL }, { "b", NULL } } },
	{ "rd.kho-expect=1", { { "rd.kho-expect", "1" } } },
	{ "a=b=c=d", { { "a", "b=c=d" } } },
	{ "\xa0\xa0" "a", { { "a", NULL } } },
	{ "dyndbg=\"file x +p; func y +p\" quiet", { { "dyndbg", "file x +p; func y +p" }, { "quiet", NULL } } },
	{ "k\xc3\xa0o=on", { { "k\xc3", NULL }, { "o", "on" } } },
	{ "BOOT_IMAGE=/vmlinuz-7 root=UUID=1-2 ro", { { "BOOT_IMAGE", "/vmlinuz-7" }, { "root", "UUID=1-2" }, { "ro", NULL } } },
};

static bool same(const char *wanted, const char *text, size_t len)
{
	if (!wanted || !text)
		return !wanted && !text;
	return strlen(wanted) == len && !memcmp(wanted, text, len);
}

/* Each line in a buffer of its own size, so that ASan sees a read beyond its end. */
static void test_split(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char *line = strdup(lines[i].line);
		const char *rest = line;
		struct kho_cmdline_arg arg;
		size_t n = 0;

		for (; kho_cmdline_next(&rest, &arg); n++) {
			if (n < MAX_ARGS && lines[i].args[n].name &&
			    same(lines[i].args[n].name, arg.name, arg.name_len) &&
			    same(lines[i].args[n].value, arg.value, arg.value_len))
				continue;
			fprintf(stderr, "%s: option %zu is \"%.*s\", value \"%.*s\"\n", line, n,
				(int)arg.name_len, arg.name, (int)arg.value_len,
				arg.value ? arg.value : "");
			failed = 1;
			break;
		}
		if (n < MAX_ARGS && lines[i].args[n].name) {
			fprintf(stderr, "%s: only %zu options\n", line, n);
			failed = 1;
		}
		free(line);
	}
}

static void test_kho(void)
{
	static const char *const on[] = {
		"kho=on", "kho=1", "quiet kho=y", "kho=YES", "kho=t", "kho=True", "kho=enable",
		"kho=ON", "kho=off kho=on", "kho=on kho=maybe", "kho=on\n", "kho=on -- kho=off",
		"\"kho=on\" root=/dev/vda", "kho=\"on\"", "kho=on x=\"a kho=off b\"",
		"quiet\vkho=on\fro", "x\xa0kho=on", "kho=on kho", "kho=on \"--\" kho=off",
		"kho=on x=\"-- kho=off",
	};
	static const char *const off[] = {
		"kho=off", "kho=0", "kho=n", "kho=No", "kho=f", "kho=disable", "kho=OFF",
		"kho=on kho=off", "\"kho=off\"", "kho=on \"kho=off\"", "kho=on\vkho=off",
		"kho=off x=\"kho=on\"", "--=1 kho=off",
	};
	static const char *const none[] = {
		"", "quiet", "xkho=on", "kho_scratch=on", "kho=", "kho=maybe", "kho=o",
		"-- kho=on", "kho", "acpi_osi=\"a kho=on b\"", "\"acpi_osi=a kho=on b\"",
		"a=\"kho=on", "\"--\" kho=on", "kho=\"", "kho=\" on\"", "a=b\xc2kho=on",
	};

	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++)
		CHECK(kho_cmdline_bool(on[i], "kho") == 1);
	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++)
		CHECK(kho_cmdline_bool(off[i], "kho") == 0);
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		CHECK(kho_cmdline_bool(none[i], "kho") == -1);
}

static void test_find(void)
{
	static const char line[] = "rd.kho.expect=1,2 a \"rd.kho.expect=3 4\" kho-scratch=8M -- rd.kho.expect=5,6";
	static const char open[] = "a=\"b rd.kho.expect=1,2";
	const char *rest = open;
	struct kho_cmdline_arg arg;

	CHECK(kho_cmdline_find(line, "rd.kho.expect", &arg));
	CHECK(same("3 4", arg.value, arg.value_len));
	CHECK(same("\"rd.kho.expect=3 4\"", arg.text, arg.text_len));
	CHECK(!arg.unclosed);
	CHECK(kho_cmdline_find(line, "kho_scratch", &arg) && same("8M", arg.value, arg.value_len));
	CHECK(!kho_cmdline_find(line, "--", &arg));
	CHECK(!kho_cmdline_find(line, "rd.kho", &arg));
	CHECK(!kho_cmdline_find(open, "rd.kho.expect", &arg));
	CHECK(kho_cmdline_next(&rest, &arg) && arg.unclosed);
	CHECK(!kho_cmdline_next(&rest, &arg));
}

int main(void)
{
	test_split();
	test_kho();
	test_find();
	return failed;
}
