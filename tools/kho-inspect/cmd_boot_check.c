// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kho-inspect boot-check: runs in the initramfs before drivers are loaded, and again before the
 * root file system is switched. It writes its report to a folder, returns the word as its exit
 * status, and prints the action for the hook: "ACTION TEXT", then lines for the console.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "boot.h"
#include "boot_file.h"
#include "findings.h"

/* More lines would push the reason off an 80x25 console; the report has all. */
#define MAX_LINES	12
#define LINE_SIZE	400
/* rd.kho.timeout= ends the reading of content; this many times as long ends all reading. */
#define HARD_LIMIT	2
#define PROGRESS_EVERY	5000	/* milliseconds, after the first second */

#define REPORT		"report.json"
#define CLAIMS_REPORT	"claims.json"
#define DMESG		"dmesg"
/* Separates the texts of the two stages in the status line, and appears nowhere else in it. */
#define CLAIMS_MARK	"; claims: "

static const struct stage {
	const char *title;
	const char *report;
	const char *findings;
} stages[] = {
	[BOOT_INCOMING] = { "incoming state", REPORT, BOOT_FINDINGS },
	[BOOT_CLAIMS] = { "claims", CLAIMS_REPORT, BOOT_CLAIMS_FINDINGS },
};

/* All that may be there; the second check begins with the files of the first one. */
static const struct {
	const char *name;
	bool of_claims;
} files[] = {
	{ BOOT_STATUS, false }, { REPORT, false }, { BOOT_FINDINGS, false },
	{ BOOT_SNAPSHOT, false }, { DMESG, false },
	{ CLAIMS_REPORT, true }, { BOOT_CLAIMS_FINDINGS, true },
};

#define NR_FILES	(sizeof(files) / sizeof(files[0]))

struct check {
	const struct options *options;
	const struct stage *stage;
	bool claims;
	const char *sysroot, *dir;
	struct boot_options boot;
	struct boot_evidence evidence;
	struct boot_kernel_log log;
	bool promised;		/* the promise counts on this boot */
	uint64_t content_deadline;
	bool has_dir;		/* else no file is written */
	char trouble[640];	/* with its files, before there was a verdict */
	struct kho_output *report, *findings; /* NULL: cannot be written */
	/* for the second stage: */
	enum boot_word earlier;	/* of the first one */
	char earlier_text[1100];
	bool alone;		/* the first one left no report and no findings */
	bool had_state;		/* the first one read a state */
};

