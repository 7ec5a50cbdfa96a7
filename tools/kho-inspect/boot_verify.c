// SPDX-License-Identifier: GPL-2.0-or-later
/* The child of boot-check that judges what came in: it may crash or hang at what it reads. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "boot_check.h"
#include "boot_file.h"
#include "findings.h"

#define PROGRESS_EVERY	5000	/* milliseconds, after the first second */

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

/* Print whole lines, because the reader may be a journal. */
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
	const struct boot_check *check = data;

	return boot_clock() < check->content_deadline;
}

/* Removes the findings of the first stage; false if they are not known. */
static bool drop_known(const struct boot_check *check, struct boot_findings *list)
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

static void write_findings(const struct boot_check *check, const struct boot_findings *list,
			   struct boot_verdict *verdict)
{
	FILE *file;

	if (!check->findings)
		return;
	file = kho_output_stream(check->findings);
	if (file)
		boot_findings_write(list, file);
	verdict->whole_findings = file && !fflush(file) && !ferror(file);
	if (!verdict->whole_findings)
		boot_verdict_worsen(verdict, "cannot write %s/%s: %s", check->dir, check->findings_name,
				    strerror(errno));
}

/* Fills lines[], the worst first, without the classes that only go to the log. */
static void show_findings(const struct boot_check *check, const struct boot_findings *list,
			  struct boot_verdict *verdict)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct boot_finding *finding = &list->list[i];

		if (check->boot.policy[finding->class] == POLICY_LOG || verdict->to_show++ >= BOOT_MAX_LINES)
			continue;
		snprintf(verdict->lines[verdict->to_show - 1], BOOT_LINE_SIZE, "%s %s: %s",
			 finding->severity, finding->rule, finding->text);
	}
}

/* Appends "5 unclaimed". If the count is unknown, @seen is the number of those found. */
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

/* Appends the counts to @first, the worst finding. With an unknown count, the word is not clean. */
static void describe_claims(const struct collector *collector, const struct kho_state *state,
			    const struct kho_verify_summary *summary, const char *first,
			    struct boot_verdict *verdict)
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

static void describe(const struct boot_check *check, const struct collector *collector,
		     const struct kho_state *state, const struct kho_verify_summary *summary,
		     struct boot_verdict *verdict)
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
static void conclude(const struct boot_check *check, struct collector *collector,
		     const struct kho_state *state, const struct kho_verify_summary *summary,
		     struct boot_verdict *verdict)
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
		boot_verdict_worsen(verdict, "cannot write %s/%s: %s", check->dir, check->report_name,
				    strerror(report_error));
	if (list->truncated)
		boot_verdict_worsen(verdict, "out of memory: not all findings are known");
	if (!known)
		boot_verdict_worsen(verdict, "cannot read %s/" BOOT_FINDINGS ": what the first check found may be here again",
				    check->dir);
	write_findings(check, list, verdict);
}

/* Adds the kernel's messages about the handover. */
static void add_kernel_words(const struct boot_check *check, struct boot_verdict *verdict)
{
	size_t n = strlen(verdict->text);

	snprintf(verdict->text + n, sizeof(verdict->text) - n, "; %s%s",
		 *check->log.last ? "the kernel says: " : "",
		 *check->log.last ? check->log.last :
		 check->log.readable ? "the kernel log says nothing of KHO" :
				       "the kernel log cannot be read");
}

/* This kernel shows no state, but the previous one promised or left some. */
static void judge_lost(const struct boot_check *check, struct collector *collector,
		       const struct kho_verify_options *verify, struct kho_error *reason,
		       struct boot_verdict *verdict)
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

static bool is_no_state(int code)
{
	return code == KHO_ERR_NO_STATE || code == KHO_ERR_NO_KHO || code == KHO_ERR_DISABLED ||
	       code == KHO_ERR_NO_DEBUGFS;
}

/* The first check did not see a state either, and reported that. */
static void judge_unseen(const struct kho_error *reason, struct boot_verdict *verdict)
{
	boot_verdict_set(verdict, WORD_UNKNOWN, "%s, so it is not known what is claimed", reason->message);
	verdict->told = true;
}

/* Judges a boot whose kernel shows no state. */
static void judge_nothing(const struct boot_check *check, struct collector *collector,
			  const struct kho_verify_options *verify, struct kho_error *reason,
			  struct boot_verdict *verdict)
{
	if (check->had_state)
		boot_verdict_set(verdict, WORD_UNKNOWN, "the state that the first check read is gone: %s",
				 reason->message);
	else if (check->promised && !check->boot.promise_known)
		boot_verdict_set(verdict, WORD_UNKNOWN, "%s; %s", check->boot.slip, reason->message);
	else if (check->promised || check->evidence.left || check->log.handed_over)
		judge_lost(check, collector, verify, reason, verdict);
	else if (check->claims)
		judge_unseen(reason, verdict);
	else if (*check->evidence.doubt)
		boot_verdict_set(verdict, WORD_UNKNOWN, "%s; %s", reason->message, check->evidence.doubt);
	else if (!check->evidence.shown && !check->log.readable)
		boot_verdict_set(verdict, WORD_UNKNOWN, "%s, and the kernel log cannot be read: nothing has been checked",
				 reason->message);
	else
		boot_verdict_nothing(check, verdict);
}

