#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever is wrong, kexec loads nothing that would lose state, and the attempt loses nothing: one
# message with a rule, a documented exit status, and the loaded kernel stays.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers

setup_file() {
	make -s -C "$VM_BUILD" lab/kho-damage
}

lab=$BATS_TEST_DIRNAME/../../lab

# refused STATUS RULE COMMAND: checks for the status, for the rule in the message, and that the
# loaded kernel stays.
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

@test "kexec refuses state that was damaged in a running kernel, on both paths and with -e" {
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

	# the kernel that was loaded first is still loaded, and gets all state
	vm_kexec
	[ "$(records --in)" = "$before" ]
	vm_ok kho-inspect verify --in

	# the incoming state has an unknown format: the next kexec would lose it
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

@test "kexec refuses a target that would lose the state, or panic over it" {
	local name rule files=$BATS_TEST_TMPDIR/targets
	mkdir "$files"
	"$lab/edit-target" "$VM_KERNEL" "$files/no-kho" no-kho
	"$lab/edit-target" "$VM_KERNEL" "$files/root" kho-v4=kho-v9
	"$lab/edit-target" "$VM_KERNEL" "$files/luo" luo-v5=luo-v9
	"$lab/edit-target" "$VM_KERNEL" "$files/dma" dma-alloc-v1=dma-alloc-v9
	"$lab/edit-target" "$VM_KERNEL" "$files/same" kho-v4=kho-v4
	# it unpacks to more than any kernel, in several layers
	head -c 1G /dev/zero | gzip -1 | gzip | gzip >"$files/bomb"
	vm_start --append "kho=on liveupdate=on" --files "$files"
	vm_files /tmp/t
	# no allocations yet: this target can take the present state, but not later state
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
	refused 3 K706 'kexec -l -s /tmp/t/bomb --reuse-cmdline'
	# an edited image without another format is accepted
	vm_ok kexec -l -c --kho-dry-run /tmp/t/same --reuse-cmdline
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
}

@test "the kernel refuses: busy, locked down, forbidden; kexec is killed while it loads; no debugfs" {
	local before try status=0 output=""
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	before=$(records)

	# debugfs is not mounted: kexec reads it all the same, and leaves it unmounted
	vm_ok umount /sys/kernel/debug
	refused 3 K605 'kexec -l -s /boot/bzImage --command-line=quiet'
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	run ! vm_run 'grep -q debugfs /proc/mounts'
	vm_ok mount -t debugfs debugfs /sys/kernel/debug

	# killed during a load: nothing is lost, and the next load works
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

	# lockdown: the kernel refuses kexec_load, and kexec names kexec_file_load
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	vm_ok 'mount -t securityfs none /sys/kernel/security && echo integrity >/sys/kernel/security/lockdown'
	refused 4 K704 'kexec -l -c /boot/bzImage --reuse-cmdline'
	run -4 vm_run 'kexec -l -c /boot/bzImage --reuse-cmdline'
	[[ $output == *"locked down"*"Use -s"* ]]
	refused 4 K704 'kexec -l -c --kho-dry-run /boot/bzImage --reuse-cmdline'
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	# kexec_load cannot unload either: kernel and note stay
	run ! vm_run 'kexec -c -u'
	[[ $output == *"the loaded kernel stays loaded"*"locked down"* ]]
	vm_ok kexec -e --kho-dry-run
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
	vm_ok kexec -s -u
	vm_ok test ! -e /run/kexec-kho
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	# no more loads at all
	vm_ok 'echo 1 >/proc/sys/kernel/kexec_load_disabled'
	refused 4 K704 'kexec -l -s /boot/bzImage --reuse-cmdline'
	run -4 vm_run 'kexec -l -s /boot/bzImage --reuse-cmdline'
	[[ $output == *"kexec_load_disabled"* ]]
	refused 4 K704 'kexec -l -s --kho-dry-run /boot/bzImage --reuse-cmdline'
	run ! vm_run 'kexec -u'
	vm_ok kexec -e --kho-dry-run
	# memory is unreadable: kexec refuses what it cannot verify
	vm_ok 'echo confidentiality >/sys/kernel/security/lockdown'
	refused 3 K705 'kexec -l -s /boot/bzImage --reuse-cmdline'
	refused 3 K705 'kexec -e'

	# the kernel that was loaded first is still loaded, and the state arrives
	vm_kexec 'kexec -e --kho=off'
	[ "$(records --in)" = "$before" ]
	vm_ok kho-inspect verify --in
	no_splat
}

# fault CALL ERRNO COMMAND: runs the command while that call fails; returns its status, and sets
# $said to its output.
fault() {
	local call=$1 error=$2 status=0
	shift 2
	said=$(vm_run "KEXEC_FAULT=$call:$error LD_PRELOAD=/tmp/kexec-fault.so $*") || status=$?
	printf '%s\n' "$said"
	return "$status"
}

@test "after every failure of load, unload and jump, kernel, note and messages agree, on both paths" {
	local path call said error files=$BATS_TEST_TMPDIR/files note line
	mkdir "$files"
	gcc -shared -fPIC -O1 -Wall -Werror -o "$files/kexec-fault.so" "$lab/kexec-fault.c"
	vm_start --append "kho=on" --files "$files"
	vm_files
	vm_ok modprobe kho_edu
	for path in -s -c; do
		call=kexec_load
		[ "$path" = -c ] || call=kexec_file_load
		vm_ok kexec -l "$path" --kho=require /boot/bzImage --reuse-cmdline
		note=$(vm_run cat /run/kexec-kho)
		# EPERM EBUSY ENOMEM EADDRNOTAVAIL EINVAL
		while read -r error line; do
			run -4 fault "$call" "$error" kexec -l "$path" --kho-report=/tmp/report /boot/bzImage --reuse-cmdline
			[[ $output == *"$line"* ]]
			[[ $output == *"the kernel refused, nothing changed"* ]]
			[ "$(vm_run cat /tmp/report | jq -r '.verdict, .exit_status' | xargs)" = "kernel-refused 4" ]
			[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
			[ "$(vm_run cat /run/kexec-kho)" = "$note" ]
			vm_ok test ! -e /run/kexec-kho.before
			vm_ok kexec -e --kho-dry-run
		done <<-END
			1 K704 error: the kernel does not permit it
			16 K704 error: another load
			12 K704 error: $call: Cannot allocate memory
			22 K704 error: $call: Invalid argument
		END
		if [ "$path" = -c ]; then
			# ENOSYS: an arm64 kernel without PM_SLEEP_SMP
			run -4 fault kexec_load 38 kexec -l -c --kho-report=/tmp/report /boot/bzImage --reuse-cmdline
			[[ $output == *"K704 error: this kernel has no kexec_load"*"Use -s."* ]]
			[ "$(vm_run cat /run/kexec-kho)" = "$note" ]
		fi
		for error in 1 16; do
			run ! fault "$call" "$error" kexec "$path" -u
			[[ $output == *"the loaded kernel stays loaded"* ]]
			[ "$(vm_run cat /run/kexec-kho)" = "$note" ]
			vm_ok kexec -e --kho-dry-run
		done
		# kexec announces the jump, and it fails
		while read -r error line; do
			run -4 fault reboot "$error" kexec -e --kho-report=/tmp/report
			[[ $output == *"$line"* ]]
			[[ $output == *"stays loaded"* ]]
			[ "$(vm_run cat /tmp/report | jq -r '.verdict, .exit_status' | xargs)" = "kernel-refused 4" ]
			[ "$(vm_run cat /run/kexec-kho)" = "$note" ]
			vm_ok kexec -e --kho-dry-run
		done <<-END
			1 K704 error: the kernel does not permit the jump
			16 K704 error: the kernel does not jump: another load is in progress
			22 K704 error: the kernel does not jump: Invalid argument
		END
		# in an open file, the second report takes the place of the first one
		vm_ok 'echo 1 >/tmp/report'
		run -4 fault reboot 22 kexec -e --kho-report=- '>>/tmp/report'
		[ "$(vm_run cat /tmp/report | jq -c '.verdict? // .' | xargs)" = "1 kernel-refused" ]
		run -4 fault reboot 22 kexec -e --kho-report=- '>/tmp/report'
		[ "$(vm_run cat /tmp/report | jq -r .verdict)" = kernel-refused ]
		# without state, kexec behaves like upstream's
		run ! fault reboot 22 kexec -e --kho=off
		[[ $output == *"kexec failed: Invalid argument"* ]]
		vm_ok kexec "$path" -u
		vm_ok test ! -e /run/kexec-kho
	done
	# kexec chooses: it uses kexec_load for an image that kexec_file_load does not take
	run -0 fault kexec_file_load 22 kexec -l --kho=require /boot/bzImage --reuse-cmdline
	[[ $output == *"loading it and the state with kexec_load"* ]]
	vm_run cat /run/kexec-kho | grep -qx 'by kexec_load'
	vm_kexec
	[ "$(records --in | wc -l)" = 5 ]
	vm_ok kho-inspect verify --in
}

@test "kexec refuses a command line that loses the state, and accepts one with quotes" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	refused 3 K605 "kexec -l -s --kho=require /boot/bzImage '--append=root=/dev/vda acpi_osi=\"a kho=on b\"'"
	refused 3 K605 "kexec -l -c --kho=require /boot/bzImage '--append=root=/dev/vda acpi_osi=\"a kho=on b\"'"
	refused 3 K609 "kexec -l -s --kho=require /boot/bzImage '--append=kho=on \"root=/dev/vda'"
	refused 3 K609 'kexec -l -s /boot/bzImage --reuse-cmdline "--append=x=\"y"'
	refused 3 K607 'kexec -l -s /boot/bzImage --reuse-cmdline --append=mem=1G'
	refused 3 K607 'kexec -l -c /boot/bzImage --reuse-cmdline --append=mem=1G'
	refused 3 K607 'kexec -l -s /boot/bzImage --reuse-cmdline --append=memmap=exactmap'
	refused 3 K607 'kexec -l -s /boot/bzImage --reuse-cmdline --append=memmap=640K@0,1000M@1M,exactmap,1000M@1M'
	refused 3 K607 'kexec -l -s /boot/bzImage --reuse-cmdline --append=memtest=1'
	vm_run 'kexec -l -s /boot/bzImage --reuse-cmdline --append=crashkernel=1G 2>&1' | grep -q 'K608 warning'
	vm_ok 'kexec -l -c --kho=require /boot/bzImage "--append=$(sed "s/kho=on/\"kho=on\"/" /proc/cmdline) x=\"a kho=off b\""'
	vm_kexec
	vm_run cat /proc/cmdline | grep -q '^rd.kho.expect=5,[0-9]* .*"kho=on"'
	vm_ok kho-inspect verify --in
	[ "$(records --in | wc -l)" = 5 ]
	# kexec does not pass on the promise that this kernel got
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	vm_kexec
	[ "$(vm_run 'grep -o rd.kho.expect= /proc/cmdline | wc -l')" = 1 ]
	vm_ok kho-inspect verify --in
	# this shows that kexec started a boot
	[ "$(vm_run 'echo $(($(cat /proc/sys/kernel/bootloader_type) >> 4))')" = 13 ]
}

@test "with too little scratch, both paths name the size and the parameter" {
	vm_start --append "kho=on kho_scratch=8M,8M,8M"
	vm_ok modprobe kho_edu
	refused 3 K701 'kexec -l -c /boot/bzImage --reuse-cmdline'
	refused 3 K701 'kexec -l -s --kho-dry-run /boot/bzImage --reuse-cmdline'
	refused 3 K701 'kexec -l -s /boot/bzImage --reuse-cmdline'
	run -3 vm_run 'kexec -l -s /boot/bzImage --reuse-cmdline'
	[[ $output =~ needs\ [0-9]{8}\ bytes.*kho_scratch=.*at\ least\ [0-9]+M ]]
}

@test "if kernel and initrd fit separately and not together, the dry run agrees with the load" {
	vm_start --append "kho=on kho_scratch=32M,0,0"
	vm_ok modprobe kho_edu
	vm_ok 'head -c 25165824 /dev/urandom >/tmp/initrd'
	refused 3 K701 'kexec -l -s --kho-dry-run /boot/bzImage --initrd=/tmp/initrd --reuse-cmdline'
	refused 3 K701 'kexec -l -s /boot/bzImage --initrd=/tmp/initrd --reuse-cmdline'
	refused 3 K701 'kexec -l -c --kho-dry-run /boot/bzImage --initrd=/tmp/initrd --reuse-cmdline'
	refused 3 K701 'kexec -l -c /boot/bzImage --initrd=/tmp/initrd --reuse-cmdline'
	# near the largest size that fits, the kernel itself agrees
	vm_ok 'size=$((24 << 20)); fits=0
		while [ $size -gt 4194304 ]; do
			truncate -s $size /tmp/initrd
			kexec -l -s --kho-dry-run /boot/bzImage --initrd=/tmp/initrd --reuse-cmdline >/dev/null 2>&1; dry=$?
			kexec -l -s /boot/bzImage --initrd=/tmp/initrd --reuse-cmdline >/dev/null 2>&1; real=$?
			[ $dry = $real ] || { echo "$size: $dry $real"; exit 1; }
			[ $dry != 0 ] || { fits=1; break; }
			size=$((size - 262144))
		done
		[ $fits = 1 ]'
}
