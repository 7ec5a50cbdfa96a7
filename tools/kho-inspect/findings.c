// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>

#include "findings.h"

static const char *color_of(const struct kho_finding *finding)
{
	if (finding->unevaluated)
		return "\033[35m";
	switch (finding->severity) {
	case KHO_SEVERITY_INFO: return "\033[36m";
	case KHO_SEVERITY_WARNING: return "\033[33m";
	case KHO_SEVERITY_ERROR: return "\033[31m";
	case KHO_SEVERITY_FATAL: return "\033[1;31m";
	}
	return "";
}

void findings_begin(struct findings *findings, const struct options *options)
{
	*findings = (struct findings){
		.options = options,
		.array = options->json ? json_object_new_array() : NULL,
		.color = use_color(options),
	};
}

int findings_add(const struct kho_finding *finding, void *data)
{
	struct findings *findings = data;
	bool color = findings->color;

	if (findings->options->prometheus)
		return 0;
	if (findings->array) {
		json_object_array_add(findings->array, json_finding(finding));
		return 0;
	}
	progress_hide(findings->progress);
	printf("%s%-8s%s %s  %s%s\n", color ? color_of(finding) : "",
	       kho_severity_name(finding->severity), color ? "\033[0m" : "", finding->rule->id,
	       finding->unevaluated ? "not judged: " : "", finding->message);
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

static void print_summary(const struct kho_verify_summary *summary)
{
	uint64_t above_info = summary->findings[KHO_SEVERITY_WARNING] +
			      summary->findings[KHO_SEVERITY_ERROR] +
			      summary->findings[KHO_SEVERITY_FATAL];

	if (!above_info && !summary->unevaluated)
		printf("clean: ");
	printf("%zu fatal, %zu errors, %zu warnings, %zu not judged",
	       summary->findings[KHO_SEVERITY_FATAL], summary->findings[KHO_SEVERITY_ERROR],
	       summary->findings[KHO_SEVERITY_WARNING], summary->unevaluated);
	/* a target, or nothing at all, has no records to count */
	if (summary->rules)
		printf("; %" PRIu64 " records, %" PRIu64 " preserved ranges", summary->records,
		       summary->ranges);
	puts("");
}

static void print_json(struct findings *findings, const char *command,
		       const struct kho_state *state, const struct kho_verify_summary *summary,
		       int status)
{
	struct json_object *document = json_document(command);
	struct json_object *object = json_object_new_object();

	for (int i = KHO_SEVERITY_INFO; i <= KHO_SEVERITY_FATAL; i++)
		json_add_uint(object, kho_severity_name(i), summary->findings[i]);
	json_add_uint(object, "unevaluated", summary->unevaluated);
	json_add_uint(object, "records", summary->records);
	json_add_uint(object, "pages", summary->pages);
	json_add_uint(object, "ranges", summary->ranges);
	json_add_uint(object, "status", (uint64_t)status);

	json_object_object_add(document, "state", state ? json_state(state) : NULL);
	json_object_object_add(document, "findings", findings->array);
	json_object_object_add(document, "summary", object);
	json_print(document);
}

static void print_metrics(const struct options *options,
			  const struct kho_verify_summary *summary, int status)
{
	const char *side = side_text(option_side(options));

	puts("# HELP kho_verify_findings Findings of kho-inspect verify by severity.\n"
	     "# TYPE kho_verify_findings gauge");
	for (int i = KHO_SEVERITY_INFO; i <= KHO_SEVERITY_FATAL; i++)
		printf("kho_verify_findings{side=\"%s\",severity=\"%s\"} %zu\n", side,
		       kho_severity_name(i), summary->findings[i]);
	printf("# HELP kho_verify_unevaluated Rules that could not be evaluated.\n"
	       "# TYPE kho_verify_unevaluated gauge\n"
	       "kho_verify_unevaluated{side=\"%s\"} %zu\n"
	       "# HELP kho_dma_records DMA records.\n# TYPE kho_dma_records gauge\n"
	       "kho_dma_records{side=\"%s\"} %" PRIu64 "\n"
	       "# HELP kho_verify_ok Whether the state is as it should be.\n"
	       "# TYPE kho_verify_ok gauge\n"
	       "kho_verify_ok{side=\"%s\"} %d\n",
	       side, summary->unevaluated, side, summary->records, side, status == EXIT_CLEAN);
}

int findings_end(struct findings *findings, const char *command,
		 const struct kho_state *state, const struct kho_verify_summary *summary)
{
	int status = status_of(findings->options, summary);

	progress_hide(findings->progress);
	if (findings->options->prometheus)
		print_metrics(findings->options, summary, status);
	else if (findings->array)
		print_json(findings, command, state, summary, status);
	else
		print_summary(summary);
	return status;
}
