// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-boot-check FIXTURES BOX [LIST FOLDER...]: runs kho-inspect boot-check in this process over
 * recorded states, over every damaged copy in each FOLDER (LIST has its "NAME RULES" lines), and
 * in machines made of files below BOX.
 */
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/kho-inspect/boot.h"
#include "tools/kho-inspect/inspect.h"

static const char *fixtures, *box, *test_case = "start";
static unsigned int checks;

#define CHECK(condition) do {								\
	checks++;									\
	if (!(condition))								\
		fail_check(#condition, __LINE__);					\
} while (0)

static char run_dir[PATH_MAX], output[65536], status_line[4096], findings[1 << 20];

static void __attribute__((noreturn)) fail_check(const char *what, int line)
{
	fprintf(stderr, "test-boot-check: line %d, case \"%s\": not so: %s\nstatus: %s\noutput: %s\nfindings: %.2000s\n",
		line, test_case, what, status_line, output, findings);
	exit(1);
}

/* A clock that, if a case wants it, runs out once it was read. */
static uint64_t clock_step;
uint64_t __real_boot_clock(void);
uint64_t __wrap_boot_clock(void);

uint64_t __wrap_boot_clock(void)
{
	static uint64_t looks;

	return __real_boot_clock() + clock_step * looks++;
}

/* ------------------------------------------------------------------ the box */

static void path_in_box(char *path, const char *name)
{
	if (snprintf(path, PATH_MAX, "%s%s", box, name) >= PATH_MAX)
		fail_check("path fits", __LINE__);
}

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			fail_check("mkdir", __LINE__);
		*slash = '/';
	}
}

static void put(const char *name, const char *content)
{
	char path[PATH_MAX];
	FILE *file;

	path_in_box(path, name);
	make_folders(path);
	if (name[strlen(name) - 1] == '/')
		return;
	file = fopen(path, "w");
	if (!file || fputs(content, file) < 0 || fclose(file))
		fail_check("file of the box", __LINE__);
}

static void read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n = file ? fread(text, 1, size - 1, file) : 0;

	text[n] = '\0';
	if (file)
		fclose(file);
}

static void read_report(const char *name, char *text, size_t size)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", run_dir, name);
	read_text(path, text, size);
}

static bool report_has(const char *name)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", run_dir, name);
	return !access(path, F_OK);
}

static unsigned int mode_of(const char *name)
{
	char path[PATH_MAX + 64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", run_dir, name);
	return stat(path, &st) ? 0 : st.st_mode & 07777;
}

/* A new machine: x86_64, started by firmware, nothing handed over. */
static void new_box(const char *name)
{
	static char folder[PATH_MAX], base[PATH_MAX];
	static unsigned int n;

	test_case = name;
	if (!*base)
		snprintf(base, sizeof(base), "%s", box);
	snprintf(folder, sizeof(folder), "%.3000s/%u", base, n++);
	box = folder;
	snprintf(run_dir, sizeof(run_dir), "%.3000s/run/initramfs/kho", folder);
	put("/proc/cmdline", "root=/dev/vda ro kho=on\n");
	put("/proc/sys/kernel/bootloader_type", "114\n");
	put("/sys/kernel/boot_params/version", "0x020f\n");
	put("/dev/kmsg", "6,1,0,-;Linux version 7.3.4\n");
}

static void by_kexec(void)
{
	put("/proc/sys/kernel/bootloader_type", "208\n");
}

static void hand_over(void)
{
	by_kexec();
	put("/sys/kernel/boot_params/setup_data/0/type", "0x9\n");
	put("/sys/kernel/boot_params/setup_data/1/type", "0xa\n");
}

static void cmdline(const char *text)
{
	put("/proc/cmdline", text);
}

/* Runs boot-check, and reads the files that it left. Returns the exit status. */
static int check_boot(const char *core, enum boot_stage stage)
{
	struct options options = {
		.fail_on = KHO_SEVERITY_ERROR, .core = core, .sysroot = box, .stage = stage,
		.dir = run_dir,
	};
	int status, saved, fds[2];
	ssize_t n;

	/* do not use a file, because some tests make all files unwritable */
	saved = dup(STDOUT_FILENO);
	if (saved < 0 || pipe2(fds, O_NONBLOCK | O_CLOEXEC) || dup2(fds[1], STDOUT_FILENO) < 0)
		fail_check("stdout", __LINE__);
	status = cmd_boot_check(&options);
	if (fflush(stdout))
		fail_check("output fits into a pipe", __LINE__);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], output, sizeof(output) - 1);
	output[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	read_report("status", status_line, sizeof(status_line));
	read_report(stage == BOOT_CLAIMS ? "findings.claims" : "findings", findings,
		    sizeof(findings));
	return status;
}

static const char *fixture(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.khosnap", fixtures, name);
	return path;
}

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* The exit statuses of the man page, written out here because programs depend on them. */
static int status_of(const char *word)
{
	static const struct { const char *word; int status; } statuses[] = {
		{ "clean", 0 }, { "none", 10 }, { "warning", 11 }, { "unknown", 12 },
		{ "error", 13 }, { "absent", 14 }, { "fatal", 15 }, { "off", 16 },
	};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (!strcmp(statuses[i].word, word))
			return statuses[i].status;
	}
	return -1;
}

static void is_word(int status, const char *word)
{
	CHECK(status == status_of(word));
	CHECK(starts(status_line, word) && status_line[strlen(word)] == ' ');
	CHECK(strchr(status_line, '\n') == status_line + strlen(status_line) - 1);
	CHECK(mode_of("status") == 0600);
}

/* ------------------------------------------------- recorded and damaged state */

