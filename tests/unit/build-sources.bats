#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# slow: starts first
# Rules for all files of the project.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	needs_checkout
	cd "$top" || return
}

# Prints the tracked files that exist.
sources() {
	git ls-files | while read -r file; do
		[[ ! -f $file ]] || printf '%s\n' "$file"
	done
}

shell_scripts() {
	sources | while read -r file; do
		case $file in
		*.sh | *.bash | *.bats) printf '%s\n' "$file" ;;
		*.c | *.h | *.patch | *.md) ;;
		*) ! head -n 1 "$file" | grep -aqE '^#!.*(/|env )(ba|da)?sh' || printf '%s\n' "$file" ;;
		esac
	done
}

@test "shellcheck finds nothing" {
	local -a files
	mapfile -t files < <(shell_scripts)
	((${#files[@]} > 20))
	shellcheck -x -f gcc "${files[@]}"
}

@test "every source file has the right SPDX line" {
	local file licence wrong=0
	while read -r file; do
		case $file in
		libkho/*) licence=LGPL-2.1-or-later ;;
		kexec/* | kernel-patches/*) licence=GPL-2.0-only ;;
		*) licence=GPL-2.0-or-later ;;
		esac
		case $file in
		*.patch | */series | *.md | *.khosnap | tests/fuzz/regressions/* | docs/*.svg | *.json | *.txt | LICENSE* | COPYING*) continue ;;
		# their formats have no comments; debian/copyright has their licence
		debian/changelog | debian/copyright | debian/source/format | debian/*.symbols) continue ;;
		*/local.mk) licence="(L?GPL-2\.[01]-(or-later|only))" ;;
		esac
		head -n 4 "$file" | grep -aqE "SPDX-License-Identifier: $licence" || {
			echo "$file: no SPDX line with $licence in its first lines"
			wrong=1
		}
	done < <(sources)
	((!wrong))
}

@test "the series of the kernel and of kexec-tools name every patch" {
	local dir
	for dir in kernel-patches kexec/patches; do
		diff <(sed 's/#.*//; /^ *$/d' "$dir/series" | LC_ALL=C sort) <(cd "$dir" && find . -name '*.patch' | sed 's|^\./||' | LC_ALL=C sort)
	done
}

@test "the test command and the demo refuse unknown arguments" {
	run -2 scripts/test nonsense
	[[ $output == Usage:* ]]
	run -2 scripts/demo --nonsense
	[[ $output == Usage:* ]]
}

@test "the tour runs to its end" {
	: "${KHO_BUILDDIR:?set KHO_BUILDDIR to the build folder}"
	KHO_CACHE=$BATS_TEST_TMPDIR KHO_BUILD=$BATS_TEST_TMPDIR run -0 scripts/tour
	[[ $output == *"5 outgoing allocations"*"clean: 0 fatal"*"K405"*"1 errors"* ]]
	grep -q '<svg' "$BATS_TEST_TMPDIR/tour-map.svg"
}
