#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# module-setup.sh, sourced as dracut does it, with dracut's functions recorded.
#
# shellcheck disable=SC2034,SC2317 # module-setup.sh uses them
# shellcheck disable=SC2016 # backquotes of Markdown

bats_require_minimum_version 1.5.0
load boot-helpers

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

@test "a crash kernel's initramfs has it only when it is asked for" {
	dracut_functions
	installed="kho-inspect"
	IN_KDUMP=1 run -255 check
}

@test "depends on base" {
	dracut_functions
	run -0 depends
	[ "$output" = base ]
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
	grep -qx "inst_simple $KHO_MODULE/kho-dracut.sh /lib/kho-dracut.sh" "$calls"
	grep -qx "systemctl_of_dracut -q --root $initdir add-wants sysinit.target kho-verify.service" "$calls"
	grep -qx "systemctl_of_dracut -q --root $initdir add-wants initrd.target kho-claims.service" "$calls"
	run ! grep -q inst_hook "$calls"
	grep -q '^Before=.*\<systemd-udevd.service\>.*\<systemd-modules-load.service\>' "$KHO_MODULE/kho-verify.service"
	grep -q '^Before=.*\<initrd-switch-root.target\>' "$KHO_MODULE/kho-claims.service"
}

@test "with systemd: the ordering agrees with that of the real units of an initramfs" {
	local tree=$BATS_TEST_TMPDIR/tree units
	units=$tree/usr/lib/systemd/system
	mkdir -p "$units"/{sysinit,initrd}.target.wants "$tree/usr/bin"
	ln -s usr/lib "$tree/lib"
	cp -a /usr/lib/systemd/system/. "$units/"
	cp --remove-destination /usr/lib/dracut/modules.d/*/dracut-*.service "$KHO_MODULE"/*.service "$units/"
	cp -L /bin/sh "$tree/usr/bin/sh"
	ln -s usr/bin "$tree/bin"
	ln -s ../kho-verify.service "$units/sysinit.target.wants/"
	ln -s ../kho-claims.service "$units/initrd.target.wants/"
	verify_units() {
		systemd-analyze verify --man=no --root="$tree" initrd.target initrd-switch-root.target \
			kho-verify.service kho-claims.service
	}
	run -0 verify_units
	[ -z "$output" ]
	# udev really comes after the check: the contrary contradicts it
	sed -i 's/^After=/After=systemd-udevd.service /' "$units/kho-verify.service"
	run verify_units
	[[ $output == *"ordering cycle"*"kho-verify.service"* ]]
}

# real_dracut FILE [OPTION...]: Debian's dracut, with our module among its own.
real_dracut() {
	local file=$1 path
	shift
	mkdir -p "$BATS_TEST_TMPDIR/dracut/modules.d" "$BATS_TEST_TMPDIR/programs"
	for path in /usr/lib/dracut/* /usr/lib/dracut/modules.d/* "$KHO_MODULE"; do
		case $path in
		*/modules.d) ;;
		*/modules.d/* | "$KHO_MODULE") ln -sfn "$path" "$BATS_TEST_TMPDIR/dracut/modules.d/" ;;
		*) ln -sfn "$path" "$BATS_TEST_TMPDIR/dracut/" ;;
		esac
	done
	# Programs in /usr/local do not count. dracut 110 and later read PATH and not DRACUT_PATH. --kver, because a
	# chroot has no kernel.
	dracutbasedir=$BATS_TEST_TMPDIR/dracut \
		DRACUT_PATH="$BATS_TEST_TMPDIR/programs /usr/sbin /usr/bin /sbin /bin" \
		PATH=$BATS_TEST_TMPDIR/programs:/usr/sbin:/usr/bin:/sbin:/bin \
		dracut --stdlog 5 --force --no-kernel --kver none --no-compress --nostrip --no-hostonly-cmdline -m kho "$@" "$file"
}

@test "real dracut: without kho-inspect the module is left out, and dracut says why" {
	! command -v kho-inspect > /dev/null || skip "kho-inspect is installed here"
	run real_dracut "$BATS_TEST_TMPDIR/image"
	[[ $output == *"'kho' will not be installed, because command 'kho-inspect' could not be found"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/image" ]
}

@test "real dracut: a host-only image has the module too, with its hooks" {
	mkdir -p "$BATS_TEST_TMPDIR/programs"
	cp /bin/true "$BATS_TEST_TMPDIR/programs/kho-inspect"
	run -0 real_dracut "$BATS_TEST_TMPDIR/image" --hostonly
	run -0 lsinitrd "$BATS_TEST_TMPDIR/image"
	[[ $output == *hooks/cleanup/90-kho-claims.sh* ]]
	[[ $output == *hooks/pre-udev/00-kho-verify.sh* ]]
	[[ $output == *usr/lib/kho-lib.sh* ]]
	[[ $output == */kho-inspect* ]]
}

@test "every program that the hooks run is installed" {
	dracut_functions
	install
	grep -qx "inst_multiple kho-inspect mkdir mv rm sleep" "$calls"
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

@test "the manual names every option and every status word" {
	local manual=$KHO_TOP/man/kho-boot.7 word
	for word in rd.kho=0 rd.kho.policy rd.kho.policy.{warning,unclaimed,unknown,error,fatal} rd.kho.expect \
		rd.kho.timeout log warn shell reboot halt none clean warning unknown error absent fatal off; do
		grep -q -F -- "$word" "$manual"
	done
}

@test "the README has each policy and each status word, and no other" {
	local top=$KHO_TOP policies words
	policies=$(sed -n 's/^\t\[POLICY_[A-Z]*\] = "\(.*\)",$/\1/p' "$top/tools/kho-inspect/boot_judge.c" | tr -d '\n')
	[ -n "$policies" ]
	[ "$(sed -n '/^| policy |/,/^$/s/^| `\([a-z]*\)` |.*/\1/p' "$top/README.md" | tr -d '\n')" = "$policies" ]
	words=$(sed -n '/^\.SH STATUS/,/^\.SH/s/^\.B \([a-z]*\)$/\1/p' "$top/man/kho-boot.7" | sort)
	[ -n "$words" ]
	[ "$(tr '\n' ' ' < "$top/README.md" | grep -o 'first word is the verdict ([^)]*)' | grep -o '`[a-z]*`' | tr -d '`' | sort)" = "$words" ]
}
