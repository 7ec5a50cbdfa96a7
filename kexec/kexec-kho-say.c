// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kho.h>
#include <kho_output.h>

#include "kexec.h"
#include "kexec-kho.h"
#include "kexec-kho-plan.h"
#include "kexec-kho-say.h"

#define MAX_FINDINGS	4096	/* in a report: the first ones */

struct kho_report kho_report = { .handover = KHO_NO_ADDR };

static const char *report_path;
static struct kho_output *report_output;
static char *earlier_report;	/* its real path, or NULL */
/* An open file of the caller as the report, for example the standard output: where it began. */
static struct stat report_file;
static off_t report_start = -1;
static struct kho_finding *findings;
static size_t nr_findings;
static enum kho_rule_number worst_rule;	/* of the findings that refuse, or 0 */

/* ------------------------------------------------------------------- report */

void kho_say_report_to(const char *path)
{
	report_path = path;
}

/* Runs when the program ends without a verdict, for example in upstream's die(). */
static void write_report_of_failure(void)
{
	kho_say_verdict("failed", NULL, 255);
}

/* Only the report may go to the standard output, so messages go to stderr. */
static void keep_stdout(void)
{
	static char path[32];
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		die("--kho-report: cannot keep the standard output: %s\n", strerror(errno));
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	report_path = path;
}

/* A pipe has no beginning to go back to. Appended output goes to the end of the file. */
static void keep_start(int fd)
{
	if (fstat(fd, &report_file) || !S_ISREG(report_file.st_mode))
		return;
	report_start = fcntl(fd, F_GETFL) & O_APPEND ? report_file.st_size : lseek(fd, 0, SEEK_CUR);
}

/* Removes an earlier report from @fd, unless that is a new file. False with errno. */
static bool go_back_to_start(int fd)
{
	struct stat st;

	if (report_start < 0 || fstat(fd, &st) || st.st_dev != report_file.st_dev ||
	    st.st_ino != report_file.st_ino)
		return true;
	return !ftruncate(fd, report_start) && lseek(fd, report_start, SEEK_SET) >= 0;
}

/*
 * True if the report would replace a file that is not an earlier report: a kernel or an initrd,
 * for example. A path below /dev names a device, or an open file whose content stays.
 */
static bool replaces_other_file(const char *path)
{
	struct stat st;
	bool other;
	char first;
	int fd;

	if (!strncmp(path, "/dev/", strlen("/dev/")) || stat(path, &st) || !S_ISREG(st.st_mode) ||
	    !st.st_size)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	other = read(fd, &first, 1) != 1 || first != '{';
	close(fd);
	return other;
}

void kho_say_begin(void)
{
	struct kho_error err;

	if (!report_path)
		return;
	if (replaces_other_file(report_path))
		die("--kho-report: the report would replace a file that is not a report. Write it to another file.\n");
	if (kho_output_open(report_path, 0600, 0, &report_output, &err))
		die("--kho-report: %s.%s%s\n", err.message, *err.remedy ? " " : "", err.remedy);
	/* a name below /dev may be that of an open file, which may be deleted */
	if (strncmp(report_path, "/dev/", strlen("/dev/")))
		earlier_report = realpath(report_path, NULL);
	keep_start(kho_output_fd(report_output));
	if (kho_output_is_stdout(report_output))
		keep_stdout();
	atexit(write_report_of_failure);
}

void kho_say_again(void)
{
	struct kho_error err;

	if (!report_path || report_output)
		return;
	if (kho_output_open(report_path, 0600, 0, &report_output, &err))
		fprintf(stderr, "kexec: KHO: cannot correct the report, and the written one is wrong: %s\n",
			err.message);
	else if (!go_back_to_start(kho_output_fd(report_output)))
		fprintf(stderr, "kexec: KHO: cannot remove the first of two reports, which is wrong: %s\n",
			strerror(errno));
}

static void keep_finding(const struct kho_finding *finding)
{
	struct kho_finding *more;

	if (!report_output || nr_findings == MAX_FINDINGS)
		return;
	more = realloc(findings, (nr_findings + 1) * sizeof(*findings));
	if (!more)
		return;
	findings = more;
	findings[nr_findings++] = *finding;
}

