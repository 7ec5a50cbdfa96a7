#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What kexec says where a load does not go the usual way.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load helpers

@test "kexec_load instead of kexec_file_load, and no room: kexec says what becomes of the state" {
	# the kernel takes no command line of that length, and kexec goes the other way
	local long='"--append=kho=on $(head -c 2500 /dev/zero | tr "\0" x)"'
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	run ! vm_run "kexec -l --kho=off /boot/bzImage $long"
	[[ $output == *"the next kernel will not get the state: "*"dma-alloc (5 allocations in "*"dropped"* ]]
	run ! vm_run "kexec -l /boot/bzImage $long"
	[[ $output == *"loading it with kexec_load, and the state with it"* ]]

	# scratch is large enough, but not where these options want it
	run -3 vm_run 'kexec -l -c --real-mode /boot/bzImage --reuse-cmdline'
	[[ $output == *"leave out --real-mode"* ]]
	run -3 vm_run 'kexec -l -c --mem-max=0x100000 /boot/bzImage --reuse-cmdline'
	[[ $output == *"--mem-max"* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
}

# report_is JQ_FILTER: the report that kexec wrote is as its schema says, and JQ_FILTER
# is true of it.
report_is() {
	local report=$BATS_TEST_TMPDIR/report.json
	vm_run 'cat /tmp/report.json' >"$report"
	python3 -m jsonschema -i "$report" "$BATS_TEST_DIRNAME/../../kexec/kexec-kho-report.schema.json"
	jq -e "$1" "$report" || { jq . "$report" >&2; return 1; }
}

@test "--kho-dry-run shows the plan and loads nothing; --kho-report has it as JSON" {
	local load='kexec -l --kho-report=/tmp/report.json /boot/bzImage --reuse-cmdline'
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu

	run -0 vm_run "$load -c --kho-dry-run"
	[[ $output == *"purgatory"* && $output == *"kernel"* && $output == *"boot parameters"* ]]
	[[ $output == *"KHO setup_data"* && $output == *"rd.kho.expect=5,"* ]]
	[[ $output == *"verdict: would be loaded, and the state with it: "*"dma-alloc (5 allocations in "* ]]
	report_is '.verdict == "would-load" and .kexec_kho.dry_run and (.segments | length) >= 4 and .state.records == 5'
	# each one inside a scratch area
	report_is 'def num: ltrimstr("0x") | explode | reduce .[] as $c (0; . * 16 + (if $c > 96 then $c - 87 else $c - 48 end));
		.state.scratch as $areas | [.segments[] | (.addr | num) as $a | .size as $s |
		any($areas[]; (.addr | num) <= $a and $a + $s <= (.addr | num) + .size)] | all'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]

	run -0 vm_run "$load -s --kho-dry-run"
	[[ $output == *"placed by the kernel itself"* && $output == *"verdict: would be loaded"* ]]
	report_is '.verdict == "would-load" and .segments == []'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]

	# refused: the reason is in the report, and so are the findings
	run -3 vm_run "$load -s --kho-dry-run --command-line='kho=off console=ttyS0'"
	report_is '.verdict == "refused" and (.reason | length) > 0 and any(.findings[]; .rule == "K606" or .severity == "error" or .severity == "fatal")'

	run -1 vm_run "$load -s --kho-report=/nowhere/report.json"
	[[ $output == *"/nowhere/report.json"* ]]
	run -1 vm_run 'kexec -p --kho-dry-run /boot/bzImage --reuse-cmdline'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]

	# each thing that is worth a word is told once
	run -0 vm_run "$load -s"
	[ -z "$(sort <<<"$output" | uniq -d)" ]
	report_is '.verdict == "loaded" and (.kexec_kho.dry_run | not)'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
	run -0 vm_run 'kexec -e --kho-dry-run --kho-report=/tmp/report.json'
	report_is '.verdict == "would-jump" and .kexec_kho.action == "exec"'

	vm_ok kexec -u
	run -0 vm_run "$load -c --kho=off"
	report_is '.verdict == "given-up"'
}
