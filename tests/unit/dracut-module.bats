#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# module-setup.sh, sourced as dracut does it, with dracut's functions recorded.
#
# shellcheck disable=SC2034,SC2317 # module-setup.sh uses them

bats_require_minimum_version 1.5.0
load dracut-helpers

# dracut's functions; every call is a line in calls.
dracut_functions() {
	calls=$BATS_TEST_TMPDIR/calls
	: > "$calls"
	local name
	for name in inst_multiple inst_simple inst_script inst_hook systemctl_of_dracut; do
		eval "$name() { printf '%s %s\n' $name \"\$*\" >> \"\$calls\"; }"
	done
	require_binaries() { [[ " ${installed:-} " == *" $1 "* ]]; }
	dracut_module_included() { [[ " ${modules:-} " == *" $1 "* ]]; }
	moddir=$KHO_MODULE
	initdir=$BATS_TEST_TMPDIR/initdir
	SYSTEMCTL=systemctl_of_dracut
	systemdsystemunitdir=/usr/lib/systemd/system
	# shellcheck source=/dev/null
	. "$moddir/module-setup.sh"
}

@test "included wherever kho-inspect is installed, and only there" {
	dracut_functions
	installed="kho-inspect mount"
	run -0 check
	installed="mount"
	run -1 check
}

@test "depends on base, installs no kernel module" {
	dracut_functions
	run -0 depends
	[ "$output" = base ]
	run -0 installkernel
	[ -z "$output" ]
	[ ! -s "$calls" ]
}

@test "without systemd: verify is the first pre-udev hook, claims a cleanup hook, and no unit" {
	dracut_functions
	install
	grep -qx "inst_hook pre-udev 00 $KHO_MODULE/kho-verify.sh" "$calls"
	grep -qx "inst_hook cleanup 90 $KHO_MODULE/kho-claims.sh" "$calls"
	grep -qx "inst_simple $KHO_MODULE/kho-lib.sh /lib/kho-lib.sh" "$calls"
	run ! grep -qE 'systemctl|[.]service' "$calls"
}

@test "with systemd: units that are ordered and wanted, and no hook" {
	dracut_functions
	modules="base systemd"
	install
	grep -qx "inst_simple $KHO_MODULE/kho-lib.sh /lib/kho-lib.sh" "$calls"
	grep -qx "inst_script $KHO_MODULE/kho-stage.sh /usr/bin/kho-stage" "$calls"
	grep -qx "systemctl_of_dracut -q --root $initdir add-wants sysinit.target kho-verify.service" "$calls"
	grep -qx "systemctl_of_dracut -q --root $initdir add-wants initrd.target kho-claims.service" "$calls"
	run ! grep -q inst_hook "$calls"
	grep -q '^Before=.*\<systemd-udevd.service\>.*\<systemd-modules-load.service\>' "$KHO_MODULE/kho-verify.service"
	grep -q '^Before=.*\<initrd-switch-root.target\>' "$KHO_MODULE/kho-claims.service"
}

@test "every program that the hooks run is installed" {
	dracut_functions
	install
	local programs program
	programs=" $(sed -n 's/^inst_multiple //p' "$calls" | tr '\n' ' ')"
	for program in kho-inspect dmesg mkdir mkfifo mount mv rm sed sleep umount; do
		[[ $programs == *" $program "* ]]
	done
}

@test "every file that is installed is there, and every file that is there is installed" {
	dracut_functions
	install
	modules=systemd
	install
	local file
	while read -r file; do
		[ -f "$file" ]
	done < <(grep -o "$KHO_MODULE/[^ ]*" "$calls")
	for file in "$KHO_MODULE"/*; do
		[[ $file == */module-setup.sh ]] || grep -qE "$file( |\$)" "$calls"
	done
}

@test "the hooks never exit, for dracut sources them" {
	run ! grep -nE '(^|[;&|{ \t])exit([ \t;]|$)' "$KHO_MODULE"/kho-{lib,verify,claims}.sh
}

@test "shellcheck has nothing to say" {
	command -v shellcheck > /dev/null || skip "shellcheck is not installed"
	shellcheck "$KHO_MODULE"/*.sh "$KHO_TESTS"/dracut-*.sh "$KHO_TESTS"/dracut-*.bash \
		"$KHO_TESTS"/dracut-*.bats
}

@test "the manual names every option and every status word" {
	local manual=${KHO_TESTS%/tests/unit}/man/dracut.kho.7 word
	for word in rd.kho=0 rd.kho.policy rd.kho.policy.{warning,unclaimed,unknown,error,fatal} rd.kho.expect \
		rd.kho.timeout log warn shell reboot halt none clean warning unknown error absent fatal off; do
		grep -q -F -- "$word" "$manual"
	done
}