static void test_fixtures(void)
{
	static const char *const outgoing[] = { "v1-outgoing", "v3-outgoing", "v4-outgoing", "v4-stock-outgoing" };
	static const struct { const char *name, *incoming, *claims; } cases[] = {
		{ "v1-incoming", "clean", "clean" },
		{ "v3-incoming", "clean", "clean" },
		{ "v4-incoming-claimed", "clean", "clean" },
		{ "v4-incoming-unclaimed", "clean", "warning" },
		{ "v4-stock-incoming", "clean", "clean" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *core = fixture(cases[i].name);

		new_box(cases[i].name);
		hand_over();
		is_word(check_boot(core, BOOT_INCOMING), cases[i].incoming);
		CHECK(!*output);
		CHECK(report_has("report.json") && mode_of("report.json") == 0600);
		CHECK(mode_of("findings") == 0600);
		CHECK(!report_has("snapshot.khosnap"));
		is_word(check_boot(core, BOOT_CLAIMS), cases[i].claims);
		CHECK(strstr(status_line, "; claims: "));
		CHECK(report_has("claims.json"));
		if (!strcmp(cases[i].claims, "warning")) {
			CHECK(strstr(status_line, "claims: warning: 5 unclaimed, 0 refused"));
			CHECK(starts(output, "warn claims: warning: 5 unclaimed"));
			CHECK(strstr(output, "\nwarning K501: "));
			CHECK(starts(findings, "unclaimed K501 warning 0x"));
		}
	}
	/* an outgoing state is not the state that this kernel received */
	for (size_t i = 0; i < sizeof(outgoing) / sizeof(outgoing[0]); i++) {
		new_box(outgoing[i]);
		hand_over();
		is_word(check_boot(fixture(outgoing[i]), BOOT_INCOMING), "unknown");
		CHECK(strstr(status_line, "the file holds an outgoing state, not an incoming one"));
	}
}

static const char *const worse_and_worse[] = { "clean", "warning", "unknown", "error", "fatal" };

static unsigned int badness(const char *word)
{
	for (unsigned int i = 0; i < sizeof(worse_and_worse) / sizeof(worse_and_worse[0]); i++) {
		if (!strcmp(worse_and_worse[i], word))
			return i;
	}
	return 0;
}

static void findings_have(const char *rules)
{
	char text[64], *save = NULL;

	snprintf(text, sizeof(text), "%s", rules);
	for (char *rule = strtok_r(text, " ", &save); rule; rule = strtok_r(NULL, " ", &save)) {
		char found[16];

		snprintf(found, sizeof(found), " %s ", rule);
		CHECK(strstr(findings, found));
	}
}

/* The word that follows from the lines of findings, computed in another way. */
static const char *word_of_findings(void)
{
	const char *line = findings;
	unsigned int worst = 0;

	while (*line) {
		char class[16], rule[16], severity[16];
		const char *word;

		CHECK(sscanf(line, "%15s %15s %15s", class, rule, severity) == 3);
		word = strstr(line, " not judged: ") && strstr(line, " not judged: ") < strchr(line, '\n') ?
			       "unknown" : severity;
		if (!strcmp(severity, "info"))
			word = "clean";
		if (badness(word) > worst)
			worst = badness(word);
		line = strchr(line, '\n') + 1;
	}
	return worse_and_worse[worst];
}

static void test_damage(const char *folder, const char *name, const char *rules)
{
	char core[PATH_MAX], first[16];
	const char *wanted;
	int status;

	new_box(name);
	hand_over();
	cmdline("rd.kho.policy.error=shell rd.kho.policy.fatal=halt rd.kho.policy.unknown=reboot");
	snprintf(core, sizeof(core), "%s/%s", folder, name);
	status = check_boot(core, BOOT_INCOMING);
	CHECK(sscanf(status_line, "%15s", first) == 1);
	is_word(status, first);
	findings_have(rules);
	wanted = word_of_findings();
	/* of an outgoing state, the word is at least "unknown" */
	if (!strstr(folder, "damaged-in") && badness(wanted) < badness("unknown"))
		wanted = "unknown";
	CHECK(!strcmp(wanted, first));
	if (*rules)
		CHECK(strcmp(first, "clean"));

	/* there is a snapshot, or the reason why not */
	if (!strcmp(first, "clean"))
		CHECK(!report_has("snapshot.khosnap"));
	else if (strstr(findings, " K001 "))
		CHECK(!report_has("snapshot.khosnap") && strstr(status_line, "; no snapshot was taken: "));
	else
		CHECK(report_has("snapshot.khosnap") || strstr(output, "no snapshot was taken: "));

	/* the output is plain text, whatever the damaged memory contains */
	for (const char *c = output; *c; c++)
		CHECK((*c >= ' ' && *c <= '~' && *c != '\\') || *c == '\n');
	if (!strcmp(first, "fatal"))
		CHECK(starts(output, "halt incoming state: fatal: fatal K"));
	else if (!strcmp(first, "error"))
		CHECK(starts(output, "shell incoming state: error: error K") ||
		      starts(output, "reboot incoming state: error: error K"));
	else if (!strcmp(first, "clean"))
		CHECK(!*output);
	/* the second check does not repeat the findings, and does not say "none" for an unknown state */
	if (report_has("report.json")) {
		bool read = strstr(status_line, " records of ");

		CHECK(check_boot(core, BOOT_CLAIMS) != status_of("clean") || !strcmp(first, "clean"));
		CHECK(read == !strstr(status_line, "; claims: unknown: kho-inspect cannot read the state"));
		CHECK(read || !*output);
	}
	CHECK(!strstr(output, "incoming state"));
	CHECK(strcmp(first, "fatal") || starts(status_line, "fatal "));
}

static unsigned int test_damages(const char *list, const char *folder)
{
	FILE *file = fopen(list, "r");
	char line[256], name[128];
	unsigned int n = 0;
	int end;

	test_case = list;
	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		CHECK(sscanf(line, "%127s %n", name, &end) == 1);
		line[strcspn(line, "\n")] = '\0';
		test_damage(folder, name, line + end);
		n++;
	}
	fclose(file);
	CHECK(n > 3);
	return n;
}

/* ------------------------------------------------------ what a machine shows */

static void test_cold(void)
{
	new_box("a cold boot is silent");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");
	CHECK(!*output);
	CHECK(!strcmp(status_line, "none nothing was handed over\n"));
	CHECK(!report_has("report.json") && !report_has("findings"));
	CHECK(check_boot(NULL, BOOT_CLAIMS) == status_of("none"));
	CHECK(!*output);

	new_box("other setup_data is not a handover");
	put("/sys/kernel/boot_params/setup_data/0/type", "0x9\n");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");

	new_box("a device tree without the property");
	put("/proc/device-tree/chosen/bootargs", "");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");

	new_box("setup_data that cannot be read");
	put("/sys/kernel/boot_params/setup_data/0/type", "0x9\n");
	put("/sys/kernel/boot_params/setup_data/1/", "");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(strstr(status_line, "cannot read /sys/kernel/boot_params/setup_data/1/type: No such file or directory"));
	CHECK(starts(output, "warn incoming state: unknown: "));
	put("/sys/kernel/boot_params/setup_data/1/type", "ten\n");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(strstr(status_line, "setup_data/1/type is not a number"));
	/* one readable type decides the question */
	put("/sys/kernel/boot_params/setup_data/2/type", "0xa\n");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	findings_have("K510");
	CHECK(!strstr(status_line, "is not a number"));
	/* the state itself decides it too */
	unlink(strcat(strcpy(findings, box), "/sys/kernel/boot_params/setup_data/2/type"));
	is_word(check_boot(fixture("v4-stock-incoming"), BOOT_INCOMING), "clean");

	new_box("setup_data that is not a folder");
	put("/sys/kernel/boot_params/setup_data", "");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(strstr(status_line, "cannot read /sys/kernel/boot_params/setup_data: Not a directory"));

	new_box("a crash kernel is left alone");
	hand_over();
	put("/proc/vmcore", "");
	cmdline("rd.kho.expect=5,11");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");
	CHECK(strstr(status_line, "crash kernel") && !*output);

	test_case = "the second check alone in a crash kernel, or with rd.kho=0";
	for (int off = 0; off < 2; off++) {
		unlink(strcat(strcpy(findings, box), "/run/initramfs/kho/status"));
		if (off)
			unlink(strcat(strcpy(findings, box), "/proc/vmcore"));
		cmdline(off ? "rd.kho=0" : "");
		CHECK(check_boot(fixture("v4-incoming-unclaimed"), BOOT_CLAIMS) ==
		      status_of(off ? "off" : "none"));
		CHECK(!*output && !report_has("status") && !report_has("claims.json"));
	}

	new_box("rd.kho=0");
	hand_over();
	cmdline("rd.kho=off rd.kho.expect=5,11");
	is_word(check_boot(NULL, BOOT_INCOMING), "off");
	/* the text is not that of another value */
	CHECK(starts(status_line, "off rd.kho= turns the check off: nothing has been checked"));
	CHECK(check_boot(NULL, BOOT_CLAIMS) == status_of("off"));
	CHECK(!*output);
}

