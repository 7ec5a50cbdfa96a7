// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kho-inspect boot-check: what an initramfs asks before drivers are loaded, and again before
 * the root is switched. It leaves its report in a folder, says the word by its exit status, and
 * what the hook has to do on stdout: "ACTION TEXT", and lines for the console.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "boot.h"
#include "boot_file.h"
#include "findings.h"

/* More lines than this push the reason off an 80x25 console; the report has all. */
#define MAX_LINES	12
/* Reading is given up as a whole after so many times rd.kho.timeout=, which ends content. */
#define HARD_LIMIT	2
#define PROGRESS_EVERY	5000	/* milliseconds, after the first second */

static const struct stage {
	const char *title;
	const char *report;
	const char *findings;
} stages[] = {
	[BOOT_INCOMING] = { "incoming state", "report.json", "findings" },
	[BOOT_CLAIMS] = { "claims", "claims.json", "findings.claims" },
};

struct check {
	const struct options *options;
	const struct stage *stage;
	bool claims;
	const char *sysroot, *dir;
	struct boot_options boot;
	struct boot_evidence evidence;
	struct boot_kernel_log log;
	bool promised;		/* and the promise counts on this boot */
	uint64_t content_deadline;
	struct kho_output *report, *findings;
	char earlier[1024];	/* the line of the first stage, for the second one */
};

/* What the child says; the files have the rest. */
struct verdict {
	enum boot_word word;
	bool judged;		/* report and findings are whole */
	bool has_state;		/* that a snapshot can be taken of */
	uint64_t counts[NR_CLASSES];
	char text[768];
};

