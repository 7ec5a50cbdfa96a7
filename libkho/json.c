// SPDX-License-Identifier: LGPL-2.1-or-later
/* A streaming JSON writer (RFC 8259). */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define MAX_DEPTH	64
#define INDENT		2

struct kho_json {
	FILE *out;
	unsigned int depth;	/* number of open objects and arrays */
	uint64_t arrays;	/* by depth, a bit for each that is an array */
	uint64_t filled;	/* by depth, a bit for each that is not empty */
	bool begun;		/* the document has its top value */
	bool misused;
	size_t used;
	char buf[4096];		/* output buffer: a document may have millions of pieces */
};

struct kho_json *kho_json_create(FILE *out)
{
	struct kho_json *json = malloc(sizeof(*json));

	if (!json)
		return NULL;
	memset(json, 0, offsetof(struct kho_json, buf));
	json->out = out;
	return json;
}

static void flush(struct kho_json *json)
{
	/* the stream remembers an error */
	fwrite(json->buf, 1, json->used, json->out);
	json->used = 0;
}

static void put(struct kho_json *json, const char *text, size_t size)
{
	if (size > sizeof(json->buf) - json->used)
		flush(json);
	if (size > sizeof(json->buf)) {
		fwrite(text, 1, size, json->out);
		return;
	}
	memcpy(json->buf + json->used, text, size);
	json->used += size;
}

static void put_text(struct kho_json *json, const char *text)
{
	put(json, text, strlen(text));
}

int kho_json_finish(struct kho_json *json)
{
	int ret = 0;

	if (!json)
		return 0;
	put(json, "\n", 1);
	flush(json);
	if (json->depth || json->misused)
		ret = KHO_ERR_USAGE;
	else if (ferror(json->out))
		ret = KHO_ERR_OS;
	free(json);
	return ret;
}

/* --------------------------------------------------------------- structure */

static uint64_t innermost(const struct kho_json *json)
{
	return 1ull << (json->depth - 1);
}

/* True inside an object or array that is in an array: it is one line. */
static bool in_line(const struct kho_json *json)
{
	return json->arrays & (innermost(json) - 1);
}

static void put_line(struct kho_json *json)
{
	static const char spaces[] = "                                ";
	size_t left = INDENT * json->depth;

	put(json, "\n", 1);
	for (size_t n; left; left -= n) {
		n = left < sizeof(spaces) - 1 ? left : sizeof(spaces) - 1;
		put(json, spaces, n);
	}
}

static void put_quoted(struct kho_json *json, const char *bytes, size_t size, bool escape_backslash);

/* Writes comma and white space before the next value. */
static void separate(struct kho_json *json)
{
	bool filled = json->filled & innermost(json);

	if (filled)
		put(json, ",", 1);
	if (!in_line(json))
		put_line(json);
	else if (filled)
		put(json, " ", 1);
	json->filled |= innermost(json);
}

static void begin_value(struct kho_json *json, const char *key)
{
	bool in_object = json->depth && !(json->arrays & innermost(json));

	json->misused |= in_object == !key || (!json->depth && json->begun);
	json->begun = true;
	if (json->depth)
		separate(json);
	if (key) {
		put_quoted(json, key, strlen(key), false);
		put(json, ": ", 2);
	}
}

static void begin(struct kho_json *json, const char *key, bool array)
{
	begin_value(json, key);
	if (json->depth == MAX_DEPTH) {
		json->misused = true;
		return;
	}
	json->depth++;
	json->filled &= ~innermost(json);
	json->arrays &= ~innermost(json);
	if (array)
		json->arrays |= innermost(json);
	put(json, array ? "[" : "{", 1);
}

void kho_json_object(struct kho_json *json, const char *key)
{
	begin(json, key, false);
}

void kho_json_array(struct kho_json *json, const char *key)
{
	begin(json, key, true);
}

void kho_json_end(struct kho_json *json)
{
	bool array, line;

	if (!json->depth) {
		json->misused = true;
		return;
	}
	array = json->arrays & innermost(json);
	line = json->filled & innermost(json) && !in_line(json);
	json->depth--;
	if (line)
		put_line(json);
	put(json, array ? "]" : "}", 1);
}

/* ---------------------------------------------------------------- values */

void kho_json_null(struct kho_json *json, const char *key)
{
	begin_value(json, key);
	put_text(json, "null");
}