static void json_dma(struct kho_json *json)
{
	struct kho_dma_header header;

	if (!kho_report.state || kho_dma_read_header(kho_report.state, &header, NULL)) {
		kho_json_null(json, "dma");
		return;
	}
	kho_json_object(json, "dma");
	kho_json_uint(json, "records", header.nr_records);
	kho_json_uint(json, "pages", header.nr_pages);
	kho_json_uint(json, "generation", header.generation);
	kho_json_end(json);
}

static void json_state(struct kho_json *json)
{
	const struct kho_subtree *subtrees;
	const struct kho_range *scratch;
	size_t nr_subtrees = 0, nr_scratch = 0;

	subtrees = kho_report.state ? kho_state_subtrees(kho_report.state, &nr_subtrees) : NULL;
	scratch = kho_report.state ? kho_state_scratch(kho_report.state, &nr_scratch) : NULL;
	kho_json_state(json, "state", kho_report.state);
	kho_json_array(json, "subtrees");
	for (size_t i = 0; i < nr_subtrees; i++)
		kho_json_string(json, NULL, subtrees[i].name);
	kho_json_end(json);
	json_dma(json);
	kho_json_array(json, "scratch");
	for (size_t i = 0; i < nr_scratch; i++)
		kho_json_range(json, NULL, &scratch[i]);
	kho_json_end(json);
}

static void json_segments(struct kho_json *json)
{
	kho_json_array(json, "segments");
	for (size_t i = 0; i < kho_report.nr_segments; i++) {
		kho_json_object(json, NULL);
		kho_json_hex(json, "addr", kho_report.segments[i].addr);
		kho_json_uint(json, "size", kho_report.segments[i].size);
		kho_json_string(json, "content", kho_report.segments[i].content);
		kho_json_end(json);
	}
	kho_json_end(json);
}

static void json_report(struct kho_json *json, const char *verdict, const char *message, int status)
{
	kho_json_object(json, NULL);
	kho_json_object(json, "kexec_kho");
	kho_json_string(json, "version", PACKAGE_VERSION);
	kho_json_string(json, "action", kho_report.action);
	kho_json_string(json, "mode", kho_report.mode);
	kho_json_bool(json, "dry_run", kho_report.dry_run);
	kho_json_end(json);
	json_state(json);
	kho_json_raw(json, "image", kho_report.image);
	kho_json_target(json, "target", kho_report.have_target ? &kho_report.target : NULL);
	kho_json_raw(json, "command_line", kho_report.command_line);
	kho_json_string(json, "path", kho_report.path);
	json_segments(json);
	kho_json_addr(json, "handover", kho_report.handover);
	kho_json_array(json, "findings");
	for (size_t i = 0; i < nr_findings; i++)
		kho_json_finding(json, NULL, &findings[i]);
	kho_json_end(json);
	kho_json_string(json, "verdict", verdict);
	kho_json_string(json, "message", message);
	kho_json_int(json, "exit_status", status);
	kho_json_end(json);
}

/* An earlier report must not pass for this one. Always returns false. */
static bool lose_report(const char *why)
{
	struct stat st;
	const char *outcome = "";

	if (earlier_report && !lstat(earlier_report, &st) && S_ISREG(st.st_mode))
		outcome = unlink(earlier_report) ? " The report that is there is of an earlier run." :
						   " Removed the report of an earlier run.";
	fprintf(stderr, "kexec: KHO: cannot write the report: %s.%s\n", why, outcome);
	return false;
}

bool kho_say_verdict(const char *verdict, const char *message, int status)
{
	struct kho_output *output = report_output;
	struct kho_json *json = NULL;
	struct kho_error err;
	FILE *out;

	if (!output)
		return true;
	report_output = NULL;
	out = kho_output_stream(output);
	if (out)
		json = kho_json_create(out);
	if (!json) {
		kho_output_discard(output);
		return lose_report("out of memory");
	}
	json_report(json, verdict, message, status);
	kho_json_finish(json);
	/* fflush() reports write errors */
	return !kho_output_commit(output, &err) || lose_report(err.message);
}