static void set_verdict(struct verdict *verdict, enum boot_word word, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void set_verdict(struct verdict *verdict, enum boot_word word, const char *fmt, ...)
{
	va_list args;

	*verdict = (struct verdict){ .word = word };
	va_start(args, fmt);
	vsnprintf(verdict->text, sizeof(verdict->text), fmt, args);
	va_end(args);
}

static void set_nothing(const struct check *check, struct verdict *verdict)
{
	set_verdict(verdict, WORD_NONE, "nothing was handed over%s",
		    check->boot.promised ? "; rd.kho.expect= does not count, because kexec did not start this kernel"
					 : "");
}

/* --------------------------------------------------------- in the child */

struct collector {
	struct findings document;
	struct boot_findings list;
	uint64_t unclaimed, refused;	/* allocations; one finding may stand for many */
};

static int collect(const struct kho_finding *finding, void *data)
{
	struct collector *collector = data;

	if (finding->rule->number == KHO_RULE_K501)
		collector->unclaimed += finding->count;
	if (finding->rule->number == KHO_RULE_K502)
		collector->refused += finding->count;
	boot_findings_add(&collector->list, finding);
	return findings_add(finding, &collector->document);
}

struct boot_progress {
	uint64_t next;
};

/* Whole lines: what reads them may be a journal. */
static void tell_progress(uint64_t done, uint64_t total, void *data)
{
	struct boot_progress *progress = data;
	uint64_t now = boot_clock();

	if (now < progress->next || !total)
		return;
	progress->next = now + PROGRESS_EVERY;
	fprintf(stderr, "kho: reading sealed content: %u%% of %" PRIu64 " MiB\n",
		(unsigned int)((double)done / (double)total * 100), total >> 20);
}

static bool content_time_left(void *data)
{
	const struct check *check = data;

	return boot_clock() < check->content_deadline;
}

/* Takes out what the operator has seen at the first stage. */
static bool drop_known(const struct check *check, struct boot_findings *list)
{
	struct boot_findings known = { 0 };
	FILE *file = boot_file_read(check->dir, stages[BOOT_INCOMING].findings);
	bool whole;

	if (!file)
		return false;
	whole = boot_findings_read(file, &known);
	fclose(file);
	if (whole)
		boot_findings_drop(list, &known);
	boot_findings_free(&known);
	return whole;
}

static bool write_findings(const struct check *check, const struct boot_findings *list)
{
	FILE *file = kho_output_stream(check->findings);

	if (!file)
		return false;
	boot_findings_write(list, file);
	return !fflush(file) && !ferror(file);
}

static void describe(const struct check *check, const struct boot_findings *list,
		     const struct kho_verify_summary *summary, uint64_t unclaimed,
		     uint64_t refused, struct verdict *verdict)
{
	const struct boot_finding *worst = list->n ? &list->list[0] : NULL;
	char first[384] = "";

	if (verdict->word != WORD_CLEAN && worst)
		snprintf(first, sizeof(first), "%s %s: %s; ", worst->severity, worst->rule, worst->text);
	if (check->claims) {
		snprintf(verdict->text, sizeof(verdict->text),
			 "%s%" PRIu64 " unclaimed, %" PRIu64 " refused",
			 verdict->word == WORD_WARNING ? "" : first, unclaimed, refused);
		return;
	}
	snprintf(verdict->text, sizeof(verdict->text),
		 "%s%zu fatal, %zu errors, %zu warnings, %zu not judged, in %" PRIu64 " records of %" PRIu64 " pages",
		 first, summary->findings[KHO_SEVERITY_FATAL],
		 summary->findings[KHO_SEVERITY_ERROR], summary->findings[KHO_SEVERITY_WARNING],
		 summary->unevaluated, summary->records, summary->pages);
}

/* Sums up what was found, and writes both files. */
static void conclude(const struct check *check, struct collector *collector,
		     const struct kho_state *state, const struct kho_verify_summary *summary,
		     struct verdict *verdict)
{
	struct boot_findings *list = &collector->list;

	findings_end(&collector->document, summary, state);
	if (fflush(stdout) || ferror(stdout)) {
		set_verdict(verdict, WORD_UNKNOWN, "cannot write %s/%s: %s", check->dir,
			    check->stage->report, strerror(errno));
		return;
	}
	boot_findings_sort(list);
	if (check->claims && !drop_known(check, list)) {
		set_verdict(verdict, WORD_UNKNOWN, "cannot read %s/%s, so nobody knows what is new",
			    check->dir, stages[BOOT_INCOMING].findings);
		return;
	}
	if (list->truncated) {
		set_verdict(verdict, WORD_UNKNOWN, "out of memory: not all findings are known");
		return;
	}
	if (!write_findings(check, list)) {
		set_verdict(verdict, WORD_UNKNOWN, "cannot write %s/%s: %s", check->dir,
			    check->stage->findings, strerror(errno));
		return;
	}

	boot_findings_count(list, verdict->counts);
	verdict->word = boot_word_of(list->n ? list->list[0].class : CLASS_INFO);
	verdict->judged = true;
	describe(check, list, summary, collector->unclaimed, collector->refused, verdict);
}

/* Adds what the kernel said about it. */
static void add_kernel_words(const struct check *check, struct verdict *verdict)
{
	size_t n = strlen(verdict->text);

	snprintf(verdict->text + n, sizeof(verdict->text) - n, "; %s%s",
		 *check->log.last ? "the kernel says: " : "",
		 *check->log.last ? check->log.last :
		 check->log.readable ? "the kernel log says nothing of KHO" :
				       "the kernel log cannot be read");
}

/* This kernel shows no state, and some was promised or left. */
static void judge_lost(const struct check *check, struct collector *collector,
		       const struct kho_verify_options *verify, struct kho_error *reason,
		       struct verdict *verdict)
{
	struct kho_verify_options lost = *verify;
	struct kho_verify_summary summary = { 0 };
	bool left = check->evidence.left || check->log.handed_over;

	if (check->log.refused)
		reason->code = KHO_ERR_NO_STATE;
	if (!left && check->evidence.by_kexec == ANSWER_UNKNOWN) {
		reason->code = KHO_ERR_DISABLED;
		snprintf(reason->message, sizeof(reason->message),
			 "nothing says whether kexec started this kernel");
	}
	lost.have_expect = check->promised;
	kho_verify_absent(&lost, reason, collect, collector, &summary);
	conclude(check, collector, NULL, &summary, verdict);
	if (verdict->judged)
		add_kernel_words(check, verdict);
}

static bool is_no_state(int code)
{
	return code == KHO_ERR_NO_STATE || code == KHO_ERR_NO_KHO || code == KHO_ERR_DISABLED ||
	       code == KHO_ERR_NO_DEBUGFS;
}

static void judge_unopened(const struct check *check, struct collector *collector,
			   const struct kho_verify_options *verify, struct kho_error *reason,
			   struct verdict *verdict)
{
	struct kho_verify_summary summary = { 0 };

	if (is_no_state(reason->code)) {
		if (check->promised && !check->boot.promise_known)
			set_verdict(verdict, WORD_UNKNOWN, "%s; %s", check->boot.slip,
				    reason->message);
		else if (check->promised || check->evidence.left || check->log.handed_over)
			judge_lost(check, collector, verify, reason, verdict);
		else if (!check->evidence.shown && !check->log.readable)
			set_verdict(verdict, WORD_UNKNOWN, "%s, and the kernel log cannot be read: nothing has been checked",
				    reason->message);
		else
			set_nothing(check, verdict);
		return;
	}
	if (kho_verify_open_error(reason, collect, collector, &summary)) {
		conclude(check, collector, NULL, &summary, verdict);
		return;
	}
	set_verdict(verdict, WORD_UNKNOWN, "kho-inspect cannot judge the state: %s",
		    *reason->message ? reason->message : kho_strerror(reason->code));
}

static void judge_state(const struct check *check, struct opened *opened,
			struct collector *collector, const struct kho_verify_options *verify,
			struct verdict *verdict)
{
	struct boot_progress progress = { .next = boot_clock() + 1000 };
	struct kho_verify_summary summary;
	struct kho_error err;

	kho_source_set_progress(opened->source, tell_progress, &progress);
	if (kho_verify(opened->state, verify, collect, collector, &summary, &err)) {
		set_verdict(verdict, WORD_UNKNOWN, "kho-inspect cannot judge the state: %s",
			    err.message);
		return;
	}
	conclude(check, collector, opened->state, &summary, verdict);
	verdict->has_state = true;
	/* what was promised cannot be compared, so it is not clean */
	if (!check->claims && check->boot.promised && !check->boot.promise_known &&
	    boot_word_rank(verdict->word) < boot_word_rank(WORD_UNKNOWN)) {
		verdict->word = WORD_UNKNOWN;
		snprintf(verdict->text, sizeof(verdict->text), "%s", check->boot.slip);
	}
}

static void judge(void *data, void *result)
{
	struct check *check = data;
	struct verdict *verdict = result;
	struct options options = *check->options;
	struct collector collector = { 0 };
	struct opened opened;
	struct kho_error err;
	int ret;

	options.json = true;
	options.verify.claims = options.verify.skip_content = check->claims;
	/* what came proves that kexec started this kernel */
	options.verify.have_expect = !check->claims && check->boot.promise_known;
	options.verify.expect_records = check->boot.expect_records;
	options.verify.expect_generation = check->boot.expect_generation;
	options.verify.content_time_left = content_time_left;
	options.verify.content_data = check;

	if (!options.core && !*check->sysroot)
		boot_mount_debugfs();
	/* what verify --json prints is the report */
	if (dup2(kho_output_fd(check->report), STDOUT_FILENO) < 0 || !enter_sandbox(&options)) {
		set_verdict(verdict, WORD_UNKNOWN, "cannot start to check: %s", strerror(errno));
		return;
	}
	findings_begin(&collector.document, &options, "verify");
	ret = open_state(&options, KHO_SIDE_IN, true, &opened, &err);
	/* what a snapshot of the other side would be to the next kernel */
	if (ret == KHO_ERR_NO_STATE && options.core)
		ret = open_state(&options, KHO_SIDE_OUT, true, &opened, &err);
	collector.document.state = ret ? NULL : opened.state;
	if (ret)
		judge_unopened(check, &collector, &options.verify, &err, verdict);
	else
		judge_state(check, &opened, &collector, &options.verify, verdict);
}

struct snapshot_job {
	const struct check *check;
	struct kho_output *output;	/* the parent puts it in place */
};

struct snapshot_result {
	int code;
	char message[256];
};

static void take_snapshot(void *data, void *result)
{
	const struct snapshot_job *job = data;
	const struct check *check = job->check;
	struct snapshot_result *snapshot = result;
	const struct options *options = check->options;
	struct opened opened;
	struct kho_error err = { 0 };

	if (!options->core && !*check->sysroot)
		boot_mount_debugfs();
	if (!enter_sandbox(options)) {
		snapshot->code = KHO_ERR_OS;
		return;
	}
	snapshot->code = open_state(options, KHO_SIDE_IN, true, &opened, &err);
	if (!snapshot->code)
		snapshot->code = kho_snapshot_write_to(opened.state, job->output, &(struct kho_snapshot_options){ 0 }, &err);
	snprintf(snapshot->message, sizeof(snapshot->message), "%s", err.message);
}

/* -------------------------------------------------------- in the parent */

static void say(const char *line)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s", line);
	puts(boot_plain(text));
}

