// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One table of commands and one of options: getopt's options, the text of --help (from which the
 * completion takes its words), and the commands that have an option, follow from them.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "config.h"
#include "options.h"

const struct command commands[NR_COMMANDS] = {
	[CMD_SHOW] = { "show", cmd_show, "sum up what is handed over" },
	[CMD_LIST] = { "list", cmd_list, "list the preserved DMA allocations" },
	[CMD_TREE] = { "tree", cmd_tree, "show the root FDT and its subtrees" },
	[CMD_RANGES] = { "ranges", cmd_ranges, "list preserved memory" },
	[CMD_SCRATCH] = { "scratch", cmd_scratch, "show the scratch areas, what they cost, and what fits in",
			  "[IMAGE]", 0, 1 },
	[CMD_VERIFY] = { "verify", cmd_verify, "check everything against the rules of kho-rules(7)" },
	[CMD_MAP] = { "map", cmd_map, "draw what lies where in physical memory" },
	[CMD_SNAPSHOT] = { "snapshot", cmd_snapshot, "write the metadata to a small ELF core",
			   .needs_output = true },
	[CMD_DIFF] = { "diff", cmd_diff, "show what was preserved, released, moved or changed since",
		       "BEFORE [AFTER]", 1, 2 },
	[CMD_EXTRACT] = { "extract", cmd_extract, "write the content of one allocation to a file", "ID", 1, 1,
			  .needs_output = true },
	[CMD_CHECK_TARGET] = { "check-target", cmd_check_target,
			       "check whether a kernel image can take the state over", "IMAGE", 1, 1 },
	/* only their children enter the sandbox: the parents need more system calls */
	[CMD_BOOT_CHECK] = { "boot-check", cmd_boot_check, "judge in an initramfs what was handed over",
			     .own_sandbox = true },
	[CMD_BOOT_REPORT] = { "boot-report", cmd_boot_report,
			      "pass on what boot-check found, in the running system", .own_sandbox = true },
};

#define ON(command)	(1u << CMD_##command)
#define ALL		((1u << NR_COMMANDS) - 1)
/* of those that look at a state as it is asked for */
#define STATE		(ALL & ~(ON(BOOT_CHECK) | ON(BOOT_REPORT)))
#define OF_A_SIDE	(STATE & ~ON(CHECK_TARGET))
#define WITH_SIZES	(STATE & ~(ON(VERIFY) | ON(SNAPSHOT)))
/* of those that read the map */
#define WITH_MAP	(ON(SHOW) | ON(RANGES) | ON(VERIFY) | ON(MAP) | ON(SNAPSHOT) | ON(DIFF) | \
			 ON(EXTRACT) | ON(BOOT_CHECK))

/* Parses @argument into the member of the options at @field; false if it is invalid. */
typedef bool (*setter)(void *field, char *argument);

static bool set_flag(void *field, char *argument)
{
	(void)argument;
	*(bool *)field = true;
	return true;
}

static bool set_string(void *field, char *argument)
{
	*(const char **)field = argument;
	return true;
}

/* An empty argument is an unset variable of the caller. */
static bool set_path(void *field, char *argument)
{
	return set_string(field, argument) && *argument;
}

/* The name of a file to be written; "-" is the standard output. */
static bool set_output(void *field, char *argument)
{
	return set_path(field, strcmp(argument, "-") ? argument : "/dev/stdout");
}

static bool set_severity(void *field, char *argument)
{
	for (int i = KHO_SEVERITY_INFO; i <= KHO_SEVERITY_FATAL; i++) {
		if (!strcmp(argument, kho_severity_name(i))) {
			*(enum kho_severity *)field = i;
			return true;
		}
	}
	return false;
}

static void add_rule(const char **list, const char *id)
{
	while (*list && *list != id)
		list++;
	*list = id;
}

/* Adds the rules of "K101,K204" to a NULL-terminated list, each once. Splits @argument. */
static bool set_rules(void *field, char *argument)
{
	const char ***list = field;
	const struct kho_rule *rule = NULL;
	char *save = NULL;
	size_t n;

	kho_rules(&n);
	if (!*list)
		*list = check_memory(calloc(n + 1, sizeof(**list)));
	for (char *id = strtok_r(argument, ",", &save); id; id = strtok_r(NULL, ",", &save)) {
		rule = kho_rule_find(id);
		if (!rule)
			return false;
		add_rule(*list, rule->id);
	}
	return rule;
}

static bool set_expect(void *field, char *argument)
{
	struct kho_verify_options *verify = field;

	verify->have_expect = true;
	return !kho_expect_parse(argument, &verify->expect_records, &verify->expect_generation);
}