/* The answer of the child. It needs no file: what cannot be written is not lost. */
struct verdict {
	enum boot_word word;
	bool whole_report, whole_findings; /* these files are complete */
	bool has_state;		/* a snapshot can be taken */
	bool told;		/* the first check has told all of it */
	uint64_t counts[NR_CLASSES];
	size_t to_show;		/* findings for the console; the first ones are in lines[] */
	char text[1024];
	char lines[MAX_LINES][LINE_SIZE];
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

static void add_text(struct verdict *verdict, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_text(struct verdict *verdict, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	boot_add_text(verdict->text, sizeof(verdict->text), fmt, args);
	va_end(args);
}

static void worsen(struct verdict *verdict, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a reason why the report is incomplete. The word never gets better. */
static void worsen(struct verdict *verdict, const char *fmt, ...)
{
	va_list args;

	if (boot_word_rank(verdict->word) < boot_word_rank(WORD_UNKNOWN))
		verdict->word = WORD_UNKNOWN;
	verdict->counts[CLASS_UNKNOWN]++;
	verdict->told = false;
	va_start(args, fmt);
	boot_add_text(verdict->text, sizeof(verdict->text), fmt, args);
	va_end(args);
}

static void add_trouble(struct check *check, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_trouble(struct check *check, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	boot_add_text(check->trouble, sizeof(check->trouble), fmt, args);
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

	if (finding->outcome == KHO_OUTCOME_FOUND && finding->rule->number == KHO_RULE_K501)
		collector->unclaimed += finding->count;
	if (finding->outcome == KHO_OUTCOME_FOUND && finding->rule->number == KHO_RULE_K502)
		collector->refused += finding->count;
	boot_findings_add(&collector->list, finding);
	return findings_add(finding, &collector->document);
}

struct boot_progress {
	uint64_t next;
};

/* Whole lines, because the reader may be a journal. */
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

/* Removes the findings of the first stage; false if they are not known. */
static bool drop_known(const struct check *check, struct boot_findings *list)
{
	FILE *file = boot_file_read(check->dir, BOOT_FINDINGS);
	struct boot_findings known = { 0 };
	bool whole;

	if (!file)
		return false;
	whole = boot_findings_read(file, &known);
	fclose(file);
	boot_findings_drop(list, &known);
	boot_findings_free(&known);
	return whole;
}

static void write_findings(const struct check *check, const struct boot_findings *list,
			   struct verdict *verdict)
{
	FILE *file;

	if (!check->findings)
		return;
	file = kho_output_stream(check->findings);
	if (file)
		boot_findings_write(list, file);
	verdict->whole_findings = file && !fflush(file) && !ferror(file);
	if (!verdict->whole_findings)
		worsen(verdict, "cannot write %s/%s: %s", check->dir, check->stage->findings,
		       strerror(errno));
}

/* Fills lines[], the worst first, without the classes that only go to the log. */
static void show_findings(const struct check *check, const struct boot_findings *list,
			  struct verdict *verdict)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct boot_finding *finding = &list->list[i];

		if (check->boot.policy[finding->class] == POLICY_LOG || verdict->to_show++ >= MAX_LINES)
			continue;
		snprintf(verdict->lines[verdict->to_show - 1], LINE_SIZE, "%s %s: %s",
			 finding->severity, finding->rule, finding->text);
	}
}

/* "5 unclaimed". Where the fate of some is unknown, @seen is not all of them. */
static void add_count(char *text, size_t size, uint64_t count, uint64_t seen, const char *what)
{
	size_t n = strlen(text);

	if (count != KHO_COUNT_UNKNOWN)
		snprintf(text + n, size - n, "%" PRIu64 " %s", count, what);
	else if (seen)
		snprintf(text + n, size - n, "at least %" PRIu64 " %s", seen, what);
	else
		snprintf(text + n, size - n, "an unknown number is %s", what);
}

/* Behind @first, the worst finding. An unknown number is not 0, and the word is not clean. */
static void describe_claims(const struct collector *collector, const struct kho_state *state,
			    const struct kho_verify_summary *summary, const char *first,
			    struct verdict *verdict)
{
	bool known = state && summary->unclaimed != KHO_COUNT_UNKNOWN &&
		     summary->refused != KHO_COUNT_UNKNOWN;
	char counts[160] = "";

	if (!known && !collector->list.n) {
		verdict->word = WORD_UNKNOWN;
		verdict->told = true;
	}
	if (!state) {
		snprintf(verdict->text, sizeof(verdict->text),
			 "%skho-inspect cannot read the state, so it does not know what is claimed",
			 first);
		return;
	}
	add_count(counts, sizeof(counts), summary->unclaimed, collector->unclaimed, "unclaimed");
	strcat(counts, ", ");
	add_count(counts, sizeof(counts), summary->refused, collector->refused, "refused");
	snprintf(verdict->text, sizeof(verdict->text), "%s%s",
		 verdict->word == WORD_WARNING ? "" : first, counts);
}

static void describe(const struct check *check, const struct collector *collector,
		     const struct kho_state *state, const struct kho_verify_summary *summary,
		     struct verdict *verdict)
{
	const struct boot_finding *worst = collector->list.list;
	char first[384] = "", where[160] = "", records[FORMAT_ROOM], pages[FORMAT_ROOM];

	if (verdict->word != WORD_CLEAN && collector->list.n)
		snprintf(first, sizeof(first), "%s %s: %s; ", worst->severity, worst->rule, worst->text);
	if (check->claims) {
		describe_claims(collector, state, summary, first, verdict);
		return;
	}
	if (state)
		snprintf(where, sizeof(where), ", in %s records of %s pages",
			 format_count(summary->records, records), format_count(summary->pages, pages));
	snprintf(verdict->text, sizeof(verdict->text),
		 "%s%zu fatal, %zu errors, %zu warnings, %zu not judged%s", first,
		 summary->findings[KHO_SEVERITY_FATAL], summary->findings[KHO_SEVERITY_ERROR],
		 summary->findings[KHO_SEVERITY_WARNING], summary->unevaluated, where);
}

/* Sums up the findings, and writes both files. */
static void conclude(const struct check *check, struct collector *collector,
		     const struct kho_state *state, const struct kho_verify_summary *summary,
		     struct verdict *verdict)
{
	struct boot_findings *list = &collector->list;
	int report_error;
	bool known;

	findings_end(&collector->document, summary, state);
	report_error = fflush(stdout) || ferror(stdout) ? errno : 0;
	boot_findings_sort(list);
	known = !check->claims || check->alone || drop_known(check, list);

	boot_findings_count(list, verdict->counts);
	verdict->word = boot_word_of(boot_worst_class(verdict->counts));
	verdict->whole_report = !report_error;
	describe(check, collector, state, summary, verdict);
	show_findings(check, list, verdict);
	if (report_error)
		worsen(verdict, "cannot write %s/%s: %s", check->dir, check->stage->report,
		       strerror(report_error));
	if (list->truncated)
		worsen(verdict, "out of memory: not all findings are known");
	if (!known)
		worsen(verdict, "cannot read %s/" BOOT_FINDINGS ": what the first check found may be here again",
		       check->dir);
	write_findings(check, list, verdict);
}

/* Adds the kernel's messages about the handover. */
static void add_kernel_words(const struct check *check, struct verdict *verdict)
{
	size_t n = strlen(verdict->text);

	snprintf(verdict->text + n, sizeof(verdict->text) - n, "; %s%s",
		 *check->log.last ? "the kernel says: " : "",
		 *check->log.last ? check->log.last :
		 check->log.readable ? "the kernel log says nothing of KHO" :
				       "the kernel log cannot be read");
}

/* This kernel shows no state, but the previous one promised or left some. */
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
	kho_verify_absent(&lost, reason, collect, collector, &summary, NULL);
	conclude(check, collector, NULL, &summary, verdict);
	add_kernel_words(check, verdict);
}

/* The first check does it, and the second one only if there is nothing of the first. */
static bool compares_promise(const struct check *check)
{
	return !check->claims || check->alone;
}

static bool is_no_state(int code)
{
	return code == KHO_ERR_NO_STATE || code == KHO_ERR_NO_KHO || code == KHO_ERR_DISABLED ||
	       code == KHO_ERR_NO_DEBUGFS;
}

/* This kernel shows no state. */
static void judge_nothing(const struct check *check, struct collector *collector,
			  const struct kho_verify_options *verify, struct kho_error *reason,
			  struct verdict *verdict)
{
	if (check->had_state)
		set_verdict(verdict, WORD_UNKNOWN, "the state that the first check read is gone: %s",
			    reason->message);
	else if (check->promised && !check->boot.promise_known)
		set_verdict(verdict, WORD_UNKNOWN, "%s; %s", check->boot.slip, reason->message);
	else if (check->promised || check->evidence.left || check->log.handed_over)
		judge_lost(check, collector, verify, reason, verdict);
	else if (check->claims)
		set_verdict(verdict, WORD_UNKNOWN, "%s, so it is not known what is claimed",
			    reason->message);
	else if (*check->evidence.doubt)
		set_verdict(verdict, WORD_UNKNOWN, "%s; %s", reason->message, check->evidence.doubt);
	else if (!check->evidence.shown && !check->log.readable)
		set_verdict(verdict, WORD_UNKNOWN, "%s, and the kernel log cannot be read: nothing has been checked",
			    reason->message);
	else
		set_nothing(check, verdict);
}

/* Without it, a snapshot could disclose memory that is not KHO's. */
static void judge_no_root(const struct check *check, struct collector *collector,
			  const struct kho_verify_summary *summary, struct verdict *verdict)
{
	conclude(check, collector, NULL, summary, verdict);
	if (!verdict->told)
		add_text(verdict, "no snapshot was taken: only a valid root FDT shows which memory is KHO's");
}

static void judge_unopened(const struct check *check, struct collector *collector,
			   const struct kho_verify_options *verify, struct kho_error *reason,
			   struct verdict *verdict)
{
	struct kho_verify_summary summary = { 0 };

