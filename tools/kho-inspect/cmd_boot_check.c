// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kho-inspect boot-check: runs in the initramfs before drivers are loaded, and again before the
 * root file system is switched. It writes its report to a folder, returns the word as its exit
 * status, and prints the action for the hook: "ACTION TEXT", then lines for the console.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "boot_check.h"
#include "boot_file.h"

/* rd.kho.timeout= ends the reading of content; this many times as long ends all reading. */
#define HARD_LIMIT	2

/* All that may be there; the second check begins with the files of the first one. */
static const struct {
	const char *name;
	bool of_claims;
} files[] = {
	{ BOOT_STATUS, false }, { BOOT_REPORT, false }, { BOOT_FINDINGS, false },
	{ BOOT_SNAPSHOT, false }, { BOOT_DMESG, false },
	{ BOOT_CLAIMS_REPORT, true }, { BOOT_CLAIMS_FINDINGS, true },
};

#define NR_FILES	(sizeof(files) / sizeof(files[0]))

static void add_trouble(struct boot_check *check, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_trouble(struct boot_check *check, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	boot_add_text(check->trouble, sizeof(check->trouble), fmt, args);
	va_end(args);
}

static struct kho_output *open_file(struct boot_check *check, const char *name)
{
	struct kho_output *output = NULL;
	struct kho_error err;

	if (check->has_dir && boot_file_open(check->dir, name, 0, &output, &err)) {
		add_trouble(check, "%s", err.message);
		return NULL;
	}
	return output;
}

static void keep_file(struct kho_output *output, bool whole, struct boot_verdict *verdict)
{
	struct kho_error err;

	if (!whole)
		kho_output_discard(output);
	else if (output && kho_output_commit(output, &err))
		boot_verdict_worsen(verdict, "%s", err.message);
}

static void run_judge(struct boot_check *check, struct boot_verdict *verdict)
{
	uint64_t start = boot_clock(), limit = 1000ull * check->boot.timeout;
	char why[160];
	int ret;

	check->content_deadline = start + limit;
	check->report = open_file(check, check->report_name);
	check->findings = open_file(check, check->findings_name);
	ret = boot_run_child(boot_verify, check, verdict, sizeof(*verdict), start + HARD_LIMIT * limit,
			     why, sizeof(why));
	verdict->text[sizeof(verdict->text) - 1] = '\0';
	if (ret == -ETIME)
		boot_verdict_set(verdict, WORD_UNKNOWN,
				 "the check did not finish within %u s (twice rd.kho.timeout=): nothing is known of the state",
				 HARD_LIMIT * check->boot.timeout);
	else if (ret)
		boot_verdict_set(verdict, WORD_UNKNOWN, "the check died: %s", why);
	else if ((unsigned int)verdict->word >= NR_WORDS)
		boot_verdict_set(verdict, WORD_UNKNOWN, "the check gave no answer");
	keep_file(check->report, verdict->whole_report, verdict);
	keep_file(check->findings, verdict->whole_findings, verdict);
}

/* Handles nearly every boot: the previous kernel handed over nothing, and no promise counts. */
static bool is_cold(const struct boot_check *check)
{
	return check->evidence.shown && !*check->evidence.doubt && !check->evidence.left &&
	       !check->promised && !check->options->core;
}

static void check_incoming(struct boot_check *check, struct boot_verdict *verdict)
{
	if (check->boot.off) {
		boot_verdict_set(verdict, WORD_OFF, "rd.kho= turns the check off: nothing has been checked");
	} else if (check->evidence.crash_kernel) {
		boot_verdict_set(verdict, WORD_NONE, "this is a crash kernel: nothing is handed over to it");
	} else if (is_cold(check)) {
		boot_verdict_nothing(check, verdict);
	} else {
		boot_kernel_log_read(check->sysroot, &check->log);
		run_judge(check, verdict);
	}
}

/* Removes the files of an earlier run. */
static void begin_files(struct boot_check *check)
{
	struct kho_error err;

	check->has_dir = !boot_make_dir(check->dir, &err);
	if (!check->has_dir) {
		add_trouble(check, "%s", err.message);
		return;
	}
	for (size_t i = 0; i < NR_FILES; i++) {
		if ((!check->claims || files[i].of_claims) &&
		    boot_file_remove(check->dir, files[i].name, &err))
			add_trouble(check, "%s", err.message);
	}
}

static int finish(struct boot_check *check, struct boot_verdict *verdict)
{
	int status;

	if (*check->trouble)
		boot_verdict_worsen(verdict, "%s", check->trouble);
	status = boot_say_verdict(check, verdict);
	free(check->log.lines);
	return status;
}

static int run_incoming(struct boot_check *check)
{
	struct boot_verdict verdict = { 0 };

	begin_files(check);
	check_incoming(check, &verdict);
	return finish(check, &verdict);
}

/* Word and text of the first stage. Returns false if its status is missing. */
static bool read_earlier(struct boot_check *check)
{
	char line[1100], *text, *mark;
	bool has_status = boot_status_read(check->dir, line, sizeof(line));

	check->earlier = boot_earlier_word(line);
	mark = strstr(line, BOOT_CLAIMS_MARK);
	if (mark)
		*mark = '\0';
	text = strchr(line, ' ');
	snprintf(check->earlier_text, sizeof(check->earlier_text), "%s", text ? text + 1 : "");
	return has_status;
}

/* A state that was not found has the finding K510, and one without a root FDT has K001. */
static bool first_had_state(const struct boot_check *check, bool has_report)
{
	struct boot_findings list = { 0 };
	bool had = has_report;
	FILE *file;

	if (check->earlier == WORD_CLEAN || check->earlier == WORD_WARNING)
		return true;
	file = boot_file_read(check->dir, BOOT_FINDINGS);
	if (file) {
		boot_findings_read(file, &list);
		fclose(file);
	}
	for (size_t i = 0; i < list.n; i++)
		had &= strcmp(list.list[i].rule, "K001") && strcmp(list.list[i].rule, "K510");
	boot_findings_free(&list);
	return had;
}

/* The first check told the operator that it knows nothing: only what is found here is news. */
static void add_first_missing(struct boot_verdict *verdict)
{
	boot_verdict_doubt(verdict);
	verdict->told = boot_worst_class(verdict->counts) == CLASS_INFO;
	boot_verdict_add(verdict, "the first check left no report");
}

/* Returns false if the first check left no status. */
static bool find_first(struct boot_check *check)
{
	bool has_status = read_earlier(check), has_report = boot_file_exists(check->dir, BOOT_REPORT);
	bool knows_less = boot_word_rank(check->earlier) < boot_word_rank(WORD_UNKNOWN);

	check->alone = check->earlier == WORD_UNKNOWN && !has_report &&
		       !boot_file_exists(check->dir, BOOT_FINDINGS);
	check->had_state = first_had_state(check, has_report);
	if (!has_status || (!has_report && knows_less))
		add_trouble(check, "%s/%s of the first check is missing", check->dir,
			    has_status ? BOOT_REPORT : BOOT_STATUS);
	return has_status;
}

static int run_claims(struct boot_check *check)
{
	struct boot_verdict verdict = { 0 };
	enum boot_word word;

	if (!find_first(check) && (check->boot.off || check->evidence.crash_kernel))
		check->earlier = check->boot.off ? WORD_OFF : WORD_NONE;
	word = check->earlier;
	if (word == WORD_NONE || word == WORD_OFF || word == WORD_ABSENT || check->boot.off)
		return boot_word_status(word);

	begin_files(check);
	if (!check->alone) {
		/* the first stage reported it, and compared it with the state */
		check->boot.slip[0] = '\0';
		check->promised = false;
	}
	boot_kernel_log_read(check->sysroot, &check->log);
	run_judge(check, &verdict);
	if (check->alone && !*check->trouble)
		add_first_missing(&verdict);
	return finish(check, &verdict);
}

int cmd_boot_check(const struct options *options)
{
	bool claims = options->stage == BOOT_CLAIMS;
	struct boot_check check = {
		.options = options,
		.title = claims ? "claims" : "incoming state",
		.report_name = claims ? BOOT_CLAIMS_REPORT : BOOT_REPORT,
		.findings_name = claims ? BOOT_CLAIMS_FINDINGS : BOOT_FINDINGS,
		.claims = claims,
		.sysroot = options->sysroot ? options->sysroot : "",
		.dir = options->dir ? options->dir : BOOT_DIR,
	};

	boot_options_read(check.sysroot, options->cmdline, &check.boot);
	if (options->timeout)
		check.boot.timeout = options->timeout;
	boot_evidence_read(check.sysroot, &check.evidence);
	check.promised = check.boot.promised && check.evidence.by_kexec != ANSWER_NO;
	return check.claims ? run_claims(&check) : run_incoming(&check);
}
