#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The project on another release of Debian: it builds with warnings as errors, passes its unit tests, and builds
# packages. KHO_DISTRO names the release; KHO_DISTRO_PART is fast or all.

bats_require_minimum_version 1.5.0
# shellcheck source=lab/common.bash
. "$BATS_TEST_DIRNAME/../../lab/common.bash"
# shellcheck source=lab/distro.bash
. "$KHO_TOP/lab/distro.bash"

# the unit tests that depend on the C library, the kernel and other libraries
FAST="inspect-sandbox.bats inspect-help.bats libkho-abi.bats libkho-formats.bats libkho-live.bats kexec-plan.bats"

setup_file() {
	: "${KHO_DISTRO:?run these tests with scripts/test distro}" "${KHO_DISTRO_PART:?}"
	export SOURCE=$BATS_FILE_TMPDIR/source
	copy_tracked "$SOURCE"
	inside autoreconf -fi >"$BATS_FILE_TMPDIR/log" 2>&1
}

# DISTRO_ARCH: in the system that builds for that architecture.
inside() {
	distro_root "$KHO_DISTRO" "${DISTRO_ARCH:-}"
	distro_run "$DISTRO_ROOT" "$SOURCE" "$@" 3>&-
}

only_all() {
	[[ $KHO_DISTRO_PART == all ]] || skip "with scripts/test distro $KHO_DISTRO"
}

# build COMPILER: builds in build-COMPILER, with the programs that the tests run. Without -no-install libtool makes
# scripts of these, which open /dev/null and take longer.
build() {
	# shellcheck disable=SC2016 # for the other shell
	inside bash -euc '
		mkdir "build-$1"
		cd "build-$1"
		"$1" --version | head -n 1
		../configure --enable-werror CC="$1" >/dev/null
		make -s -j"$(nproc)" KHO_LDFLAGS=-no-install all
		make -s -j"$(nproc)" KHO_LDFLAGS=-no-install check-programs
	' bash "$1"
}

@test "it builds without a warning" {
	build gcc
}

@test "it builds without a warning with the other compilers too" {
	local compiler compilers
	only_all
	compilers=$(inside bash -c 'compgen -c | grep -xE "gcc-[0-9]+|clang" | sort -u')
	[ "$(wc -w <<<"$compilers")" -ge 2 ]
	for compiler in $compilers; do
		build "$compiler"
	done
}

@test "its unit tests pass" {
	local files=$FAST
	[[ $KHO_DISTRO_PART == fast ]] || files=.
	# shellcheck disable=SC2016 # for the other shell
	inside bash -euc '
		export KHO_BUILDDIR=/source/build-gcc
		cd tests/unit
		bats $1
	' bash "$files" >"$BATS_TEST_TMPDIR/log" 2>&1 || {
		grep -A 10 '^not ok' "$BATS_TEST_TMPDIR/log" || tail -n 30 "$BATS_TEST_TMPDIR/log"
		return 1
	}
	# a skipped test has not passed: say how many there are, and why
	{
		grep -c '^ok' "$BATS_TEST_TMPDIR/log" | sed 's/$/ tests ended well, and of these were skipped:/'
		sed -n 's/^ok .* # skip //p' "$BATS_TEST_TMPDIR/log" | sort | uniq -c
	} | sed 's/^/# /' >&3
	# the tests ran, and the sandbox was one of them
	[ "$(grep -c '^ok' "$BATS_TEST_TMPDIR/log")" -gt 20 ]
	grep '^ok .*a filter is in force while it works' "$BATS_TEST_TMPDIR/log"
}

# package [OPTION...]: makes packages in packages, from a new copy: other tests leave files in theirs,
# and a source package takes all that git does not ignore.
package() {
	SOURCE=$BATS_TEST_TMPDIR/source
	copy_tracked "$SOURCE/tree"
	cp "$KHO_DISTRO_KEXEC_TOOLS" "$SOURCE/kexec-tools.tar.xz"
	# shellcheck disable=SC2016 # for the other shell
	inside bash -euc '
		git init -q tree
		KHO_KEXEC_TOOLS_SRC=$PWD/kexec-tools.tar.xz KHO_BUILD=$PWD tree/scripts/build-packages "$@"
	' bash "$@"
}

@test "its Debian packages build, and one recommends the libkdumpfile of that release" {
	only_all
	package
	# shellcheck disable=SC2016 # for the other shell
	inside bash -euc '
		library=$(dpkg -S "*/libkdumpfile.so.[0-9]*" | cut -d: -f1 | sort -u)
		dpkg-deb -f packages/libkho0_*.deb Recommends | grep -wF "$library"
	'
}

@test "they build for arm64 too, and lintian finds no error in them" {
	only_all
	export DISTRO_ARCH=arm64
	package -aarm64
	# shellcheck disable=SC2016 # for the other shell
	inside bash -euc '
		cd packages
		ls *.deb
		mkdir /tmp/unpacked
		for package in kho-inspect kexec-kho libkho0; do
			dpkg-deb -x "$package"_*_arm64.deb /tmp/unpacked
		done
		for file in /tmp/unpacked/usr/{bin/kho-inspect,sbin/kexec,lib/aarch64-linux-gnu/libkho.so.0}; do
			readelf -hW "$file" | grep -q "Machine: *AArch64"
		done
		readelf -dW /tmp/unpacked/usr/sbin/kexec | grep -q "NEEDED.*libkho"
		lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs ./*_arm64.changes
	'
}