	if (is_no_state(reason->code))
		judge_nothing(check, collector, verify, reason, verdict);
	else if (kho_verify_open_error(reason, collect, collector, &summary))
		judge_no_root(check, collector, &summary, verdict);
	else
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
		findings_give_up(&collector->document);
		set_verdict(verdict, WORD_UNKNOWN, "kho-inspect cannot judge the state: %s",
			    err.message);
		return;
	}
	conclude(check, collector, opened->state, &summary, verdict);
	verdict->has_state = true;
	/* the promise cannot be compared, so the word is not clean */
	if (compares_promise(check) && check->boot.promised && !check->boot.promise_known)
		worsen(verdict, "%s", check->boot.slip);
}

/* Falls back to the outgoing side of a file, whose snapshot shows what the next kernel gets. */
static int open_incoming(const struct options *options, struct opened *opened,
			 struct kho_error *err)
{
	int ret = open_state(options, KHO_SIDE_IN, true, opened, err);

	if (ret == KHO_ERR_NO_STATE && options->core)
		ret = open_state(options, KHO_SIDE_OUT, true, opened, err);
	return ret;
}

static bool send_stdout_to(const struct kho_output *report)
{
	int fd = report ? kho_output_fd(report) : open("/dev/null", O_WRONLY | O_CLOEXEC);

	return fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0;
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
	/* incoming state proves that kexec started this kernel */
	options.verify.have_expect = compares_promise(check) && check->boot.promise_known;
	options.verify.expect_records = check->boot.expect_records;
	options.verify.expect_generation = check->boot.expect_generation;
	options.verify.content_time_left = content_time_left;
	options.verify.content_data = check;

	if (!options.core && !*check->sysroot)
		boot_mount_debugfs();
	/* the report is the output of verify --json */
	if (!send_stdout_to(check->report) || !enter_sandbox(&options)) {
		set_verdict(verdict, WORD_UNKNOWN, "cannot start to check: %s", strerror(errno));
		return;
	}
	findings_begin(&collector.document, &options, "verify");
	ret = open_incoming(&options, &opened, &err);
	collector.document.state = ret ? NULL : opened.state;
	if (ret) {
		judge_unopened(check, &collector, &options.verify, &err, verdict);
	} else {
		judge_state(check, &opened, &collector, &options.verify, verdict);
		close_state(&opened);
	}
	boot_findings_free(&collector.list);
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
	snapshot->code = open_incoming(options, &opened, &err);
	if (!snapshot->code) {
		snapshot->code = kho_snapshot_write_to(opened.state, job->output, &(struct kho_snapshot_options){ 0 }, &err);
		close_state(&opened);
	}
	snprintf(snapshot->message, sizeof(snapshot->message), "%s", err.message);
}