static void write_status(const struct check *check, struct verdict *verdict)
{
	struct kho_error err;
	char line[2048], *end;

	if (check->claims) {
		enum boot_word word = boot_earlier_word(check->earlier);

		end = strchr(check->earlier, ' ');
		if (boot_word_rank(verdict->word) > boot_word_rank(word))
			word = verdict->word;
		snprintf(line, sizeof(line), "%s %s; claims: %s: %s\n", boot_word_name(word),
			 end ? end + 1 : "", boot_word_name(verdict->word), verdict->text);
	} else {
		snprintf(line, sizeof(line), "%s %s\n", boot_word_name(verdict->word),
			 verdict->text);
	}
	line[strcspn(line, "\n")] = '\0';
	strcat(boot_plain(line), "\n");
	if (!boot_file_write(check->dir, BOOT_STATUS, line, strlen(line), &err))
		return;
	/* one that may say clean must not stay */
	boot_file_remove(check->dir, BOOT_STATUS);
	set_verdict(verdict, WORD_UNKNOWN, "%s", err.message);
}

/* Whether a reset ends what was found, and happens once: see POLICY_REBOOT in kho-boot(7). */
static bool may_reboot(const struct check *check)
{
	return check->evidence.by_kexec == ANSWER_YES &&
	       (check->evidence.left || check->log.handed_over || check->promised);
}

