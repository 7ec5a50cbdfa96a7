#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian packages, installed in and removed from a new system in a folder, leave no trace.

bats_require_minimum_version 1.5.0

setup_file() {
	local top=$BATS_TEST_DIRNAME/../.. package
	: "${KHO_PACKAGES_DIR:?run these tests with scripts/test package}"
	# shellcheck source=lab/common.bash
	. "$top/lab/common.bash"
	# shellcheck source=lab/fetch.bash
	. "$top/lab/fetch.bash"
	export CHROOT=$BATS_FILE_TMPDIR/root
	# dependencies of ours, kexec-tools for the diversion, and a man page reader
	mmdebstrap --quiet --mode=root --variant=minbase \
		--include="$(dependencies),kexec-tools,mandoc,bash-completion" \
		"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$CHROOT" "$(fetch_mirror)"
	mount -t proc proc "$CHROOT/proc"
	mkdir -p "$CHROOT/packages/theirs"
	(cd "$CHROOT/packages/theirs" && apt-get -q -o APT::Sandbox::User=root download kexec-tools)
	for package in "$KHO_PACKAGES_DIR"/*.deb; do
		[[ $package == *-dbgsym_* ]] || cp "$package" "$CHROOT/packages/"
	done
}

teardown_file() {
	[[ ! ${CHROOT:-} ]] || umount "$CHROOT/proc" 2>/dev/null || true
}

# Prints the dependencies of our packages on others, without versions and alternatives.
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

# Prints every file of the system with its type and content, without dpkg's own data.
inventory() {
	(cd "$CHROOT" && find . -xdev -path ./proc -prune -o -path ./packages -prune -o \
		-path ./var/lib/dpkg -prune -o -path ./var/log -prune -o -path ./var/cache -prune -o \
		-printf '%p %y %m %l\n') | LC_ALL=C sort
}

@test "installed packages work, and leave nothing when removed" {
	inventory >"$BATS_TEST_TMPDIR/before"
	in_chroot kexec --version | grep -q kexec-tools
	run ! in_chroot kexec --kho=auto --version

	in_chroot sh -c 'dpkg -i /packages/*.deb'
	run -0 in_chroot kho-inspect --version
	[[ $output == *"kho-inspect"* ]]
	run -2 in_chroot kho-inspect list
	[[ $output == *"debugfs"* || $output == *"KHO"* ]]
	# libkdumpfile is only recommended; this is the header of a dump that needs it
	{
		printf 'KDUMP   \006\0\0\0'
		head -c 260 /dev/zero
		printf x86_64
		head -c 150 /dev/zero
		printf '\0\020\0\0\001\0\0\0'
		head -c 8000 /dev/zero
	} >"$CHROOT/tmp/dump"
	in_chroot kho-inspect list --core=/tmp/dump 2>&1 | grep -q '/tmp/dump is a compressed dump, and libkdumpfile'
	rm "$CHROOT/tmp/dump"
	[[ $(in_chroot bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader kho-inspect; complete -p kho-inspect') == *kho* ]]

	# both names of kexec are ours; kexec-tools' is diverted
	in_chroot /sbin/kexec --kho=auto --version | grep -q kexec-tools
	in_chroot kexec --help | grep -q -- --kho-dry-run
	[ -x "$CHROOT/usr/sbin/kexec.kexec-tools" ]
	run ! in_chroot /usr/sbin/kexec.kexec-tools --kho=auto --version

	for page in kho-inspect.1 kexec-kho.8 kho-rules.7 kho-boot.7 libkho.3; do
		in_chroot mandoc -T ascii "/usr/share/man/man${page##*.}/$page.gz" | grep -qi "^${page%.*}(${page##*.})"
	done
	in_chroot sh -c 'dracut --list-modules --no-kernel 2>/dev/null' | grep -qx kho
	# without systemd, the units are enabled all the same, for a systemd that is installed later
	in_chroot test -e /etc/systemd/system/multi-user.target.wants/kho-report.service
	in_chroot test -e /etc/systemd/system/systemd-kexec.service.requires/kho-preexec.service
	in_chroot sh -c 'dpkg --verify libkho0 libkho-dev kho-inspect kexec-kho dracut-kho kho-initramfs-tools'

	in_chroot dpkg --purge dracut-kho kho-initramfs-tools kexec-kho kho-inspect libkho-dev libkho0
	in_chroot kexec --version | grep -q kexec-tools
	run ! in_chroot kexec --kho=auto --version
	inventory >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "libkho0 recommends the packages of all libraries that it loads" {
	local names name recommends
	recommends=$(dpkg-deb -f "$KHO_PACKAGES_DIR"/libkho0_*.deb Recommends)
	dpkg-deb -x "$KHO_PACKAGES_DIR"/libkho0_*.deb "$BATS_TEST_TMPDIR/libkho0"
	names=$(strings "$BATS_TEST_TMPDIR"/libkho0/usr/lib/*/libkho.so.0 |
		grep -oE '^lib(kdumpfile|dw|lz4|lzma)\.so\.[0-9]+' | sort -u)
	[ "$(wc -w <<<"$names")" -eq 4 ]
	for name in $names; do
		dpkg -S "*/$name" | grep -oE '^[^:]+' | sort -u | grep -qxFf <(grep -oE '[a-z0-9.+-]+' <<<"$recommends")
	done
}