/* -------------------------------------------------------- in the parent */

static void say(const char *line)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s", line);
	puts(boot_plain(text));
}

/* The separator must not occur in either part. */
static void hide_marks(char *text)
{
	for (char *mark = text; (mark = strstr(mark, CLAIMS_MARK)); )
		*mark = ',';
}

/* The word of this boot: the worse one of both stages. */
static enum boot_word word_of_both(const struct check *check, const struct verdict *verdict)
{
	return check->claims && boot_word_rank(check->earlier) >= boot_word_rank(verdict->word)
		       ? check->earlier : verdict->word;
}

static void write_status(const struct check *check, struct verdict *verdict)
{
	const char *word = boot_word_name(word_of_both(check, verdict));
	struct kho_error err;
	char line[2560];

	if (!check->has_dir)
		return;
	if (check->claims)
		snprintf(line, sizeof(line), "%s %s" CLAIMS_MARK "%s: %s", word, check->earlier_text,
			 boot_word_name(verdict->word), verdict->text);
	else
		snprintf(line, sizeof(line), "%s %s", word, verdict->text);
	strcat(boot_plain(line), "\n");
	if (!boot_file_write(check->dir, BOOT_STATUS, line, strlen(line), &err))
		return;
	/* an old status that may say clean must not stay */
	worsen(verdict, "%s", err.message);
	if (boot_file_remove(check->dir, BOOT_STATUS, &err))
		worsen(verdict, "%s", err.message);
}