/* debugfs with only KHO's outgoing side: this kernel has KHO and did not take anything over. */
static void show_no_state(void)
{
	static char memory[1 << 20];
	char path[PATH_MAX];
	FILE *from = fopen(fixture("v4-stock-outgoing"), "r"), *to;
	size_t n;

	put("/sys/kernel/debug/kho/out/fdt_phys", "0x1000\n");
	path_in_box(path, "/proc/kcore");
	to = fopen(path, "w");
	CHECK(from && to);
	n = fread(memory, 1, sizeof(memory), from);
	CHECK(n < sizeof(memory) && fwrite(memory, 1, n, to) == n);
	fclose(from);
	CHECK(!fclose(to));
}

/* An arm64 machine with ACPI: the kernel does not unflatten its device tree, which has only /chosen. */
static void flat_tree(const char *property)
{
	char path[PATH_MAX], tree[1024];
	FILE *file;

	put("/sys/firmware/", "");
	unlink(strcat(strcpy(findings, box), "/sys/kernel/boot_params/version"));
	unlink(strcat(strcpy(findings, box), "/proc/sys/kernel/bootloader_type"));
	CHECK(!fdt_create(tree, sizeof(tree)) && !fdt_finish_reservemap(tree) &&
	      !fdt_begin_node(tree, "") && !fdt_begin_node(tree, "chosen") &&
	      (!property || !fdt_property(tree, property, "", 0)) && !fdt_end_node(tree) &&
	      !fdt_end_node(tree) && !fdt_finish(tree));
	path_in_box(path, "/sys/firmware/fdt");
	file = fopen(path, "w");
	CHECK(file && fwrite(tree, 1, fdt_totalsize(tree), file) == fdt_totalsize(tree));
	CHECK(!fclose(file));
}

static void test_flat_tree(void)
{
	char path[PATH_MAX];

	new_box("ACPI and a device tree: a cold boot is silent, and a copied promise does not count");
	flat_tree(NULL);
	cmdline("rd.kho.expect=5,11 rd.kho.policy=halt");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");
	CHECK(!*output && strstr(status_line, "rd.kho.expect= does not count"));
	show_no_state();
	flat_tree("linux,booted-from-kexec");
	is_word(check_boot(NULL, BOOT_INCOMING), "absent");

	new_box("ACPI and a device tree: state was left");
	show_no_state();
	flat_tree("linux,kho-fdt");
	is_word(check_boot(NULL, BOOT_INCOMING), "absent");
	CHECK(strstr(status_line, "K510: state was left for this kernel"));
	path_in_box(path, "/sys/firmware/fdt");
	CHECK(!truncate(path, 60));
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(strstr(status_line, "/sys/firmware/fdt is not a device tree"));
}

static void test_lost(void)
{
	new_box("a promise of a boot that kexec started");
	by_kexec();
	show_no_state();
	cmdline("rd.kho.expect=5,11 rd.kho.policy=reboot");
	is_word(check_boot(NULL, BOOT_INCOMING), "absent");
	CHECK(strstr(status_line, "fatal K510: 5 records of generation 11 were expected: "));
	CHECK(strstr(status_line, "the kernel log says nothing of KHO"));
	CHECK(starts(findings, "absent K510 fatal - - 5 records"));
	CHECK(starts(output, "reboot incoming state: absent: "));
	CHECK(report_has("report.json") && !report_has("snapshot.khosnap"));
	CHECK(check_boot(NULL, BOOT_CLAIMS) == status_of("absent"));
	CHECK(!*output);

	new_box("the kernel's own words");
	by_kexec();
	show_no_state();
	put("/dev/kmsg", "6,1,0,-;Kernel command line: KHO\n6,2,200000,-;KHO: disabling KHO revival: -22\n"
	    "14,3,300000,-;KHO: written by a user\n");
	cmdline("rd.kho.expect=5,11");
	is_word(check_boot(NULL, BOOT_INCOMING), "absent");
	CHECK(strstr(status_line, "the kernel says: [    0.200000] KHO: disabling KHO revival: -22\n"));
	CHECK(report_has("dmesg"));

	new_box("a promise that was copied into a boot entry");
	show_no_state();
	cmdline("rd.kho.expect=5,11 rd.kho.policy=reboot");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");
	CHECK(!*output && strstr(status_line, "rd.kho.expect= does not count"));

	new_box("a device tree without linux,booted-from-kexec, and a copied promise");
	show_no_state();
	put("/proc/device-tree/chosen/bootargs", "");
	unlink(strcat(strcpy(findings, box), "/sys/kernel/boot_params/version"));
	unlink(strcat(strcpy(findings, box), "/proc/sys/kernel/bootloader_type"));
	cmdline("rd.kho.expect=5,11 rd.kho.policy=halt");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");
	CHECK(!*output && strstr(status_line, "rd.kho.expect= does not count"));
	put("/proc/device-tree/chosen/linux,booted-from-kexec", "");
	is_word(check_boot(NULL, BOOT_INCOMING), "absent");
	CHECK(starts(output, "halt incoming state: absent: "));

	new_box("nothing says who started this kernel");
	show_no_state();
	cmdline("rd.kho.expect=5,11");
	put("/proc/sys/kernel/bootloader_type", "no number\n");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(strstr(status_line, "nothing says whether kexec started this kernel"));

	new_box("a promise behind -- and in quotes");
	by_kexec();
	show_no_state();
	cmdline("root=\"/dev/a b\" -- init-argument \"rd.kho.expect=5,11\"");
	is_word(check_boot(NULL, BOOT_INCOMING), "absent");

	new_box("a promise in a quote that is never closed");
	by_kexec();
	show_no_state();
	cmdline("x=\"a b rd.kho.expect=5,11");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");

	new_box("a promise that is none");
	by_kexec();
	show_no_state();
	cmdline("rd.kho.expect=*,1");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(strstr(status_line, "rd.kho.expect=*,1 is not COUNT,GENERATION"));

	new_box("without a command line a promise cannot be known");
	by_kexec();
	show_no_state();
	unlink(strcat(strcpy(findings, box), "/proc/cmdline"));
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(strstr(status_line, "cannot read the kernel command line"));

	new_box("left and not taken");
	hand_over();
	show_no_state();
	is_word(check_boot(NULL, BOOT_INCOMING), "absent");
	CHECK(strstr(status_line, "K510: state was left for this kernel"));

	new_box("left in a device tree, and refused by a kernel without debugfs");
	put("/proc/device-tree/chosen/linux,kho-fdt", "12345678");
	put("/dev/kmsg", "4,2,200000,-;Passed KHO data, but CONFIG_KEXEC_HANDOVER not set. Ignoring.\n");
	is_word(check_boot(NULL, BOOT_INCOMING), "absent");

	new_box("left, and nothing of it to be seen");
	hand_over();
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(starts(findings, "unknown K510 fatal - - not judged: "));

	new_box("only the kernel's log says that state was left");
	unlink(strcat(strcpy(findings, box), "/sys/kernel/boot_params/version"));
	put("/dev/kmsg", "6,2,200000,-;KHO: found kexec handover data.\n");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");

	new_box("neither debugfs nor a kernel log");
	unlink(strcat(strcpy(findings, box), "/sys/kernel/boot_params/version"));
	unlink(strcat(strcpy(findings, box), "/dev/kmsg"));
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(strstr(status_line, "kernel log cannot be read"));
}

