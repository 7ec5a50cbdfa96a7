// SPDX-License-Identifier: GPL-2.0-or-later
/* kho-inspect check-target: checks that another kernel can take this state over. */
#include <inttypes.h>
#include <string.h>

#include <kho_output.h>

#include "findings.h"

static const char *or_none(const char *text)
{
	return *text ? text : "none";
}

static void print_builtin(const struct kho_target *target)
{
	static const char *const uses[] = {
		[KHO_BUILTIN_FIRST] = "has a command line of its own, which comes before that of kexec",
		[KHO_BUILTIN_DEFAULT] = "has a command line of its own, for a load without one",
		[KHO_BUILTIN_ONLY] = "has a command line of its own, and ignores that of kexec",
	};
	char line[KHO_TEXT_ROOM(sizeof(target->builtin_cmdline))];

	if (!target->config_known || target->builtin_use == KHO_BUILTIN_UNKNOWN) {
		puts("does not say which options for the command line are built in");
	} else if (target->builtin_use != KHO_BUILTIN_NONE) {
		kho_text(line, sizeof(line), target->builtin_cmdline, strlen(target->builtin_cmdline));
		printf("%s: %s\n", uses[target->builtin_use], line);
	}
}

static void print_target(const struct options *options, const struct kho_target *target)
{
	char size[FORMAT_ROOM];

	printf("%s %s: KHO %s, root %s, LUO %s, DMA records %s\n", target->format,
	       *target->release ? target->release : "(release unknown)",
	       !target->has_kho ? "not built in" : !target->config_known ? "built in" :
	       target->kho_default_on ? "on by default" : "built in, needs kho=on",
	       or_none(target->root_compatible), or_none(target->luo_compatible),
	       or_none(target->dma_compatible));
	if (target->memory_size)
		printf("needs %s of memory in one piece", format_size(options, target->memory_size, size));
	else
		fputs("does not say how much memory it needs", stdout);
	if (target->page_size)
		printf("; pages of %u bytes\n", target->page_size);
	else
		puts("; does not say how large its pages are");
	if (!strcmp(target->format, "vmlinux"))
		puts("kexec does not hand state over to a vmlinux: load the bzImage or Image of this kernel");
	if (target->initrd_size)
		printf("has an initrd of %s, which kexec loads if it is given no other\n",
		       format_size(options, target->initrd_size, size));
	if (target->has_cmdline)
		puts("has a command line, which kexec does not use");
	print_builtin(target);
}

static void print_target_alone(const struct options *options, const struct kho_target *target,
			       const struct kho_error *reason)
{
	struct kho_json *json;

	if (!options->json) {
		print_target(options, target);
		put_line(stdout, "There is no state to compare with: %s.", reason->message);
		return;
	}
	json = json_document("check-target");
	kho_json_target(json, "target", target);
	kho_json_null(json, "state");
	kho_json_null(json, "findings");
	kho_json_null(json, "summary");
	json_close(json);
}

/*
 * Prints the properties of the image, if there is no state to compare it with. Clean only if it is
 * known that the running kernel has no state.
 */
static int no_state(const struct options *options, const struct kho_target *target,
		    const struct kho_error *reason)
{
	if (options->core && reason->code == KHO_ERR_NO_STATE)
		return complain("%s holds an incoming state, and check-target needs an outgoing one. Use a snapshot that was taken without --in.",
				options->core);
	if (options->core || reason->code == KHO_ERR_CORRUPT || reason->code == KHO_ERR_LOOP)
		return fail(reason);
	print_target_alone(options, target, reason);
	if ((reason->code == KHO_ERR_NO_KHO || reason->code == KHO_ERR_DISABLED) &&
	    kho_kernel_is_on(options->sysroot) < 1)
		return EXIT_CLEAN;
	return fail(reason);
}

static int check(const struct options *options, struct opened *opened,
		 const struct kho_target *target)
{
	struct kho_verify_summary summary;
	struct findings findings;
	struct kho_error err;

	if (!options->json)
		print_target(options, target);
	if (!options->json && target->builtin_use != KHO_BUILTIN_ONLY)
		puts("does not judge the command line of a load: kexec does this when it loads the image");
	findings_begin(&findings, options, "check-target");
	findings.state = opened->state;
	findings.target = target;
	if (!kho_target_verify(opened->state, target, NULL, findings_add, &findings, &summary, &err))
		return findings_end(&findings, &summary, false);
	findings_give_up(&findings);
	return fail(&err);
}

int cmd_check_target(const struct options *options)
{
	struct kho_target target;
	struct opened opened;
	struct kho_error err;
	int status;

	if (kho_target_read(options->argument, &target, &err))
		return fail(&err);
	if (open_state(options, KHO_SIDE_OUT, true, &opened, &err))
		return no_state(options, &target, &err);
	status = options_have_effect(options, opened.state, NULL) && close_sandbox(options) ? check(options, &opened, &target) : EXIT_CANNOT_TELL;
	close_state(&opened);
	return status;
}
