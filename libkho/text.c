// SPDX-License-Identifier: LGPL-2.1-or-later
/* Makes printable text from untrusted bytes. */
#include <string.h>

#include "text.h"

/* Characters that control a terminal, a line or the direction of text, or that XML lacks. */
static bool is_control(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c <= 0x9f) || c == 0x061c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfffe || c == 0xffff;
}

/*
 * Length of the UTF-8 character at @s (RFC 3629: no overlong form, no surrogate, nothing
 * above U+10FFFF), 0 if it is malformed or a control character.
 */
static size_t char_length(const unsigned char *s, size_t size)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *s < 0x80 ? 1 : *s < 0xc0 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf8 ? 4 : 0;
	uint32_t c = n > 1 ? *s & (0x7fu >> n) : *s;

	if (!n || n > size)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || is_control(c))
		return 0;
	return n;
}

size_t kho_text_next(const unsigned char *from, size_t size, bool escape_backslash,
		     char unit[KHO_TEXT_UNIT], size_t *unit_size)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = *from == '\\' && escape_backslash ? 0 : char_length(from, size);

	if (n) {
		memcpy(unit, from, n);
		*unit_size = n;
		return n;
	}
	unit[0] = '\\';
	unit[1] = 'x';
	unit[2] = digits[*from >> 4];
	unit[3] = digits[*from & 15];
	*unit_size = KHO_TEXT_UNIT;
	return 1;
}

/* True for printable ASCII, which needs no escape: the common case. */
static bool is_plain(const unsigned char *from, size_t size)
{
	static const bool plain[256] = { [' ' ... '['] = true, [']' ... '~'] = true };

	for (size_t i = 0; i < size; i++) {
		if (!plain[from[i]])
			return false;
	}
	return true;
}

static size_t write_text(char *to, size_t room, const unsigned char *from, size_t size,
			 bool escape_backslash)
{
	size_t length = 0, written = 0, n;
	bool cut = false;

	for (size_t i = 0; i < size; length += n) {
		char unit[KHO_TEXT_UNIT];

		i += kho_text_next(from + i, size - i, escape_backslash, unit, &n);
		cut = cut || n >= room - written;
		if (cut)
			continue;
		memcpy(to + written, unit, n);
		written += n;
	}
	to[written] = '\0';
	return length;
}

size_t kho_text(char *to, size_t room, const void *from, size_t size)
{
	if (size < room && is_plain(from, size)) {
		memcpy(to, from, size);
		to[size] = '\0';
		return size;
	}
	return write_text(to, room, from, size, true);
}

size_t kho_text_message(char *to, size_t room, const char *message)
{
	return write_text(to, room, (const unsigned char *)message, strlen(message), false);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool kho_text_escaped(const char *text)
{
	return text[0] == '\\' && text[1] == 'x' && digit(text[2]) >= 0 && digit(text[3]) >= 0;
}

unsigned char kho_text_byte(const char **text)
{
	const char *at = *text;

	if (!kho_text_escaped(at)) {
		*text += 1;
		return (unsigned char)*at;
	}
	*text += KHO_TEXT_UNIT;
	return (unsigned char)(digit(at[2]) << 4 | digit(at[3]));
}

size_t kho_text_bytes(const char *text, void *to)
{
	unsigned char *byte = to;

	while (*text)
		*byte++ = kho_text_byte(&text);
	return (size_t)(byte - (unsigned char *)to);
}