static void test_promise_kept(void)
{
	new_box("less came than was promised");
	hand_over();
	cmdline("rd.kho.expect=99,99999");
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_INCOMING), "fatal");
	findings_have("K511");
	CHECK(report_has("snapshot.khosnap") && mode_of("snapshot.khosnap") == 0600);

	new_box("a promise that cannot be compared is not clean");
	hand_over();
	cmdline("rd.kho.expect=five");
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_INCOMING), "unknown");
}

/* ------------------------------------------------------------------ policies */

static void test_policies(const char *damaged)
{
	static const struct { const char *options, *action; } cases[] = {
		{ "", "warn " }, { "rd.kho.policy=warn", "warn " }, { "rd.kho.policy=log", "" },
		{ "rd.kho.policy=shell", "shell " }, { "rd.kho.policy=reboot", "reboot " },
		{ "rd.kho.policy=halt", "halt " }, { "rd.kho.policy=shel", "warn " },
		{ "rd.kho.policy=shell rd.kho.policy.error=log rd.kho.policy.unknown=log", "" },
		{ "rd.kho.policy.error=shell", "shell " }, { "rd.kho.policy.fatal=shell", "warn " },
		{ "rd.kho.policy=shell rd.kho.policy=log", "" },
		{ "\"rd.kho.policy=shell\"", "shell " }, { "rd.kho.policy=\"shell\"", "shell " },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		new_box(cases[i].options);
		hand_over();
		cmdline(cases[i].options);
		is_word(check_boot(damaged, BOOT_INCOMING), "error");
		CHECK(*cases[i].action ? starts(output, cases[i].action) : !*output);
	}
	new_box("a slip is told");
	cmdline("rd.kho.policy=shel");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");
	CHECK(!strcmp(output, "warn rd.kho.policy=shel is not one of log, warn, shell, reboot, halt: taken as warn\n"));

	new_box("a time limit that is none");
	cmdline("rd.kho.timeout=5m");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");
	CHECK(strstr(output, "rd.kho.timeout=5m is not a number of seconds"));

	new_box("a time limit that is none, with a state");
	hand_over();
	cmdline("rd.kho.timeout=30 rd.kho.timeout=0");
	is_word(check_boot(fixture("v4-incoming-claimed"), BOOT_INCOMING), "clean");
	CHECK(strstr(output, "rd.kho.timeout=0 is not a number of seconds"));

	new_box("no reboot where it would never end");
	cmdline("rd.kho.policy=reboot");
	is_word(check_boot(damaged, BOOT_INCOMING), "error");
	CHECK(starts(output, "shell ") && strstr(output, "No reboot: kexec has not handed"));

	new_box("what dracut bakes in counts, and the kernel's line more");
	hand_over();
	put("/etc/cmdline.d/kho.conf", "rd.kho.policy=shell rd.kho.policy.error=halt\n");
	cmdline("rd.kho.policy.error=warn");
	is_word(check_boot(damaged, BOOT_INCOMING), "error");
	CHECK(starts(output, "warn "));

	new_box("unclaimed allocations have a policy of their own");
	hand_over();
	cmdline("rd.kho.policy.unclaimed=shell");
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_INCOMING), "clean");
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_CLAIMS), "warning");
	CHECK(starts(output, "shell claims: warning: 5 unclaimed"));

	new_box("the classes that are for the log are not shown");
	hand_over();
	cmdline("rd.kho.policy=shell rd.kho.policy.unclaimed=log");
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_INCOMING), "clean");
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_CLAIMS), "warning");
	CHECK(!*output);
}

/* boot-check reports each slip, with a state and without. */
static void test_slips(void)
{
	static const struct { const char *options, *slip; } cases[] = {
		{ "rd.kho.policy", "rd.kho.policy has no value: it must be one of log, warn, shell, reboot, halt: taken as warn" },
		{ "rd.kho.policy.fatal=", "rd.kho.policy.fatal= is not one of log, warn, shell, reboot, halt: taken as warn" },
		{ "rd.kho.policy=Halt", "rd.kho.policy=Halt is not one of" },
		{ "rd.kho.timeout", "rd.kho.timeout has no value: it must be a number of seconds from 1 to 99999: taken as 120" },
		{ "rd.kho.timeout=0x10", "rd.kho.timeout=0x10 is not a number of seconds" },
		{ "rd.kho=maybe", "rd.kho=maybe is not 0 or 1: taken as 1" },
		{ "rd.kho.polcy=halt", "rd.kho.polcy is not an option of kho-boot(7): ignored" },
		{ "rd.kho.policy.absent=halt", "rd.kho.policy.absent is not an option of kho-boot(7): ignored" },
		{ "rd.kho.expects=5,11", "rd.kho.expects is not an option" },
		{ "rd.kho-expect=5,11", "rd.kho-expect is not an option" },
		{ "rd.kho.0123456789012345678901234567890123456789012345678901234567890123456789=1",
		  "89012... is not an option of kho-boot(7): ignored" },
		{ "rd.kho.expect", "rd.kho.expect has no value: it must be COUNT,GENERATION" },
		{ "rd.kho.expect=", "rd.kho.expect= is not COUNT,GENERATION" },
		{ "rd.kho.expect=5", "rd.kho.expect=5 is not COUNT,GENERATION" },
		{ "rd.kho.expect=-5,11", "rd.kho.expect=-5,11 is not COUNT,GENERATION" },
		{ "rd.kho.expect=5,11,12", "rd.kho.expect=5,11,12 is not COUNT,GENERATION" },
		{ "rd.kho.expect=99999999999999999999,11", "99,11 is not COUNT,GENERATION" },
		{ "x=\"a b rd.kho.expect", "rd.kho options stand within an unclosed quote" },
		{ "x=\"a b rd.kho.policy=halt", "rd.kho options stand within an unclosed quote" },
		{ "rd.kho.timeout=x rd.kho.polcy", "taken as 120; rd.kho.polcy is not an option" },
	};
	/* a truncated value must not pass for the whole value */
	static char zeros[320] = "rd.kho.expect=5,";

	memset(zeros + strlen(zeros), '0', 280);
	for (size_t i = 0; i <= sizeof(cases) / sizeof(cases[0]); i++) {
		bool last = i == sizeof(cases) / sizeof(cases[0]);
		const char *options = last ? strcat(zeros, "11") : cases[i].options;
		const char *wanted = last ? " is not COUNT,GENERATION" : cases[i].slip;
		bool promise = strstr(wanted, "COUNT") || strstr(wanted, "quote");

		new_box(options);
		cmdline(options);
		is_word(check_boot(NULL, BOOT_INCOMING), "none");
		CHECK(starts(output, "warn ") && strstr(output, wanted) && count(output, "\n") == 1);

		hand_over();
		check_boot(fixture("v4-incoming-claimed"), BOOT_INCOMING);
		CHECK(starts(output, "warn ") && strstr(output, wanted));
		/* the unread part may contain a promise */
		CHECK(starts(status_line, promise ? "unknown " : "clean "));
		/* once is enough */
		check_boot(fixture("v4-incoming-claimed"), BOOT_CLAIMS);
		CHECK(!*output);

		new_box(options);
		by_kexec();
		show_no_state();
		cmdline(options);
		is_word(check_boot(NULL, BOOT_INCOMING), promise ? "unknown" : "none");
	}

	new_box("the last one counts");
	cmdline("rd.kho=0 rd.kho rd.kho=yes rd.kho=on rd.kho=1 rd.kho=");
	is_word(check_boot(NULL, BOOT_INCOMING), "none");
	CHECK(!*output);

	new_box("what dracut baked in cannot be read");
	by_kexec();
	show_no_state();
	put("/etc/cmdline.d/kho.conf/", "");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(strstr(output, "cannot read /etc/cmdline.d/kho.conf: Is a directory"));

	new_box("a promise that cannot be read, and the policy for what is unknown");
	hand_over();
	cmdline("rd.kho.expect rd.kho.policy.unknown=shell");
	is_word(check_boot(fixture("v4-stock-incoming"), BOOT_INCOMING), "unknown");
	CHECK(starts(output, "shell incoming state: unknown: "));
}

