// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kho-inspect boot-report: in the running system, writes the findings of boot-check to the journal
 * (by its native protocol, see systemd's JOURNAL_NATIVE_PROTOCOL), and current metrics to a file
 * for node_exporter.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <kho_output.h>

#include "boot.h"
#include "boot_file.h"
#include "findings.h"

/* Of journalctl -t kho-report; documented in kho-boot(7). */
#define OUTCOME_ID	"e00a8ab234d340d5bb48518ed9ff5bf0"
#define FINDING_ID	"2795835c66fc419c9f693c058827dd02"
#define JOURNAL		"/run/systemd/journal/socket"
/* Findings of each stage: a journal only takes some thousand entries at a time. */
#define MAX_ENTRIES	1000
#define METRICS_TIME	240000	/* milliseconds */
#define TOOL		"kho-inspect boot-report: "

struct report {
	const struct options *options;
	const char *dir;
	enum boot_word word;
	char line[2560];		/* the status */
	int journal;			/* a socket, or -1 */
	bool failed;
};

/* ------------------------------------------------------------------ journal */

static int open_journal(const char *sysroot)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s" JOURNAL, sysroot) >=
	    (int)sizeof(address.sun_path))
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * @fields: "NAME=value\n" lines. A value has no line break: it is text, or its source was read line by
 * line. If there is no journal socket, the text goes to standard output, and so to the journal.
 */
static void send_entry(const struct report *report, int priority, const char *message,
		       const char *fields)
{
	char entry[8192];
	int n = snprintf(entry, sizeof(entry), "SYSLOG_IDENTIFIER=kho-report\nPRIORITY=%d\nMESSAGE=%s\n%s",
			 priority, message, fields);

	if (n > 0 && (size_t)n < sizeof(entry) && report->journal >= 0 &&
	    send(report->journal, entry, (size_t)n, MSG_NOSIGNAL) == n)
		return;
	put_line(stdout, "<%d>%s", priority, message);
}

static void send_outcome(const struct report *report)
{
	char message[2600], path[PATH_MAX], text[PATH_MAX], fields[PATH_MAX + 160];
	/* a reader of the journal does not know the working folder */
	const char *dir = realpath(report->dir, path) ? path : report->dir;

	kho_text(text, sizeof(text), dir, strlen(dir));
	snprintf(message, sizeof(message), "KHO: %s", report->line);
	snprintf(fields, sizeof(fields),
		 "MESSAGE_ID=" OUTCOME_ID "\nKHO_STATUS=%s\nKHO_REPORT=%s\n",
		 boot_word_name(report->word), text);
	send_entry(report, boot_word_priority(report->word), message, fields);
}

static void send_finding(const struct report *report, const struct boot_finding *finding,
			 const char *stage)
{
	char message[512], fields[512];
	int n;

	snprintf(message, sizeof(message), "KHO: %s %s: %s", finding->severity, finding->rule,
		 finding->text);
	n = snprintf(fields, sizeof(fields),
		     "MESSAGE_ID=" FINDING_ID "\nKHO_RULE=%s\nKHO_SEVERITY=%s\nKHO_UNEVALUATED=%s\nKHO_STAGE=%s\n",
		     finding->rule, finding->severity,
		     boot_finding_judged(finding) ? "false" : "true", stage);
	if (strcmp(finding->record, "-"))
		n += snprintf(fields + n, sizeof(fields) - (size_t)n, "KHO_RECORD_ID=%s\n",
			      finding->record);
	if (strcmp(finding->address, "-"))
		snprintf(fields + n, sizeof(fields) - (size_t)n, "KHO_ADDRESS=%s\n",
			 finding->address);
	send_entry(report, boot_class_priority(finding->class), message, fields);
}

/* The file exists if that stage ran; its worst findings come first. */
static void send_findings(struct report *report, const char *name, const char *stage)
{
	FILE *file = boot_file_read(report->dir, name);
	struct boot_findings list = { 0 };
	char text[160], fields[64];

	if (!file && errno == ENOENT)
		return;
	if (!file) {
		put_line(stderr, TOOL "cannot read %s/%s: %s. Its findings are not reported.", report->dir, name,
			 strerror(errno));
		report->failed = true;
		return;
	}
	if (!boot_findings_read(file, &list)) {
		put_line(stderr, TOOL "%s/%s is not complete: not all of its findings are reported.",
			 report->dir, name);
		report->failed = true;
	}
	fclose(file);
	for (size_t i = 0; i < list.n && i < MAX_ENTRIES; i++)
		send_finding(report, &list.list[i], stage);
	if (list.n > MAX_ENTRIES) {
		snprintf(text, sizeof(text), "KHO: %zu more findings are in %.80s/%s",
			 list.n - MAX_ENTRIES, report->dir, name);
		snprintf(fields, sizeof(fields), "KHO_STAGE=%s\n", stage);
		send_entry(report, LOG_WARNING, text, fields);
	}
	boot_findings_free(&list);
}

/* ------------------------------------------------------------------ metrics */