@test "kexec-tools installed after ours is diverted, and comes back" {
	in_chroot dpkg --purge kexec-tools
	run ! in_chroot test -e /usr/sbin/kexec
	in_chroot sh -c 'dpkg -i /packages/libkho0_*.deb /packages/kexec-kho_*.deb'
	in_chroot kexec --help | grep -q -- --kho-dry-run
	in_chroot sh -c 'dpkg --purge kexec-kho libkho0'
	run ! in_chroot test -e /usr/sbin/kexec
	[ -z "$(in_chroot dpkg-divert --list '*kexec*')" ]
}

install_kexec_tools() {
	in_chroot sh -c 'dpkg -i /packages/theirs/kexec-tools_*.deb'
}

# Prints our units and links that systemd finds for a kexec.
requirements() {
	find "$CHROOT/etc/systemd/system" "$CHROOT/lib/systemd/system" -path '*kexec*' -name 'kho-*' | sort
}

@test "after a removal without purge, nothing requires a removed unit; installed again, all works" {
	install_kexec_tools
	inventory >"$BATS_TEST_TMPDIR/before"
	in_chroot sh -c 'dpkg -i /packages/libkho0_*.deb /packages/kexec-kho_*.deb'
	[ -n "$(requirements)" ]
	in_chroot dpkg --remove kexec-kho
	[ -z "$(requirements)" ]
	run ! in_chroot kexec --kho=auto --version
	in_chroot kexec --version | grep -q kexec-tools
	[ -z "$(in_chroot dpkg-divert --list '*kexec*')" ]
	# again, with the check before systemctl kexec in place
	in_chroot sh -c 'dpkg -i /packages/kexec-kho_*.deb'
	in_chroot test -e /etc/systemd/system/systemd-kexec.service.requires/kho-preexec.service
	# an upgrade, also one that fails half way
	in_chroot sh -c 'dpkg -i /packages/kexec-kho_*.deb'
	in_chroot kexec --kho=auto --version
	in_chroot dpkg --purge kexec-kho libkho0
	inventory >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

# break_package CHANGE: makes /tmp/broken.deb, our package changed by that function.
break_package() {
	local dir=$CHROOT/tmp/broken
	rm -rf "$dir"
	dpkg-deb -R "$CHROOT"/packages/kexec-kho_*.deb "$dir"
	"$@" "$dir"
	dpkg-deb -b "$dir" "$CHROOT/tmp/broken.deb" >/dev/null
	rm -rf "$dir"
}

fail_in_preinst() {
	printf 'exit 7\n' >>"$1/DEBIAN/preinst"
}

# another package owns that file, so dpkg fails while it unpacks
take_foreign_file() {
	mkdir -p "$1/usr/bin"
	echo ours >"$1/usr/bin/dpkg"
}

@test "a failed installation leaves the existing kexec, with and without kexec-tools" {
	local way tools
	install_kexec_tools
	in_chroot sh -c 'dpkg -i /packages/libkho0_*.deb'
	for tools in with without; do
		[ "$tools" = with ] || in_chroot dpkg --purge kexec-tools
		inventory >"$BATS_TEST_TMPDIR/before"
		for way in fail_in_preinst take_foreign_file; do
			break_package "$way"
			run ! in_chroot dpkg -i /tmp/broken.deb
			rm -f "$CHROOT/tmp/broken.deb"
			[ -z "$(in_chroot dpkg-divert --list '*kexec*')" ]
			in_chroot dpkg --purge kexec-kho 2>/dev/null || true
			inventory >"$BATS_TEST_TMPDIR/after"
			diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
		done
	done
}

@test "our package refuses to divert a kexec that another package diverts, and changes nothing" {
	local name
	install_kexec_tools
	in_chroot sh -c 'dpkg -i /packages/libkho0_*.deb'
	for name in /usr/sbin/kexec /sbin/kexec; do
		in_chroot dpkg-divert --quiet --local --no-rename --divert "$name.mine" --add "$name"
		inventory >"$BATS_TEST_TMPDIR/before"
		run ! in_chroot sh -c 'dpkg -i /packages/kexec-kho_*.deb'
		[[ $output == *"$name is diverted by the administrator already"* ]]
		inventory >"$BATS_TEST_TMPDIR/after"
		diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
		[ "$(in_chroot dpkg-divert --list '*kexec*' | wc -l)" = 1 ]
		in_chroot dpkg --purge kexec-kho 2>/dev/null || true
		in_chroot dpkg-divert --quiet --local --no-rename --remove "$name"
		in_chroot kexec --version | grep -q kexec-tools
	done
}
