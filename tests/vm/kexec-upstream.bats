#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Without state, kexec behaves like upstream's.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers

# In the machine: same ARGUMENT... runs upstream's kexec and ours under the same name, in the same
# state, and compares output, status and the loaded kernel. Ignores addresses of buffers in kexec
# itself, and the help lines about our options.
same='same() {
	for which in stock ours; do
		kexec-stock -u >/dev/null 2>&1
		PATH=/tmp/$which:$PATH kexec "$@" >/tmp/$which.said 2>&1
		echo "status $?, loaded $(cat /sys/kernel/kexec_loaded)" >>/tmp/$which.said
		sed -i "s/0x[0-9a-f]*/ADDRESS/g
			/^ *--kho=MODE/{N;d}; /^ *--kho-dry-run/{N;d}; /^ *--kho-report/d" /tmp/$which.said
	done
	cmp /tmp/stock.said /tmp/ours.said && [ ! -e /run/kexec-kho ] && return
	echo "not the same: kexec $*"
	diff /tmp/stock.said /tmp/ours.said
	failed=1
}
junk() {
	kexec -l "$@" /tmp/junk >/tmp/junk.said 2>&1
	[ $? = 255 ] && grep -q "^Cannot determine the file type of /tmp/junk" /tmp/junk.said && return
	echo "kexec -l $* /tmp/junk: $(cat /tmp/junk.said)"
	failed=1
}
mkdir -p /tmp/stock /tmp/ours
cp /usr/sbin/kexec-stock /tmp/stock/kexec
cp /usr/sbin/kexec /tmp/ours/kexec
head -c 100000 /dev/urandom >/tmp/junk
printf "070701" >/tmp/initrd
failed=0
'

@test "without KHO state, output, status and loaded kernel equal upstream's" {
	local append
	# KHO off by default, turned off, and on without preserved memory
	for append in "" "kho=off" "kho=on"; do
		vm_start --append "$append"
		vm_ok "$same"'
			same -l -s /boot/bzImage --reuse-cmdline
			same -l -c /boot/bzImage --reuse-cmdline
			same -l /no/such/file
			same -e
			if ! grep -q kho= /proc/cmdline; then exit $failed; fi
			for path in -s -c -a ""; do
				same -l $path /boot/bzImage --command-line=quiet --initrd=/tmp/initrd
				same -l $path /boot/bzImage --initrd=/no/such/file
				# upstream reads beyond such a file and may crash (see patch 4), so this compares with nothing
				grep -q kho=on /proc/cmdline || junk $path
			done
			same -l -c --real-mode /boot/bzImage
			same -l -c --mem-max=0x100000 /boot/bzImage
			same -l -c --load-preserve-context --mem-max=0x10000000 /boot/bzImage
			same -u
			same -S
			same -l -S
			same -p /boot/bzImage
			same -l --no-such-option /boot/bzImage
			same --print-ckr-size
			# without debugfs kexec sees nothing of KHO, and does nothing
			umount /sys/kernel/debug
			same -l -s /boot/bzImage --reuse-cmdline
			same -l -c /boot/bzImage --reuse-cmdline
			grep debugfs /proc/mounts && failed=1
			echo 1 >/proc/sys/kernel/kexec_load_disabled
			same -l -s /boot/bzImage --reuse-cmdline
			same -l -c /boot/bzImage --reuse-cmdline
			exit $failed'
		# unless --kho=require
		if [ "$append" != kho=on ]; then
			run -3 vm_run 'kexec -l -s --kho=require /boot/bzImage --reuse-cmdline'
			[[ $output == *"K705 error"* ]]
			run -3 vm_run 'kexec -l -c --kho=require --kho-dry-run /boot/bzImage --reuse-cmdline'
		fi
		vm_stop
	done
}

@test "kexec loads a crash kernel as before, and its dump has the preserved state" {
	vm_start --append "kho=on crashkernel=160M"
	vm_ok modprobe kho_edu
	vm_ok kho-inspect list --json >"$BATS_TEST_TMPDIR/before.json"
	[ "$(jq '.records | length' "$BATS_TEST_TMPDIR/before.json")" = 5 ]
	# kexec does not hand the state to it, and does not mention it
	run -0 vm_run 'kexec -p /boot/bzImage --reuse-cmdline --append="irqpoll nr_cpus=1 reset_devices"'
	[ -z "$output" ]
	[ "$(vm_run cat /sys/kernel/kexec_crash_loaded)" = 1 ]
	vm_kexec 'sh -c "echo c >/proc/sysrq-trigger"'
	vm_ok test -e /proc/vmcore
	vm_ok test ! -e /sys/kernel/debug/kho/in
	vm_ok kho-inspect list --json --core /proc/vmcore >"$BATS_TEST_TMPDIR/dump.json"
	diff <(jq -S .records "$BATS_TEST_TMPDIR/before.json") <(jq -S .records "$BATS_TEST_TMPDIR/dump.json")
	# a dump does not contain the scratch areas; all else is judged
	run -0 vm_run kho-inspect verify --core /proc/vmcore --ignore "$SCRATCH_RULES"
	[[ $output != *"does not hold the content"* ]]
	# the dump has the kernel's text twice; sealed content is in it, and unchanged
	vm_ok kho-inspect extract 2 --core /proc/vmcore -o /tmp/content
	[ "$(vm_run stat -c %s /tmp/content)" = "$(jq '.records[1].size' "$BATS_TEST_TMPDIR/before.json")" ]
}
