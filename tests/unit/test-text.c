// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text that programs print. A table has bytes and their form as text. For any bytes, the result is UTF-8
 * (by the C library) without control characters, and the original bytes can be recovered.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "kho_output.h"

static int wrong;

static const struct {
	const char *bytes;
	size_t size;
	const char *text;
} cases[] = {
#define CASE(bytes, text)	{ bytes, sizeof(bytes) - 1, text }
	CASE("", ""),
	CASE("7.3.4-kho", "7.3.4-kho"),
	CASE("a b ~", "a b ~"),
	/* C0, DEL, NUL */
	CASE("\033[31mred", "\\x1b[31mred"),
	CASE("a\nb\tc\r", "a\\x0ab\\x09c\\x0d"),
	CASE("\x7f", "\\x7f"),
	CASE("a\0b", "a\\x00b"),
	/* C1, as a byte and as a character */
	CASE("\x9b" "2J", "\\x9b2J"),
	CASE("\xc2\x9b" "2J", "\\xc2\\x9b2J"),
	CASE("\xc2\x80", "\\xc2\\x80"),
	CASE("\xc2\xa0", "\xc2\xa0"),
	/* UTF-8 stays unchanged */
	CASE("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"),
	CASE("\xe2\x82\xac", "\xe2\x82\xac"),
	CASE("\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7"),
	CASE("\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd"),
	/* invalid: alone, truncated, overlong, a surrogate, too large */
	CASE("\xff\xfe", "\\xff\\xfe"),
	CASE("a\x80z", "a\\x80z"),
	CASE("\xc3", "\\xc3"),
	CASE("\xc3(", "\\xc3("),
	CASE("\xe2\x82", "\\xe2\\x82"),
	CASE("\xe2\x82z", "\\xe2\\x82z"),
	CASE("\xc0\xaf", "\\xc0\\xaf"),
	CASE("\xc1\xbf", "\\xc1\\xbf"),
	CASE("\xe0\x80\xaf", "\\xe0\\x80\\xaf"),
	CASE("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"),
	CASE("\xed\xa0\x80", "\\xed\\xa0\\x80"),
	CASE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"),
	CASE("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"),
	/* direction of text, line separators, what XML lacks */
	CASE("\xe2\x80\xae" "gpj", "\\xe2\\x80\\xaegpj"),
	CASE("\xe2\x81\xa6", "\\xe2\\x81\\xa6"),
	CASE("\xe2\x80\x8f", "\\xe2\\x80\\x8f"),
	CASE("\xd8\x9c", "\\xd8\\x9c"),
	CASE("\xe2\x80\xa8", "\\xe2\\x80\\xa8"),
	CASE("\xef\xbf\xbe", "\\xef\\xbf\\xbe"),
	CASE("\xef\xbf\xbd", "\xef\xbf\xbd"),
	/* an original backslash differs from an escape */
	CASE("C:\\xff", "C:\\x5cxff"),
};

static void check_table(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[128];
		size_t n = kho_text(text, sizeof(text), cases[i].bytes, cases[i].size);

		if (n == strlen(cases[i].text) && !strcmp(text, cases[i].text))
			continue;
		fprintf(stderr, "case %zu: expected \"%s\", found \"%s\" (%zu)\n", i, cases[i].text, text, n);
		wrong = 1;
	}
}

static void check_fit(const char *text, const char *what)
{
	const char *at = text;
	mbstate_t state = { 0 };
	wchar_t wide[1024];
	size_t n = mbsrtowcs(wide, &at, 1024, &state);

	if (n == (size_t)-1 || at) {
		fprintf(stderr, "%s is not UTF-8: \"%s\"\n", what, text);
		wrong = 1;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (iswcntrl((wint_t)wide[i]) || (wide[i] >= 0x80 && wide[i] < 0xa0)) {
			fprintf(stderr, "%s has the control character %#x\n", what, (unsigned int)wide[i]);
			wrong = 1;
		}
	}
}

static void check_bytes(const unsigned char *bytes, size_t size)
{
	char text[KHO_TEXT_ROOM(64)], cut[64], again[KHO_TEXT_ROOM(64)], all[KHO_TEXT_ROOM(64)];
	unsigned char back[KHO_TEXT_ROOM(64)];
	size_t n = kho_text(text, sizeof(text), bytes, size), room;

	check_fit(text, "text");
	if (n != strlen(text) || kho_text_bytes(text, back) != size || memcmp(back, bytes, size)) {
		fprintf(stderr, "\"%s\" does not give its bytes back\n", text);
		wrong = 1;
	}
	/* a message contains the text unchanged */
	snprintf(all, sizeof(all), "%s", text);
	kho_text_message(again, sizeof(again), all);
	if (strcmp(again, text)) {
		fprintf(stderr, "\"%s\" in a message is \"%s\"\n", text, again);
		wrong = 1;
	}
	/* truncated at the end of a piece */
	room = 1 + bytes[0] % sizeof(cut);
	if (kho_text(cut, room, bytes, size) != n || strlen(cut) >= room ||
	    strncmp(cut, text, strlen(cut)) || strlen(cut) + 4 < (n < room ? n : room)) {
		fprintf(stderr, "\"%s\" in %zu bytes is \"%s\"\n", text, room, cut);
		wrong = 1;
	}
	check_fit(cut, "cut text");
	kho_text_bytes(cut, back);
	if (memcmp(back, bytes, kho_text_bytes(cut, back))) {
		fprintf(stderr, "\"%s\" is not a prefix of its bytes\n", cut);
		wrong = 1;
	}
}

/* Random bytes, with many of those that begin characters of UTF-8. */
static void check_random(void)
{
	static const unsigned char starts[] = { 0xc2, 0xc3, 0xe2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, '\\', 'x', 0x80, 0xbf };
	uint64_t random = 1;

	for (unsigned int i = 0; i < 50000; i++) {
		unsigned char bytes[64];
		size_t size = 1 + i % sizeof(bytes);

		for (size_t k = 0; k < size; k++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			bytes[k] = (unsigned char)(random >> 56);
			if (random >> 55 & 1)
				bytes[k] = starts[(random >> 40) % sizeof(starts)];
		}
		check_bytes(bytes, size);
	}
}

/* Every character, and every pair of bytes. */
static void check_all(void)
{
	for (unsigned int c = 0; c <= 0xffff; c++)
		check_bytes((unsigned char[]){ (unsigned char)(c >> 8), (unsigned char)c }, 2);
	for (uint32_t c = 0x800; c <= 0x10ffff; c++) {
		unsigned char three[] = { (unsigned char)(0xe0 | c >> 12), (unsigned char)(0x80 | (c >> 6 & 63)),
					  (unsigned char)(0x80 | (c & 63)) };
		unsigned char four[] = { (unsigned char)(0xf0 | c >> 18), (unsigned char)(0x80 | (c >> 12 & 63)),
					 (unsigned char)(0x80 | (c >> 6 & 63)), (unsigned char)(0x80 | (c & 63)) };

		if (c <= 0xffff)
			check_bytes(three, sizeof(three));
		else if (c < 0x10800 || c > 0x10f800)
			check_bytes(four, sizeof(four));
	}
}

int main(void)
{
	if (!setlocale(LC_ALL, "C.UTF-8")) {
		fputs("there is no locale C.UTF-8\n", stderr);
		return 1;
	}
	check_table();
	check_random();
	check_all();
	return wrong;
}
