// SPDX-License-Identifier: GPL-2.0-or-later
/* Each command refuses every option that its --help does not list. Lists in options have each word once. */
#include <stdlib.h>
#include <string.h>

#include "tools/kho-inspect/options.h"
#include "tests/unit/check.h"

#define MAX_OPTIONS	64

static char *helps[NR_COMMANDS];
static char *names[MAX_OPTIONS];	/* "--json", "--core=" of any command */
static size_t nr_names;

/* Reads the text of --help, which the caller frees. */
static void read_help(const struct command *command, char **text)
{
	FILE *console = stdout;
	size_t size;

	stdout = open_memstream(text, &size);
	if (!stdout)
		abort();
	print_help(command);
	fclose(stdout);
	stdout = console;
}

static bool is_listed(const char *help, const char *name)
{
	size_t n = strcspn(name, "=");

	for (const char *p = strstr(help, name); p; p = strstr(p + 1, name)) {
		/* "--in" is not in "--initrd=FILE" */
		if (p[-1] == ' ' && strspn(p + n, "= \n"))
			return true;
	}
	return false;
}

static void add_names(const char *help)
{
	for (const char *p = strstr(help, "--"); p; p = strstr(p + 2, "--")) {
		size_t n = 2 + strspn(p + 2, "abcdefghijklmnopqrstuvwxyz0123456789-");
		char *name = strndup(p, n + (p[n] == '='));
		bool known = n == 2;

		for (size_t i = 0; i < nr_names; i++)
			known |= !strcmp(names[i], name);
		if (known || nr_names == MAX_OPTIONS)
			free(name);
		else
			names[nr_names++] = name;
	}
}

/* Reads the option like main() does, and compares the message. */
static void check_refused(const struct command *command, const char *name)
{
	char program[] = "kho-inspect", argument[64], wanted[256], *text = NULL;
	struct options options = { .fail_on = KHO_SEVERITY_ERROR };
	char *argv[] = { program, (char *)command->name, argument, NULL };
	FILE *console = stderr;
	size_t size;
	int status;
	bool runs;

	snprintf(argument, sizeof(argument), "%s%s", name, strchr(name, '=') ? "1" : "");
	snprintf(wanted, sizeof(wanted), "kho-inspect: %s has no option %.*s. Try kho-inspect %s --help.\n",
		 command->name, (int)strcspn(name, "="), name, command->name);
	stderr = open_memstream(&text, &size);
	if (!stderr)
		abort();
	runs = options_read(command, 3, argv, &options, &status);
	fclose(stderr);
	stderr = console;
	if (runs || status != EXIT_CANNOT_TELL || strcmp(text, wanted) != 0) {
		fprintf(stderr, "%s %s: status %d, %s", command->name, argument, status, text);
		failed = 1;
	}
	free(text);
	options_free(&options);
}

#define MANY	10000

/* With a list of all, its use for each rule and each record would take quadratic time. */
static void check_lists(void)
{
	static char rules[5 * MANY + sizeof("--only=K101")] = "--only=K101";
	char program[] = "kho-inspect", verify[] = "verify", snapshot[] = "snapshot", output[] = "-oa";
	char *lists[] = { program, verify, rules, rules, NULL };
	struct options options = { .fail_on = KHO_SEVERITY_ERROR };
	char *ids = calloc(MANY, sizeof("--with-content=9")), **argv = calloc(MANY + 4, sizeof(*argv));
	int status;

	CHECK(ids && argv);
	if (!ids || !argv)
		return;
	for (size_t i = 0; i < MANY; i++)
		memcpy(rules + strlen("--only=K101") + 5 * i, i % 2 ? ",K101" : ",K204", 6);
	lists[3] = strdup(rules);
	CHECK(options_read(&commands[CMD_VERIFY], 4, lists, &options, &status));
	CHECK(!strcmp(options.only[0], "K101") && !strcmp(options.only[1], "K204") && !options.only[2]);
	options_free(&options);
	free(lists[3]);

	options = (struct options){ .fail_on = KHO_SEVERITY_ERROR };
	argv[0] = program;
	argv[1] = snapshot;
	argv[2] = output;
	for (size_t i = 0; i < MANY; i++) {
		argv[3 + i] = ids + i * sizeof("--with-content=9");
		snprintf(argv[3 + i], sizeof("--with-content=9"), "--with-content=%zu", 9 - i % 9);
	}
	CHECK(options_read(&commands[CMD_SNAPSHOT], MANY + 3, argv, &options, &status));
	CHECK(options.content.n == 9);
	for (size_t i = 0; i < options.content.n; i++)
		CHECK(options.content.ids[i] == i + 1);
	options_free(&options);
	free(argv);
	free(ids);
}

int main(void)
{
	size_t refused = 0;

	check_lists();

	for (size_t i = 0; i < NR_COMMANDS; i++) {
		read_help(&commands[i], &helps[i]);
		add_names(helps[i]);
	}
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		for (size_t j = 0; j < nr_names; j++) {
			if (is_listed(helps[i], names[j]))
				continue;
			check_refused(&commands[i], names[j]);
			refused++;
		}
	}
	/* all options exist, and most of them are of a few commands only */
	CHECK(nr_names > 20 && nr_names < MAX_OPTIONS && refused > 100);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		free(helps[i]);
	for (size_t i = 0; i < nr_names; i++)
		free(names[i]);
	return failed;
}