struct metrics {
	const struct report *report;
	int fd;				/* where they are collected */
	int folder;			/* of the file where they go */
	const char *path;
};

struct outcome {
	bool done;
	char message[256];
};

/* Counts what the first check found in sealed content and what it could not judge there (K413). */
static struct kho_verify_summary content_at_boot(const char *dir)
{
	const struct kho_rule *rule = kho_rule_get(KHO_RULE_K413);
	FILE *file = boot_file_read(dir, BOOT_FINDINGS);
	struct kho_verify_summary content = { 0 };
	struct boot_findings list = { 0 };

	/* without the whole list, nothing shows that the content was judged */
	if (!file || !boot_findings_read(file, &list))
		content.unevaluated++;
	if (file)
		fclose(file);
	for (size_t i = 0; i < list.n; i++) {
		if (strcmp(list.list[i].rule, rule->id))
			continue;
		if (boot_finding_judged(&list.list[i]))
			content.findings[rule->severity]++;
		else
			content.unevaluated++;
	}
	boot_findings_free(&list);
	return content;
}

/* Does not read content, which takes too long: @content has the findings of the boot. */
static void print_state(struct options options, const struct kho_verify_summary *content,
			struct outcome *outcome)
{
	struct kho_verify_summary summary;
	struct findings findings;
	struct opened opened;
	struct kho_error err;

	options.prometheus = true;
	options.verify.claims = options.verify.skip_content = true;
	if (open_state(&options, KHO_SIDE_IN, true, &opened, &err)) {
		snprintf(outcome->message, sizeof(outcome->message), "%s", err.message);
		return;
	}
	findings_begin(&findings, &options, "verify");
	findings.state = opened.state;
	if (kho_verify(opened.state, &options.verify, findings_add, &findings, &summary, &err)) {
		snprintf(outcome->message, sizeof(outcome->message), "%s", err.message);
	} else {
		for (int i = KHO_SEVERITY_INFO; i <= KHO_SEVERITY_FATAL; i++)
			summary.findings[i] += content->findings[i];
		summary.unevaluated += content->unevaluated;
		findings_end(&findings, &summary, true);
		if (summary.unclaimed != KHO_COUNT_UNKNOWN)
			printf("# HELP kho_dma_unclaimed Allocations that no driver has claimed.\n"
			       "# TYPE kho_dma_unclaimed gauge\n"
			       "kho_dma_unclaimed{side=\"incoming\"} %" PRIu64 "\n", summary.unclaimed);
	}
	close_state(&opened);
}

/* Metrics of the scratch areas; none if KHO is off. */
static void print_scratch(const struct options *options)
{
	const struct kho_range *ranges;
	uint64_t scratch = 0, ram = 0;
	struct opened opened;
	struct kho_error err;
	size_t n;

	if (open_state(options, KHO_SIDE_OUT, true, &opened, &err))
		return;
	ranges = kho_state_scratch(opened.state, &n);
	for (size_t i = 0; i < n; i++)
		scratch += ranges[i].size;
	ranges = kho_state_ram(opened.state, &n);
	for (size_t i = 0; i < n; i++)
		ram += ranges[i].size;
	printf("# HELP kho_scratch_bytes Memory that is set aside for the next kernel to start in.\n"
	       "# TYPE kho_scratch_bytes gauge\n"
	       "kho_scratch_bytes %" PRIu64 "\n", scratch);
	if (kho_state_knows_ram(opened.state))
		printf("# HELP kho_ram_bytes All memory.\n# TYPE kho_ram_bytes gauge\n"
		       "kho_ram_bytes %" PRIu64 "\n", ram);
	close_state(&opened);
}

static void print_metrics(void *data, void *result)
{
	const struct metrics *metrics = data;
	const struct report *report = metrics->report;
	struct outcome *outcome = result;
	enum boot_word word = report->word;
	/* the sandbox cannot open the file */
	const struct kho_verify_summary content = content_at_boot(report->dir);

	if (dup2(metrics->fd, STDOUT_FILENO) < 0 || !enter_sandbox(report->options))
		return;
	if (word != WORD_NONE && word != WORD_OFF && word != WORD_ABSENT)
		print_state(*report->options, &content, outcome);
	print_scratch(report->options);
	outcome->done = !fflush(stdout) && !ferror(stdout);
}

/* Another user may own the folder: write there only with that user's rights. */
static bool become_owner(int folder)
{
	struct stat st;

	if (fstat(folder, &st))
		return false;
	if (geteuid() || !st.st_uid)
		return true;
	return !setgroups(0, NULL) && !setresgid(st.st_gid, st.st_gid, st.st_gid) &&
	       !setresuid(st.st_uid, st.st_uid, st.st_uid);
}