static bool set_v1_bitmap(void *field, char *argument)
{
	enum v1_bitmap *bitmap = field;

	*bitmap = !strcmp(argument, "512") ? V1_BITMAP_512 :
		  !strcmp(argument, "page") ? V1_BITMAP_PAGE : V1_BITMAP_UNKNOWN;
	return *bitmap != V1_BITMAP_UNKNOWN;
}

static bool set_page_size(void *field, char *argument)
{
	unsigned int *bytes = field;

	*bytes = !strcmp(argument, "4096") ? 4096 : !strcmp(argument, "16384") ? 16384 :
		 !strcmp(argument, "65536") ? 65536 : 0;
	return *bytes;
}

static bool set_content(void *field, char *argument)
{
	struct id_list *list = field;
	uint64_t id;

	if (!parse_id(argument, &id))
		return false;
	list->ids = check_memory(reallocarray(list->ids, list->n + 1, sizeof(*list->ids)));
	list->ids[list->n++] = id;
	return true;
}

static int id_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Leaves each id once. */
static void unique_ids(struct id_list *list)
{
	size_t n = 0;

	if (list->n)
		qsort(list->ids, list->n, sizeof(*list->ids), id_compare);
	for (size_t i = 0; i < list->n; i++) {
		if (!n || list->ids[n - 1] != list->ids[i])
			list->ids[n++] = list->ids[i];
	}
	list->n = n;
}

static bool set_stage(void *field, char *argument)
{
	enum boot_stage *stage = field;

	*stage = !strcmp(argument, "claims") ? BOOT_CLAIMS : BOOT_INCOMING;
	return *stage == BOOT_CLAIMS || !strcmp(argument, "incoming");
}

static bool set_timeout(void *field, char *argument)
{
	unsigned int *seconds = field;

	*seconds = boot_timeout_parse(argument);
	return *seconds;
}

struct definition {
	const char *name;
	char letter;
	const char *argument;	/* for --help, NULL: none; with "|": all its words */
	const char *help;
	unsigned int commands;
	setter set;		/* NULL: help and version, which end the program */
	size_t field;
};

#define FIELD(member)	offsetof(struct options, member)

static const struct definition table[] = {
	{ "in", 0, NULL, "what this kernel was handed, not what it hands over", OF_A_SIDE, set_flag, FIELD(in) },
	{ "core", 0, "FILE", "read a snapshot or a dump, not the running kernel", ALL, set_path, FIELD(core) },
	{ "vmlinux", 0, "FILE", "find the root by this kernel's symbols and debug information", STATE,
	  set_path, FIELD(vmlinux) },
	{ "sysroot", 0, "DIR", "put DIR before /proc and /sys", ALL, set_path, FIELD(sysroot) },
	{ "page-size", 0, "4096|16384|65536", "page size of a dump that does not contain it", STATE,
	  set_page_size, FIELD(page_size) },
	{ "v1-bitmap", 0, "512|page", "bitmap size of a kho-v1 map that does not contain it", WITH_MAP,
	  set_v1_bitmap, FIELD(v1_bitmap) },
	{ "json", 0, NULL, "JSON, see kho-inspect.schema.json", STATE, set_flag, FIELD(json) },
	{ "bytes", 0, NULL, "sizes in bytes", WITH_SIZES, set_flag, FIELD(bytes) },
	{ "no-color", 0, NULL, "no colours (as does NO_COLOR)", ON(VERIFY) | ON(MAP) | ON(CHECK_TARGET),
	  set_flag, FIELD(no_color) },
	{ "fail-on", 0, "info|warning|error|fatal", "exit with 1 from this severity on (default: error)",
	  ON(VERIFY), set_severity, FIELD(fail_on) },
	{ "only", 0, "RULE,...", "only these rules", ON(VERIFY), set_rules, FIELD(only) },
	{ "ignore", 0, "RULE,...", "all but these rules", ON(VERIFY), set_rules, FIELD(ignore) },
	{ "expect", 0, "COUNT,GENERATION", "what the previous kernel promised (rd.kho.expect=)", ON(VERIFY), set_expect,
	  FIELD(verify) },
	{ "claims", 0, NULL, "judge allocations that no driver has claimed", ON(VERIFY), set_flag,
	  FIELD(verify.claims) },
	{ "skip-content", 0, NULL, "do not read the content of sealed allocations", ON(VERIFY), set_flag,
	  FIELD(verify.skip_content) },
	{ "prometheus", 0, NULL, "metrics for node_exporter's textfile collector", ON(VERIFY), set_flag,
	  FIELD(prometheus) },
	{ "initrd", 0, "FILE", "the initramfs that is loaded with IMAGE", ON(SCRATCH), set_path,
	  FIELD(initrd) },
	{ "output", 'o', "FILE", "where to write it: a picture (SVG), the snapshot, the content",
	  ON(MAP) | ON(SNAPSHOT) | ON(EXTRACT), set_output, FIELD(output) },
	{ "with-content", 0, "ID", "with the content of this allocation (repeatable)", ON(SNAPSHOT),
	  set_content, FIELD(content) },
	{ "with-blobs", 0, NULL, "with the blobs of unknown subtrees", ON(SNAPSHOT), set_flag, FIELD(blobs) },
	{ "stage", 0, "incoming|claims", "before drivers are loaded, or after", ON(BOOT_CHECK), set_stage,
	  FIELD(stage) },
	{ "dir", 0, "DIR", "where the report of boot-check is (" BOOT_DIR ")",
	  ON(BOOT_CHECK) | ON(BOOT_REPORT), set_path, FIELD(dir) },
	{ "cmdline", 0, "FILE", "read rd.kho options there and nowhere else", ON(BOOT_CHECK), set_path,
	  FIELD(cmdline) },
	{ "timeout", 0, "SECONDS", "instead of rd.kho.timeout= (1 to 99999)", ON(BOOT_CHECK), set_timeout,
	  FIELD(timeout) },
	{ "journal", 0, NULL, "entries with fields in the journal", ON(BOOT_REPORT), set_flag,
	  FIELD(journal) },
	{ "textfile", 0, "FILE", "metrics for node_exporter's textfile collector", ON(BOOT_REPORT),
	  set_string, FIELD(textfile) },
	{ "no-sandbox", 0, NULL, "keep system calls that are not needed", ALL, set_flag, FIELD(no_sandbox) },
	{ "help", 'h', NULL, "this help", ALL, NULL, 0 },
	{ "version", 'V', NULL, "the version", ALL, NULL, 0 },
};

