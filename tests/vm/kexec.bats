#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Loads that do not take the usual way.

# shellcheck disable=SC2016 # single quotes are for the shell in the machine

bats_require_minimum_version 1.5.0
load helpers

# report FILTER: applies a filter to the JSON that the last kexec wrote to /tmp/report.
report() {
	vm_run cat /tmp/report | jq -r "def first_error: .findings | map(select(.severity == \"error\")) | .[0].rule; $1"
}

@test "kexec says what happens to the state if it uses kexec_load instead, or finds no room" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	# without the bit for five-level paging, kexec_file_load does not take the image, and kexec
	# uses kexec_load
	vm_ok 'cp /boot/bzImage /tmp/other; flags=$(od -An -tu1 -j566 -N1 /tmp/other);
		printf "\\$(printf %o $((flags & ~32)))" | dd of=/tmp/other bs=1 seek=566 conv=notrunc'
	vm_ok 'kexec -l --kho=off /tmp/other --reuse-cmdline >/tmp/said 2>&1'
	vm_run cat /tmp/said | grep -q 'the next kernel will not get the state: 5 DMA allocations'
	vm_run cat /tmp/said | grep -q 'all of: .*dma-alloc'
	# that kernel, and so the jump to it, would drop the state
	run -3 vm_run 'kexec -e'
	[[ $output == *"K707 error"*"--kho=off"* ]]
	vm_ok 'kexec -l /tmp/other --reuse-cmdline >/tmp/said 2>&1'
	vm_run cat /tmp/said | grep -q 'loading it and the state with kexec_load'
	vm_ok kexec -e --kho-dry-run
	vm_ok kexec -u
	vm_ok test ! -e /run/kexec-kho

	# scratch is large enough, but not at the addresses that these options require
	run -3 vm_run 'kexec -l -c --real-mode /boot/bzImage --reuse-cmdline'
	[[ $output == *"K701 fatal"*"omit --real-mode"* ]]
	run -3 vm_run 'kexec -l -c --mem-max=0x100000 /boot/bzImage --reuse-cmdline'
	[[ $output == *"K701 fatal"*"--mem-max"* ]]
	# the kernel would drop the end of a line beyond its limit, and with it rd.kho.expect=
	run -3 vm_run 'kexec -l -c /boot/bzImage "--append=kho=on $(head -c 2100 /dev/zero | tr "\0" x)"'
	[[ $output == *"K703 error"*"Shorten it"* ]]
	run -3 vm_run 'kexec --load-preserve-context --mem-max=0x10000000 -c /boot/bzImage --reuse-cmdline'
	[[ $output == *"K703 error"*"--load-preserve-context"* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
}

@test "a dry run says what kexec would do, and a report has the same as JSON" {
	local path before
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu

	for path in -c -s; do
		vm_ok "kexec -l $path --kho-dry-run --kho-report=/tmp/report /boot/bzImage --reuse-cmdline >/tmp/said"
		vm_run cat /tmp/said | grep -q 'would load and hand over 5 DMA allocations'
		[ "$(report '.verdict, .exit_status, .kexec_kho.dry_run, .dma.records' | xargs)" = "would-load 0 true 5" ]
		# before the arguments of init
		[[ $(report .command_line) =~ ^rd\.kho\.expect=5,[0-9]+\ $(vm_run cat /proc/cmdline)$ ]]
		[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
	done
	vm_run 'kexec -l -c --kho-dry-run /boot/bzImage --reuse-cmdline' >"$BATS_TEST_TMPDIR/plan"
	grep -Eq 'segment [0-9]+: 0x[0-9a-f]+\+0x[0-9a-f]+ hand-over, in scratch' "$BATS_TEST_TMPDIR/plan"
	for path in purgatory kernel 'boot parameters'; do
		grep -q " $path, in scratch" "$BATS_TEST_TMPDIR/plan"
	done
	[ "$(grep -c ', in scratch' "$BATS_TEST_TMPDIR/plan")" = "$(grep -c 'segment ' "$BATS_TEST_TMPDIR/plan")" ]

	# the report has a refusal too, with its rule
	run -3 vm_run 'kexec -l -s --kho-dry-run --kho-report=/tmp/report /boot/bzImage --command-line=quiet'
	[ "$(report '.verdict, .exit_status, first_error' | xargs)" = "refused 3 K605" ]
	vm_run cat /tmp/report >"$BATS_TEST_TMPDIR/refused.json"
	# kexec prints a warning about the target once, and not before and after its command line
	[ "$(grep -c 'K605' <<<"$output")" = 1 ]

	run -1 vm_run 'kexec -p --kho-dry-run /boot/bzImage --reuse-cmdline'
	run -3 vm_run 'kexec -l --kho-report=/tmp/report /no/such/file'
	[ "$(report '.verdict, first_error' | xargs)" = "refused K706" ]
	run ! vm_run 'kexec -l -s --kho-report=/tmp/report /boot/bzImage --initrd=/no/such/file --reuse-cmdline'
	[ "$(report .verdict)" = failed ]

	# a real load with a report, and the jump with one
	vm_ok kexec -l -c --kho-report=/tmp/report /boot/bzImage --reuse-cmdline
	[ "$(report '.verdict, .path' | xargs)" = "loaded kexec_load" ]
	[ "$(report '.handover as $at | .segments | map(select(.addr == $at)) | length')" = 1 ]
	vm_run cat /tmp/report >"$BATS_TEST_TMPDIR/loaded.json"
	vm_ok kexec -e --kho-dry-run --kho-report=/tmp/report
	[ "$(report '.verdict, .kexec_kho.action' | xargs)" = "would-jump exec" ]
	vm_run cat /tmp/report >"$BATS_TEST_TMPDIR/jump.json"
	/usr/bin/python3 - "$BATS_TEST_DIRNAME/../../tools/kho-inspect/kho-inspect.schema.json" "$BATS_TEST_TMPDIR"/*.json <<-'END'
		import json, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		for path in sys.argv[2:]:
		    jsonschema.validate(json.load(open(path)), schema)
	END

	# kexec loads nothing if it cannot write the report
	vm_ok kexec -u
	run -1 vm_run 'kexec -l -s --kho-report=/proc/no/report /boot/bzImage --reuse-cmdline'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
	# kexec refuses these combinations, and does nothing
	run ! vm_run 'kexec -u --kho-dry-run'
	[[ $output == *"goes with -l or -e"* ]]
}

@test "without preserved memory kexec acts like upstream's, and -e refuses if there is state by then" {
	local path ram
	vm_start --append "kho=on rd.kho.expect=5,10"
	for path in -c -s; do
		# with state this is K605, because that kernel would not turn KHO on
		run -0 vm_run "kexec -l $path /boot/bzImage --command-line=quiet"
		[ -z "$output" ]
		run -0 vm_run "kexec -l $path --kho-dry-run --kho-report=/tmp/report /boot/bzImage --reuse-cmdline"
		[[ $output == *"there is no state to hand over"* ]]
		[ "$(report '.verdict, .target' | xargs)" = "no-state null" ]
		[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
		vm_ok kexec -e --kho-dry-run
	done
	# unless --kho=require
	run -3 vm_run 'kexec -l -s --kho=require /boot/bzImage --command-line=quiet'
	[[ $output == *"K605 error"* ]]
	# the target then gets no promise, even if this kernel got one
	vm_ok kexec -l -s /boot/bzImage --reuse-cmdline
	vm_kexec
	[ "$(vm_run 'grep -c rd.kho.expect /proc/cmdline || true')" = 0 ]

	vm_ok kexec -l -c /boot/bzImage --reuse-cmdline
	vm_ok modprobe kho_edu
	run -3 vm_run 'kexec -e'
	[[ $output == *"K707 error"*"without state"*"Load it again"* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
	vm_ok kexec -l -c /boot/bzImage --reuse-cmdline
	vm_ok kexec -e --kho-dry-run
	# a failed load leaves the loaded kernel and its note
	run -3 vm_run 'kexec -l -c /boot/bzImage --command-line=quiet'
	vm_ok kexec -e --kho-dry-run

	# a command line that leaves what is preserved at the load, and nothing that comes later
	vm_ok rmmod kho_edu
	ram=$(vm_run 'kho-inspect ranges --json; kho-inspect scratch --json' |
		jq -r '.ranges[]?, .scratch[]? | select(.size > 0) | ",\(.size)@\(.addr)"' | tr -d '\n')
	for path in -c -s; do
		vm_ok kexec -l $path --kho=require /boot/bzImage --reuse-cmdline "--append=memmap=exactmap$ram"
		vm_ok kexec -e --kho=require --kho-dry-run
		vm_ok modprobe kho_edu
		run -3 vm_run 'kexec -e'
		[[ $output == *"K607 fatal"*"takes preserved memory"* ]]
		vm_ok rmmod kho_edu
	done
}

@test "kexec -e refuses a kernel that another program loaded" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	vm_ok kexec-stock -l -s /boot/bzImage --reuse-cmdline
	run -3 vm_run 'kexec -e'
	[[ $output == *"K707 error"*"another program loaded it"* ]]
	vm_ok kexec -u

	# killed between the load and the note
	vm_ok 'mkfifo /run/kexec-kho.new
		kexec -l -s --kho=require /boot/bzImage --reuse-cmdline &
		until [ "$(cat /sys/kernel/kexec_loaded)" = 1 ]; do sleep 0.1; done
		sleep 0.5; kill -9 $!; wait; rm /run/kexec-kho.new'
	run -3 vm_run 'kexec -e'
	[[ $output == *"K707 error"*"its load was killed"* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]

	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	# the kernel refuses, and the loaded kernel and its note stay
	vm_ok 'echo 1 >/proc/sys/kernel/kexec_load_disabled'
	run -4 vm_run 'kexec -l -s /boot/bzImage --reuse-cmdline'
	[[ $output == *"K704 error"* ]]
	vm_kexec
	[ "$(records --in | wc -l)" = 5 ]
	vm_ok kho-inspect verify --in
}

@test "memory that is preserved after the load still arrives" {
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
