#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Initramfs images that dracut 059, 106 and 112 made, with systemd and without, and one of
# initramfs-tools. A
# machine goes from one to the next by kexec, so that each gets what a real kernel
# handed over.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers
load initramfs-helpers

# The size of the image in KiB: packed by gzip as it is there, or by zstd. Both tools use zstd unless told
# otherwise, which is better and slower.
size_gzip() { # NAME
	echo $(($(stat -L -c %s "$VM_IMAGES/$1.img") / 1024))
}
size_zstd() { # NAME
	echo $(($(gzip -dc "$VM_IMAGES/$1.img" | zstd -15 -q | wc -c) / 1024))
}
# its size there in KiB
zlib() { # NAME
	echo $(($(gzip -dc "$VM_IMAGES/$1.img" | cpio -i --quiet --to-stdout '*/libz.so.*.*' | zstd -15 -q | wc -c) / 1024))
}

# The KiB that the check adds. zlib does not count where no other program of the image needs it: libelf
# does, and most initramfs images have it.
added() { # gzip|zstd NAME WITHOUT
	local zlib=0
	packed "$3" | grep -q 'libz\.so' || zlib=$(zlib "$2")
	echo $(($("size_$1" "$2") - $("size_$1" "$3") - zlib))
}

@test "the check adds at most 250 KiB to an initramfs" {
	local name without more how
	for name in "${EVERY_IMAGE[@]}"; do
		without=${name%-*}-without-${name##*-}
		[[ $name != initramfs-tools ]] || without=$name-without
		how=gzip more=$(added gzip "$name" "$without")
		((more <= 250)) || how=zstd more=$(added zstd "$name" "$without")
		echo "# $name: the check adds $more KiB ($how)" >&3
		((more > 100 && more <= 250))
	done
}

@test "dracut and initramfs-tools on one host: each image has its own hooks and not the other's" {
	local hooks=$BATS_TEST_TMPDIR/hooks
	packed plain-beside-059 | grep kho >"$hooks"
	grep -q 'hooks/pre-udev/00-kho-verify.sh$' "$hooks"
	grep -q 'lib/kho-dracut.sh$' "$hooks"
	run ! grep -E 'initramfs-tools|scripts/init-' "$hooks"
	packed initramfs-tools | grep kho >"$hooks"
	grep -qx 'scripts/init-top/00-kho' "$hooks"
	grep -qx 'scripts/init-bottom/kho' "$hooks"
	# others of init-top may load drivers
	gzip -dc "$VM_IMAGES/initramfs-tools.img" | cpio -i --quiet --to-stdout scripts/init-top/ORDER | head -1 |
		grep -qFx '/scripts/init-top/00-kho "$@"'
	run ! grep -E 'dracut|hooks/' "$hooks"
}

@test "dracut --list-modules has the module, in every release" {
	local name
	for name in "${DRACUT_IMAGES[@]}"; do
		grep -qx kho "$VM_IMAGES/$name.img.modules"
	done
}

@test "good state is clean in every initramfs, before the driver has it, and all is claimed or told" {
	local name more
	start_with_images --dracut --append "kho=on"
	[ "$(vm_run cat /run/initramfs/kho/status)" = "none nothing was handed over" ]
	[ "$(vm_run 'ls /run/initramfs/kho')" = status ]
	console_lacks 'kho: '
	vm_ok 'lsmod | grep -q kho_edu || modprobe kho_edu'
	# the last one is of a host with both tools
	for name in "${EVERY_IMAGE[@]}" plain-beside-059; do
		echo "in $name"
		# without systemd, init gets what the kernel does not know: a shell would read it as a script
		more=
		[[ $name != plain-1* ]] || more='x.quoted="a b" -- argument-of-init'
		case $name in
		*-112)
			# a boot that is to stop before this hook has had the check
			load_image "$name" -s --kho=require "rd.break=pre-trigger SYSTEMD_SULOGIN_FORCE=1 $more"
			jump_and_wait 'Break before pre-trigger'
			wait_for_shell "$name"
			vm_type 'sed "s/^/shell:/" /run/initramfs/kho/status'
			vm_wait_console '^shell:clean ' 30
			console_lacks 'kho_edu'
			vm_type exit
			vm_wait_ready 120
			;;
		*)
			hop "$name" -s --kho=require "$more"
			;;
		esac
		[[ ! $more ]] ||
			vm_run cat /proc/cmdline | grep -Eq '^(.* )?rd\.kho\.expect=5,[0-9]+ .* -- argument-of-init$'
		console_lacks "can't open"
		[ "$(status_word)" = clean ]
		vm_run cat /run/initramfs/kho/status | grep -q 'claims: clean: 0 unclaimed, 0 refused$'
		vm_run cat /run/initramfs/kho/report.json | jq -e '.summary.status == 0 and .summary.records == 5'
		[ "$(vm_run 'ls /run/initramfs/kho')" = "$(printf '%s\n' claims.json findings findings.claims report.json status)" ]
		vm_run dmesg | awk '/kho: incoming state: clean/ { seen = 1 } /kho_edu/ { exit !seen }'
		vm_run dmesg | awk '/restored 5 of 5 buffers/ { seen = 1 } /kho: claims/ { exit !seen }'
	done
	no_splat

	# a cold boot of the other tool is as silent
	hop initramfs-tools -c --kho=off
	[ "$(vm_run cat /run/initramfs/kho/status)" = "none nothing was handed over" ]
	console_lacks 'kho: '
	vm_ok 'lsmod | grep -q kho_edu || modprobe kho_edu'

	# the same without the driver: asked for by class, and the boot goes on
	load_image systemd-059 -s --kho=require "modprobe.blacklist=kho_edu rd.kho.policy.unclaimed=shell"
	jump_and_wait 'kho: warning K501'
	wait_for_shell systemd-059
	vm_type 'sed "s/^/shell:/" /run/initramfs/kho/status'
	vm_wait_console '^shell:warning .*claims: warning: 5 unclaimed' 30
	vm_type exit
	vm_wait_ready 120
	[ "$(status_word)" = warning ]
	hop plain-106 -s --kho=require "modprobe.blacklist=kho_edu"
	[ "$(status_word)" = warning ]
	vm_expect_console 'Warning: kho: warning K501'
}

