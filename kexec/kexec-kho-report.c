// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>
#include <kho.h>

#include "kexec-kho-report.h"

/* ------------------------------------------------------------- JSON, in short */

static void add_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value && *value ? json_object_new_string(value) : NULL);
}

static void add_bool(struct json_object *object, const char *key, int value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

static void add_uint(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static void add_addr(struct json_object *object, const char *key, uint64_t addr)
{
	char text[24] = "";

	if (addr != KHO_NO_ADDR)
		snprintf(text, sizeof(text), "0x%" PRIx64, addr);
	add_string(object, key, text);
}

static struct json_object *about(struct kho_report *report);

static struct json_object *document_of(struct kho_report *report)
{
	struct json_object *about, *document;

	if (report->document)
		return report->document;
	document = json_object_new_object();
	about = json_object_new_object();
	add_string(about, "version", PACKAGE_VERSION);
	add_string(about, "action", NULL);
	add_string(about, "mode", "auto");
	add_bool(about, "dry_run", 0);
	json_object_object_add(document, "kexec_kho", about);
	add_string(document, "verdict", "failed");
	add_string(document, "reason", NULL);
	json_object_object_add(document, "state", NULL);
	json_object_object_add(document, "target", NULL);
	json_object_object_add(document, "segments", json_object_new_array());
	json_object_object_add(document, "findings", json_object_new_array());
	report->document = document;
	return document;
}

static struct json_object *member(struct kho_report *report, const char *key)
{
	return json_object_object_get(document_of(report), key);
}

static struct json_object *about(struct kho_report *report)
{
	return member(report, "kexec_kho");
}

/* ----------------------------------------------------------------- what is told */

void kho_report_mode(struct kho_report *report, const char *mode)
{
	add_string(about(report), "mode", mode);
}

void kho_report_dry_run(struct kho_report *report)
{
	add_bool(about(report), "dry_run", 1);
}

void kho_report_action(struct kho_report *report, const char *action)
{
	add_string(about(report), "action", action);
}

void kho_report_state(struct kho_report *report, struct kho_state *state)
{
	struct json_object *object = json_object_new_object();
	struct json_object *subtrees = json_object_new_array();
	struct json_object *scratch = json_object_new_array();
	const struct kho_subtree *subtree;
	const struct kho_range *areas;
	struct kho_dma_header header;
	size_t n;

	add_string(object, "release", kho_state_release(state));
	add_string(object, "compatible", kho_state_compatible(state));
	add_addr(object, "fdt_addr", kho_state_fdt_addr(state));
	subtree = kho_state_subtrees(state, &n);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(subtrees, json_object_new_string(subtree[i].name));
	json_object_object_add(object, "subtrees", subtrees);

	areas = kho_state_scratch(state, &n);
	for (size_t i = 0; i < n; i++) {
		struct json_object *area = json_object_new_object();

		add_addr(area, "addr", areas[i].addr);
		add_uint(area, "size", areas[i].size);
		json_object_array_add(scratch, area);
	}
	json_object_object_add(object, "scratch", scratch);

	if (kho_dma_read_header(state, &header, NULL))
		memset(&header, 0, sizeof(header));
	add_uint(object, "records", header.nr_records);
	add_uint(object, "pages", header.nr_pages);
	add_uint(object, "generation", header.generation);
	json_object_object_add(document_of(report), "state", object);
}

void kho_report_target(struct kho_report *report, const char *image,
		       const struct kho_target *target)
{
	struct json_object *object = json_object_new_object();

	add_string(object, "image", image);
	add_string(object, "format", target->format);
	add_string(object, "release", target->release);
	add_bool(object, "has_kho", target->has_kho);
	add_string(object, "root_compatible", target->root_compatible);
	add_string(object, "luo_compatible", target->luo_compatible);
	add_string(object, "dma_compatible", target->dma_compatible);
	add_string(object, "command_line", NULL);
	json_object_object_add(document_of(report), "target", object);
}

void kho_report_command_line(struct kho_report *report, const char *command_line)
{
	struct json_object *target = member(report, "target");

	if (target)
		add_string(target, "command_line", command_line);
}

void kho_report_segment(struct kho_report *report, uint64_t addr, uint64_t size,
			const char *what)
{
	struct json_object *object = json_object_new_object();

	add_addr(object, "addr", addr);
	add_uint(object, "size", size);
	add_string(object, "content", what);
	json_object_array_add(member(report, "segments"), object);
}

static int is_same(struct json_object *told, const char *rule, const char *message)
{
	return !strcmp(json_object_get_string(json_object_object_get(told, "rule")), rule) &&
	       !strcmp(json_object_get_string(json_object_object_get(told, "message")), message);
}

int kho_report_finding(struct kho_report *report, const struct kho_finding *finding)
{
	struct json_object *findings = member(report, "findings"), *object;

	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		if (is_same(json_object_array_get_idx(findings, i), finding->rule->id,
			    finding->message))
			return 0;
	}

	object = json_object_new_object();
	add_string(object, "rule", finding->rule->id);
	add_string(object, "severity", kho_severity_name(finding->severity));
	add_bool(object, "unevaluated", finding->unevaluated);
	add_addr(object, "addr", finding->addr);
	json_object_object_add(object, "record", finding->record_id ?
			       json_object_new_uint64(finding->record_id) : NULL);
	/* never null: it is what findings are told apart by */
	json_object_object_add(object, "message", json_object_new_string(finding->message));
	add_string(object, "remedy", finding->remedy);
	json_object_array_add(findings, object);
	return 1;
}

void kho_report_verdict(struct kho_report *report, const char *verdict, const char *reason)
{
	add_string(document_of(report), "verdict", verdict);
	add_string(document_of(report), "reason", reason);
}

/* ---------------------------------------------------------------------- file */

int kho_report_open(struct kho_report *report, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0) {
		fprintf(stderr, "--kho-report=%s: %s\n", path, strerror(errno));
		return -1;
	}
	if (report->path)
		close(report->fd);
	report->path = path;
	report->fd = fd;
	return 0;
}

void kho_report_write(struct kho_report *report)
{
	const char *text;
	int failed;

	if (!report->path)
		return;
	text = json_object_to_json_string_ext(document_of(report), JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_SPACED |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	/* a pipe or a terminal cannot be cut, and needs not be */
	if (lseek(report->fd, 0, SEEK_SET) == 0 && ftruncate(report->fd, 0))
		text = NULL;
	failed = !text || dprintf(report->fd, "%s\n", text) < 0;
	/* the jump may come next; what is no file cannot be synced */
	if (!failed && fsync(report->fd) && errno != EINVAL)
		failed = 1;
	if (failed)
		fprintf(stderr, "--kho-report=%s: cannot be written: %s\n", report->path,
			strerror(errno));
}

#endif /* HAVE_LIBKHO */