/* ---------------------------------------------------- what must not be clean */

static void crash(void *data, void *result)
{
	(void)data;
	(void)result;
	signal(SIGABRT, SIG_DFL);
	raise(SIGKILL);
}

static void hang(void *data, void *result)
{
	(void)data;
	(void)result;
	for (;;)
		pause();
}

static void look_at_stdout(void *data, void *result)
{
	(void)data;
	fstat(STDOUT_FILENO, result);
}

static bool never_answers;

/* A read of the running kernel's own files may hang in the kernel. */
int __real_kho_source_open_live(const char *sysroot, struct kho_source **out, struct kho_error *err);
int __wrap_kho_source_open_live(const char *sysroot, struct kho_source **out, struct kho_error *err);
int __wrap_kho_source_open_live(const char *sysroot, struct kho_source **out, struct kho_error *err)
{
	if (never_answers)
		hang(NULL, NULL);
	return __real_kho_source_open_live(sysroot, out, err);
}

static void test_children(void)
{
	char why[160] = "", result[16] = "";
	struct stat ours, theirs;

	test_case = "children";
	CHECK(boot_run_child(crash, NULL, result, sizeof(result), __real_boot_clock() + 60000, why,
			     sizeof(why)) == -ECHILD);
	CHECK(strstr(why, "signal 9"));
	CHECK(boot_run_child(hang, NULL, result, sizeof(result), __real_boot_clock() + 50, why,
			     sizeof(why)) == -ETIME);
	/* a hook waits until no process has its pipe open, and a child may hang in the kernel */
	CHECK(!boot_run_child(look_at_stdout, NULL, &theirs, sizeof(theirs),
			      __real_boot_clock() + 60000, why, sizeof(why)));
	CHECK(!fstat(STDOUT_FILENO, &ours));
	CHECK(theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino);
	CHECK(S_ISCHR(theirs.st_mode));
}

/* As if the disk were full. */
static void limit_files(bool full)
{
	struct rlimit limit = { full ? 0 : RLIM_INFINITY, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	CHECK(!setrlimit(RLIMIT_FSIZE, &limit));
}

static void test_not_clean(const char *sealed)
{
	char path[PATH_MAX];

	new_box("a clock that runs out");
	hand_over();
	clock_step = 200 * 1000;
	/* the other rules still run: this state has more damage */
	is_word(check_boot(sealed, BOOT_INCOMING), "fatal");
	clock_step = 0;
	findings_have("K408");
	CHECK(strstr(findings, "\nunknown K413 error - - not judged: no time was left"));
	/* there is a snapshot although this is an outgoing state */
	CHECK(report_has("snapshot.khosnap") && !strstr(output, "no snapshot was taken"));
	CHECK(report_has("report.json"));

	new_box("a kernel that never answers");
	hand_over();
	cmdline("rd.kho.timeout=1");
	never_answers = true;
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	never_answers = false;
	CHECK(strstr(status_line, "did not finish within 2 s"));

	new_box("no file can be written");
	hand_over();
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_INCOMING), "clean");
	limit_files(true);
	CHECK(check_boot(fixture("v4-incoming-unclaimed"), BOOT_INCOMING) == status_of("unknown"));
	limit_files(false);
	/* no file says "clean" */
	CHECK(!*status_line && !report_has("report.json") && !report_has("findings"));
	CHECK(starts(output, "warn incoming state: unknown: 0 fatal, ") && strstr(output, "cannot write"));

	new_box("a folder that cannot be made");
	hand_over();
	put("/run/initramfs", "");
	CHECK(check_boot(fixture("v4-incoming-unclaimed"), BOOT_INCOMING) == status_of("unknown"));
	CHECK(!report_has("status"));
	CHECK(starts(output, "warn incoming state: unknown: 0 fatal, ") && strstr(output, "cannot create"));

	new_box("a file that is not a state");
	hand_over();
	put("/proc/version", "no dump\n");
	path_in_box(path, "/proc/version");
	is_word(check_boot(path, BOOT_INCOMING), "unknown");
	CHECK(!report_has("report.json"));

}

/* ---------------------------------------------- files that cannot be written */

/* The state is fatal, and the policy is halt. Both stay, with the findings and the reason. */
static void is_still_fatal(int status, const char *reason)
{
	CHECK(status == status_of("fatal"));
	CHECK(starts(output, "halt incoming state: fatal: fatal K511: "));
	CHECK(strstr(output, "\nfatal K511: "));
	CHECK(strstr(output, reason));
}

static int check_fatal(const char *name)
{
	new_box(name);
	hand_over();
	put("/dev/kmsg", "6,2,200000,-;KHO: found kexec handover data.\n");
	cmdline("rd.kho.expect=99,99999 rd.kho.policy=log rd.kho.policy.fatal=halt");
	return 0;
}

static void test_unwritable(void)
{
	static const char *const names[] = {
		"report.json", "findings", "status", "snapshot.khosnap", "dmesg",
	};
	const char *core = fixture("v4-incoming-unclaimed");
	char path[64];
	int status;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* a folder is in its place */
		snprintf(path, sizeof(path), "/run/initramfs/kho/%s/", names[i]);
		check_fatal(names[i]);
		put(path, "");
		status = check_boot(core, BOOT_INCOMING);
		is_still_fatal(status, names[i]);
		CHECK(strcmp(names[i], "status") ? starts(status_line, "fatal ") : !*status_line);
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			CHECK(j == i || report_has(names[j]));

		/* the second check finds the word of the first one, and does not make it better */
		CHECK(check_boot(core, BOOT_CLAIMS) == status_of("fatal"));
		CHECK(!strcmp(names[i], "status") || starts(status_line, "fatal "));

		new_box(names[i]);
		hand_over();
		put(path, "");
		cmdline("rd.kho.policy.unknown=shell");
		CHECK(check_boot(core, BOOT_INCOMING) == status_of("unknown"));
		CHECK(starts(output, "shell incoming state: unknown: ") && strstr(output, names[i]));
		CHECK(check_boot(core, BOOT_CLAIMS) == status_of("unknown"));
	}

	check_fatal("a full disk");
	limit_files(true);
	status = check_boot(core, BOOT_INCOMING);
	limit_files(false);
	is_still_fatal(status, "/report.json: File too large");

	check_fatal("no folder");
	put("/run/initramfs", "");
	status = check_boot(core, BOOT_INCOMING);
	is_still_fatal(status, "cannot create");
}

