#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# rd.kho.policy: who is told, and when a shell opens.
#
# shellcheck disable=SC2317 # functions are called by name

bats_require_minimum_version 1.5.0
load dracut-helpers

bad_boot() { # SHELL [ARGUMENT]
	hand_over
	cmdline "${2:-}"
	inspect_says 1 "$(report "$(finding K413 error "content changed")")"
	run_hooks "$1" kho-verify.sh
	status_is error
}

@test "log: the kernel log and the report only" {
	log() {
		bad_boot "$1" rd.kho.policy=log
		kmsg_is '<3>kho: incoming state: error: *'
		not_called warn
		not_called emergency_shell
	}
	in_every_shell log
}

@test "warn is the default: the console too, and no shell" {
	by_default() {
		bad_boot "$1"
		called "warn kho: error K413: content changed"
		not_called emergency_shell
		bad_boot "$1" rd.kho.policy=warn
		not_called emergency_shell
	}
	in_every_shell by_default
}

@test "shell: opens once, after the findings, with debugfs still mounted" {
	shell_policy() {
		bad_boot "$1" rd.kho.policy=shell
		called "emergency_shell -n kho kho: incoming state: error:"
		[ "$(grep -c emergency_shell "$BOX/calls")" -eq 1 ]
		called "status in the shell: error error K413"
		grep -E '^(warn kho: error|emergency_shell|umount)' "$BOX/calls" | cut -d' ' -f1 \
			| diff - <(printf '%s\n' warn emergency_shell umount)
	}
	in_every_shell shell_policy
}

@test "shell: opens for what is unknown or absent as well" {
	for_unknown() {
		hand_over
		cmdline rd.kho.policy=shell
		inspect_says 2 "" "no permission"
		run_hooks "$1" kho-verify.sh
		called "emergency_shell -n kho kho: incoming state: unknown:"

		new_box absent
		cmdline rd.kho.policy=shell rd.kho.expect=3,17
		inspect_says 1 "$(report "$(finding K510 fatal "were expected")")"
		run_hooks "$1" kho-verify.sh
		called "emergency_shell -n kho kho: incoming state: absent:"
	}
	in_every_shell for_unknown
}

@test "shell: does not open when all is well" {
	well() {
		hand_over
		cmdline rd.kho.policy=shell
		run_hooks "$1" kho-verify.sh
		status_is clean
		not_called emergency_shell
	}
	in_every_shell well
}

# SHELL SEVERITY RULE ARGUMENT...: a boot with one finding.
boot_with() {
	local shell=$1 severity=$2 rule=$3 status=1
	shift 3
	new_box again
	hand_over
	cmdline "$@"
	[ "$severity" != warning ] || status=0
	inspect_says "$status" "$(report "$(finding "$rule" "$severity" "something")")"
	run_hooks "$shell" kho-verify.sh
}

@test "each class has a policy of its own, and the general one for the rest" {
	classes() {
		boot_with "$1" fatal K101 rd.kho.policy=shell rd.kho.policy.fatal=log
		not_called warn
		not_called emergency_shell
		boot_with "$1" error K413 rd.kho.policy=shell rd.kho.policy.fatal=log
		called emergency_shell
		boot_with "$1" error K413 rd.kho.policy.error=shell
		called emergency_shell
		boot_with "$1" fatal K101 rd.kho.policy.error=shell
		not_called emergency_shell
		called "warn kho: fatal K101"
		boot_with "$1" warning K203 rd.kho.policy.warning=shell
		called emergency_shell
		boot_with "$1" warning K203 rd.kho.policy=log
		not_called warn
		boot_with "$1" warning K203 rd.kho.policy=log rd.kho.policy.warning=warn
		called "warn kho: warning K203"
	}
	in_every_shell classes
}

@test "what could not be judged has a class of its own" {
	not_judged() {
		hand_over
		cmdline rd.kho.policy.unknown=shell
		inspect_says 1 "$(report "$(finding K413 error "not readable" true)")"
		run_hooks "$1" kho-verify.sh
		called "emergency_shell -n kho kho: incoming state: unknown:"
		new_box again
		hand_over
		cmdline rd.kho.policy.unknown=shell
		inspect_says 2 "" "no permission"
		run_hooks "$1" kho-verify.sh
		called "emergency_shell -n kho kho: incoming state: unknown:"
	}
	in_every_shell not_judged
}

@test "unclaimed allocations have a policy of their own" {
	unclaimed() {
		local arguments
		for arguments in "rd.kho.policy.unclaimed=shell" "rd.kho.policy.warning=shell"; do
			new_box again
			hand_over
			cmdline "$arguments"
			claims_say 0 "$(report "$(finding K501 warning "record 2 has not been claimed")")"
			run_hooks "$1" kho-verify.sh kho-claims.sh
			called "emergency_shell -n kho kho: claims: warning: 1 unclaimed"
		done
		new_box again
		hand_over
		cmdline rd.kho.policy=shell rd.kho.policy.warning=shell rd.kho.policy.unclaimed=log
		claims_say 0 "$(report "$(finding K501 warning "record 2 has not been claimed")")"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is warning
		not_called warn
		not_called emergency_shell
	}
	in_every_shell unclaimed
}

