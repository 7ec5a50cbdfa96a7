// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect: the command table and the options that all commands share. */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "config.h"
#include "inspect.h"

static const struct command commands[] = {
	{ "show", cmd_show, "sum up what is handed over", NULL, NULL, 0 },
	{ "list", cmd_list, "list the preserved DMA allocations", NULL, NULL, 0 },
	{ "tree", cmd_tree, "show the root FDT and its subtrees", NULL, NULL, 0 },
	{ "ranges", cmd_ranges, "list preserved memory", NULL, NULL, 0 },
	{ "scratch", cmd_scratch, "show the scratch areas, what they cost, and what fits in",
	  "      --initrd=FILE       the initramfs that is loaded with IMAGE\n", " [IMAGE]", 1 },
	{ "verify", cmd_verify, "check everything against the rules of kho-rules(7)",
	  "      --fail-on=SEVERITY  exit with 1 from info, warning, error (default) or fatal on\n"
	  "      --only=RULE,...     only these rules\n"
	  "      --ignore=RULE,...   all but these rules\n"
	  "      --expect=N,GEN      what the previous kernel promised (rd.kho.expect=)\n"
	  "      --claims            judge allocations that no driver has claimed\n"
	  "      --skip-content      do not read the content of sealed allocations\n"
	  "      --prometheus        metrics for node_exporter's textfile collector\n", NULL, 0 },
	{ "map", cmd_map, "draw what lies where in physical memory",
	  "  -o, --output=FILE       write a picture (SVG) instead\n", NULL, 0 },
	{ "snapshot", cmd_snapshot, "write the metadata to a small ELF core",
	  "  -o, --output=FILE       where to\n"
	  "      --with-content=ID   with the content of this allocation (repeatable)\n"
	  "      --with-blobs        with the blobs of unknown subtrees\n", NULL, 0 },
	{ "diff", cmd_diff, "tell what was preserved, released, moved or changed since",
	  NULL, " BEFORE [AFTER]", 2 },
	{ "extract", cmd_extract, "write the content of one allocation to a file",
	  "  -o, --output=FILE       where to\n", " ID", 1 },
	{ "check-target", cmd_check_target, "check whether a kernel image can take the state over",
	  NULL, " IMAGE", 1 },
	{ "boot-check", cmd_boot_check, "judge in an initramfs what was handed over",
	  "      --stage=STAGE       incoming (before drivers are loaded) or claims (after)\n"
	  "      --dir=DIR           where the report goes (" BOOT_DIR ")\n"
	  "      --cmdline=FILE      read rd.kho options there and nowhere else\n"
	  "      --timeout=SECONDS   instead of rd.kho.timeout=\n", NULL, 0 },
	{ "boot-report", cmd_boot_report, "pass on what boot-check found, in the running system",
	  "      --dir=DIR           where boot-check left its report (" BOOT_DIR ")\n"
	  "      --journal           entries with fields in the journal\n"
	  "      --textfile=FILE     metrics for node_exporter's textfile collector\n", NULL, 0 },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

enum {
	OPT_IN = 256, OPT_CORE, OPT_SYSROOT, OPT_JSON, OPT_BYTES, OPT_NO_COLOR, OPT_FAIL_ON,
	OPT_ONLY, OPT_IGNORE, OPT_EXPECT, OPT_CLAIMS, OPT_SKIP_CONTENT, OPT_PROMETHEUS,
	OPT_INITRD, OPT_V1_BITMAP, OPT_WITH_BLOBS, OPT_WITH_CONTENT, OPT_NO_SANDBOX,
	OPT_VMLINUX, OPT_STAGE, OPT_DIR, OPT_CMDLINE, OPT_TIMEOUT,
	OPT_JOURNAL, OPT_TEXTFILE,
};

static const struct option long_options[] = {
	{ "in", no_argument, NULL, OPT_IN },
	{ "core", required_argument, NULL, OPT_CORE },
	{ "vmlinux", required_argument, NULL, OPT_VMLINUX },
	{ "sysroot", required_argument, NULL, OPT_SYSROOT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "bytes", no_argument, NULL, OPT_BYTES },
	{ "no-color", no_argument, NULL, OPT_NO_COLOR },
	{ "fail-on", required_argument, NULL, OPT_FAIL_ON },
	{ "only", required_argument, NULL, OPT_ONLY },
	{ "ignore", required_argument, NULL, OPT_IGNORE },
	{ "expect", required_argument, NULL, OPT_EXPECT },
	{ "claims", no_argument, NULL, OPT_CLAIMS },
	{ "skip-content", no_argument, NULL, OPT_SKIP_CONTENT },
	{ "prometheus", no_argument, NULL, OPT_PROMETHEUS },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "v1-bitmap", required_argument, NULL, OPT_V1_BITMAP },
	{ "no-sandbox", no_argument, NULL, OPT_NO_SANDBOX },
	{ "with-blobs", no_argument, NULL, OPT_WITH_BLOBS },
	{ "with-content", required_argument, NULL, OPT_WITH_CONTENT },
	{ "stage", required_argument, NULL, OPT_STAGE },
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "cmdline", required_argument, NULL, OPT_CMDLINE },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "journal", no_argument, NULL, OPT_JOURNAL },
	{ "textfile", required_argument, NULL, OPT_TEXTFILE },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void print_common_options(void)
{
	puts("Options:\n"
	     "      --in                what this kernel was handed, not what it hands over\n"
	     "      --core=FILE         read a snapshot or a dump, not the running kernel\n"
	     "      --vmlinux=FILE      find the root by this kernel's symbols and debug information\n"
	     "      --sysroot=DIR       put DIR before /proc and /sys\n"
	     "      --json              JSON, see kho-inspect.schema.json\n"
	     "      --bytes             sizes in bytes\n"
	     "      --no-color          no colours (as does NO_COLOR)\n"
	     "      --no-sandbox        keep system calls that are not needed\n"
	     "  -h, --help              this help\n"
	     "  -V, --version           the version");
}