/* The files are for root only, whatever was there before. */
static void test_modes(void)
{
	char path[PATH_MAX + 64];

	new_box("a status that everybody may read");
	hand_over();
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_INCOMING), "clean");
	snprintf(path, sizeof(path), "%s/status", run_dir);
	CHECK(!chmod(path, 0644));
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_CLAIMS), "warning");
	CHECK(mode_of("claims.json") == 0600 && mode_of("findings.claims") == 0600);
	CHECK(mode_of("snapshot.khosnap") == 0600);
}

static unsigned int files_left(void)
{
	static const char *const names[] = {
		"report.json", "findings", "claims.json", "findings.claims", "snapshot.khosnap", "dmesg",
	};
	unsigned int n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		n += report_has(names[i]);
	return n;
}

static void test_two_runs(const char *damaged)
{
	const char *unclaimed = fixture("v4-incoming-unclaimed");

	new_box("the second check makes the word no better, and says it once");
	hand_over();
	put("/dev/kmsg", "6,2,200000,-;KHO: found kexec handover data.\n");
	is_word(check_boot(damaged, BOOT_INCOMING), "error");
	for (int i = 0; i < 2; i++) {
		is_word(check_boot(damaged, BOOT_CLAIMS), "error");
		CHECK(starts(output, "warn claims: error: ") && strstr(output, "; without the first check: warning\n"));
		CHECK(count(status_line, "; claims: warning: ") == 1 && count(status_line, "claims: ") == 1);
	}
	CHECK(files_left() == 6);

	test_case = "a run begins without the files of an earlier one";
	cmdline("rd.kho=0");
	is_word(check_boot(damaged, BOOT_INCOMING), "off");
	CHECK(!files_left());
	cmdline("");
	is_word(check_boot(damaged, BOOT_INCOMING), "error");
	CHECK(check_boot(damaged, BOOT_CLAIMS) == status_of("error") && files_left() == 6);
	is_word(check_boot(unclaimed, BOOT_INCOMING), "clean");
	CHECK(files_left() == 2);
	is_word(check_boot(unclaimed, BOOT_CLAIMS), "warning");
	CHECK(files_left() == 5);
	put("/run/initramfs/kho/report.json", "");
	put("/proc/version", "no dump\n");
	path_in_box(findings, "/proc/version");
	is_word(check_boot(strdupa(findings), BOOT_INCOMING), "unknown");
	CHECK(files_left() == 1 && report_has("dmesg"));
}

/* A part or all of the first check's report is missing. */
static void test_without_first(const char *damaged, const char *refused)
{
	static const char *const names[] = { "report.json", "findings", "status" };
	char path[PATH_MAX + 64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		new_box(names[i]);
		hand_over();
		is_word(check_boot(fixture("v4-incoming-claimed"), BOOT_INCOMING), "clean");
		snprintf(path, sizeof(path), "%s/%s", run_dir, names[i]);
		CHECK(!unlink(path));
		is_word(check_boot(fixture("v4-incoming-claimed"), BOOT_CLAIMS), "unknown");
		CHECK(starts(output, "warn claims: unknown: ") && strstr(output, names[i]));

		hand_over();
		is_word(check_boot(damaged, BOOT_INCOMING), "error");
		CHECK(!unlink(path));
		is_word(check_boot(damaged, BOOT_CLAIMS), "error");
	}

	new_box("the first check left a status and nothing else");
	hand_over();
	put("/run/initramfs/kho/status", "unknown kho-inspect could not judge anything (status 137)\n");
	is_word(check_boot(fixture("v4-incoming-claimed"), BOOT_CLAIMS), "unknown");
	CHECK(strstr(status_line, "; claims: unknown: 0 unclaimed, 0 refused; the first check left no report\n"));
	CHECK(!*output);
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_CLAIMS), "unknown");
	CHECK(strstr(status_line, "; claims: unknown: 5 unclaimed, 0 refused; the first check left no report\n"));
	CHECK(starts(output, "warn claims: unknown: 5 unclaimed, 0 refused; the first check left no report\n"));
	CHECK(strstr(output, "\nwarning K501: "));
	is_word(check_boot(refused, BOOT_CLAIMS), "error");
	CHECK(strstr(status_line, "; claims: error: error K502: ") &&
	      strstr(status_line, "4 unclaimed, 1 refused; the first check left no report\n"));
	CHECK(starts(output, "warn claims: error: error K502: ") && report_has("snapshot.khosnap"));
	CHECK(starts(findings, "error K502 error 0x"));

	for (int left = 0; left < 2; left++) {
		new_box("nothing of the first check, and no state");
		show_no_state();
		put("/run/initramfs/kho/status", "unknown the check died: it was killed by signal 9 (Killed)\n");
		if (left)
			hand_over();
		is_word(check_boot(NULL, BOOT_CLAIMS), left ? "absent" : "unknown");
		if (left)
			CHECK(starts(output, "warn claims: absent: fatal K510: "));
		else
			CHECK(strstr(status_line, "; claims: unknown: ") && !*output);
	}

	new_box("a promise that a first check without a report did not compare");
	hand_over();
	cmdline("rd.kho.expect=99,99999");
	put("/run/initramfs/kho/status", "unknown the check died: it was killed by signal 9 (Killed)\n");
	is_word(check_boot(fixture("v4-incoming-claimed"), BOOT_CLAIMS), "fatal");
	CHECK(starts(output, "warn claims: fatal: fatal K511: "));

	new_box("the first check had no state to read");
	by_kexec();
	show_no_state();
	cmdline("rd.kho.expect");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	is_word(check_boot(NULL, BOOT_CLAIMS), "unknown");
	CHECK(!*output && strstr(status_line, "; claims: unknown: "));
	CHECK(!strstr(status_line, "nothing was handed over"));

	new_box("the first check has reported that it cannot see the promised state");
	by_kexec();
	cmdline("rd.kho.expect=5,99 rd.kho.policy=shell");
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	CHECK(starts(output, "shell incoming state: unknown: fatal K510: not judged: "));
	is_word(check_boot(NULL, BOOT_CLAIMS), "unknown");
	CHECK(!*output && strstr(status_line, "; claims: unknown: "));

	new_box("the second check without the first");
	is_word(check_boot(fixture("v4-incoming-unclaimed"), BOOT_CLAIMS), "unknown");
	CHECK(starts(output, "warn claims: unknown: 5 unclaimed, 0 refused; "));
	CHECK(strstr(status_line, "; claims: unknown: "));
}