@test "lost state is noticed in every initramfs, with what was promised and what the kernel said" {
	local name expect n=0
	start_with_images
	vm_ok modprobe kho_edu
	for name in "${EVERY_IMAGE[@]}"; do
		echo "in $name"
		# another one each time: kexec does not hand on what the running kernel was promised
		n=$((n + 1))
		expect=$(vm_run kho-inspect show --json | jq -r "\"\(.dma.records),\(.dma.generation + $n)\"")
		[[ $expect == 5,* ]]
		# this is what upstream's kexec does; the promise is all that stays
		hop "$name" -c --kho=off "rd.kho.expect=$expect"
		[ "$(vm_run 'ls /sys/kernel/debug/kho')" = out ]
		[ "$(status_word)" = absent ]
		vm_run cat /run/initramfs/kho/report.json | jq -e '.findings[0].rule == "K510" and .findings[0].severity == "fatal"'
		vm_run cat /run/initramfs/kho/status | grep -q "5 records of generation ${expect#*,} were expected.*; the kernel"
		vm_expect_console "Warning: kho: fatal K510: 5 records of generation ${expect#*,} were expected"
	done

	# for the log only: the console has what the kernel shows of its log, and no more
	hop plain-059 -c --kho=off "rd.kho.expect=5,10 rd.kho.policy=log quiet"
	[ "$(status_word)" = absent ]
	vm_run dmesg | grep -q 'kho: .*absent'
	console_lacks 'Warning: .*K510'
	hop plain-059 -c --kho=off "rd.kho.expect=5,9 rd.kho=0"
	[ "$(status_word)" = off ]
	console_lacks 'K510'
}
