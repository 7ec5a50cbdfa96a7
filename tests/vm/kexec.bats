#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Loads that do not go the usual way.

# shellcheck disable=SC2016 # single quotes are for the shell in the machine

bats_require_minimum_version 1.5.0
load helpers

# report FILTER: of the JSON that the last kexec wrote to /tmp/report.
report() {
	vm_run cat /tmp/report | jq -r "def first_error: .findings | map(select(.severity == \"error\")) | .[0].rule; $1"
}

@test "kexec_load instead of kexec_file_load, and no room: kexec says what becomes of the state" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	# without the bit that says it knows of five-level paging the kernel does not take it,
	# and kexec goes the other way
	vm_ok 'cp /boot/bzImage /tmp/other; flags=$(od -An -tu1 -j566 -N1 /tmp/other);
		printf "\\$(printf %o $((flags & ~32)))" | dd of=/tmp/other bs=1 seek=566 conv=notrunc'
	vm_ok 'kexec -l --kho=off /tmp/other --reuse-cmdline >/tmp/said 2>&1'
	vm_run cat /tmp/said | grep -q 'the next kernel will not get the state: 5 DMA allocations'
	vm_run cat /tmp/said | grep -q 'all of: .*dma-alloc'
	# that kernel would drop the state, and so would the jump to it
	run -3 vm_run 'kexec -e'
	[[ $output == *"K707 error"*"--kho=off"* ]]
	vm_ok 'kexec -l /tmp/other --reuse-cmdline >/tmp/said 2>&1'
	vm_run cat /tmp/said | grep -q 'loading it with kexec_load, and the state with it'
	vm_ok kexec -e --kho-dry-run
	vm_ok kexec -u
	vm_ok test ! -e /run/kexec-kho

	# scratch is large enough, but not where these options want it
	run -3 vm_run 'kexec -l -c --real-mode /boot/bzImage --reuse-cmdline'
	[[ $output == *"K701 fatal"*"leave out --real-mode"* ]]
	run -3 vm_run 'kexec -l -c --mem-max=0x100000 /boot/bzImage --reuse-cmdline'
	[[ $output == *"K701 fatal"*"--mem-max"* ]]
	# what is beyond the kernel's limit would be cut off, and rd.kho.expect= with it
	run -3 vm_run 'kexec -l -c /boot/bzImage "--append=kho=on $(head -c 2100 /dev/zero | tr "\0" x)"'
	[[ $output == *"K703 error"*"Make it shorter"* ]]
	run -3 vm_run 'kexec --load-preserve-context --mem-max=0x10000000 -c /boot/bzImage --reuse-cmdline'
	[[ $output == *"K703 error"*"--load-preserve-context"* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
}

@test "a dry run says what would be done, and a report has it as JSON" {
	local path before
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu

	for path in -c -s; do
		vm_ok "kexec -l $path --kho-dry-run --kho-report=/tmp/report /boot/bzImage --reuse-cmdline >/tmp/said"
		vm_run cat /tmp/said | grep -q 'would load and hand over 5 DMA allocations'
		[ "$(report '.verdict, .exit_status, .kexec_kho.dry_run, .dma.records' | xargs)" = "would-load 0 true 5" ]
		# in front of what belongs to init, whatever that is
		[[ $(report .command_line) =~ ^rd\.kho\.expect=5,[0-9]+\ $(vm_run cat /proc/cmdline)$ ]]
		[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
	done
	vm_run 'kexec -l -c --kho-dry-run /boot/bzImage --reuse-cmdline' >"$BATS_TEST_TMPDIR/plan"
	grep -Eq 'segment [0-9]+: 0x[0-9a-f]+\+0x[0-9a-f]+ hand-over, in scratch' "$BATS_TEST_TMPDIR/plan"
	for path in purgatory kernel 'boot parameters'; do
		grep -q " $path, in scratch" "$BATS_TEST_TMPDIR/plan"
	done
	[ "$(grep -c ', in scratch' "$BATS_TEST_TMPDIR/plan")" = "$(grep -c 'segment ' "$BATS_TEST_TMPDIR/plan")" ]

	# a refusal is in the report too, with the rule
	run -3 vm_run 'kexec -l -s --kho-dry-run --kho-report=/tmp/report /boot/bzImage --command-line=quiet'
	[ "$(report '.verdict, .exit_status, first_error' | xargs)" = "refused 3 K605" ]
	vm_run cat /tmp/report >"$BATS_TEST_TMPDIR/refused.json"
	# a warning about the target is said once, not before and after its command line
	[ "$(grep -c 'K605' <<<"$output")" = 1 ]

	run -1 vm_run 'kexec -p --kho-dry-run /boot/bzImage --reuse-cmdline'
	run -3 vm_run 'kexec -l --kho-report=/tmp/report /no/such/file'
	[ "$(report '.verdict, first_error' | xargs)" = "refused K706" ]
	run ! vm_run 'kexec -l -s --kho-report=/tmp/report /boot/bzImage --initrd=/no/such/file --reuse-cmdline'
	[ "$(report .verdict)" = failed ]

	# for real, with a report, and the jump with one
	vm_ok kexec -l -c --kho-report=/tmp/report /boot/bzImage --reuse-cmdline
	[ "$(report '.verdict, .path' | xargs)" = "loaded kexec_load" ]
	[ "$(report '.handover as $at | .segments | map(select(.addr == $at)) | length')" = 1 ]
	vm_run cat /tmp/report >"$BATS_TEST_TMPDIR/loaded.json"
	vm_ok kexec -e --kho-dry-run --kho-report=/tmp/report
	[ "$(report '.verdict, .kexec_kho.action' | xargs)" = "would-jump exec" ]
	vm_run cat /tmp/report >"$BATS_TEST_TMPDIR/jump.json"
	python3 - "$BATS_TEST_DIRNAME/../../tools/kho-inspect/kho-inspect.schema.json" "$BATS_TEST_TMPDIR"/*.json <<-'END'
		import json, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		for path in sys.argv[2:]:
		    jsonschema.validate(json.load(open(path)), schema)
	END

	# nothing is loaded when the report cannot be written
	vm_ok kexec -u
	run -1 vm_run 'kexec -l -s --kho-report=/proc/no/report /boot/bzImage --reuse-cmdline'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
	# these do not go together, and nothing happens
	run ! vm_run 'kexec -u --kho-dry-run'
	[[ $output == *"goes with -l or -e"* ]]
}

@test "nothing preserved: as upstream, and -e refuses when there is something by then" {
	local path
	vm_start --append "kho=on rd.kho.expect=5,10"
	for path in -c -s; do
		# with state this is K605: that kernel would not have KHO on
		run -0 vm_run "kexec -l $path /boot/bzImage --command-line=quiet"
		[ -z "$output" ]
		run -0 vm_run "kexec -l $path --kho-dry-run --kho-report=/tmp/report /boot/bzImage --reuse-cmdline"
		[[ $output == *"there is no state to hand over"* ]]
		[ "$(report '.verdict, .target' | xargs)" = "no-state null" ]
		[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
		vm_ok kexec -e --kho-dry-run
	done
	# but for who insists
	run -3 vm_run 'kexec -l -s --kho=require /boot/bzImage --command-line=quiet'
	[[ $output == *"K605 error"* ]]
	# nothing is to be expected then, whatever the kernel before expected
	vm_ok kexec -l -s /boot/bzImage --reuse-cmdline
	vm_kexec
	[ "$(vm_run 'grep -c rd.kho.expect /proc/cmdline || true')" = 0 ]

	vm_ok kexec -l -c /boot/bzImage --reuse-cmdline
	vm_ok modprobe kho_edu
	run -3 vm_run 'kexec -e'
	[[ $output == *"K707 error"*"when there was no state"*"Load it again"* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
	vm_ok kexec -l -c /boot/bzImage --reuse-cmdline
	vm_ok kexec -e --kho-dry-run
	# a load that fails leaves the kernel that was there, and what is known of it
	run -3 vm_run 'kexec -l -c /boot/bzImage --command-line=quiet'
	vm_ok kexec -e --kho-dry-run
}

@test "kexec -e refuses a kernel that another program loaded" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	vm_ok kexec-stock -l -s /boot/bzImage --reuse-cmdline
	run -3 vm_run 'kexec -e'
	[[ $output == *"K707 error"*"by another program"* ]]
	vm_ok kexec -u

	# killed between the load and the note
	vm_ok 'mkfifo /run/kexec-kho.new
		kexec -l -s --kho=require /boot/bzImage --reuse-cmdline &
		until [ "$(cat /sys/kernel/kexec_loaded)" = 1 ]; do sleep 0.1; done
		sleep 0.5; kill -9 $!; wait; rm /run/kexec-kho.new'
	run -3 vm_run 'kexec -e'
	[[ $output == *"K707 error"*"a load was killed"* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]

	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	# the kernel says no, and what was loaded before stays, as does what is known of it
	vm_ok 'echo 1 >/proc/sys/kernel/kexec_load_disabled'
	run -4 vm_run 'kexec -l -s /boot/bzImage --reuse-cmdline'
	[[ $output == *"K704 error"* ]]
	vm_kexec
	[ "$(records --in | wc -l)" = 5 ]
	vm_ok kho-inspect verify --in
}

@test "what is preserved after the load still arrives" {
	local path before
	vm_start --append "kho=on"
	for path in -c -s; do
		vm_ok kexec -l "$path" --kho=require /boot/bzImage --reuse-cmdline
		vm_ok modprobe kho_edu
		before=$(records)
		[ "$(wc -l <<<"$before")" = 5 ]
		vm_kexec
		[ "$(records --in)" = "$before" ]
		vm_ok kho-inspect verify --in
	done
}
