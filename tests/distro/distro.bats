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
	cp "$KHO_DISTRO_KEXEC_TOOLS" "$SOURCE/"
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

# build COMPILER: builds in build-COMPILER, with the programs that the tests run.
build() {
	# shellcheck disable=SC2016 # for the other shell
	inside bash -euc '
		mkdir "build-$1"
		cd "build-$1"
		"$1" --version | head -n 1
		../configure --enable-werror CC="$1" >/dev/null
		make -s -j"$(nproc)" all
		make -s -j"$(nproc)" check-programs
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
	# the tests ran, and the sandbox was one of them
	[ "$(grep -c '^ok' "$BATS_TEST_TMPDIR/log")" -gt 20 ]
	grep '^ok .*a filter is in force while it works' "$BATS_TEST_TMPDIR/log"
}

@test "its Debian packages build" {
	only_all
	# shellcheck disable=SC2016 # for the other shell
	inside bash -euc '
		git init -q && git add -A
		KHO_KEXEC_TOOLS_SRC=$PWD/$1 KHO_BUILD=$PWD/packaging scripts/build-packages
		ls packaging/packages/*.deb
	' bash "${KHO_DISTRO_KEXEC_TOOLS##*/}"
}

@test "they build for arm64 too, and lintian finds no error in them" {
	only_all
	# shellcheck disable=SC2016 # for the other shell
	DISTRO_ARCH=arm64 inside bash -euc '
		git init -q && git add -A
		KHO_KEXEC_TOOLS_SRC=$PWD/$1 KHO_BUILD=$PWD/packaging-arm64 scripts/build-packages -aarm64
		cd packaging-arm64/packages
		ls *.deb
		mkdir /tmp/unpacked
		for package in kho-inspect kexec-kho libkho0; do
			dpkg-deb -x "$package"_*_arm64.deb /tmp/unpacked
		done
		for file in /tmp/unpacked/usr/{bin/kho-inspect,sbin/kexec,lib/aarch64-linux-gnu/libkho.so.0}; do
			readelf -hW "$file" | grep -q "Machine: *AArch64"
		done
		readelf -dW /tmp/unpacked/usr/sbin/kexec | grep -q "NEEDED.*libkho"
		lintian --allow-root --fail-on error ./*_arm64.changes
	' bash "${KHO_DISTRO_KEXEC_TOOLS##*/}"
}