#define NR_OPTIONS	(sizeof(table) / sizeof(table[0]))
#define FIRST_OPTION	256	/* getopt_long() value of the first option without a letter */

/* ------------------------------------------------------------------- help */

int misuse(const struct command *command, const char *fmt, ...)
{
	char *what = NULL;
	va_list args;

	va_start(args, fmt);
	check_memory(vasprintf(&what, fmt, args) < 0 ? NULL : what);
	va_end(args);
	complain("%s. Try kho-inspect %s%s--help.", what, command ? command->name : "",
		 command ? " " : "");
	free(what);
	return EXIT_CANNOT_TELL;
}

static void print_option(const struct definition *option)
{
	char letter[] = { '-', option->letter, ',', '\0' }, left[64];
	int n = snprintf(left, sizeof(left), "  %-4s--%s%s%s", option->letter ? letter : "",
			 option->name, option->argument ? "=" : "",
			 option->argument ? option->argument : "");

	if (n < 26)
		printf("%-26s%s\n", left, option->help);
	else
		printf("%s\n%26s%s\n", left, "", option->help);
}

void print_help(const struct command *command)
{
	if (command) {
		printf("Usage: kho-inspect %s [OPTION]...%s%s\n%c%s.\n\nOptions:\n", command->name,
		       command->arguments ? " " : "", command->arguments ? command->arguments : "",
		       command->summary[0] - 'a' + 'A', command->summary + 1);
		for (size_t i = 0; i < NR_OPTIONS; i++) {
			if (table[i].commands & 1u << (command - commands))
				print_option(&table[i]);
		}
		return;
	}

	puts("Usage: kho-inspect COMMAND [OPTION]...\n"
	     "Look into Kexec HandOver (KHO) state: what a kernel hands over to the next one.\n\n"
	     "Commands:");
	for (size_t i = 0; i < NR_COMMANDS; i++)
		printf("  %-13s %s\n", commands[i].name, commands[i].summary);
	puts("\nkho-inspect COMMAND --help lists the options of a command, kho-inspect --version the version.\n"
	     "Exit status: 0 clean, 1 findings, 2 cannot tell. See kho-inspect(1).");
}

/* --------------------------------------------------------------- reading */

/* Options for getopt_long(): those of all commands, so that the error can name the command. */
static void fill_getopt(struct option *longs, char *shorts)
{
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		longs[i] = (struct option){
			.name = table[i].name,
			.has_arg = table[i].argument ? required_argument : no_argument,
			.val = table[i].letter ? table[i].letter : FIRST_OPTION + (int)i,
		};
		if (table[i].letter)
			*shorts++ = table[i].letter;
		if (table[i].letter && table[i].argument)
			*shorts++ = ':';
	}
	longs[NR_OPTIONS] = (struct option){ 0 };
	*shorts = '\0';
}

static const struct definition *find_option(int value)
{
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		if (value == (table[i].letter ? table[i].letter : FIRST_OPTION + (int)i))
			return &table[i];
	}
	return NULL;
}

