#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# slow: starts first
# The build itself: the tarball has all tracked files, builds out of tree, installs the files on the list, and
# leaves no traces. One make distcheck, in a copy of the tracked files, serves all these tests.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

# Tracked files that make dist omits, because they are for a checkout only. debian/ has a tarball of its own.
NOT_IN_TARBALL='^(\.|debian/|m4/\.)'
# Files that autoreconf adds.
GENERATED='^(aclocal\.m4|build-aux/.*|config\.h\.in|configure|Makefile\.in|m4/.*\.m4)$'

# A separate git repository with the tracked files.
copy_tree() {
	local copy=$1
	# shellcheck source=lab/common.bash
	. "$lab/common.bash"
	copy_tracked "$copy"
	git -C "$copy" init -q
	git -C "$copy" add -A
	git -C "$copy" -c user.name=test -c user.email=test@localhost commit -qm copy
}

# The build of the tarball runs only a few tests: it has every file that tests need, and the other tests ran on the
# same files.
setup_file() {
	[[ -e $top/.git ]] || return 0
	export COPY=$BATS_FILE_TMPDIR/copy LOG=$BATS_FILE_TMPDIR/log
	copy_tree "$COPY"
	build_copy >"$LOG" 2>&1 || {
		grep -A 12 '^not ok' "$LOG" || true
		tail -n 30 "$LOG"
		return 1
	}
}

build_copy() {
	cd "$COPY" && autoreconf -fi && mkdir build && cd build && ../configure --prefix=/usr &&
		make -j"$(nproc)" distcheck CHECK_TESTS="libkho-abi.bats libkho-fixtures.bats"
}

setup() {
	needs_checkout
}

@test "the tarball builds out of tree without a warning, runs its tests, installs and uninstalls" {
	grep -q 'kho-tools-.* archives ready for distribution' "$LOG"
	# tests and installcheck ran in there
	grep -qE '^ok [0-9]+ .*rule' "$LOG"
	grep -qx 'installed: as on the list, and libkho.pc is enough to link with' "$LOG"
}

@test "the tarball has every file that git tracks, and what autoreconf makes" {
	local tarball
	tarball=$(ls "$COPY"/build/kho-tools-*.tar.xz)
	diff <(git -C "$COPY" ls-files | grep -Ev "$NOT_IN_TARBALL" | LC_ALL=C sort) \
		<(tar -tf "$tarball" | sed 's|^[^/]*/||' | grep -v '/$' | grep . | grep -Ev "$GENERATED" | LC_ALL=C sort)
}

@test "a build leaves no file that git neither tracks nor ignores" {
	run -0 git -C "$COPY" status --porcelain
	[ -z "$output" ]
	# and git ignores only files of autoreconf
	run -0 git -C "$COPY" status --porcelain --ignored -- libkho tools dracut-module kexec \
		kernel-patches lab scripts tests initramfs-tools monitoring
	printf '%s\n' "$output"
	[ -z "$output" ]
}
