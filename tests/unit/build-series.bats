#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# How the kernel's series gets into the tree that is built: exactly, without a
# change to what other trees share, and without touching what has not changed.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=scripts/lib/series.bash
	. "$BATS_TEST_DIRNAME/../../scripts/lib/series.bash"
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p pristine/dir series
	seq 1 20 >pristine/dir/a
	seq 1 20 >pristine/dir/b
	echo untouched >pristine/c
	touch -d 2001-01-01 pristine/dir/a pristine/dir/b pristine/c
	cp -al pristine tree
}

# patch_of NAME SHELL_COMMAND: a patch on top of the series so far.
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

@test "patched and new files arrive, what is shared by hard links stays as it was" {
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

@test "what has not changed keeps its date, so that make leaves it alone" {
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

@test "a patch that is taken out of the series is taken out of the tree" {
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
	# back for make, too: it is newer than what was built from the patched file
	[ "$(date -r tree/dir/b +%Y)" != 2001 ]
}

@test "a patch that does not fit exactly ends it" {
	: >series/series
	patch_of one 'sed -i s/^10$/ten/ dir/a'
	overlay
	sed -i 's/^9$/nine/' pristine/dir/a
	run series_am "$PWD/series" "$PWD/pristine" "$PWD/applied"
	[ "$status" -ne 0 ]
	[[ $output == *"does not apply"* ]]
}

@test "comments and empty lines in the series are no patches" {
	: >series/series
	patch_of one 'sed -i s/^10$/ten/ dir/a'
	printf '\n# two.patch\n' >>series/series
	run -0 series_files "$PWD/series"
	[ "$output" = "$PWD/series/one.patch" ]
	run -0 series_touched "$PWD/series"
	[ "$output" = dir/a ]
}