/* *seen: the option was there before. A list gets longer then, anything else is ambiguous. */
static int set_option(const struct command *command, struct options *options,
		      const struct definition *option, char *argument, bool *seen)
{
	char *words;

	if (!(option->commands & 1u << (command - commands)))
		return misuse(command, "%s has no option --%s", command->name, option->name);
	if (*seen && argument && option->set != set_rules && option->set != set_content)
		return misuse(command, "--%s is there twice: leave one of them out", option->name);
	*seen = true;
	words = argument ? check_memory(strdup(argument)) : NULL;
	if (!option->set((char *)options + option->field, argument))
		misuse(command, "--%s takes %s: %s", option->name, option->argument,
		       *words ? words : "not an empty string");
	else
		argument = NULL;
	free(words);
	return argument ? EXIT_CANNOT_TELL : 0;
}

/* Options that exclude each other. */
static int check_together(const struct command *command, const struct options *options)
{
	/* the state and the machine that it came to are two things for the check in early boot */
	if (options->core && options->sysroot && command != &commands[CMD_BOOT_CHECK] &&
	    command != &commands[CMD_BOOT_REPORT])
		return misuse(command, "--core is about a file, and --sysroot about a running kernel: leave one of them out");
	if (options->json && options->prometheus)
		return misuse(command, "--json and --prometheus are two formats: leave one of them out");
	if (options->json && options->bytes)
		return misuse(command, "--json always has sizes in bytes: leave --bytes out");
	if ((options->json || options->prometheus) && options->no_color)
		return misuse(command, "--no-color is about text, and this output never has colours: leave it out");
	if (options->output && options->no_color)
		return misuse(command, "--no-color is about a terminal, and -o is a picture: leave one of them out");
	if (options->json && options->output && command == &commands[CMD_MAP])
		return misuse(command, "--json and -o are two forms of the map: leave one of them out");
	if (options->core && options->argument2)
		return misuse(command, "--core is the second state, and so is %s: leave one of them out",
			      options->argument2);
	if (command == &commands[CMD_DIFF] && options->sysroot && options->argument2)
		return misuse(command, "--sysroot is about a running kernel, and %s and %s are files: leave it out",
			      options->argument, options->argument2);
	if (options->initrd && !options->argument)
		return misuse(command, "--initrd is loaded with an image: name it");
	if (command->needs_output && !options->output)
		return misuse(command, "%s needs -o FILE", command->name);
	return 0;
}

/* The check removes and replaces files of its folder before it reads those of the caller. */
static int check_boot_folder(const struct command *command, const struct options *options)
{
	const char *dir = options->dir ? options->dir : BOOT_DIR;
	const char *const files[] = { options->core, options->cmdline };

	if (command != &commands[CMD_BOOT_CHECK])
		return 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (is_file_below(files[i], dir, ""))
			return misuse(command, "%s is in %s, where boot-check writes its report: use a file elsewhere",
				      files[i], dir);
	}
	return 0;
}

static int read_arguments(const struct command *command, int argc, char **argv,
			  struct options *options)
{
	if (argc < command->min_arguments)
		return misuse(command, "%s needs %s", command->name, command->arguments);
	if (argc > command->max_arguments)
		return misuse(command, "too many arguments: %s", argv[command->max_arguments]);
	for (int i = 0; i < argc; i++) {
		if (!*argv[i])
			return misuse(command, "%s takes %s: not an empty string", command->name,
				      command->arguments);
	}
	options->argument = argc > 0 ? argv[0] : NULL;
	options->argument2 = argc > 1 ? argv[1] : NULL;
	return check_together(command, options) ? EXIT_CANNOT_TELL :
						  check_boot_folder(command, options);
}

bool options_read(const struct command *command, int argc, char **argv, struct options *options,
		  int *status)
{
	struct option longs[NR_OPTIONS + 1];
	char shorts[2 * NR_OPTIONS + 1];
	const struct definition *option;
	bool seen[NR_OPTIONS] = { false };
	int value;

	fill_getopt(longs, shorts);
	optind = 2;
	opterr = 0;
	*status = 0;
	while (!*status && (value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		option = find_option(value);
		if (!option) {
			*status = misuse(command, "unknown or incomplete option: %s", argv[optind - 1]);
		} else if (option->set) {
			*status = set_option(command, options, option, optarg,
					     &seen[option - table]);
		} else {
			if (option->letter == 'h')
				print_help(command);
			else
				puts("kho-inspect " PACKAGE_VERSION);
			return false;
		}
	}
	if (!*status)
		*status = read_arguments(command, argc - optind, argv + optind, options);
	unique_ids(&options->content);
	options->verify.only = options->only;
	options->verify.ignore = options->ignore;
	return !*status;
}

void options_free(struct options *options)
{
	free(options->content.ids);
	free(options->only);
	free(options->ignore);
}