void kho_say_and_leave(const char *verdict, const char *message, int status)
{
	/* the report says so too */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "kexec: KHO: cannot write to the standard output: %s\n", strerror(errno));
		if (!status) {
			verdict = "failed";
			message = "cannot write to the standard output";
			status = EXIT_FAILURE;
		}
	}
	if (!kho_say_verdict(verdict, message, status) && !status)
		status = EXIT_FAILURE;
	exit(status);
}

/* ----------------------------------------------------------------- findings */

int kho_say_finding(const struct kho_finding *finding, void *data)
{
	(void)data;
	keep_finding(finding);
	/* a device that goes on writing matters whatever else was found */
	if (finding->severity >= KHO_SEVERITY_ERROR && worst_rule != KHO_RULE_K520)
		worst_rule = finding->rule->number;
	if (finding->severity > KHO_SEVERITY_INFO)
		fprintf(stderr, "kexec: KHO: %s %s: %s%s\n", finding->rule->id,
			kho_severity_name(finding->severity),
			finding->outcome == KHO_OUTCOME_NOT_JUDGED ? "not judged: " : "", finding->message);
	return 0;
}

/* Records a finding of kexec for @rule, and prints its number and severity before the text. */
static void begin_refusal(enum kho_rule_number rule, const char *text)
{
	struct kho_finding finding = { .count = 1, .addr = KHO_NO_ADDR };

	fputs("kexec: KHO: ", stderr);
	finding.rule = kho_rule_get(rule);
	if (finding.rule) {
		finding.severity = finding.rule->severity;
		snprintf(finding.message, sizeof(finding.message), "%.255s", text);
		keep_finding(&finding);
		fprintf(stderr, "%s %s: ", finding.rule->id, kho_severity_name(finding.severity));
	}
	fprintf(stderr, "%s\n", text);
}

#define FORMAT_TEXT(text, fmt)					\
	do {							\
		va_list args;					\
		va_start(args, fmt);				\
		vsnprintf(text, sizeof(text), fmt, args);	\
		va_end(args);					\
	} while (0)

void kho_say_refused(enum kho_rule_number rule, const char *fmt, ...)
{
	char text[512];

	FORMAT_TEXT(text, fmt);
	begin_refusal(rule, text);
	fprintf(stderr, "kexec: %s\n", kho_plan_refusal(rule ? rule : worst_rule, kho_report.required));
	kho_say_and_leave("refused", text, KEXEC_KHO_EXIT_REFUSED);
}

void kho_say_kernel_refused(enum kho_rule_number rule, const char *fmt, ...)
{
	char text[512];

	FORMAT_TEXT(text, fmt);
	begin_refusal(rule, text);
	fprintf(stderr, "kexec: the kernel refused, nothing changed.\n");
	kho_say_and_leave("kernel-refused", text, KEXEC_KHO_EXIT_KERNEL);
}

void kho_say_stays_loaded(void)
{
	fprintf(stderr, "kexec: no jump. The loaded kernel stays loaded.\n");
}

void kho_say_no_jump(const char *fmt, ...)
{
	char text[512];

	FORMAT_TEXT(text, fmt);
	begin_refusal(KHO_RULE_K704, text);
	kho_say_stays_loaded();
	kho_say_and_leave("kernel-refused", text, KEXEC_KHO_EXIT_KERNEL);
}

void kho_say_refused_error(const struct kho_error *err)
{
	struct kho_verify_summary summary;

	if (kho_verify_open_error(err, kho_say_finding, NULL, &summary))
		kho_say_refused(0, "the state cannot be handed over as it is, see the finding above and kho-rules(7).");
	kho_say_refused(KHO_RULE_K705, "%s.%s%s", *err->message ? err->message : kho_strerror(err->code),
			*err->remedy ? " " : "", err->remedy);
}

void kho_say_require_clean(const struct kho_verify_summary *summary, const char *what)
{
	/* neither a warning nor an unevaluated rule of that severity refuses */
	size_t bad = summary->findings[KHO_SEVERITY_ERROR] +
		     summary->findings[KHO_SEVERITY_FATAL] + summary->grave_unevaluated;

	if (bad)
		kho_say_refused(0, "%s, see the %zu finding(s) above and kho-rules(7).", what, bad);
}

#endif /* HAVE_LIBKHO */