static void print_help(const struct command *command)
{
	if (command) {
		printf("Usage: kho-inspect %s [OPTION]...%s\n%c%s.\n\n", command->name,
		       command->arguments ? command->arguments : "",
		       command->summary[0] - 'a' + 'A', command->summary + 1);
		print_common_options();
		puts("      --v1-bitmap=SIZE    512 or page: how to read a map of kho-v1 that does not tell");
		if (command->options)
			fputs(command->options, stdout);
		return;
	}

	puts("Usage: kho-inspect COMMAND [OPTION]...\n"
	     "Look into Kexec HandOver (KHO) state: what a kernel hands over to the next one.\n\n"
	     "Commands:");
	for (size_t i = 0; i < NR_COMMANDS; i++)
		printf("  %-13s %s\n", commands[i].name, commands[i].summary);
	puts("\nkho-inspect COMMAND --help tells the options of a command, kho-inspect --version the version.\n"
	     "Exit status: 0 clean, 1 findings, 2 cannot tell. See kho-inspect(1).");
}

static int misuse(const char *what, const char *argument)
{
	fprintf(stderr, "kho-inspect: %s%s%s. Try kho-inspect --help.\n", what,
		argument ? ": " : "", argument ? argument : "");
	return EXIT_CANNOT_TELL;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static bool parse_severity(const char *text, enum kho_severity *severity)
{
	for (int i = KHO_SEVERITY_INFO; i <= KHO_SEVERITY_FATAL; i++) {
		if (!strcmp(text, kho_severity_name(i))) {
			*severity = i;
			return true;
		}
	}
	return false;
}

/* "K101,K204" as a NULL-terminated list; NULL when one is no rule. Splits @text. */
static char **parse_rules(char *text)
{
	char **list = calloc(strlen(text) + 2, sizeof(*list));
	char *save = NULL;
	size_t n = 0;

	if (!list)
		return NULL;
	for (char *id = strtok_r(text, ",", &save); id; id = strtok_r(NULL, ",", &save)) {
		if (!kho_rule_find(id)) {
			free(list);
			return NULL;
		}
		list[n++] = id;
	}
	return list;
}

static int parse_rule_option(char *text, char ***list)
{
	free(*list);
	*list = parse_rules(text);
	return *list ? 0 : misuse("not a list of rules (see kho-rules(7))", text);
}

static int parse_v1_bitmap(struct options *options, const char *text)
{
	if (!strcmp(text, "512"))
		options->v1_bitmap = 512;
	else if (!strcmp(text, "page"))
		options->v1_bitmap = 4096;
	else
		return misuse("--v1-bitmap takes 512 or page", text);
	return 0;
}

static int parse_stage(struct options *options, const char *text)
{
	if (!strcmp(text, "incoming"))
		options->stage = BOOT_INCOMING;
	else if (!strcmp(text, "claims"))
		options->stage = BOOT_CLAIMS;
	else
		return misuse("--stage takes incoming or claims", text);
	return 0;
}

static int parse_timeout(struct options *options, const char *text)
{
	options->timeout = boot_timeout_parse(text);
	return options->timeout ? 0 : misuse("--timeout takes 1 to 99999 seconds", text);
}

static int parse_content(struct options *options, const char *text)
{
	uint64_t id, *ids;

	if (!parse_id(text, &id))
		return misuse("--with-content takes the id of an allocation", text);
	ids = reallocarray((uint64_t *)options->content, options->nr_content + 1, sizeof(*ids));
	if (!ids)
		return misuse("out of memory", NULL);
	ids[options->nr_content++] = id;
	options->content = ids;
	return 0;
}

static int parse_option(struct options *options, int option, char *argument)
{
	switch (option) {
	case OPT_IN: options->in = true; break;
	case OPT_CORE: options->core = argument; break;
	case OPT_VMLINUX: options->vmlinux = argument; break;
	case OPT_SYSROOT: options->sysroot = argument; break;
	case OPT_JSON: options->json = true; break;
	case OPT_BYTES: options->bytes = true; break;
	case OPT_NO_COLOR: options->no_color = true; break;
	case OPT_CLAIMS: options->verify.claims = true; break;
	case OPT_SKIP_CONTENT: options->verify.skip_content = true; break;
	case OPT_PROMETHEUS: options->prometheus = true; break;
	case OPT_INITRD: options->initrd = argument; break;
	case 'o': options->output = argument; break;
	case OPT_V1_BITMAP: return parse_v1_bitmap(options, argument);
	case OPT_NO_SANDBOX: options->no_sandbox = true; break;
	case OPT_WITH_BLOBS: options->blobs = true; break;
	case OPT_WITH_CONTENT: return parse_content(options, argument);
	case OPT_STAGE: return parse_stage(options, argument);
	case OPT_TIMEOUT: return parse_timeout(options, argument);
	case OPT_DIR: options->dir = argument; break;
	case OPT_CMDLINE: options->cmdline = argument; break;
	case OPT_JOURNAL: options->journal = true; break;
	case OPT_TEXTFILE: options->textfile = argument; break;
	case OPT_FAIL_ON:
		if (!parse_severity(argument, &options->fail_on))
			return misuse("--fail-on takes info, warning, error or fatal", argument);
		break;
	case OPT_ONLY:
		return parse_rule_option(argument, &options->only);
	case OPT_IGNORE:
		return parse_rule_option(argument, &options->ignore);
	case OPT_EXPECT:
		if (kho_expect_parse(argument, &options->verify.expect_records,
				     &options->verify.expect_generation))
			return misuse("--expect takes COUNT,GENERATION", argument);
		options->verify.have_expect = true;
		break;
	default:
		return misuse("unknown or incomplete option", NULL);
	}
	return 0;
}

/* A full disk is an error, also for a command that has found nothing wrong. */
static int close_stdout(int status)
{
	if (fclose(stdout)) {
		perror("kho-inspect: cannot write the output");
		return EXIT_CANNOT_TELL;
	}
	return status;
}

static int run(int argc, char **argv, struct options *options)
{
	const struct command *command;
	int option, status;

	if (argc < 2)
		return misuse("no command", NULL);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(NULL);
		return EXIT_CLEAN;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("kho-inspect " PACKAGE_VERSION);
		return EXIT_CLEAN;
	}

	command = find_command(argv[1]);
	if (!command)
		return misuse("no such command", argv[1]);

	optind = 2;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "o:hV", long_options, NULL)) != -1) {
		if (option == 'h') {
			print_help(command);
			return EXIT_CLEAN;
		}
		status = option == '?' ? misuse("unknown or incomplete option", argv[optind - 1])
				       : parse_option(options, option, optarg);
		if (status)
			return status;
	}

	if (argc - optind > command->max_arguments)
		return misuse("too many arguments", argv[optind + command->max_arguments]);
	options->argument = options->target = optind < argc ? argv[optind] : NULL;
	options->argument2 = optind + 1 < argc ? argv[optind + 1] : NULL;

	options->verify.only = (const char *const *)options->only;
	options->verify.ignore = (const char *const *)options->ignore;
	/* their children do, for they have more to do themselves */
	if (command->run != cmd_boot_check && command->run != cmd_boot_report && !enter_sandbox(options))
		return EXIT_CANNOT_TELL;
	return command->run(options);
}

/* So that no file that is opened later takes the place of an output that is closed. */
static void fill_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	/* a million lines are many pieces of what the C library takes otherwise */
	static char output[64 << 10];
	struct options options = { .fail_on = KHO_SEVERITY_ERROR };
	int status;

	fill_standard_files();
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, output, _IOFBF, sizeof(output));
	status = run(argc, argv, &options);

	free((uint64_t *)options.content);
	free(options.only);
	free(options.ignore);
	return close_stdout(status);
}
