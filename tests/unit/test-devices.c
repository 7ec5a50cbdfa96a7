// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-devices FOLDER [in]: checks the findings about PCI devices on a running machine made of files
 * in FOLDER by test-live. Its records belong to 0000:00:02.0, four sealed and one live.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libkho/kho.h"
#include "tests/unit/check.h"

#define BUS	"/sys/bus/pci/devices"
#define NETWORK	0x020000
#define BRIDGE	0x060400

static const char *root;
static enum kho_side side = KHO_SIDE_OUT;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "test-devices: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ------------------------------------------------------------- fake sysfs */

static void __attribute__((format(printf, 2, 3))) path_of(char path[PATH_MAX], const char *fmt, ...)
{
	int used = snprintf(path, PATH_MAX, "%s", root);
	va_list args;

	va_start(args, fmt);
	vsnprintf(path + used, PATH_MAX - (size_t)used, fmt, args);
	va_end(args);
}

static void write_file(const char *folder, const char *name, const void *data, size_t size)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		die(path);
}

struct device {
	const char *name, *driver;
	unsigned int class;
	bool masters;
	const char *keep;	/* NULL: a kernel without the file */
	const char *uevent;	/* replaces the generated file */
	int config_size;	/* 0: 64 */
};

static void make_device(const char *folder, const struct device *device)
{
	char config[64] = { 0 }, uevent[256];
	int used = 0;

	if (mkdir(folder, 0755))
		die(folder);
	if (device->driver)
		used = snprintf(uevent, sizeof(uevent), "DRIVER=%s\n", device->driver);
	snprintf(uevent + used, sizeof(uevent) - (size_t)used, "PCI_CLASS=%X\nPCI_ID=8086:100E\n",
		 device->class);
	if (device->uevent)
		snprintf(uevent, sizeof(uevent), "%s", device->uevent);
	write_file(folder, "uevent", uevent, strlen(uevent));
	config[4] = device->masters ? 7 : 3;
	config[14] = device->class == BRIDGE;
	write_file(folder, "config", config,
		   device->config_size ? (size_t)device->config_size : sizeof(config));
	if (device->keep)
		write_file(folder, "kexec_keep_master", device->keep, strlen(device->keep));
}

/* The bus has a link to the folder, like a real one, or the folder itself. */
static void add_device(const struct device *device, bool linked)
{
	char entry[PATH_MAX], folder[PATH_MAX], target[PATH_MAX];

	path_of(entry, BUS "/%s", device->name);
	if (!linked) {
		make_device(entry, device);
		return;
	}
	path_of(folder, "/sys/devices/%s", device->name);
	make_device(folder, device);
	snprintf(target, sizeof(target), "../../../devices/%s", device->name);
	if (symlink(target, entry))
		die(entry);
}

static void make_folders(void)
{
	static const char *const folders[] = { "/sys/devices", "/sys/bus", "/sys/bus/pci", BUS };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		path_of(path, "%s", folders[i]);
		if (mkdir(path, 0755))
			die(path);
	}
}

static void remove_folders(void)
{
	char command[2 * PATH_MAX + 64];

	snprintf(command, sizeof(command), "rm -rf '%s/sys/bus' '%s/sys/devices'", root, root);
	if (system(command))
		die(command);
}

/* -------------------------------------------------------------- findings */

struct found {
	char rules[256];
	char last[256];
};

static int note(const struct kho_finding *finding, void *data)
{
	struct found *found = data;
	size_t used = strlen(found->rules);

	if (finding->rule->number < KHO_RULE_K520 || finding->rule->number > KHO_RULE_K522)
		return 0;
	snprintf(found->rules + used, sizeof(found->rules) - used, "%s%s ", finding->rule->id,
		 finding->outcome == KHO_OUTCOME_NOT_JUDGED ? "?" : "");
	snprintf(found->last, sizeof(found->last), "%s", finding->message);
	return 0;
}

static struct found findings(void)
{
	const struct kho_verify_options options = { .skip_content = true };
	struct kho_verify_summary summary;
	struct found found = { 0 };
	struct kho_source *source;
	struct kho_state *state;
	struct kho_error err;

	if (kho_source_open_live(root, &source, &err) ||
	    kho_state_open(source, side, &state, &err) ||
	    kho_verify(state, &options, note, &found, &summary, &err)) {
		fprintf(stderr, "%s\n", err.message);
		exit(1);
	}
	kho_state_close(state);
	kho_source_close(source);
	return found;
}

/* ----------------------------------------------------------------- cases */

#define EDU(m, k)	{ "0000:00:02.0", "kho_edu", 0x00ff00, m, k, NULL, 0 }
#define NIC(m, k)	{ "0000:00:1e.0", "kho_nic", NETWORK, m, k, NULL, 0 }

struct test_case {
	const char *what;
	struct device devices[3];
	const char *rules;	/* expected findings */
	const char *message;	/* part of the last finding's message */
};