/* True if a reset would cure the findings, and happens only once: see kho-boot(7), reboot. */
static bool may_reboot(const struct check *check)
{
	return check->evidence.by_kexec == ANSWER_YES &&
	       (check->evidence.left || check->log.handed_over || check->promised);
}

static void say_findings(struct verdict *verdict)
{
	for (size_t i = 0; i < verdict->to_show && i < MAX_LINES; i++) {
		verdict->lines[i][LINE_SIZE - 1] = '\0';
		say(verdict->lines[i]);
	}
	if (verdict->to_show > MAX_LINES)
		printf("and %zu more\n", verdict->to_show - MAX_LINES);
}

static void say_action(const struct check *check, struct verdict *verdict,
		       enum boot_policy action, const char *line, const char *remark)
{
	char text[1600];
	bool loop = action == POLICY_REBOOT && !may_reboot(check);

	if (loop)
		action = POLICY_SHELL;
	snprintf(text, sizeof(text), "%s %s%s", boot_policy_name(action), line,
		 loop ? ". No reboot: kexec has not handed this kernel anything, so the next boot would find the same"
		      : "");
	puts(boot_plain(text));
	if (*check->boot.slip && !strstr(text, check->boot.slip))
		say(check->boot.slip);
	if (*remark)
		say(remark);
	say_findings(verdict);
	snprintf(text, sizeof(text), "the reports are in %.900s, the rules in kho-rules(7)", check->dir);
	puts(boot_plain(text));
}

/* Writes metadata without content. An earlier snapshot stays: it is from before any driver. */
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

/* A debugging aid: if it fails, the verdict is the same, so the failure is only a remark. */
static void save_evidence(const struct check *check, const struct verdict *verdict, char *remark,
			  size_t size)
{
	unsigned int rank = boot_word_rank(verdict->word);
	struct kho_error err;
	size_t n;

	if (!check->has_dir)
		return;
	if (rank >= 2 && verdict->has_state)
		save_snapshot(check, remark, size);
	n = strlen(remark);
	if (rank >= 3 && check->log.size &&
	    boot_file_write(check->dir, DMESG, check->log.lines, check->log.size, &err))
		snprintf(remark + n, size - n, "%s%s", n ? "; " : "", err.message);
}

/* Writes the verdict to the log, and the action for the hook. */
static void announce(const struct check *check, struct verdict *verdict)
{
	unsigned int rank = boot_word_rank(verdict->word);
	enum boot_word word = word_of_both(check, verdict);
	enum boot_policy action;
	char line[1400], remark[640] = "";
	int priority = rank < 2 ? LOG_INFO : rank < 3 ? LOG_WARNING : LOG_ERR;

	snprintf(line, sizeof(line), "%s: %s: %s%s%s", check->stage->title, boot_word_name(word),
		 verdict->text, word == verdict->word ? "" : "; without the first check: ",
		 word == verdict->word ? "" : boot_word_name(verdict->word));
	boot_plain(line);
	boot_kernel_log_write(check->sysroot, priority, line);

	if (verdict->told)
		return;
	save_evidence(check, verdict, remark, sizeof(remark));
	/* the hook has acted on the findings of the first stage */
	action = boot_choose(&check->boot, verdict->word, verdict->counts);
	if (rank >= 2 && action != POLICY_LOG) {
		say_action(check, verdict, action, line, remark);
		return;
	}
	if (*remark)
		boot_kernel_log_write(check->sysroot, LOG_WARNING, boot_plain(remark));
	if (*check->boot.slip)
		printf("warn %s\n", check->boot.slip);
}

static struct kho_output *open_file(struct check *check, const char *name)
{
	struct kho_output *output = NULL;
	struct kho_error err;

	if (check->has_dir && boot_file_open(check->dir, name, 0, &output, &err)) {
		add_trouble(check, "%s", err.message);
		return NULL;
	}
	return output;
}