/* The first check read a state; the second one finds none. */
static void test_state_gone(void)
{
	new_box("a kernel log that never ends");
	unlink(strcat(strcpy(findings, box), "/dev/kmsg"));
	CHECK(!symlink("/dev/zero", findings));
	hand_over();
	clock_step = 1000;
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	clock_step = 0;
	CHECK(strstr(status_line, "the kernel log cannot be read"));

	new_box("the list is gone at the second check");
	hand_over();
	cmdline("rd.kho.expect=5,13");
	is_word(check_boot(fixture("v4-incoming-claimed"), BOOT_INCOMING), "clean");
	is_word(check_boot(fixture("v4-stock-incoming"), BOOT_CLAIMS), "fatal");
	CHECK(starts(findings, "fatal K511 ") && starts(output, "warn claims: fatal: fatal K511: "));

	new_box("both checks find that the promise was not kept");
	hand_over();
	cmdline("rd.kho.expect=5,99");
	is_word(check_boot(fixture("v4-incoming-claimed"), BOOT_INCOMING), "fatal");
	CHECK(strstr(findings, "K511"));
	is_word(check_boot(fixture("v4-incoming-claimed"), BOOT_CLAIMS), "fatal");
	CHECK(!*output && !strstr(findings, "K511"));

	for (int left = 0; left < 2; left++) {
		new_box(left ? "left, and gone at the second check" : "gone at the second check");
		if (left)
			hand_over();
		else
			unlink(strcat(strcpy(findings, box), "/sys/kernel/boot_params/version"));
		is_word(check_boot(fixture("v4-incoming-claimed"), BOOT_INCOMING), "clean");
		is_word(check_boot(NULL, BOOT_CLAIMS), "unknown");
		CHECK(strstr(status_line, "; claims: unknown: the state that the first check read is gone: debugfs is not mounted at "));
		CHECK(starts(output, "warn claims: unknown: the state that the first check read is gone: "));
		show_no_state();
		is_word(check_boot(NULL, BOOT_CLAIMS), "unknown");
		CHECK(strstr(status_line, "is gone: this kernel was booted without a handover\n"));
	}

	new_box("state that neither check can read is told once");
	hand_over();
	is_word(check_boot(NULL, BOOT_INCOMING), "unknown");
	is_word(check_boot(NULL, BOOT_CLAIMS), "unknown");
	CHECK(!*output && !strstr(status_line, "is gone"));
}

/* ------------------------------------------------------------- boot-report */

static char entries[65536];

/* A journal that keeps its entries. @fd is its socket, or -1 if nobody listens. */
static int report_boot(struct options *options, int fd)
{
	char path[PATH_MAX + 16], cwd[PATH_MAX];
	int status, saved, out;
	size_t used = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/stdout", box);
	/* the path of a socket must be short */
	CHECK(getcwd(cwd, sizeof(cwd)) && !chdir(box));
	options->sysroot = ".";
	if (!options->dir)
		options->dir = run_dir;
	out = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	saved = dup(STDOUT_FILENO);
	CHECK(out >= 0 && saved >= 0 && dup2(out, STDOUT_FILENO) >= 0);
	status = cmd_boot_report(options);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(out);
	CHECK(!chdir(cwd));
	while (fd >= 0 && (n = recv(fd, entries + used, sizeof(entries) - used - 2, MSG_DONTWAIT)) > 0) {
		used += (size_t)n;
		entries[used++] = '\n';
	}
	entries[used] = '\0';
	read_text(path, output, sizeof(output));
	return status;
}

static int open_journal(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "run/systemd/journal/socket" };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char cwd[PATH_MAX];

	put("/run/systemd/journal/", "");
	CHECK(getcwd(cwd, sizeof(cwd)) && !chdir(box));
	CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)));
	CHECK(!chdir(cwd));
	return fd;
}

static void test_journal(const char *damaged)
{
	struct options options = { .journal = true };
	char path[PATH_MAX], wanted[PATH_MAX + 16];
	unsigned int lines;
	int fd;

	new_box("journal");
	hand_over();
	is_word(check_boot(damaged, BOOT_INCOMING), "error");
	lines = count(findings, "\n");
	check_boot(damaged, BOOT_CLAIMS);
	lines += count(findings, "\n");
	fd = open_journal();
	CHECK(!report_boot(&options, fd));
	CHECK(!*output);
	CHECK(starts(entries, "SYSLOG_IDENTIFIER=kho-report\nPRIORITY=3\nMESSAGE=KHO: error error K"));
	CHECK(count(entries, "MESSAGE_ID=e00a8ab234d340d5bb48518ed9ff5bf0\nKHO_STATUS=error\nKHO_REPORT=") == 1);
	CHECK(count(entries, "MESSAGE_ID=2795835c66fc419c9f693c058827dd02\n") == lines);
	CHECK(strstr(entries, "\nKHO_RULE=K405\nKHO_SEVERITY=error\nKHO_UNEVALUATED=false\nKHO_STAGE=incoming\n"));
	CHECK(strstr(entries, "\nKHO_RULE=K501\nKHO_SEVERITY=warning\nKHO_UNEVALUATED=false\nKHO_STAGE=claims\n"));
	CHECK(strstr(entries, "\nKHO_RECORD_ID=") && strstr(entries, "\nKHO_ADDRESS=0x"));

	test_case = "a relative folder";
	options.dir = "run/initramfs/../initramfs/kho";
	CHECK(!report_boot(&options, fd));
	CHECK(realpath(run_dir, path));
	snprintf(wanted, sizeof(wanted), "\nKHO_REPORT=%s\n", path);
	CHECK(count(entries, wanted) == 1);

	test_case = "a folder with a line break in its name";
	put("/run/initramfs/kho\nPRIORITY=0/status", "error K405: e\n");
	options.dir = "run/initramfs/kho\nPRIORITY=0";
	report_boot(&options, fd);
	CHECK(strstr(entries, "/kho\\x0aPRIORITY=0\n") && !strstr(entries, "\nPRIORITY=0\n"));
	options.dir = NULL;
	close(fd);

	test_case = "nobody listens";
	CHECK(!report_boot(&options, -1));
	CHECK(starts(output, "<3>KHO: error error K") && count(output, "\n") == lines + 1);
}

static void test_many_entries(void)
{
	struct options options = { .journal = true };
	char path[PATH_MAX + 64];
	FILE *file;

	new_box("a thousand findings and more");
	put("/run/initramfs/kho/status", "error K405: e\n");
	snprintf(path, sizeof(path), "%s/findings", run_dir);
	file = fopen(path, "w");
	CHECK(file);
	for (int i = 1; i <= 1200; i++)
		fprintf(file, "error K405 error 0x%x000 %d record %d is damaged\n", i, i, i);
	fclose(file);
	CHECK(!report_boot(&options, -1));
	CHECK(count(output, "<3>KHO: error K405: record ") == 1000);
	CHECK(strstr(output, "<4>KHO: 200 more findings are in "));

	test_case = "a file of findings that was cut";
	CHECK(!truncate(path, 5000));
	CHECK(report_boot(&options, -1) == EXIT_FINDINGS);

	new_box("no status");
	CHECK(report_boot(&options, -1) == EXIT_CANNOT_TELL);
}

/* Replaces a report with a link to a secret, a FIFO, a folder or a sparse file. */
static void spoil(const char *name, int how)
{
	char path[PATH_MAX + 64], secret[PATH_MAX];

	path_in_box(secret, "/secret");
	snprintf(path, sizeof(path), "%s/%s", run_dir, name);
	CHECK(!unlink(path) || errno == ENOENT || errno == EISDIR);
	if (how == 0)
		CHECK(!symlink(secret, path));
	else if (how == 1)
		CHECK(!mkfifo(path, 0600));
	else if (how == 2)
		CHECK(!mkdir(path, 0700));
	else
		CHECK(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0 && !truncate(path, 1ll << 40));
}

#define SECRET	"fatal K101 fatal - - PASSWORD\n"

