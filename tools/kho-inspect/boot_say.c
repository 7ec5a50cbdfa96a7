// SPDX-License-Identifier: GPL-2.0-or-later
/* Says the verdict of boot-check: status line, evidence, kernel log, and the action for the hook. */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "boot_check.h"
#include "boot_file.h"

static void say(const char *line)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s", line);
	puts(boot_plain(text));
}

/* The separator must not occur in either part. */
static void hide_marks(char *text)
{
	for (char *mark = text; (mark = strstr(mark, BOOT_CLAIMS_MARK)); )
		*mark = ',';
}

/* The word of this boot: the worse one of both stages. */
static enum boot_word word_of_both(const struct boot_check *check, const struct boot_verdict *verdict)
{
	return check->claims && boot_word_rank(check->earlier) >= boot_word_rank(verdict->word)
		       ? check->earlier : verdict->word;
}

static void write_status(const struct boot_check *check, struct boot_verdict *verdict)
{
	const char *word = boot_word_name(word_of_both(check, verdict));
	struct kho_error err;
	char line[2560];

	if (!check->has_dir)
		return;
	if (check->claims)
		snprintf(line, sizeof(line), "%s %s" BOOT_CLAIMS_MARK "%s: %s", word, check->earlier_text,
			 boot_word_name(verdict->word), verdict->text);
	else
		snprintf(line, sizeof(line), "%s %s", word, verdict->text);
	strcat(boot_plain(line), "\n");
	if (!boot_file_write(check->dir, BOOT_STATUS, line, strlen(line), &err))
		return;
	/* do not leave an old status, which may say "clean" */
	boot_verdict_worsen(verdict, "%s", err.message);
	if (boot_file_remove(check->dir, BOOT_STATUS, &err))
		boot_verdict_worsen(verdict, "%s", err.message);
}

/* True if a reset would cure the findings, and happens only once: see kho-boot(7), reboot. */
static bool may_reboot(const struct boot_check *check)
{
	return check->evidence.by_kexec == ANSWER_YES &&
	       (check->evidence.left || check->log.handed_over || check->promised);
}

static void say_findings(struct boot_verdict *verdict)
{
	for (size_t i = 0; i < verdict->to_show && i < BOOT_MAX_LINES; i++) {
		verdict->lines[i][BOOT_LINE_SIZE - 1] = '\0';
		say(verdict->lines[i]);
	}
	if (verdict->to_show > BOOT_MAX_LINES)
		printf("and %zu more\n", verdict->to_show - BOOT_MAX_LINES);
}

static void say_action(const struct boot_check *check, struct boot_verdict *verdict,
		       enum boot_policy action, const char *line, const char *remark)
{
	char text[1600];
	bool loop = action == POLICY_REBOOT && !may_reboot(check);

	if (loop)
		action = POLICY_SHELL;
	snprintf(text, sizeof(text), "%s %s%s", boot_policy_name(action), line,
		 loop ? ". No reboot: kexec has not handed this kernel anything, so the next boot would find the same"
		      : "");
	puts(boot_plain(text));
	if (*check->boot.slip && !strstr(text, check->boot.slip))
		say(check->boot.slip);
	if (*remark)
		say(remark);
	say_findings(verdict);
	if (boot_file_exists(check->dir, check->report_name))
		snprintf(text, sizeof(text), "the reports are in %.900s, the rules in kho-rules(7)",
			 check->dir);
	else
		snprintf(text, sizeof(text), "the rules are in kho-rules(7)");
	puts(boot_plain(text));
}

/* A debugging aid: if it fails, the verdict is the same, so the failure is only a remark. */
static void save_evidence(const struct boot_check *check, const struct boot_verdict *verdict,
			  char *remark, size_t size)
{
	unsigned int rank = boot_word_rank(verdict->word);
	struct kho_error err;
	size_t n;

	if (!check->has_dir)
		return;
	if (rank >= 2 && verdict->has_state)
		boot_snapshot_save(check, remark, size);
	n = strlen(remark);
	if (rank >= 3 && check->log.size &&
	    boot_file_write(check->dir, BOOT_DMESG, check->log.lines, check->log.size, &err))
		snprintf(remark + n, size - n, "%s%s", n ? "; " : "", err.message);
}

/* Writes the verdict to the log, and the action for the hook. */
static void announce(const struct boot_check *check, struct boot_verdict *verdict)
{
	unsigned int rank = boot_word_rank(verdict->word);
	enum boot_word word = word_of_both(check, verdict);
	enum boot_policy action;
	char line[1400], remark[640] = "";
	int priority = rank < 2 ? LOG_INFO : rank < 3 ? LOG_WARNING : LOG_ERR;

	snprintf(line, sizeof(line), "%s: %s: %s%s%s", check->title, boot_word_name(word),
		 verdict->text, word == verdict->word ? "" : "; without the first check: ",
		 word == verdict->word ? "" : boot_word_name(verdict->word));
	boot_plain(line);
	boot_kernel_log_write(check->sysroot, priority, line);

	if (verdict->told)
		return;
	save_evidence(check, verdict, remark, sizeof(remark));
	/* the hook has acted on the findings of the first stage */
	action = boot_choose(&check->boot, verdict->word, verdict->counts);
	if (rank >= 2 && action != POLICY_LOG) {
		say_action(check, verdict, action, line, remark);
		return;
	}
	if (*remark)
		boot_kernel_log_write(check->sysroot, LOG_WARNING, boot_plain(remark));
	if (*check->boot.slip)
		printf("warn %s\n", check->boot.slip);
}

/* The exit status stays the word, which main() would replace. */
static void end_output(const struct boot_check *check)
{
	static const char message[] = "cannot write the action for the hook to the standard output";

	if (!fflush(stdout) && !ferror(stdout))
		return;
	boot_kernel_log_write(check->sysroot, LOG_ERR, message);
	fprintf(stderr, "kho-inspect: %s\n", message);
	if (!freopen("/dev/null", "w", stdout))
		perror("kho-inspect: cannot open /dev/null");
}

int boot_say_verdict(const struct boot_check *check, struct boot_verdict *verdict)
{
	hide_marks(verdict->text);
	write_status(check, verdict);
	if (verdict->word != WORD_NONE && verdict->word != WORD_OFF)
		announce(check, verdict);
	else if (*check->boot.slip)
		printf("warn %s\n", check->boot.slip);
	end_output(check);
	return boot_word_status(word_of_both(check, verdict));
}