/* The findings, the worst first, without the classes that are for the log only. */
static void say_findings(const struct check *check)
{
	FILE *file = boot_file_read(check->dir, check->stage->findings);
	struct boot_findings list = { 0 };
	size_t shown = 0;
	char line[400];

	if (!file)
		return;
	boot_findings_read(file, &list);
	fclose(file);
	for (size_t i = 0; i < list.n; i++) {
		const struct boot_finding *finding = &list.list[i];

		if (check->boot.policy[finding->class] == POLICY_LOG || shown++ >= MAX_LINES)
			continue;
		snprintf(line, sizeof(line), "%s %s: %s", finding->severity, finding->rule,
			 finding->text);
		say(line);
	}
	if (shown > MAX_LINES)
		printf("and %zu more\n", shown - MAX_LINES);
	boot_findings_free(&list);
}

static void say_action(const struct check *check, const struct verdict *verdict,
		       enum boot_policy action, const char *line, const char *remark)
{
	char text[1400];
	bool loop = action == POLICY_REBOOT && !may_reboot(check);

	if (loop)
		action = POLICY_SHELL;
	snprintf(text, sizeof(text), "%s %s%s", boot_policy_name(action), line,
		 loop ? ". No reboot: kexec has not handed this kernel anything, so the next boot would find the same"
		      : "");
	puts(boot_plain(text));
	if (*check->boot.slip)
		say(check->boot.slip);
	if (*remark)
		say(remark);
	if (verdict->judged)
		say_findings(check);
	printf("the reports are in %s, the rules in kho-rules(7)\n", check->dir);
}