static const struct test_case cases[] = {
	{ "a device that stops", { EDU(true, "0\n") }, "K521 ", "1 allocation(s) of PCI device 0000:00:02.0 (kho_edu)" },
	{ "a device that goes on", { EDU(true, "1\n") }, "", "" },
	{ "a device that was asked to go on and is off", { EDU(false, "1\n") }, "K521 ", "" },
	{ "a kernel that says nothing of it", { EDU(true, NULL), NIC(true, NULL) }, "", "" },
	{ "a device without memory goes on", { EDU(true, "1\n"), NIC(true, "1\n") }, "K520 ",
	  "PCI device 0000:00:1e.0 (kho_nic) keeps mastering" },
	{ "a device without memory stops", { EDU(true, "1\n"), NIC(true, "0\n") }, "", "" },
	{ "a device without memory is off", { EDU(true, "1\n"), NIC(false, "1\n") }, "", "" },
	{ "a device without a driver goes on",
	  { EDU(true, "1\n"), { "0001:0a:00.1", NULL, NETWORK, true, "1\n", NULL, 0 } }, "K520 ",
	  "PCI device 0001:0a:00.1 (no driver)" },
	{ "a bridge above", { EDU(true, "1\n"), { "0000:00:1d.0", "pcieport", BRIDGE, true, "1\n", NULL, 0 } },
	  "", "" },
	{ "a device of the class of bridges without a bus behind it",
	  { EDU(true, "1\n"), { "0000:00:1d.0", "ntb", 0x068000, true, "1\n", NULL, 0 } }, "K520 ",
	  "PCI device 0000:00:1d.0 (ntb) keeps mastering" },
	{ "a config space of four bytes", { { "0000:00:02.0", "x", NETWORK, true, "1\n", NULL, 4 } },
	  "K520? ", "0000:00:02.0: its config space is cut short" },
	{ "neither 0 nor 1", { EDU(true, "yes\n") }, "K520? ", "kexec_keep_master is neither 0 nor 1" },
	{ "an empty file", { EDU(true, "") }, "K520? ", "kexec_keep_master is neither 0 nor 1" },
	{ "no class", { { "0000:00:02.0", "x", 0, true, "1\n", "DRIVER=x\n", 0 } }, "K520? ",
	  "uevent does not say its class" },
	{ "a class of letters", { { "0000:00:02.0", "x", 0, true, "1\n", "PCI_CLASS=net\n", 0 } },
	  "K520? ", "a class that is not a number" },
	{ "a name that is too long", { { "0000:00:02.0-and-much-more-than-any-device-has", "x", NETWORK, true, "1\n", NULL, 0 } },
	  "K520? ", "its name is too long" },
};

/* In the next kernel: devices that write to its memory. */
static const struct test_case incoming_cases[] = {
	{ "a device with records that waits for its driver",
	  { { "0000:00:02.0", NULL, 0x00ff00, true, "0\n", NULL, 0 } }, "", "" },
	{ "a device without records that runs",
	  { { "0000:00:1e.0", NULL, NETWORK, true, "0\n", NULL, 0 } }, "K522 ",
	  "PCI device 0000:00:1e.0 (no driver) is mastering, and no memory was handed over for it" },
	{ "a device without records that a driver has", { NIC(true, "1\n") }, "", "" },
	{ "a device that stands", { { "0000:00:1e.0", NULL, NETWORK, false, "0\n", NULL, 0 } }, "", "" },
	{ "a kernel that keeps no device mastering",
	  { { "0000:00:1e.0", NULL, NETWORK, true, NULL, NULL, 0 } }, "", "" },
	{ "a bridge", { { "0000:00:1d.0", NULL, BRIDGE, true, "0\n", NULL, 0 } }, "", "" },
	{ "a config space of four bytes", { { "0000:00:02.0", NULL, NETWORK, true, "0\n", NULL, 4 } },
	  "K522? ", "0000:00:02.0: its config space is cut short" },
};

static void run_cases(const struct test_case *list, size_t n, bool linked)
{
	for (size_t i = 0; i < n; i++) {
		struct found found;

		make_folders();
		for (size_t k = 0; k < 3 && list[i].devices[k].name; k++)
			add_device(&list[i].devices[k], linked);
		found = findings();
		if (strcmp(found.rules, list[i].rules) || !strstr(found.last, list[i].message)) {
			fprintf(stderr, "%s: found \"%s\" (%s), expected \"%s\" (%s)\n", list[i].what,
				found.rules, found.last, list[i].rules, list[i].message);
			failed = 1;
		}
		remove_folders();
	}
}

static void find_nothing_outside(void)
{
	static const struct device outside = EDU(true, "1\n");
	char path[PATH_MAX];

	make_folders();
	path_of(path, "/elsewhere");
	make_device(path, &outside);
	path_of(path, BUS "/0000:00:02.0");
	CHECK(!symlink("../../../../elsewhere", path));
	CHECK(!strcmp(findings().rules, "K520? "));
	CHECK(!unlink(path) && !symlink("../../../devices/../../elsewhere", path));
	CHECK(!strcmp(findings().rules, "K520? "));
	/* and not through a link in the path */
	CHECK(!unlink(path) && !symlink("../../../devices/away/elsewhere", path));
	path_of(path, "/sys/devices/away");
	CHECK(!symlink("../..", path));
	CHECK(!strcmp(findings().rules, "K520? "));
	remove_folders();
}

int main(int argc, char **argv)
{
	if (argc < 2 || (argc == 3 && strcmp(argv[2], "in")) || argc > 3) {
		fprintf(stderr, "usage: test-devices FOLDER [in]\n");
		return 1;
	}
	root = argv[1];
	if (argc == 3) {
		side = KHO_SIDE_IN;
		run_cases(incoming_cases, sizeof(incoming_cases) / sizeof(incoming_cases[0]), true);
		return failed;
	}
	/* a machine without PCI */
	CHECK(!strcmp(findings().rules, ""));
	run_cases(cases, sizeof(cases) / sizeof(cases[0]), false);
	run_cases(cases, sizeof(cases) / sizeof(cases[0]), true);
	find_nothing_outside();
	return failed;
}
