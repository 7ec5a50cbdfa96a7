// SPDX-License-Identifier: GPL-2.0-or-later
/* The findings of a boot: a list, and a file with one line each. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "inspect.h"


static void add(struct boot_findings *findings, const struct boot_finding *finding)
{
	char *text = strdup(finding->text);

	if (text && findings->n == findings->room) {
		size_t room = findings->room ? 2 * findings->room : 64;
		struct boot_finding *list = reallocarray(findings->list, room, sizeof(*list));

		if (list) {
			findings->list = list;
			findings->room = room;
		}
	}
	if (!text || findings->n == findings->room) {
		findings->truncated = true;
		free(text);
		return;
	}
	findings->list[findings->n] = *finding;
	findings->list[findings->n++].text = text;
}

void boot_findings_add(struct boot_findings *findings, const struct kho_finding *finding)
{
	char text[sizeof(finding->message) + FORMAT_ROOM];
	struct boot_finding line = {
		.class = boot_classify(finding), .address = "-", .record = "-", .text = text,
	};

	snprintf(line.rule, sizeof(line.rule), "%s", finding->rule->id);
	snprintf(line.severity, sizeof(line.severity), "%s", kho_severity_name(finding->severity));
	if (finding->addr != KHO_NO_ADDR)
		snprintf(line.address, sizeof(line.address), "0x%" PRIx64, finding->addr);
	if (finding->record_id)
		snprintf(line.record, sizeof(line.record), "%" PRIu64, finding->record_id);
	snprintf(text, sizeof(text), "%s%s", outcome_text(finding->outcome), finding->message);
	add(findings, &line);
}

/* A stable sort by counting: there are seven classes. */
void boot_findings_sort(struct boot_findings *findings)
{
	struct boot_finding *sorted = calloc(findings->n + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted) {
		findings->truncated = true;
		return;
	}
	for (int class = NR_CLASSES - 1; class >= 0; class--) {
		for (size_t i = 0; i < findings->n; i++) {
			if (findings->list[i].class == (enum boot_class)class)
				sorted[n++] = findings->list[i];
		}
	}
	free(findings->list);
	findings->list = sorted;
	findings->room = findings->n + 1;
}

static int compare(const void *a, const void *b)
{
	const struct boot_finding *one = a, *two = b;
	int ret = strcmp(one->rule, two->rule);

	if (!ret)
		ret = strcmp(one->record, two->record);
	if (!ret)
		ret = strcmp(one->address, two->address);
	return ret ? ret : strcmp(one->text, two->text);
}

void boot_findings_drop(struct boot_findings *findings, struct boot_findings *known)
{
	size_t kept = 0;

	if (!known->n)
		return;
	qsort(known->list, known->n, sizeof(*known->list), compare);
	for (size_t i = 0; i < findings->n; i++) {
		if (bsearch(&findings->list[i], known->list, known->n, sizeof(*known->list), compare))
			free(findings->list[i].text);
		else
			findings->list[kept++] = findings->list[i];
	}
	findings->n = kept;
}

void boot_findings_count(const struct boot_findings *findings, uint64_t counts[NR_CLASSES])
{
	memset(counts, 0, NR_CLASSES * sizeof(*counts));
	for (size_t i = 0; i < findings->n; i++)
		counts[findings->list[i].class]++;
}

void boot_findings_write(const struct boot_findings *findings, FILE *file)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct boot_finding *line = &findings->list[i];

		fprintf(file, "%s %s %s %s %s %s\n", boot_class_name(line->class), line->rule,
			line->severity, line->address, line->record, line->text);
	}
}

/* @text keeps the text after the fields; false if the line is not a finding. */
static bool parse_line(char *text, struct boot_finding *line)
{
	size_t length = strcspn(text, "\n");
	char class[12];
	int end = 0;

	memset(line, 0, sizeof(*line));
	if (text[length] != '\n')
		return false;
	text[length] = '\0';
	if (sscanf(text, "%11s %7s %7s %23s %23s %n", class, line->rule, line->severity,
		   line->address, line->record, &end) != 5 || !end)
		return false;
	line->text = text + end;
	return boot_class_parse(class, &line->class);
}

bool boot_findings_read(FILE *file, struct boot_findings *findings)
{
	struct boot_finding line;
	char text[512];

	while (fgets(text, sizeof(text), file)) {
		if (!parse_line(text, &line))
			return false;
		add(findings, &line);
	}
	return !ferror(file) && !findings->truncated;
}

bool boot_finding_judged(const struct boot_finding *finding)
{
	return strncmp(finding->text, NOT_JUDGED, strlen(NOT_JUDGED)) != 0;
}

void boot_findings_free(struct boot_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		free(findings->list[i].text);
	free(findings->list);
	*findings = (struct boot_findings){ 0 };
}