@test "the strongest policy of all findings acts, and only what asks for it is shown" {
	strongest() {
		hand_over
		cmdline rd.kho.policy.warning=log rd.kho.policy.error=shell rd.kho.policy.fatal=warn
		inspect_says 1 "$(report "$(finding K203 warning w)" "$(finding K413 error e)" "$(finding K101 fatal f)")"
		run_hooks "$1" kho-verify.sh
		called emergency_shell
		called "warn kho: fatal K101"
		called "warn kho: error K413"
		not_called "warn kho: warning K203"
	}
	in_every_shell strongest
}

@test "reboot: resets the machine, after the status is written and the findings told" {
	resets() {
		boot_with "$1" error K413 rd.kho.policy=reboot
		status_is error
		called "warn kho: error K413: something"
		called "warn kho: resetting the machine"
		called "systemctl --force --force reboot"
		not_called emergency_shell
		grep -q 'kho: resetting the machine' "$BOX/kmsg"
	}
	in_every_shell resets
}

@test "reboot: through the kernel itself when nothing else does it, and a shell when nothing at all does" {
	forced() {
		new_box again
		hand_over
		cmdline rd.kho.policy=reboot
		touch "$BOX/unstoppable"
		inspect_says 1 "$(report "$(finding K413 error e)")"
		run_hooks "$1" kho-verify.sh
		grep -qx b "$BOX/sysrq"
		called "emergency_shell -n kho kho: incoming state: error: error K413: e"
		called "The machine could not be reset"
	}
	in_every_shell forced
}

@test "reboot: not on a boot that kexec has not handed anything, where it would never end" {
	loops() {
		# a promise on the boot loader's own command line
		cmdline rd.kho.policy=reboot rd.kho.expect=3,17
		inspect_says 1 "$(report "$(finding K510 fatal "were expected")")"
		run_hooks "$1" kho-verify.sh
		called "No reboot: kexec has not handed this kernel anything"
		called emergency_shell
		not_called systemctl
		# a boot loader that is a Linux itself, and an initramfs without the tool
		new_box again
		echo 208 > "$BOX/bootloader"
		cmdline rd.kho.policy=reboot
		inspect_says 127 ""
		touch "$BOX/mounted"
		mkdir -p "$BOX/debug/kho/in"
		run_hooks "$1" kho-verify.sh
		status_is unknown
		called emergency_shell
		not_called systemctl
		# nothing tells who started this kernel
		new_box again
		hand_over
		rm "$BOX/bootloader"
		cmdline rd.kho.policy=reboot
		inspect_says 1 "$(report "$(finding K413 error e)")"
		run_hooks "$1" kho-verify.sh
		called emergency_shell
		not_called systemctl
	}
	in_every_shell loops
}

@test "reboot: with a promise from kexec that came to nothing, or a device tree" {
	lost() {
		echo 208 > "$BOX/bootloader"
		cmdline rd.kho.policy=reboot rd.kho.expect=3,17
		inspect_says 1 "$(report "$(finding K510 fatal "were expected")")"
		run_hooks "$1" kho-verify.sh
		called "systemctl --force --force reboot"
		new_box again
		rm "$BOX/bootloader"
		mkdir "$BOX/chosen"
		touch "$BOX/chosen/linux,kho-fdt" "$BOX/chosen/linux,booted-from-kexec" "$BOX/state"
		cmdline rd.kho.policy=reboot
		inspect_says 1 "$(report "$(finding K413 error e)")"
		run_hooks "$1" kho-verify.sh
		called "systemctl --force --force reboot"
	}
	in_every_shell lost
}

@test "halt: stops the machine, and nothing is started after it" {
	halts() {
		boot_with "$1" error K413 rd.kho.policy=halt
		status_is error
		grep -q '^<3>kho: halted: nothing is started any more' "$BOX/kmsg"
		called "systemctl --force --force halt"
		not_called emergency_shell
	}
	in_every_shell halts
}

@test "an unknown policy is told and taken as warn" {
	unknown() {
		bad_boot "$1" rd.kho.policy=shel
		called "warn kho: rd.kho.policy=shel is not one of log, warn, shell, reboot, halt: taken as warn"
		called "warn kho: error K413"
		not_called emergency_shell
		new_box again
		bad_boot "$1" rd.kho.policy.error=stop
		called "warn kho: rd.kho.policy.error=stop is not one of"
		not_called emergency_shell
	}
	in_every_shell unknown
}
