#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# lab/series.bash applies a series exactly, does not change files that other trees share, and
# does not touch unchanged files. It turns the series into commits, and commits into patches.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	# shellcheck source=lab/series.bash
	. "$BATS_TEST_DIRNAME/../../lab/series.bash"
	# not below a HOME that a test sets
	cache=${KHO_CACHE:-${HOME:-/root}/.cache/kho-tools}
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p pristine/dir series
	seq 1 20 >pristine/dir/a
	seq 1 20 >pristine/dir/b
	echo untouched >pristine/c
	touch -d 2001-01-01 pristine/dir/a pristine/dir/b pristine/c
	cp -al pristine tree
}

# patch_of NAME SHELL_COMMAND: adds a patch to the series.
patch_of() {
	local name=$1 command=$2
	series_am "$PWD/series" pristine work
	cp -an pristine/. work/
	(
		cd work || exit
		git add -A
		git -c user.name=t -c user.email=t@localhost commit -q --allow-empty -m base
		eval "$command"
		git add -A
		git -c user.name=t -c user.email=t@localhost commit -q -m "$name"
		git format-patch -q -1 --stdout >"../series/$name.patch"
	)
	echo "$name.patch" >>series/series
}

overlay() {
	series_am "$PWD/series" "$PWD/pristine" "$PWD/applied"
	series_overlay "$PWD/applied" "$PWD/pristine" "$PWD/tree"
}

@test "patched and new files arrive, and files shared by hard links stay unchanged" {
	: >series/series
	patch_of one 'sed -i s/^10$/ten/ dir/a; mkdir new; echo new >new/file'
	overlay
	grep -qx ten tree/dir/a
	[ "$(cat tree/new/file)" = new ]
	seq 1 20 | cmp - pristine/dir/a
	[ ! -e pristine/new ]
	[ tree/dir/b -ef pristine/dir/b ]
	[ tree/c -ef pristine/c ]
}

@test "an unchanged file keeps its date, so that make does not rebuild it" {
	: >series/series
	patch_of one 'sed -i s/^10$/ten/ dir/a'
	overlay
	touch -d 2002-02-02 tree/dir/a
	patch_of two 'sed -i s/^5$/five/ dir/b'
	overlay
	[ "$(date -r tree/dir/a +%Y)" = 2002 ]
	[ "$(date -r tree/dir/b +%Y)" != 2001 ]
	grep -qx five tree/dir/b
}

@test "a file that becomes executable, and nothing else, is replaced" {
	: >series/series
	patch_of one 'echo new >dir/script'
	overlay
	[ ! -x tree/dir/script ]
	patch_of two 'chmod +x dir/script'
	overlay
	[ -x tree/dir/script ]
}

@test "the tree loses a patch that the series loses" {
	: >series/series
	patch_of one 'sed -i s/^10$/ten/ dir/a'
	patch_of two 'echo new >dir/new; sed -i s/^5$/five/ dir/b'
	overlay
	[ -e tree/dir/new ]
	echo one.patch >series/series
	overlay
	[ ! -e tree/dir/new ]
	grep -qx ten tree/dir/a
	seq 1 20 | cmp - tree/dir/b
	# make must see the old content as new: newer than objects of the patched file
	[ "$(date -r tree/dir/b +%Y)" != 2001 ]
}

@test "a patch that does not fit exactly is an error" {
	: >series/series
	patch_of one 'sed -i s/^10$/ten/ dir/a'
	overlay
	sed -i 's/^9$/nine/' pristine/dir/a
	run series_am "$PWD/series" "$PWD/pristine" "$PWD/applied"
	[ "$status" -ne 0 ]
	[[ $output == *"does not apply"* ]]
}

@test "comments and empty lines in the series are not patches" {
	: >series/series
	patch_of one 'sed -i s/^10$/ten/ dir/a'
	printf '\n# two.patch\n' >>series/series
	run -0 series_files "$PWD/series"
	[ "$output" = "$PWD/series/one.patch" ]
	run -0 series_touched "$PWD/series"
	[ "$output" = dir/a ]
}

# folders: moves the patches into folders, like those of kernel-patches/.
folders() {
	mkdir -p series/kho series/dma
	mv series/one.patch series/kho/0001-one.patch
	mv series/two.patch series/dma/0001-two.patch
	printf '%s\n' kho/0001-one.patch dma/0001-two.patch >series/series
	echo why >series/dma/cover-letter
}

# checked_out SERIES PRISTINE OUT: makes a checkout like scripts/series, but only with the files
# that the series touches.
checked_out() {
	series_copy_touched "$@"
	series_base "$3" base
	series_apply_marked "$1" "$3"
}

# Exports into a copy of a series, after spoiling everything in it but the commits.
assert_same_bytes() {
	local series=$1 out=$2 copy=$BATS_TEST_TMPDIR/exported
	cp -r "$series" "$copy"
	series_files "$copy" | xargs -r sed -i 's/./x/'
	series_export "$out" "$copy"
	diff -r "$series" "$copy"
	rm -r "$copy"
}