static void keep_file(struct kho_output *output, bool whole, struct verdict *verdict)
{
	struct kho_error err;

	if (!whole)
		kho_output_discard(output);
	else if (output && kho_output_commit(output, &err))
		worsen(verdict, "%s", err.message);
}

static void run_judge(struct check *check, struct verdict *verdict)
{
	uint64_t start = boot_clock(), limit = 1000ull * check->boot.timeout;
	char why[160];
	int ret;

	check->content_deadline = start + limit;
	check->report = open_file(check, check->stage->report);
	check->findings = open_file(check, check->stage->findings);
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
	keep_file(check->report, verdict->whole_report, verdict);
	keep_file(check->findings, verdict->whole_findings, verdict);
}

/* Nearly every boot: nothing was handed over, and no promise counts. */
static bool is_cold(const struct check *check)
{
	return check->evidence.shown && !*check->evidence.doubt && !check->evidence.left &&
	       !check->promised && !check->options->core;
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

/* Removes the files of an earlier run. */
static void begin_files(struct check *check)
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

/* The exit status stays the word, which main() would replace. */
static void end_output(const struct check *check)
{
	static const char message[] = "cannot write the action for the hook to the standard output";

	if (!fflush(stdout) && !ferror(stdout))
		return;
	boot_kernel_log_write(check->sysroot, LOG_ERR, message);
	fprintf(stderr, "kho-inspect: %s\n", message);
	if (!freopen("/dev/null", "w", stdout))
		perror("kho-inspect: cannot open /dev/null");
}

static int finish(struct check *check, struct verdict *verdict)
{
	if (*check->trouble)
		worsen(verdict, "%s", check->trouble);
	hide_marks(verdict->text);
	write_status(check, verdict);
	if (verdict->word != WORD_NONE && verdict->word != WORD_OFF)
		announce(check, verdict);
	else if (*check->boot.slip)
		printf("warn %s\n", check->boot.slip);
	end_output(check);
	free(check->log.lines);
	return boot_word_status(word_of_both(check, verdict));
}

static int run_incoming(struct check *check)
{
	struct verdict verdict = { 0 };

	begin_files(check);
	check_incoming(check, &verdict);
	return finish(check, &verdict);
}

/* Word and text of the first stage. Returns false if its status is missing. */
static bool read_earlier(struct check *check)
{
	char line[1100], *text, *mark;
	bool has_status = boot_status_read(check->dir, line, sizeof(line));

	check->earlier = boot_earlier_word(line);
	mark = strstr(line, CLAIMS_MARK);
	if (mark)
		*mark = '\0';
	text = strchr(line, ' ');
	snprintf(check->earlier_text, sizeof(check->earlier_text), "%s", text ? text + 1 : "");
	return has_status;
}

/* A state that was not found has the finding K510, and one without a root FDT has K001. */
static bool first_had_state(const struct check *check, bool has_report)
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
static void add_first_missing(struct verdict *verdict)
{
	if (boot_word_rank(verdict->word) < boot_word_rank(WORD_UNKNOWN))
		verdict->word = WORD_UNKNOWN;
	verdict->told = boot_worst_class(verdict->counts) == CLASS_INFO;
	add_text(verdict, "the first check left no report");
}

static void find_first(struct check *check)
{
	bool has_status = read_earlier(check), has_report = boot_file_exists(check->dir, REPORT);
	bool knows_less = boot_word_rank(check->earlier) < boot_word_rank(WORD_UNKNOWN);

	check->alone = !has_report && !knows_less && !boot_file_exists(check->dir, BOOT_FINDINGS);
	check->had_state = first_had_state(check, has_report);
	if (!has_status || (!has_report && knows_less))
		add_trouble(check, "%s/%s of the first check is missing", check->dir,
			    has_status ? REPORT : BOOT_STATUS);
}

static int run_claims(struct check *check)
{
	struct verdict verdict = { 0 };
	enum boot_word word;

	find_first(check);
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
	struct check check = {
		.options = options,
		.stage = &stages[options->stage],
		.claims = options->stage == BOOT_CLAIMS,
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
