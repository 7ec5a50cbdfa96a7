// SPDX-License-Identifier: GPL-2.0-or-later
/* Documents as in kho-inspect.schema.json: absent is null, addresses are "0x..." */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "config.h"
#include "inspect.h"

struct json_object *json_document(const char *command)
{
	struct json_object *document = json_object_new_object();
	struct json_object *about = json_object_new_object();

	json_add_string(about, "version", PACKAGE_VERSION);
	json_add_string(about, "command", command);
	json_object_object_add(document, "kho_inspect", about);
	return document;
}

void json_add_hex(struct json_object *object, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_add_string(object, key, text);
}

void json_add_addr(struct json_object *object, const char *key, uint64_t addr)
{
	if (addr == KHO_NO_ADDR)
		json_object_object_add(object, key, NULL);
	else
		json_add_hex(object, key, addr);
}

void json_add_uint(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

void json_add_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value ? json_object_new_string(value) : NULL);
}

void json_add_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

struct json_object *json_range(const struct kho_range *range)
{
	struct json_object *object = json_object_new_object();

	json_add_hex(object, "addr", range->addr);
	json_add_uint(object, "size", range->size);
	return object;
}

struct json_object *json_state(const struct kho_state *state)
{
	const char *release = kho_state_release(state);
	struct json_object *object = json_object_new_object();

	json_add_string(object, "side", side_text(kho_state_side(state)));
	json_add_string(object, "release", *release ? release : NULL);
	json_add_string(object, "compatible", kho_state_compatible(state));
	json_add_addr(object, "fdt_addr", kho_state_fdt_addr(state));
	json_add_string(object, "found_by", found_by_text(kho_state_found_by(state)));
	json_add_hex(object, "map_addr", kho_state_map_addr(state));
	return object;
}

struct json_object *json_record(const struct kho_dma_record *record)
{
	struct json_object *object = json_object_new_object();
	char attrs[128];

	json_add_uint(object, "id", record->id);
	json_add_string(object, "device", record->device);
	json_add_string(object, "tag", record->tag);
	json_add_hex(object, "addr", record->addr);
	json_add_hex(object, "dma_addr", record->dma_addr);
	json_add_uint(object, "size", record->size);
	json_add_uint(object, "pages", record->pages);
	json_add_string(object, "attrs", kho_dma_attrs_format(record->attrs, attrs, sizeof(attrs)));
	json_add_hex(object, "state", record->state);
	json_add_bool(object, "in_use", record->in_use);
	json_add_bool(object, "sealed", record->sealed);
	json_add_bool(object, "carried_over", record->carried_over);
	json_add_bool(object, "incoming", record->incoming);
	json_add_bool(object, "shared", record->shared);
	json_add_string(object, "fate", fate_text(record->fate));
	json_add_bool(object, "crc_ok", record->crc_ok);
	if (record->sealed)
		json_add_hex(object, "content_digest", record->content_digest);
	else
		json_add_string(object, "content_digest", NULL);
	return object;
}

struct json_object *json_finding(const struct kho_finding *finding)
{
	struct json_object *object = json_object_new_object();

	json_add_string(object, "rule", finding->rule->id);
	json_add_string(object, "severity", kho_severity_name(finding->severity));
	json_add_bool(object, "unevaluated", finding->unevaluated);
	json_add_uint(object, "count", finding->count);
	json_add_addr(object, "addr", finding->addr);
	if (finding->record_id)
		json_add_uint(object, "record_id", finding->record_id);
	else
		json_add_string(object, "record_id", NULL);
	json_add_string(object, "title", finding->rule->title);
	json_add_string(object, "message", finding->message);
	json_add_string(object, "remedy", finding->remedy);
	return object;
}

#define DOCUMENT_FORMAT	(JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | \
			 JSON_C_TO_STRING_NOSLASHESCAPE)

void json_print(struct json_object *document)
{
	puts(json_object_to_json_string_ext(document, DOCUMENT_FORMAT));
	json_object_put(document);
}

/* The document ends with its brace, which comes when the array is over. */
void json_stream_begin(struct json_stream *stream, struct json_object *document, const char *key)
{
	const char *text = json_object_to_json_string_ext(document, DOCUMENT_FORMAT);
	size_t n = text ? strlen(text) : 0;

	if (n && text[n - 1] == '}')
		n--;
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	stream->elements = 0;
	printf("%.*s,\n  \"%s\": [", (int)n, text, key);
	json_object_put(document);
}

void json_stream_add(struct json_stream *stream, struct json_object *element)
{
	fputs(stream->elements++ ? ",\n    " : "\n    ", stdout);
	fputs(json_object_to_json_string_ext(element, JSON_C_TO_STRING_SPACED |
					     JSON_C_TO_STRING_NOSLASHESCAPE), stdout);
	json_object_put(element);
}

void json_stream_end(const struct json_stream *stream)
{
	puts(stream->elements ? "\n  ]\n}" : "]\n}");
}
