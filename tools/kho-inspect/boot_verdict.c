// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict of a check, and what makes it worse. */
#include <stdarg.h>
#include <stdio.h>

#include "boot_check.h"

void boot_verdict_set(struct boot_verdict *verdict, enum boot_word word, const char *fmt, ...)
{
	va_list args;

	*verdict = (struct boot_verdict){ .word = word };
	va_start(args, fmt);
	vsnprintf(verdict->text, sizeof(verdict->text), fmt, args);
	va_end(args);
}

void boot_verdict_add(struct boot_verdict *verdict, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	boot_add_text(verdict->text, sizeof(verdict->text), fmt, args);
	va_end(args);
}

void boot_verdict_doubt(struct boot_verdict *verdict)
{
	if (boot_word_rank(verdict->word) < boot_word_rank(WORD_UNKNOWN))
		verdict->word = WORD_UNKNOWN;
}

void boot_verdict_worsen(struct boot_verdict *verdict, const char *fmt, ...)
{
	va_list args;

	boot_verdict_doubt(verdict);
	verdict->counts[CLASS_UNKNOWN]++;
	verdict->told = false;
	va_start(args, fmt);
	boot_add_text(verdict->text, sizeof(verdict->text), fmt, args);
	va_end(args);
}

void boot_verdict_nothing(const struct boot_check *check, struct boot_verdict *verdict)
{
	boot_verdict_set(verdict, WORD_NONE, "nothing was handed over%s",
			 check->boot.promised ? "; rd.kho.expect= does not count, because kexec did not start this kernel"
					      : "");
}