/* Without it, a snapshot could disclose memory that is not KHO's. */
static void judge_no_root(const struct boot_check *check, struct collector *collector,
			  const struct kho_verify_summary *summary, struct boot_verdict *verdict)
{
	conclude(check, collector, NULL, summary, verdict);
	if (!verdict->told)
		boot_verdict_add(verdict, "no snapshot was taken: only a valid root FDT shows which memory is KHO's");
}

static void judge_unopened(const struct boot_check *check, struct collector *collector,
			   const struct kho_verify_options *verify, struct kho_error *reason,
			   struct boot_verdict *verdict)
{
	struct kho_verify_summary summary = { 0 };

	if (is_no_state(reason->code))
		judge_nothing(check, collector, verify, reason, verdict);
	else if (kho_verify_open_error(reason, collect, collector, &summary))
		judge_no_root(check, collector, &summary, verdict);
	else
		boot_verdict_set(verdict, WORD_UNKNOWN, "kho-inspect cannot judge the state: %s",
				 *reason->message ? reason->message : kho_strerror(reason->code));
}

static void judge_state(const struct boot_check *check, struct opened *opened,
			struct collector *collector, const struct kho_verify_options *verify,
			struct boot_verdict *verdict)
{
	struct boot_progress progress = { .next = boot_clock() + 1000 };
	struct kho_verify_summary summary;
	struct kho_error err;

	kho_source_set_progress(opened->source, tell_progress, &progress);
	if (kho_verify(opened->state, verify, collect, collector, &summary, &err)) {
		findings_give_up(&collector->document);
		boot_verdict_set(verdict, WORD_UNKNOWN, "kho-inspect cannot judge the state: %s",
				 err.message);
		return;
	}
	conclude(check, collector, opened->state, &summary, verdict);
	verdict->has_state = true;
	/* the promise cannot be compared, so the word is not clean; the first check has said it */
	if ((!check->claims || check->alone) && check->boot.promised && !check->boot.promise_known)
		boot_verdict_worsen(verdict, "%s", check->boot.slip);
	if (kho_state_side(opened->state) == KHO_SIDE_OUT)
		boot_verdict_worsen(verdict, "the file holds an outgoing state, not an incoming one");
}

int boot_open_incoming(const struct options *options, struct opened *opened,
		       struct kho_error *err)
{
	int ret = open_state(options, KHO_SIDE_IN, true, opened, err);

	if (ret == KHO_ERR_NO_STATE && options->core)
		ret = open_state(options, KHO_SIDE_OUT, true, opened, err);
	return ret;
}

void boot_verify(void *data, void *result)
{
	struct boot_check *check = data;
	struct boot_verdict *verdict = result;
	struct options options = *check->options;
	struct collector collector = { 0 };
	struct opened opened;
	struct kho_error err;
	int ret;

	options.json = true;
	options.verify.claims = options.verify.skip_content = check->claims;
	/* incoming state proves that kexec started this kernel */
	options.verify.have_expect = check->boot.promise_known;
	options.verify.expect_records = check->boot.expect_records;
	options.verify.expect_generation = check->boot.expect_generation;
	options.verify.content_time_left = content_time_left;
	options.verify.content_data = check;

	if (!options.core && !*check->sysroot)
		boot_mount_debugfs();
	/* the report is the output of verify --json */
	if (check->report && dup2(kho_output_fd(check->report), STDOUT_FILENO) < 0) {
		boot_verdict_set(verdict, WORD_UNKNOWN, "cannot start to check: %s", strerror(errno));
		return;
	}
	/* the reason is on the console */
	if (!enter_sandbox(&options)) {
		boot_verdict_set(verdict, WORD_UNKNOWN, "cannot start to check: cannot give up system calls");
		return;
	}
	findings_begin(&collector.document, &options, "verify");
	ret = boot_open_incoming(&options, &opened, &err);
	collector.document.state = ret ? NULL : opened.state;
	if (ret) {
		judge_unopened(check, &collector, &options.verify, &err, verdict);
	} else {
		judge_state(check, &opened, &collector, &options.verify, verdict);
		close_state(&opened);
	}
	boot_findings_free(&collector.list);
}