/* Metadata, and no content. The first one stays: it is from before any driver. */
static void save_snapshot(const struct check *check, char *remark, size_t size)
{
	struct snapshot_job job = { .check = check };
	struct snapshot_result result = { 0 };
	struct kho_error err = { 0 };
	char why[160] = "";

	if (boot_file_exists(check->dir, BOOT_SNAPSHOT))
		return;
	if (boot_file_open(check->dir, BOOT_SNAPSHOT, KHO_OUTPUT_SEEKABLE, &job.output, &err)) {
		snprintf(remark, size, "no snapshot was taken: %s", err.message);
		return;
	}
	if (boot_run_child(take_snapshot, &job, &result, sizeof(result),
			   boot_clock() + 1000ull * check->boot.timeout, why, sizeof(why)))
		result.code = KHO_ERR_OS;
	if (result.code)
		kho_output_discard(job.output);
	else
		result.code = kho_output_commit(job.output, &err);
	if (result.code)
		snprintf(remark, size, "no snapshot was taken: %s", *why ? why :
			 *err.message ? err.message : result.message);
}

/* Tells the log, and the hook what to do. */
static void announce(const struct check *check, const struct verdict *verdict)
{
	unsigned int rank = boot_word_rank(verdict->word);
	enum boot_policy action;
	char line[1024], remark[320] = "";
	struct kho_error err;
	int priority = rank < 2 ? LOG_INFO : rank < 3 ? LOG_WARNING : LOG_ERR;

	snprintf(line, sizeof(line), "%s: %s: %s", check->stage->title,
		 boot_word_name(verdict->word), verdict->text);
	boot_plain(line);
	boot_kernel_log_write(check->sysroot, priority, line);

	if (rank >= 2 && verdict->judged && verdict->has_state)
		save_snapshot(check, remark, sizeof(remark));
	if (rank >= 3 && check->log.size)
		boot_file_write(check->dir, "dmesg", check->log.lines, check->log.size, &err);
	action = boot_choose(&check->boot, verdict->word, verdict->counts);
	if (rank >= 2 && action != POLICY_LOG)
		say_action(check, verdict, action, line, remark);
	else if (*check->boot.slip)
		printf("warn %s\n", check->boot.slip);
}

/* Both files, or neither. */
static void keep_files(struct check *check, struct verdict *verdict)
{
	struct kho_error err;

	if (!verdict->judged) {
		kho_output_discard(check->report);
		kho_output_discard(check->findings);
		return;
	}
	if (kho_output_commit(check->report, &err)) {
		kho_output_discard(check->findings);
		set_verdict(verdict, WORD_UNKNOWN, "%s", err.message);
	} else if (kho_output_commit(check->findings, &err)) {
		boot_file_remove(check->dir, check->stage->report);
		set_verdict(verdict, WORD_UNKNOWN, "%s", err.message);
	}
}

static void run_judge(struct check *check, struct verdict *verdict)
{
	uint64_t start = boot_clock(), limit = 1000ull * check->boot.timeout;
	struct kho_error err;
	char why[160];
	int ret;

	check->content_deadline = start + limit;
	if (boot_file_open(check->dir, check->stage->report, 0, &check->report, &err) ||
	    boot_file_open(check->dir, check->stage->findings, 0, &check->findings, &err)) {
		set_verdict(verdict, WORD_UNKNOWN, "%s: nothing has been checked", err.message);
		kho_output_discard(check->report);
		return;
	}
	ret = boot_run_child(judge, check, verdict, sizeof(*verdict), start + HARD_LIMIT * limit,
			     why, sizeof(why));
	verdict->text[sizeof(verdict->text) - 1] = '\0';
	if (ret == -ETIME)
		set_verdict(verdict, WORD_UNKNOWN,
			    "the check did not finish within %u s (twice rd.kho.timeout=): nothing is known of the state",
			    HARD_LIMIT * check->boot.timeout);
	else if (ret)
		set_verdict(verdict, WORD_UNKNOWN, "the check died: %s", why);
	else if ((unsigned int)verdict->word >= NR_WORDS)
		set_verdict(verdict, WORD_UNKNOWN, "the check gave no answer");
	keep_files(check, verdict);
}

