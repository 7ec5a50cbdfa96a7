#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The build itself: out of tree, from a tarball, installed, and leaving no traces.
# These build the whole project, from a copy of what git knows and what is new.

bats_require_minimum_version 1.5.0

TOP=$BATS_TEST_DIRNAME/../..

needs_git() {
	[[ -e $TOP/.git ]] || skip "not a git checkout: this is about the checkout"
}

# A git repository of its own with the working tree's files.
copy_tree() {
	local copy=$1
	mkdir -p "$copy"
	(cd "$TOP" && git ls-files -z -co --exclude-standard |
		while IFS= read -r -d '' file; do
			[[ ! -e $file ]] || printf '%s\0' "$file"
		done | tar -c --null -T - | tar -x -C "$copy")
	git -C "$copy" init -q
	git -C "$copy" add -A
	git -C "$copy" -c user.name=test -c user.email=test@localhost commit -qm copy
}

setup_file() {
	[[ -e $BATS_TEST_DIRNAME/../../.git ]] || return 0
	export COPY=$BATS_FILE_TMPDIR/copy
	copy_tree "$COPY"
	(cd "$COPY" && autoreconf -fi && mkdir build && cd build &&
		../configure --prefix=/usr --enable-werror && make -j"$(nproc)") \
		>"$BATS_FILE_TMPDIR/log" 2>&1 || {
		tail -n 30 "$BATS_FILE_TMPDIR/log" >&2
		return 1
	}
}

@test "an out-of-tree build leaves no file that git does not know or ignore" {
	needs_git
	run -0 git -C "$COPY" status --porcelain
	[ -z "$output" ]
	# and whatever is ignored has its reason: nothing but what autoreconf made
	run -0 git -C "$COPY" status --porcelain --ignored -- libkho tools dracut-module kexec \
		kernel-patches lab scripts tests
	printf '%s\n' "$output"
	[ -z "$output" ]
}

# The list, and what has to be installed wherever it is in the tree.
expected_files() {
	local page
	cat "$BATS_TEST_DIRNAME/build-installed.txt"
	for page in "$TOP"/man/*.[1-8]; do
		printf '/usr/share/man/man%s/%s\n' "${page##*.}" "${page##*/}"
	done
}

@test "make install installs what is on the list and every man page, and nothing else" {
	needs_git
	make -C "$COPY/build" install DESTDIR="$BATS_TEST_TMPDIR/root" >/dev/null
	(cd "$BATS_TEST_TMPDIR/root" && find . ! -type d | sed 's/^\.//' | LC_ALL=C sort) |
		diff -u <(expected_files | LC_ALL=C sort) -
}

@test "make uninstall takes all of it away" {
	needs_git
	make -C "$COPY/build" install DESTDIR="$BATS_TEST_TMPDIR/root" >/dev/null
	make -C "$COPY/build" uninstall DESTDIR="$BATS_TEST_TMPDIR/root" >/dev/null
	run -0 find "$BATS_TEST_TMPDIR/root" ! -type d
	[ -z "$output" ]
}

@test "libkho.pc is enough to build and link a program" {
	needs_git
	local root=$BATS_TEST_TMPDIR/root flags
	make -C "$COPY/build" install DESTDIR="$root" >/dev/null
	PKG_CONFIG_PATH=$(dirname "$(find "$root" -name libkho.pc)")
	export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR=$root
	flags=$(pkg-config --cflags --libs libkho)
	cat >"$BATS_TEST_TMPDIR/use.c" <<-END
		#include <kho.h>
		int main(void) { return kho_strerror(0) == 0; }
	END
	# shellcheck disable=SC2086 # several words
	gcc -Wall -Werror -o "$BATS_TEST_TMPDIR/use" "$BATS_TEST_TMPDIR/use.c" $flags
	LD_LIBRARY_PATH=$(dirname "$(find "$root" -name libkho.so)") "$BATS_TEST_TMPDIR/use"
}

# What it adds to the tests that run anyway is the tarball: whether all that they need is in
# it, and that they leave it alone. So all of them run, but scripts that are the same by byte
# in one shell, and as many files at a time as there are processors.
@test "make distcheck passes: the tarball builds, tests and installs by itself" {
	needs_git
	local bats=bats jobs
	jobs=$(nproc)
	# which takes this from two on only
	((jobs < 2)) || bats="bats --jobs $jobs --no-parallelize-within-files"
	KHO_TEST_ONE_SHELL=1 make -C "$COPY/build" -j"$jobs" distcheck BATS="$bats" >"$BATS_TEST_TMPDIR/log" 2>&1 || {
		grep -A 12 '^not ok' "$BATS_TEST_TMPDIR/log" || true
		tail -n 30 "$BATS_TEST_TMPDIR/log"
		return 1
	}
	# that they did run in there
	grep -qE '^ok [0-9]+ .*rule' "$BATS_TEST_TMPDIR/log"
}
