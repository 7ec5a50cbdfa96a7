#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Damaged state in initramfs images that dracut 059, 106 and 112 made, with systemd and
# without, and in one of initramfs-tools: each has to notice before a driver does, and to ask the operator.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers
load initramfs-helpers

@test "a damaged record, changed content and unclaimed allocations: the shell opens in every initramfs, and the boot goes on" {
	local name policy="rd.kho.policy.error=shell rd.kho.policy.unclaimed=log"
	start_with_images
	# a driver damages one thing; the record stays damaged, and the next one changes content
	edu_damaged crc
	vm_ok kexec -l -s --kho=off /boot/bzImage --reuse-cmdline
	vm_kexec 'kexec -e --kho=off'
	edu_damaged content

	for name in "${EVERY_IMAGE[@]}"; do
		echo "in $name"
		# with panic= initramfs-tools opens no shell; the last one counts
		[[ $name != initramfs-tools ]] || policy+=" panic="
		# root has no password here, and dracut from 106 on opens no shell then without the last one
		load_image "$name" -s --kho=off "modprobe.blacklist=kho_edu SYSTEMD_SULOGIN_FORCE=1 $policy"
		jump_and_wait 'kho: error K405'
		wait_for_shell "$name"
		# both findings stand above the prompt, and nothing has been started
		vm_expect_console 'Warning: kho: error K405'
		vm_expect_console 'Warning: kho: error K413'
		console_lacks 'guest-agent: up'
		vm_type 'sed "s/^/shell:/" /run/initramfs/kho/status; echo operator-$((6 * 7))'
		vm_wait_console '^operator-42$' 30
		vm_expect_console '^shell:error error K4'
		vm_type exit
		vm_wait_ready 90

		[ "$(status_word)" = error ]
		[[ $(rules_in report.json) == *K405*K413* ]]
		[[ $(rules_in claims.json) == *K501* ]]
		vm_run cat /run/initramfs/kho/status | grep -q 'claims: warning: at least [0-9]* unclaimed, an unknown number is refused$'
		vm_ok 'dmesg | grep "kho: incoming state: error"'
		# that class is for the log only
		console_lacks 'Warning: kho: warning K501'
		vm_ok 'dmesg | grep "kho: claims: error: .*; without the first check: warning"'
		# the snapshot to mail: without content, and with the damaged record
		[ "$(vm_run 'stat -c %a /run/initramfs/kho/snapshot.khosnap')" = 600 ]
		vm_run kho-inspect verify --in --core /run/initramfs/kho/snapshot.khosnap --skip-content | grep -q K405
	done
}