void kho_json_bool(struct kho_json *json, const char *key, bool value)
{
	begin_value(json, key);
	put_text(json, value ? "true" : "false");
}

static void put_uint(struct kho_json *json, uint64_t value)
{
	char digits[24], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	put(json, at, (size_t)(digits + sizeof(digits) - at));
}

void kho_json_uint(struct kho_json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	put_uint(json, value);
}

void kho_json_int(struct kho_json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	if (value < 0)
		put(json, "-", 1);
	put_uint(json, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static const char hex_digits[] = "0123456789abcdef";

void kho_json_hex(struct kho_json *json, const char *key, uint64_t value)
{
	char digits[24], *at = digits + sizeof(digits);

	*--at = '"';
	do
		*--at = hex_digits[value & 15];
	while (value >>= 4);
	*--at = 'x';
	*--at = '0';
	*--at = '"';
	begin_value(json, key);
	put(json, at, (size_t)(digits + sizeof(digits) - at));
}

void kho_json_addr(struct kho_json *json, const char *key, uint64_t addr)
{
	if (addr == KHO_NO_ADDR)
		kho_json_null(json, key);
	else
		kho_json_hex(json, key, addr);
}

static void put_byte(struct kho_json *json, unsigned char byte)
{
	char digits[] = { hex_digits[byte >> 4], hex_digits[byte & 15] };

	put(json, digits, sizeof(digits));
}

void kho_json_bytes(struct kho_json *json, const char *key, const void *bytes, size_t size)
{
	begin_value(json, key);
	put(json, "\"", 1);
	for (size_t i = 0; i < size; i++)
		put_byte(json, ((const unsigned char *)bytes)[i]);
	put(json, "\"", 1);
}

/* ------------------------------------------------------------------ text */

static void put_quoted(struct kho_json *json, const char *bytes, size_t size, bool escape_backslash)
{
	size_t plain = 0, n;

	put(json, "\"", 1);
	for (size_t i = 0; i < size; i += n) {
		char unit[KHO_TEXT_UNIT];
		size_t unit_size;

		n = 1;
		if (bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '"' && bytes[i] != '\\')
			continue;
		put(json, bytes + plain, i - plain);
		n = kho_text_next((const unsigned char *)bytes + i, size - i, escape_backslash,
				  unit, &unit_size);
		/* kho_text_next() leaves no other characters that JSON must escape */
		if (*unit == '"' || *unit == '\\')
			put(json, "\\", 1);
		put(json, unit, unit_size);
		plain = i + n;
	}
	put(json, bytes + plain, size - plain);
	put(json, "\"", 1);
}

/* Begins member "<key>_bytes" with the original bytes of a text that has escapes. */
static void begin_bytes(struct kho_json *json, const char *key)
{
	separate(json);
	put(json, "\"", 1);
	put_text(json, key);
	put_text(json, "_bytes\": \"");
}

/* True if the output for @text has "\xNN" in it. */
static bool has_escapes(const char *text)
{
	size_t left = strlen(text), n, unit_size;
	char unit[KHO_TEXT_UNIT];

	for (; left; text += n, left -= n) {
		n = 1;
		if (*text >= ' ' && *text <= '~' && *text != '\\')
			continue;
		if (kho_text_escaped(text))
			return true;
		n = kho_text_next((const unsigned char *)text, left, false, unit, &unit_size);
		if (unit_size > 1 && *unit == '\\')
			return true;
	}
	return false;
}

void kho_json_string(struct kho_json *json, const char *key, const char *text)
{
	if (!text) {
		kho_json_null(json, key);
		return;
	}
	begin_value(json, key);
	put_quoted(json, text, strlen(text), false);
	if (!key || !json->depth || !has_escapes(text))
		return;
	begin_bytes(json, key);
	while (*text)
		put_byte(json, kho_text_byte(&text));
	put(json, "\"", 1);
}

void kho_json_raw(struct kho_json *json, const char *key, const char *bytes)
{
	if (!bytes) {
		kho_json_null(json, key);
		return;
	}
	begin_value(json, key);
	put_quoted(json, bytes, strlen(bytes), true);
	if (!key || !json->depth || (!strchr(bytes, '\\') && !has_escapes(bytes)))
		return;
	begin_bytes(json, key);
	for (; *bytes; bytes++)
		put_byte(json, (unsigned char)*bytes);
	put(json, "\"", 1);
}