static void copy_metrics(int from, FILE *to)
{
	char buf[65536];
	ssize_t n;

	lseek(from, 0, SEEK_SET);
	while (to && (n = read(from, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, to);
}

static void place_metrics(void *data, void *result)
{
	const struct metrics *metrics = data;
	struct outcome *outcome = result;
	struct kho_output *out;
	struct kho_error err;

	/* everybody may read it */
	umask(0022);
	if (!become_owner(metrics->folder)) {
		snprintf(outcome->message, sizeof(outcome->message),
			 "cannot take the rights of the folder's owner: %s", strerror(errno));
		return;
	}
	if (!kho_output_open(metrics->path, 0644, 0, &out, &err)) {
		copy_metrics(metrics->fd, kho_output_stream(out));
		outcome->done = !kho_output_commit(out, &err);
	}
	if (!outcome->done)
		snprintf(outcome->message, sizeof(outcome->message), "%s", err.message);
}

static void run_step(struct report *report, boot_child_fn fn, struct metrics *metrics,
		     const char *what, struct outcome *outcome)
{
	char why[160];

	memset(outcome, 0, sizeof(*outcome));
	if (boot_run_child(fn, metrics, outcome, sizeof(*outcome), boot_clock() + METRICS_TIME, why,
			   sizeof(why)))
		snprintf(outcome->message, sizeof(outcome->message), "%s", why);
	if (*outcome->message || !outcome->done)
		put_line(stderr, TOOL "%s: %s", what, outcome->message);
	report->failed |= !outcome->done;
}

/* The reason why metrics cannot go to @path, or NULL. The children have no standard output. */
static const char *unfit(const char *path)
{
	struct stat st, out;

	if (!strcmp(path, "-"))
		return "\"-\" is not the name of a file";
	if (stat(path, &st))
		return NULL;
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	return !fstat(STDOUT_FILENO, &out) && out.st_dev == st.st_dev && out.st_ino == st.st_ino ?
	       "it is the standard output" : NULL;
}

static void write_textfile(struct report *report, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct metrics metrics = { .report = report, .path = path };
	struct outcome outcome;
	char folder[PATH_MAX];
	int size;

	if (is_file_below(path, report->dir, "")) {
		put_line(stderr, TOOL "cannot write %s: the folder is that of boot-check's report. Change KHO_TEXTFILE.",
			 path);
		report->failed = true;
		return;
	}
	if (is_input(report->options, path)) {
		put_line(stderr, TOOL "cannot write %s: it would replace a file that is read. Change KHO_TEXTFILE.", path);
		report->failed = true;
		return;
	}
	if (unfit(path)) {
		put_line(stderr, TOOL "cannot write %s: %s. node_exporter reads a regular file, which is replaced as a whole.",
			 path, unfit(path));
		report->failed = true;
		return;
	}
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	metrics.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (metrics.folder < 0) {
		put_line(stderr, TOOL "cannot write %s: %s: %s. Create the folder, or change KHO_TEXTFILE.",
			 path, folder, strerror(errno));
		report->failed = true;
		return;
	}
	metrics.fd = memfd_create("metrics", MFD_CLOEXEC);
	if (metrics.fd >= 0) {
		/* needs no state, so it replaces an earlier boot's even if the state cannot be read */
		size = dprintf(metrics.fd,
			       "# HELP kho_boot_status The verdict of the initramfs on the handover; kho-boot(7) has the words.\n"
			       "# TYPE kho_boot_status gauge\n"
			       "kho_boot_status{status=\"%s\"} 1\n"
			       "# HELP kho_report_time_seconds When these metrics were collected, in seconds since 1970.\n"
			       "# TYPE kho_report_time_seconds gauge\n"
			       "kho_report_time_seconds %" PRIdMAX "\n",
			       boot_word_name(report->word), (intmax_t)time(NULL));
		run_step(report, print_metrics, &metrics, "not all metrics are known", &outcome);
		if (outcome.done || (size > 0 && !ftruncate(metrics.fd, size)))
			run_step(report, place_metrics, &metrics, path, &outcome);
		close(metrics.fd);
	} else {
		perror(TOOL "no memory for the metrics");
		report->failed = true;
	}
	close(metrics.folder);
}

int cmd_boot_report(const struct options *options)
{
	struct report report = {
		.options = options,
		.dir = options->dir ? options->dir : BOOT_DIR,
		.journal = -1,
	};

	if (!boot_file_exists(report.dir, "")) {
		put_line(stderr, TOOL "%s does not exist: was this system booted through an initramfs with the check of kho-boot(7)?",
			 report.dir);
		return EXIT_CANNOT_TELL;
	}
	boot_status_read(report.dir, report.line, sizeof(report.line));
	boot_plain(report.line);
	report.word = boot_earlier_word(report.line);

	if (options->journal) {
		report.journal = open_journal(options->sysroot ? options->sysroot : "");
		send_outcome(&report);
		send_findings(&report, BOOT_FINDINGS, "incoming");
		send_findings(&report, BOOT_CLAIMS_FINDINGS, "claims");
		if (report.journal >= 0)
			close(report.journal);
	}
	/* empty: KHO_TEXTFILE is not set */
	if (options->textfile && *options->textfile)
		write_textfile(&report, options->textfile);
	return report.failed ? EXIT_FINDINGS : EXIT_CLEAN;
}
