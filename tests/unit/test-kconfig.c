// SPDX-License-Identifier: GPL-2.0-or-later
/* libkho finds an option only on a line of its own. */
#include <string.h>

#include "libkho/kconfig.h"
#include "tests/unit/check.h"

static const struct {
	const char *config, *value;	/* of CONFIG_A; NULL: no line sets it */
	bool on;
} configs[] = {
	{ "", NULL, false },
	{ "\n\n", NULL, false },
	{ "CONFIG_A=y\n", "y", true },
	{ "CONFIG_A=y", "y", true },
	{ "# x\n\nCONFIG_A=y\nCONFIG_B=m\n", "y", true },
	{ "CONFIG_A=m\n", "m", false },
	{ "CONFIG_A=yes\n", "yes", false },
	{ "CONFIG_A=", "", false },
	{ "CONFIG_A=\nCONFIG_A=y\n", "", false },
	{ "CONFIG_A=\"x y\"\n", "\"x y\"", false },
	{ "CONFIG_A", NULL, false },
	{ "CONFIG_A\n=y\n", NULL, false },
	{ "# CONFIG_A is not set\n", NULL, false },
	{ "#CONFIG_A=y\n", NULL, false },
	{ " CONFIG_A=y\n", NULL, false },
	{ "XCONFIG_A=y\nCONFIG_A_B=y\nCONFIG_B=\"CONFIG_A=y\"\n", NULL, false },
	{ "CONFIG_AB=m\nCONFIG_A=y\n", "y", true },
};

static void check_config(size_t i)
{
	size_t size = strlen(configs[i].config);
	const char *wanted = configs[i].value;
	struct kho_cmdline_text value;
	bool found = kho_kconfig_value(configs[i].config, size, "CONFIG_A", &value);
	bool right = found ? wanted && strlen(wanted) == (size_t)(value.end - value.p) &&
			     !memcmp(value.p, wanted, strlen(wanted)) :
			     !wanted;

	if (right && kho_kconfig_is_on(configs[i].config, size, "CONFIG_A") == configs[i].on)
		return;
	fprintf(stderr, "configuration %zu: %.*s\n", i, found ? (int)(value.end - value.p) : 4,
		found ? value.p : "none");
	failed = 1;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++)
		check_config(i);
	/* bytes after the end do not count */
	CHECK(!kho_kconfig_is_on("CONFIG_A=y\n", 9, "CONFIG_A"));
	CHECK(kho_kconfig_is_on("CONFIG_A=y\n", 10, "CONFIG_A"));
	return failed;
}
