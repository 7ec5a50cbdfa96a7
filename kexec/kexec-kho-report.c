// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "config.h"
#ifdef HAVE_LIBKHO

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>
#include <kho.h>

/*
 * json-c is loaded when there is a report to be written: every other load and jump
 * would pay for it. By these names what follows calls what was loaded.
 */
#define JSON_LIBRARY	"libjson-c.so.5"
#define JSON_FUNCTIONS(do_with)				\
	do_with(json_object_array_add)			\
	do_with(json_object_get)			\
	do_with(json_object_new_array)			\
	do_with(json_object_new_boolean)		\
	do_with(json_object_new_int)			\
	do_with(json_object_new_object)			\
	do_with(json_object_new_string)			\
	do_with(json_object_new_uint64)			\
	do_with(json_object_object_add)			\
	do_with(json_object_put)			\
	do_with(json_object_to_json_string_ext)

#define JSON_POINTER(name)	__typeof__(&name) name;
static struct { JSON_FUNCTIONS(JSON_POINTER) } json_c;

#define JSON_ENTRY(name)	{ #name, &json_c.name },
static const struct { const char *name; void *to; } json_functions[] = {
	JSON_FUNCTIONS(JSON_ENTRY)
};

#define json_object_array_add		json_c.json_object_array_add
#define json_object_get			json_c.json_object_get
#define json_object_new_array		json_c.json_object_new_array
#define json_object_new_boolean		json_c.json_object_new_boolean
#define json_object_new_int		json_c.json_object_new_int
#define json_object_new_object		json_c.json_object_new_object
#define json_object_new_string		json_c.json_object_new_string
#define json_object_new_uint64		json_c.json_object_new_uint64
#define json_object_object_add		json_c.json_object_object_add
#define json_object_put			json_c.json_object_put
#define json_object_to_json_string_ext	json_c.json_object_to_json_string_ext

/*
 * The writer of kho-inspect as it is, so that both use the same terms. Included and
 * not compiled by itself, for without libkho there is nothing to compile it with.
 */
#include "kho-inspect/json.c"
#include "kho-inspect/format.c"

#include "kexec-kho-report.h"

static FILE *report_file;
static struct json_object *report_findings;

static int load_json_c(void)
{
	void *library = dlopen(JSON_LIBRARY, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; library && i < sizeof(json_functions) / sizeof(json_functions[0]); i++) {
		void *function = dlsym(library, json_functions[i].name);

		if (!function)
			library = NULL;
		memcpy(json_functions[i].to, &function, sizeof(function));
	}
	if (library)
		return 0;
	fprintf(stderr, "--kho-report: needs json-c: %s\n", dlerror());
	return -1;
}

int kho_report_open(const char *path)
{
	int fd;

	if (load_json_c())
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	report_file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!report_file) {
		fprintf(stderr, "--kho-report: cannot write %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	report_findings = json_object_new_array();
	return 0;
}

void kho_report_finding(const struct kho_finding *finding)
{
	if (report_file)
		json_object_array_add(report_findings, json_finding(finding));
}

static struct json_object *json_target(const struct kho_target *target)
{
	struct json_object *object = json_object_new_object();

	json_add_string(object, "format", target->format);
	json_add_string(object, "release", *target->release ? target->release : NULL);
	json_add_bool(object, "has_kho", target->has_kho);
	if (target->config_known)
		json_add_bool(object, "default_on", target->kho_default_on);
	else
		json_add_string(object, "default_on", NULL);
	json_add_string(object, "root", *target->root_compatible ? target->root_compatible : NULL);
	json_add_string(object, "luo", *target->luo_compatible ? target->luo_compatible : NULL);
	json_add_string(object, "dma", *target->dma_compatible ? target->dma_compatible : NULL);
	return object;
}

static struct json_object *json_dma(struct kho_state *state)
{
	struct json_object *object;
	struct kho_dma_header header;

	if (!state || kho_dma_read_header(state, &header, NULL))
		return NULL;
	object = json_object_new_object();
	json_add_uint(object, "records", header.nr_records);
	json_add_uint(object, "pages", header.nr_pages);
	json_add_uint(object, "generation", header.generation);
	return object;
}

static struct json_object *json_ranges(const struct kho_range *ranges, size_t n)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, json_range(&ranges[i]));
	return array;
}

static struct json_object *json_segments(const struct kho_report *report)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < report->nr_segments; i++) {
		struct json_object *object = json_object_new_object();

		json_add_hex(object, "addr", report->segments[i].addr);
		json_add_uint(object, "size", report->segments[i].size);
		json_add_string(object, "content", report->segments[i].content);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *json_subtrees(struct kho_state *state)
{
	struct json_object *array = json_object_new_array();
	const struct kho_subtree *subtrees;
	size_t n = 0;

	subtrees = state ? kho_state_subtrees(state, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, json_object_new_string(subtrees[i].name));
	return array;
}

static struct json_object *json_report(const struct kho_report *report)
{
	struct json_object *document = json_object_new_object();
	struct json_object *about = json_object_new_object();
	const struct kho_range *scratch;
	size_t n = 0;

	json_add_string(about, "version", PACKAGE_VERSION);
	json_add_string(about, "action", report->action);
	json_add_string(about, "mode", report->mode);
	json_add_bool(about, "dry_run", report->dry_run);
	json_object_object_add(document, "kexec_kho", about);

	json_object_object_add(document, "state", report->state ? json_state(report->state) : NULL);
	json_object_object_add(document, "subtrees", json_subtrees(report->state));
	json_object_object_add(document, "dma", json_dma(report->state));
	scratch = report->state ? kho_state_scratch(report->state, &n) : NULL;
	json_object_object_add(document, "scratch", json_ranges(scratch, n));
	json_add_string(document, "image", report->image);
	json_object_object_add(document, "target", report->target ? json_target(report->target) : NULL);
	json_add_string(document, "command_line", report->command_line);
	json_add_string(document, "path", report->path);
	json_object_object_add(document, "segments", json_segments(report));
	json_add_addr(document, "setup_data", report->setup_data);
	json_object_object_add(document, "findings", json_object_get(report_findings));
	json_add_string(document, "verdict", report->verdict);
	json_add_string(document, "message", report->message);
	json_object_object_add(document, "exit_status", json_object_new_int(report->exit_status));
	return document;
}

int kho_report_write(const struct kho_report *report)
{
	struct json_object *document;
	int failed;

	if (!report_file)
		return 0;

	document = json_report(report);
	failed = fprintf(report_file, "%s\n",
			 json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY |
							JSON_C_TO_STRING_SPACED |
							JSON_C_TO_STRING_NOSLASHESCAPE)) < 0;
	failed |= fclose(report_file) != 0;
	report_file = NULL;
	json_object_put(document);
	json_object_put(report_findings);
	return failed ? -1 : 0;
}

#endif /* HAVE_LIBKHO */