/* Nearly every boot: nothing was handed over, and no promise counts. */
static bool is_cold(const struct check *check)
{
	return check->evidence.shown && !check->evidence.left && !check->promised &&
	       !check->options->core;
}

static void check_incoming(struct check *check, struct verdict *verdict)
{
	if (check->boot.off) {
		set_verdict(verdict, WORD_OFF, "rd.kho=0: nothing has been checked");
	} else if (check->evidence.crash_kernel) {
		set_verdict(verdict, WORD_NONE, "this is a crash kernel: nothing is handed over to it");
	} else if (is_cold(check)) {
		set_nothing(check, verdict);
	} else {
		boot_kernel_log_read(check->sysroot, &check->log);
		run_judge(check, verdict);
	}
}

static int finish(struct check *check, struct verdict *verdict)
{
	write_status(check, verdict);
	if (verdict->word != WORD_NONE && verdict->word != WORD_OFF)
		announce(check, verdict);
	else if (*check->boot.slip)
		printf("warn %s\n", check->boot.slip);
	free(check->log.lines);
	return boot_word_status(verdict->word);
}

static int run_incoming(struct check *check)
{
	struct verdict verdict = { 0 };
	struct kho_error err;

	if (boot_make_dir(check->dir, &err))
		set_verdict(&verdict, WORD_UNKNOWN, "%s: nothing has been checked", err.message);
	else
		check_incoming(check, &verdict);
	return finish(check, &verdict);
}

/* Only where the first check had something to look at; what it could not do was told then. */
static int run_claims(struct check *check)
{
	struct verdict verdict = { 0 };
	enum boot_word word;

	if (!boot_file_first_line(check->dir, BOOT_STATUS, check->earlier, sizeof(check->earlier))) {
		fprintf(stderr, "kho-inspect: cannot read %s/" BOOT_STATUS ": run --stage=incoming first.\n",
			check->dir);
		return EXIT_CANNOT_TELL;
	}
	word = boot_earlier_word(check->earlier);
	if (word == WORD_NONE || word == WORD_OFF || word == WORD_ABSENT || check->boot.off ||
	    !boot_file_exists(check->dir, stages[BOOT_INCOMING].report))
		return boot_word_status(word);

	check->promised = false; /* it was held against the state at the first stage */
	boot_kernel_log_read(check->sysroot, &check->log);
	run_judge(check, &verdict);
	return finish(check, &verdict);
}

int cmd_boot_check(const struct options *options)
{
	struct check check = {
		.options = options,
		.stage = &stages[options->stage],
		.claims = options->stage == BOOT_CLAIMS,
		.sysroot = options->sysroot ? options->sysroot : "",
		.dir = options->dir ? options->dir : BOOT_DIR,
	};
	int ret = boot_options_read(check.sysroot, options->cmdline, &check.boot);

	if (ret) {
		/* without it a promise cannot be known */
		check.boot.promised = true;
		snprintf(check.boot.slip, sizeof(check.boot.slip),
			 "cannot read the kernel command line: %s", strerror(-ret));
	}
	if (options->timeout)
		check.boot.timeout = options->timeout;
	boot_evidence_read(check.sysroot, &check.evidence);
	check.promised = check.boot.promised && check.evidence.by_kexec != ANSWER_NO;
	return check.claims ? run_claims(&check) : run_incoming(&check);
}
