// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The JSON writer. Prints documents, each after a line with its expected content; libkho-output.bats
 * reads them with the parser of another program. Checks here that the writer refuses misuse.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kho_output.h"

static int wrong;

static void finish(struct kho_json *json, int expected, const char *what)
{
	int ret = kho_json_finish(json);

	if (ret == expected)
		return;
	fprintf(stderr, "%s: expected %d, found %d\n", what, expected, ret);
	wrong = 1;
}

static struct kho_json *begin(FILE *out)
{
	struct kho_json *json = kho_json_create(out);

	if (!json) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
	return json;
}

static void values(void)
{
	struct kho_json *json;

	puts("{'null': None, 'no': False, 'yes': True, 'zero': 0, 'most': 18446744073709551615, "
	     "'least': -9223372036854775808, 'hex': '0x0', 'addr': '0xffff', 'absent': None, 'all': '0xffffffffffffffff', "
	     "'bytes': '00ff10', 'empty': '', 'o': {}, 'a': [], 'nested': [{'a': [1, [2], {}]}, [], 3]}");
	json = begin(stdout);
	kho_json_object(json, NULL);
	kho_json_null(json, "null");
	kho_json_bool(json, "no", false);
	kho_json_bool(json, "yes", true);
	kho_json_uint(json, "zero", 0);
	kho_json_uint(json, "most", UINT64_MAX);
	kho_json_int(json, "least", INT64_MIN);
	kho_json_hex(json, "hex", 0);
	kho_json_addr(json, "addr", 0xffff);
	kho_json_addr(json, "absent", KHO_NO_ADDR);
	kho_json_hex(json, "all", UINT64_MAX);
	kho_json_bytes(json, "bytes", "\0\xff\x10", 3);
	kho_json_bytes(json, "empty", NULL, 0);
	kho_json_object(json, "o");
	kho_json_end(json);
	kho_json_array(json, "a");
	kho_json_end(json);
	kho_json_array(json, "nested");
	kho_json_object(json, NULL);
	kho_json_array(json, "a");
	kho_json_uint(json, NULL, 1);
	kho_json_array(json, NULL);
	kho_json_uint(json, NULL, 2);
	kho_json_end(json);
	kho_json_object(json, NULL);
	kho_json_end(json);
	kho_json_end(json);
	kho_json_end(json);
	kho_json_array(json, NULL);
	kho_json_end(json);
	kho_json_uint(json, NULL, 3);
	kho_json_end(json);
	kho_json_end(json);
	finish(json, 0, "values");
}

static void text(void)
{
	char clean[KHO_TEXT_ROOM(8)];
	struct kho_json *json;

	puts("{'plain': 'a \"b\" /', 'absent': None, 'umlaut': '\xc3\xbc', 'raw': 'a\\\\xff\\\\x1b', 'raw_bytes': '61ff1b', "
	     "'clean': '\\\\xffz\\\\x5cx41', 'clean_bytes': 'ff7a5c783431', 'path': 'C:\\\\x5cx41', 'path_bytes': '433a5c783431', "
	     "'message': 'no C:\\\\x', 'cut': 'a\\\\xc3', 'cut_bytes': '61c3', 'k\\\\x01': '', 'l': ['\\\\x9b', {'e': '\\\\x80', 'e_bytes': '80'}]}");
	json = begin(stdout);
	kho_json_object(json, NULL);
	kho_json_string(json, "plain", "a \"b\" /");
	kho_json_string(json, "absent", NULL);
	kho_json_string(json, "umlaut", "\xc3\xbc");
	kho_json_string(json, "raw", "a\xff\033");
	kho_text(clean, sizeof(clean), "\xffz\\x41", 6);
	kho_json_string(json, "clean", clean);
	kho_json_raw(json, "path", "C:\\x41");
	kho_json_string(json, "message", "no C:\\x");
	kho_json_raw(json, "cut", "a\xc3");
	kho_json_string(json, "k\001", "");
	kho_json_array(json, "l");
	kho_json_string(json, NULL, "\x9b");
	kho_json_object(json, NULL);
	kho_json_string(json, "e", "\x80");
	kho_json_end(json);
	kho_json_end(json);
	kho_json_end(json);
	finish(json, 0, "text");
}

/* More data than any buffer holds, at the maximum depth. */
static void large(void)
{
	static char piece[10000];
	struct kho_json *json;

	memset(piece, '"', sizeof(piece) - 1);
	puts("['\"' * 9999, list(range(5000)), __import__('functools').reduce(lambda a, i: [a], range(61), [7])]");
	json = begin(stdout);
	kho_json_array(json, NULL);
	kho_json_string(json, NULL, piece);
	kho_json_array(json, NULL);
	for (uint64_t i = 0; i < 5000; i++)
		kho_json_uint(json, NULL, i);
	kho_json_end(json);
	for (int i = 0; i < 62; i++)
		kho_json_array(json, NULL);
	kho_json_uint(json, NULL, 7);
	for (int i = 0; i < 62; i++)
		kho_json_end(json);
	kho_json_end(json);
	finish(json, 0, "large");
}

static void mistakes(void)
{
	FILE *nowhere = fopen("/dev/null", "we"), *full = fopen("/dev/full", "we");
	struct kho_json *json;

	if (!nowhere || !full) {
		perror("/dev/null, /dev/full");
		exit(1);
	}
	json = begin(nowhere);
	kho_json_object(json, NULL);
	finish(json, KHO_ERR_USAGE, "left open");
	json = begin(nowhere);
	kho_json_end(json);
	finish(json, KHO_ERR_USAGE, "an end too many");
	json = begin(nowhere);
	kho_json_object(json, NULL);
	kho_json_uint(json, NULL, 1);
	kho_json_end(json);
	finish(json, KHO_ERR_USAGE, "no key");
	json = begin(nowhere);
	kho_json_array(json, NULL);
	kho_json_uint(json, "key", 1);
	kho_json_end(json);
	finish(json, KHO_ERR_USAGE, "a key in an array");
	json = begin(nowhere);
	kho_json_string(json, "key", "\xff");
	finish(json, KHO_ERR_USAGE, "a key alone");
	json = begin(nowhere);
	kho_json_uint(json, NULL, 1);
	kho_json_uint(json, NULL, 1);
	finish(json, KHO_ERR_USAGE, "two documents");
	json = begin(nowhere);
	for (int i = 0; i < 65; i++)
		kho_json_array(json, NULL);
	for (int i = 0; i < 65; i++)
		kho_json_end(json);
	finish(json, KHO_ERR_USAGE, "too deep");
	setbuf(full, NULL);
	json = begin(full);
	kho_json_uint(json, NULL, 1);
	finish(json, KHO_ERR_OS, "a full disk");
	finish(NULL, 0, "nothing");
	fclose(nowhere);
	fclose(full);
}

int main(void)
{
	values();
	text();
	large();
	mistakes();
	return wrong;
}
