#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing is loaded that would lose state, whatever is wrong, and nothing is lost by
# trying: one message with a rule, a documented exit status, what was loaded stays.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load helpers

setup_file() {
	make -s -C "$VM_BUILD" lab/kho-damage
}

lab=$BATS_TEST_DIRNAME/../../lab

# refused STATUS RULE COMMAND: with that status, the rule is named, and what is loaded stays.
refused() {
	local wanted=$1 rule=$2 loaded output status=0
	shift 2
	loaded=$(vm_run cat /sys/kernel/kexec_loaded)
	output=$(vm_run "$@") || status=$?
	printf '%s\n' "$output"
	[ "$status" = "$wanted" ]
	[[ $output == *"$rule "* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = "$loaded" ]
}

@test "state that is damaged under a running kernel is refused, on both paths and by -e" {
	local damage rule before ram=$BATS_TEST_TMPDIR/ram
	vm_start --mem 1G --append "kho=on" --qemu "-machine memory-backend=ram \
		-object memory-backend-file,id=ram,size=1G,mem-path=$ram,share=on"
	vm_ok modprobe kho_edu
	before=$(records)
	vm_ok kexec -l -c --kho=require /boot/bzImage --reuse-cmdline
	vm_ok kho-inspect snapshot -o /tmp/snapshot
	vm_run 'gzip -c /tmp/snapshot | base64' | base64 -d | gunzip >"$BATS_TEST_TMPDIR/sound"

	while read -r damage rule; do
		"$VM_BUILD/lab/kho-damage" "$damage" "$BATS_TEST_TMPDIR/sound" "$BATS_TEST_TMPDIR/$damage"
		"$lab/poke-guest" "$ram" "$BATS_TEST_TMPDIR/sound" "$BATS_TEST_TMPDIR/$damage"
		refused 3 "$rule" 'kexec -l -s /boot/bzImage --reuse-cmdline'
		refused 3 "$rule" 'kexec -l -c /boot/bzImage --reuse-cmdline'
		refused 3 "$rule" 'kexec -e'
		"$lab/poke-guest" "$ram" "$BATS_TEST_TMPDIR/$damage" "$BATS_TEST_TMPDIR/sound"
		vm_ok kho-inspect verify
	done <<-END
		root-compatible K002
		tree-loop K102
		record-in-scratch K414
		record-outside-ram K406
		record-crc K405
		chain-loop K403
	END

	# the kernel that was loaded before all this is still there, and gets everything
	vm_kexec
	[ "$(records --in)" = "$before" ]
	vm_ok kho-inspect verify --in

	# what came in is of a format that nobody knows: the next kexec would lose it
	vm_ok kho-inspect snapshot --in -o /tmp/snapshot
	vm_run 'gzip -c /tmp/snapshot | base64' | base64 -d | gunzip >"$BATS_TEST_TMPDIR/sound"
	"$VM_BUILD/lab/kho-damage" head-compatible "$BATS_TEST_TMPDIR/sound" "$BATS_TEST_TMPDIR/unknown"
	"$lab/poke-guest" "$ram" "$BATS_TEST_TMPDIR/sound" "$BATS_TEST_TMPDIR/unknown"
	refused 3 K401 'kexec -l -s /boot/bzImage --reuse-cmdline'
	refused 3 K401 'kexec -l -c /boot/bzImage --reuse-cmdline'
	"$lab/poke-guest" "$ram" "$BATS_TEST_TMPDIR/unknown" "$BATS_TEST_TMPDIR/sound"
	vm_ok kexec -l -s --kho-dry-run /boot/bzImage --reuse-cmdline
	no_splat
}

@test "a target that would lose the state, or panic over it, is refused" {
	local name rule files=$BATS_TEST_TMPDIR/targets
	mkdir "$files"
	"$lab/edit-target" "$VM_KERNEL" "$files/no-kho" no-kho
	"$lab/edit-target" "$VM_KERNEL" "$files/root" kho-v4=kho-v9
	"$lab/edit-target" "$VM_KERNEL" "$files/luo" luo-v5=luo-v9
	"$lab/edit-target" "$VM_KERNEL" "$files/dma" dma-alloc-v1=dma-alloc-v9
	"$lab/edit-target" "$VM_KERNEL" "$files/same" kho-v4=kho-v4
	vm_start --append "kho=on liveupdate=on" --files "$files"
	vm_files /tmp/t
	# no allocations yet: this one can take what there is, but not what comes after
	vm_ok kexec -l -s --kho=require /tmp/t/dma --reuse-cmdline
	vm_ok kexec -e --kho-dry-run
	vm_ok modprobe kho_edu
	refused 3 K604 'kexec -e'
	vm_ok kexec -u
	vm_run kho-inspect tree | grep -q LUO

	while read -r name rule; do
		refused 3 "$rule" "kexec -l -s /tmp/t/$name --reuse-cmdline"
		refused 3 "$rule" "kexec -l -c /tmp/t/$name --reuse-cmdline"
		refused 3 "$rule" "kexec -l /tmp/t/$name --reuse-cmdline"
	done <<-END
		no-kho K601
		root K602
		luo K603
		dma K604
	END
	# it is not for how these were made
	vm_ok kexec -l -c --kho-dry-run /tmp/t/same --reuse-cmdline
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
}

@test "a kernel that says no: busy, locked down, forbidden; killed while it loads; no debugfs" {
	local before try status=0 output=""
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	before=$(records)

	# debugfs is not mounted: seen all the same, and left so
	vm_ok umount /sys/kernel/debug
	refused 3 K605 'kexec -l -s /boot/bzImage --command-line=quiet'
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	run ! vm_run 'grep -q debugfs /proc/mounts'
	vm_ok mount -t debugfs debugfs /sys/kernel/debug

	# killed in the middle of a load: nothing is lost, and the next load works
	vm_ok 'head -c 60000000 /dev/zero >/tmp/big'
	for try in 1 3 6; do
		vm_run "kexec -l -c /boot/bzImage --initrd=/tmp/big --reuse-cmdline & sleep 0.$try; kill -9 \$!; wait" || true
	done
	vm_ok kho-inspect verify
	vm_ok kexec -l -c --kho=require /boot/bzImage --reuse-cmdline

	# another load is in progress, again and again
	vm_ok 'while [ ! -e /tmp/enough ]; do kexec-stock -l -s --initrd=/tmp/big /boot/bzImage --reuse-cmdline; done >/dev/null 2>&1 &'
	for ((try = 0; try < 40; try++)); do
		status=0
		output=$(vm_run 'kexec -l -c /boot/bzImage --reuse-cmdline') || status=$?
		((status != 4)) || break
	done
	vm_ok touch /tmp/enough
	[ "$status" = 4 ]
	[[ $output == *"K704 error: another load"* ]]
	vm_ok 'while pidof kexec-stock >/dev/null; do sleep 0.2; done'

	# lockdown: kexec_load is refused, kexec_file_load is the way that is named
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	vm_ok 'mount -t securityfs none /sys/kernel/security && echo integrity >/sys/kernel/security/lockdown'
	refused 4 K704 'kexec -l -c /boot/bzImage --reuse-cmdline'
	run -4 vm_run 'kexec -l -c /boot/bzImage --reuse-cmdline'
	[[ $output == *"locked down"*"Use -s"* ]]
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	# no more loads at all
	vm_ok 'echo 1 >/proc/sys/kernel/kexec_load_disabled'
	refused 4 K704 'kexec -l -s /boot/bzImage --reuse-cmdline'
	# memory cannot be read: what cannot be verified is refused
	vm_ok 'echo confidentiality >/sys/kernel/security/lockdown'
	refused 3 K705 'kexec -l -s /boot/bzImage --reuse-cmdline'
	refused 3 K705 'kexec -e'

	# what was loaded before all that is there, and the state arrives
	vm_kexec 'kexec -e --kho=off'
	[ "$(records --in)" = "$before" ]
	vm_ok kho-inspect verify --in
	no_splat
}

@test "too little scratch: both paths name what is needed and the parameter" {
	vm_start --append "kho=on kho_scratch=8M,8M,8M"
	vm_ok modprobe kho_edu
	refused 3 K701 'kexec -l -c /boot/bzImage --reuse-cmdline'
	refused 3 K701 'kexec -l -s --kho-dry-run /boot/bzImage --reuse-cmdline'
	refused 3 K701 'kexec -l -s /boot/bzImage --reuse-cmdline'
	run -3 vm_run 'kexec -l -s /boot/bzImage --reuse-cmdline'
	[[ $output =~ needs\ [0-9]{8}\ bytes.*kho_scratch=.*at\ least\ [0-9]+M ]]
}
