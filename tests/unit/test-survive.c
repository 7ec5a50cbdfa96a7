// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-survive SOUND DAMAGED...: runs the commands of kho-inspect on snapshots, in one process with the
 * restrictions of kho-inspect. No command may crash, leak or hang, and each must end with a status of
 * its man page. All of them can read SOUND. Standard error names each command before it runs.
 */
#include <errno.h>
#include <stdio.h>

#include "tools/kho-inspect/options.h"
#include "tools/kho-inspect/sandbox.h"
#include "tests/unit/check.h"

static const enum command_id tested[] = {
	CMD_SHOW, CMD_LIST, CMD_TREE, CMD_RANGES, CMD_SCRATCH, CMD_VERIFY, CMD_MAP,
};

static void run(const struct command *command, char *file, bool json, int max_status)
{
	char program[] = "kho-inspect", core[] = "--core", as_json[] = "--json";
	char *argv[] = { program, (char *)command->name, core, file, json ? as_json : NULL, NULL };
	struct outfile outfile = { .broker = -1 };
	struct options options = { .fail_on = KHO_SEVERITY_ERROR, .outfile = &outfile };
	int status;

	fprintf(stderr, "%s: %s%s\n", file, command->name, json ? " --json" : "");
	if (!options_read(command, json ? 5 : 4, argv, &options, &status)) {
		CHECK(!"the options are correct");
		return;
	}
	/* the restrictions of this process are in place, and adding them again would slow it down */
	options.no_sandbox = true;
	status = command->run(&options);
	if (status < EXIT_CLEAN || status > max_status) {
		fprintf(stderr, "status %d\n", status);
		failed = 1;
	}
	options_free(&options);
}

int main(int argc, char **argv)
{
	int ret;

	if (argc < 3 || !freopen("/dev/null", "w", stdout))
		return 1;
	ret = sandbox_enter(SANDBOX_READ);
	CHECK(!ret || ret == -ENOSYS);
	for (int i = 1; i < argc; i++) {
		for (size_t k = 0; k < sizeof(tested) / sizeof(tested[0]); k++) {
			int max_status = i == 1 ? EXIT_FINDINGS : EXIT_CANNOT_TELL;

			run(&commands[tested[k]], argv[i], false, max_status);
			run(&commands[tested[k]], argv[i], true, max_status);
			/* the last lines of the output then show the failure */
			if (failed)
				return 1;
		}
	}
	CHECK(!ferror(stdout));
	return failed;
}