# pristine_of NAME VARIABLE: prints a folder with the sources of sources.conf or of the variable.
# Uses the unpacked sources of the builds if they exist.
pristine_of() {
	bash -euo pipefail -c '
		. "$0/lab/common.bash"
		. "$0/lab/fetch.bash"
		. "$0/lab/kernel.bash"
		series_pristine "$1" "$2"
	' "$BATS_TEST_DIRNAME/../.." "$@"
}

@test "a checkout exports the series, byte for byte" {
	needs_checkout
	# with any configuration of git
	export HOME=$BATS_TEST_TMPDIR
	git config --global format.subjectPrefix RFC
	git config --global format.signature me
	git config --global diff.context 7
	git config --global core.abbrev 5
	checked_out "$top/kernel-patches" "$(KHO_CACHE=$cache pristine_of linux fetch_linux)" "$PWD/linux"
	assert_same_bytes "$top/kernel-patches" linux
	checked_out "$top/kexec/patches" "$(KHO_CACHE=$cache pristine_of kexec-tools fetch_kexec_tools)" "$PWD/kexec"
	assert_same_bytes "$top/kexec/patches" kexec
}

@test "a maintainer can read it: dma/ has at most 800 lines of code, and none of its patches more than 300" {
	local patch
	needs_checkout
	for patch in "$top"/kernel-patches/dma/*.patch; do
		(($(series_count_code <"$patch") <= 300))
	done
	series_code "$(cd "$top/kernel-patches" && pwd)" "$(pristine_of linux fetch_linux)" >lines
	(($(sed -n 's/^dma //p' lines) <= 800))
}

@test "a checkout keeps the folders, and a changed commit changes only its patch" {
	: >series/series
	patch_of one 'sed -i s/^10$/ten/ dir/a'
	patch_of two 'sed -i s/^5$/five/ dir/b'
	folders
	checked_out "$PWD/series" pristine "$PWD/out"
	run -0 git -C out log --reverse --format=%s base..HEAD
	[ "$output" = $'folder kho\none\nfolder dma\ntwo' ]
	series_export out series
	cp -r series before
	assert_same_bytes "$PWD/series" out

	sed -i 's/^five$/5a/' out/dir/b
	series_git -C out commit -qa --amend --no-edit
	series_export out series
	run -1 diff -rq before series
	[ "$output" = "Files before/dma/0001-two.patch and series/dma/0001-two.patch differ" ]
	grep -qx +5a series/dma/0001-two.patch

	# one patch more, and one less
	(cd out && seq 3 >dir/c && series_git add dir/c && series_git commit -qm "dir: add c")
	series_export out series
	[ "$(paste -sd ' ' series/series)" = "kho/0001-one.patch dma/0001-two.patch dma/0002-dir-add-c.patch" ]
	series_git -C out reset -q --hard HEAD~2
	series_export out series
	[ "$(cat series/series)" = kho/0001-one.patch ]
	[ "$(find series -type f | LC_ALL=C sort | paste -sd ' ')" = "series/dma/cover-letter series/kho/0001-one.patch series/series" ]
}

@test "commits outside of a series change no file" {
	: >series/series
	patch_of one 'sed -i s/^10$/ten/ dir/a'
	checked_out "$PWD/series" pristine "$PWD/out"
	cp -r series before

	series_git -C out commit -q --allow-empty -m "nothing"
	run -1 series_export out series
	[[ $output == *"(nothing) changes nothing"* ]]
	series_git -C out reset -q --hard HEAD~1

	echo more >>out/dir/a
	series_git -C out commit -qam "fixup! one"
	run -1 series_export out series
	[[ $output == *"(fixup! one) is not squashed"* ]]
	series_git -C out reset -q --hard HEAD~1

	series_git -C out checkout -q -b side base
	series_git -C out commit -q --allow-empty -m "folder side"
	series_git -C out merge -q --no-edit master
	run -1 series_export out series
	[[ $output == *"there are merges"* ]]
	diff -r before series
}

@test "lines of code are those that the patches of a folder add, without comments, tests and samples" {
	mkdir -p series/one series/two
	printf 'one/1.patch\none/2.patch\ntwo/1.patch\n' >series/series
	(
		cd pristine
		git init -q && git add -A && git -c user.name=t -c user.email=t@localhost commit -q -m base
		mkdir -p kernel samples tools/testing
		commit() {
			git add -A && git -c user.name=t -c user.email=t@localhost commit -q -m "$1" &&
				git format-patch -q -1 --stdout >"../series/$1.patch"
		}
		printf '%s\n' '/* two' ' * lines */' '#include <a.h>' '' 'int a;' 'int b;' '	// no' >kernel/a.c
		printf 'int a;\n' | tee kernel/a_kunit.c samples/a.c tools/testing/a.c >kernel/notes.rst
		commit one/1
		# the second patch changes a line of the first: it counts once
		sed -i 's/int b/long b/' kernel/a.c
		commit one/2
		printf '%s\n' '#if IS_ENABLED(CONFIG_A_KUNIT_TEST)' 'int for_tests;' '#endif' 'int d;' >>kernel/a.c
		commit two/1
		git checkout -q HEAD~3
	)
	[ "$(series_code "$PWD/series" "$PWD/pristine")" = "$(printf 'one 3\ntwo 1')" ]
}
