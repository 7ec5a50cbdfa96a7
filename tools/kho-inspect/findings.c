// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>

#include "findings.h"

static const char *color_of(const struct kho_finding *finding)
{
	if (finding->outcome == KHO_OUTCOME_NOT_JUDGED)
		return "\033[35m";
	switch (finding->severity) {
	case KHO_SEVERITY_INFO: return "\033[36m";
	case KHO_SEVERITY_WARNING: return "\033[33m";
	case KHO_SEVERITY_ERROR: return "\033[31m";
	case KHO_SEVERITY_FATAL: return "\033[1;31m";
	}
	return "";
}

void findings_begin(struct findings *findings, const struct options *options, const char *command)
{
	*findings = (struct findings){
		.options = options,
		.command = command,
		.color = use_color(options),
	};
}

static struct kho_json *begin_document(struct findings *findings)
{
	if (findings->json)
		return findings->json;
	findings->json = json_document(findings->command);
	if (findings->target)
		kho_json_target(findings->json, "target", findings->target);
	kho_json_state(findings->json, "state", findings->state);
	kho_json_array(findings->json, "findings");
	return findings->json;
}

int findings_add(const struct kho_finding *finding, void *data)
{
	struct findings *findings = data;
	bool color = findings->color;

	if (findings->options->prometheus)
		return 0;
	if (findings->options->json) {
		kho_json_finding(begin_document(findings), NULL, finding);
		return 0;
	}
	progress_hide(findings->progress);
	printf("%s%-8s%s %s  %s%s\n", color ? color_of(finding) : "",
	       kho_severity_name(finding->severity), color ? "\033[0m" : "", finding->rule->id,
	       outcome_text(finding->outcome), finding->message);
	return 0;
}

static int status_of(const struct options *options, const struct kho_verify_summary *summary)
{
	if (summary->unevaluated)
		return EXIT_FINDINGS;
	for (unsigned int i = options->fail_on; i <= KHO_SEVERITY_FATAL; i++) {
		if (summary->findings[i])
			return EXIT_FINDINGS;
	}
	return EXIT_CLEAN;
}

static void print_summary(const struct kho_verify_summary *summary, int status, bool counts)
{
	char records[FORMAT_ROOM], preservations[FORMAT_ROOM];

	uint64_t above_info = summary->findings[KHO_SEVERITY_WARNING] +
			      summary->findings[KHO_SEVERITY_ERROR] +
			      summary->findings[KHO_SEVERITY_FATAL];

	if (!above_info && status == EXIT_CLEAN)
		printf("clean: ");
	printf("%zu fatal, %zu errors, %zu warnings, %zu not judged",
	       summary->findings[KHO_SEVERITY_FATAL], summary->findings[KHO_SEVERITY_ERROR],
	       summary->findings[KHO_SEVERITY_WARNING], summary->unevaluated);
	if (counts)
		printf("; %s records, %s preservations", format_count(summary->records, records),
		       format_count(summary->preservations, preservations));
	puts("");
}

static void json_count(struct kho_json *json, const char *key, uint64_t count)
{
	json_uint_or_null(json, key, count != KHO_COUNT_UNKNOWN, count);
}

static void print_json(struct findings *findings, const struct kho_verify_summary *summary,
		       int status)
{
	struct kho_json *json = begin_document(findings);

	kho_json_end(json);
	kho_json_object(json, "summary");
	for (int i = KHO_SEVERITY_INFO; i <= KHO_SEVERITY_FATAL; i++)
		kho_json_uint(json, kho_severity_name(i), summary->findings[i]);
	kho_json_uint(json, "unevaluated", summary->unevaluated);
	kho_json_uint(json, "not_applicable", summary->not_applicable);
	kho_json_uint(json, "rules", summary->rules);
	json_count(json, "records", summary->records);
	json_count(json, "pages", summary->pages);
	json_count(json, "preservations", summary->preservations);
	kho_json_uint(json, "status", (uint64_t)status);
	kho_json_end(json);
	json_close(json);
}

void findings_give_up(struct findings *findings)
{
	progress_hide(findings->progress);
	if (!findings->json)
		return;
	kho_json_end(findings->json);
	kho_json_null(findings->json, "summary");
	json_close(findings->json);
}

static void print_metrics(const struct options *options, const struct kho_state *state,
			  const struct kho_verify_summary *summary, int status)
{
	const char *side = kho_side_name(state ? kho_state_side(state) : option_side(options));

	puts("# HELP kho_verify_findings Findings of kho-inspect verify by severity.\n"
	     "# TYPE kho_verify_findings gauge");
	for (int i = KHO_SEVERITY_INFO; i <= KHO_SEVERITY_FATAL; i++)
		printf("kho_verify_findings{side=\"%s\",severity=\"%s\"} %zu\n", side,
		       kho_severity_name(i), summary->findings[i]);
	printf("# HELP kho_verify_unevaluated Rules that could not be evaluated.\n"
	       "# TYPE kho_verify_unevaluated gauge\n"
	       "kho_verify_unevaluated{side=\"%s\"} %zu\n"
	       "# HELP kho_verify_ok Whether the state is as it should be.\n"
	       "# TYPE kho_verify_ok gauge\n"
	       "kho_verify_ok{side=\"%s\"} %d\n",
	       side, summary->unevaluated, side, status == EXIT_CLEAN);
	if (summary->records != KHO_COUNT_UNKNOWN)
		printf("# HELP kho_dma_records DMA records.\n# TYPE kho_dma_records gauge\n"
		       "kho_dma_records{side=\"%s\"} %" PRIu64 "\n", side, summary->records);
}

int findings_end(struct findings *findings, const struct kho_verify_summary *summary, bool counts)
{
	int status = status_of(findings->options, summary);

	progress_hide(findings->progress);
	if (findings->options->prometheus)
		print_metrics(findings->options, findings->state, summary, status);
	else if (findings->options->json)
		print_json(findings, summary, status);
	else
		print_summary(summary, status, counts);
	return status;
}
