#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian packages: in and out of a system without a trace. The system is a new one, made
# in a folder.

bats_require_minimum_version 1.5.0

setup_file() {
	local top=$BATS_TEST_DIRNAME/../.. package
	: "${KHO_PACKAGES_DIR:?run these tests with scripts/test package}"
	# shellcheck source=lab/common.bash
	. "$top/lab/common.bash"
	# shellcheck source=lab/fetch.bash
	. "$top/lab/fetch.bash"
	export CHROOT=$BATS_FILE_TMPDIR/root
	# what ours depend on, kexec-tools for the diversion, and a man page reader
	mmdebstrap --quiet --mode=root --variant=minbase \
		--include="$(dependencies),kexec-tools,mandoc,bash-completion" \
		"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$CHROOT" "$(fetch_mirror)"
	mount -t proc proc "$CHROOT/proc"
	mkdir "$CHROOT/packages"
	for package in "$KHO_PACKAGES_DIR"/*.deb; do
		[[ $package == *-dbgsym_* ]] || cp "$package" "$CHROOT/packages/"
	done
}

teardown_file() {
	[[ ! ${CHROOT:-} ]] || umount "$CHROOT/proc" 2>/dev/null || true
}

# All that our packages need and that is not ours, without versions and alternatives.
dependencies() {
	local package
	for package in "$KHO_PACKAGES_DIR"/*.deb; do
		dpkg-deb -f "$package" Pre-Depends Depends
	done | sed 's/^[A-Za-z-]*: //; s/, */\n/g' | sed 's/ *|.*//; s/ *(.*//' |
		grep -vxE 'libkho0|libkho-dev|kho-inspect|kexec-kho|dracut-kho|kho-initramfs-tools|' | sort -u | paste -sd,
}

in_chroot() {
	chroot "$CHROOT" "$@"
}

# Every file of the system, with what it is, without what dpkg keeps for itself.
inventory() {
	(cd "$CHROOT" && find . -xdev -path ./proc -prune -o -path ./packages -prune -o \
		-path ./var/lib/dpkg -prune -o -path ./var/log -prune -o -path ./var/cache -prune -o \
		-printf '%p %y %m %l\n') | LC_ALL=C sort
}

@test "installed, they work; removed, nothing of them is left" {
	inventory >"$BATS_TEST_TMPDIR/before"
	in_chroot kexec --version | grep -q kexec-tools
	run ! in_chroot kexec --kho=auto --version

	in_chroot sh -c 'dpkg -i /packages/*.deb'
	run -0 in_chroot kho-inspect --version
	[[ $output == *"kho-inspect"* ]]
	run -2 in_chroot kho-inspect list
	[[ $output == *"debugfs"* || $output == *"KHO"* ]]
	in_chroot kho-inspect list --core=/dev/null 2>&1 | grep -q '/dev/null is no ELF core, and libkdumpfile'
	[[ $(in_chroot bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader kho-inspect; complete -p kho-inspect') == *kho* ]]

	# the kexec that everybody calls is ours, by either name; theirs is aside
	in_chroot /sbin/kexec --kho=auto --version | grep -q kexec-tools
	in_chroot kexec --help | grep -q -- --kho-dry-run
	[ -x "$CHROOT/usr/sbin/kexec.kexec-tools" ]
	run ! in_chroot /usr/sbin/kexec.kexec-tools --kho=auto --version

	for page in kho-inspect.1 kexec-kho.8 kho-rules.7 kho-boot.7 libkho.3; do
		in_chroot mandoc -T ascii "/usr/share/man/man${page##*.}/$page.gz" | grep -qi "^${page%.*}(${page##*.})"
	done
	in_chroot sh -c 'dracut --list-modules --no-kernel 2>/dev/null' | grep -qx kho
	# without systemd, the units are enabled in the way that systemd finds when it comes
	in_chroot test -e /etc/systemd/system/multi-user.target.wants/kho-report.service
	in_chroot test -e /etc/systemd/system/systemd-kexec.service.requires/kho-preexec.service
	in_chroot sh -c 'dpkg --verify libkho0 libkho-dev kho-inspect kexec-kho dracut-kho kho-initramfs-tools'

	in_chroot dpkg --purge dracut-kho kho-initramfs-tools kexec-kho kho-inspect libkho-dev libkho0
	in_chroot kexec --version | grep -q kexec-tools
	run ! in_chroot kexec --kho=auto --version
	inventory >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "kexec-tools that comes after ours goes aside, and comes back" {
	in_chroot dpkg --purge kexec-tools
	run ! in_chroot test -e /usr/sbin/kexec
	in_chroot sh -c 'dpkg -i /packages/libkho0_*.deb /packages/kexec-kho_*.deb'
	in_chroot kexec --help | grep -q -- --kho-dry-run
	in_chroot sh -c 'dpkg --purge kexec-kho libkho0'
	run ! in_chroot test -e /usr/sbin/kexec
	[ -z "$(in_chroot dpkg-divert --list '*kexec*')" ]
}