/* The folder may belong to another user. If boot-check stalls, the alarm ends the test. */
static void test_hostile_folder(const char *damaged)
{
	struct options options = { .journal = true };
	char secret[PATH_MAX], content[64];

	alarm(60);
	for (int how = 0; how < 4; how++) {
		new_box("a report of FIFOs, links and devices");
		put("/secret", SECRET);
		path_in_box(secret, "/secret");
		put("/run/initramfs/kho/status", "warning K501: 5 unclaimed\n");
		spoil("findings", how);
		CHECK(report_boot(&options, -1) == EXIT_FINDINGS);
		CHECK(strstr(output, "K501") && !strstr(output, "PASSWORD"));
		spoil("status", how);
		CHECK(report_boot(&options, -1) == EXIT_FINDINGS);
		CHECK(starts(output, "<3>KHO: unknown ") && !strstr(output, "PASSWORD"));

		test_case = "the claims after a first check that left no files";
		hand_over();
		CHECK(check_boot(damaged, BOOT_CLAIMS) == status_of("error"));
		/* a folder stays, and there is no status then */
		CHECK(how == 2 ? !*status_line : starts(status_line, "error "));
		CHECK(check_boot(damaged, BOOT_INCOMING) == status_of("error"));
		CHECK(how == 2 ? !*status_line : starts(status_line, "error "));
		read_text(secret, content, sizeof(content));
		CHECK(!strcmp(content, SECRET));
	}
	alarm(0);
}

/* A kernel that does not record fates: the claims are unknown. */
static void test_no_fates(const char *no_fates)
{
	struct options options = { .core = no_fates, .textfile = "metrics/kho.prom", .journal = true };
	char path[PATH_MAX + 16], metrics[65536];

	new_box("no record has a fate");
	hand_over();
	is_word(check_boot(no_fates, BOOT_INCOMING), "unknown");
	findings_have("K502 K504");
	is_word(check_boot(no_fates, BOOT_CLAIMS), "unknown");
	CHECK(starts(findings, "unknown K501 warning - - not judged: the kernel gave none of the 5 record(s) a fate"));
	CHECK(strstr(status_line, "; claims: unknown: warning K501: not judged: ") &&
	      strstr(status_line, "; an unknown number is unclaimed, an unknown number is refused\n"));
	put("/metrics/", "");
	CHECK(!report_boot(&options, -1));
	CHECK(strstr(output, "an unknown number is unclaimed") && strstr(output, "KHO: warning K501: not judged: "));
	path_in_box(path, "/metrics/kho.prom");
	read_text(path, metrics, sizeof(metrics));
	CHECK(strstr(metrics, "kho_dma_records{side=\"incoming\"} 5\n"));
	CHECK(!strstr(metrics, "kho_dma_unclaimed"));
}

static void test_textfile(void)
{
	struct options options = { .core = fixture("v4-incoming-unclaimed"), .textfile = "metrics/kho.prom" };
	static char metrics[65536];
	char folder[PATH_MAX], path[PATH_MAX + 16], victim[PATH_MAX + 16];
	struct stat st;

	new_box("textfile");
	put("/run/initramfs/kho/status", "warning 5 unclaimed\n");
	put("/metrics/", "");
	put("/victim", "mine\n");
	path_in_box(folder, "/metrics");
	snprintf(path, sizeof(path), "%s/kho.prom", folder);
	CHECK(!symlink("../victim", path));
	if (!geteuid()) {
		/* a link of the folder's owner does not give access to files that the owner cannot read */
		CHECK(!chown(folder, 65534, 65534));
		CHECK(report_boot(&options, -1) == EXIT_FINDINGS);
		snprintf(victim, sizeof(victim), "%s/victim", box);
		read_text(victim, metrics, sizeof(metrics));
		CHECK(!strcmp(metrics, "mine\n") && !stat(victim, &st) && !st.st_uid);
	}
	unlink(path);
	CHECK(!report_boot(&options, -1));
	read_text(path, metrics, sizeof(metrics));
	CHECK(strstr(metrics, "kho_dma_unclaimed{side=\"incoming\"} 5\n"));
	CHECK(strstr(metrics, "kho_dma_records{side=\"incoming\"} "));
	CHECK(strstr(metrics, "kho_boot_status{status=\"warning\"} 1\n"));
	CHECK(!lstat(path, &st) && S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0644);
	CHECK(geteuid() || st.st_uid == 65534);
	test_case = "a boot without state";
	put("/run/initramfs/kho/status", "none nothing was handed over\n");
	CHECK(!report_boot(&options, -1));
	snprintf(path, sizeof(path), "%s/kho.prom", folder);
	read_text(path, metrics, sizeof(metrics));
	CHECK(strstr(metrics, "kho_boot_status{status=\"none\"} 1\n") && !strstr(metrics, "kho_dma"));

	test_case = "the status was lost, and the findings were not";
	put("/run/initramfs/kho/status", "");
	put("/run/initramfs/kho/findings", "fatal K201 fatal - - f\n");
	CHECK(!report_boot(&options, -1));
	read_text(path, metrics, sizeof(metrics));
	CHECK(strstr(metrics, "kho_boot_status{status=\"fatal\"} 1\n"));
	put("/run/initramfs/kho/findings", "");
	CHECK(!report_boot(&options, -1));
	read_text(path, metrics, sizeof(metrics));
	CHECK(strstr(metrics, "kho_boot_status{status=\"unknown\"} 1\n"));

	test_case = "the state cannot be read, and an earlier boot was clean";
	options.core = "/nowhere";
	put("/run/initramfs/kho/status", "unknown the check did not finish\n");
	report_boot(&options, -1);
	read_text(path, metrics, sizeof(metrics));
	CHECK(strstr(metrics, "kho_boot_status{status=\"unknown\"} 1\n"));
	options.core = fixture("v4-incoming-unclaimed");

	test_case = "no folder for the textfile";
	options.textfile = "nowhere/kho.prom";
	CHECK(report_boot(&options, -1) == EXIT_FINDINGS);
	options.textfile = "";
	CHECK(!report_boot(&options, -1));
}

static void test_plain(void)
{
	char text[] = "pci:\\xff\\x9b\\x00\\x5cx41 a\\tb \xff\x1b";

	CHECK(!strcmp(boot_plain(text), "pci:????x41 a?tb ??"));
}

int main(int argc, char **argv)
{
	unsigned int damages = 0;
	char path[PATH_MAX], refused[PATH_MAX];

	if (argc != 11)
		return 2;
	fixtures = argv[1];
	box = argv[2];

	test_plain();
	test_children();
	test_fixtures();
	test_cold();
	test_lost();
	test_flat_tree();
	test_promise_kept();
	for (int i = 3; i < argc; i += 2)
		damages += test_damages(argv[i], argv[i + 1]);
	/* the folder of incoming states is the first argument, that of outgoing states the second */
	snprintf(path, sizeof(path), "%s/in-record-crc", argv[4]);
	test_policies(path);
	test_slips();
	test_unwritable();
	test_modes();
	test_two_runs(path);
	snprintf(refused, sizeof(refused), "%s/in-fate-failed", argv[4]);
	test_without_first(path, refused);
	test_state_gone();
	snprintf(path, sizeof(path), "%s/record-sealed", argv[6]);
	test_not_clean(path);
	snprintf(path, sizeof(path), "%s/in-record-crc", argv[4]);
	test_journal(path);
	test_many_entries();
	test_hostile_folder(path);
	test_textfile();
	snprintf(path, sizeof(path), "%s/in-no-fates", argv[4]);
	test_no_fates(path);
	printf("%u checks, %u damages\n", checks, damages);
	return 0;
}
