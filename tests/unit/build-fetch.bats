#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# lab/fetch.bash tries the places of a source in turn, and takes only the pinned source. The mirror is a fake.

bats_require_minimum_version 1.5.0

setup() {
	export KHO_CACHE=$BATS_TEST_TMPDIR/cache KHO_BUILD=$BATS_TEST_TMPDIR/build
	# shellcheck source=lab/common.bash
	. "$BATS_TEST_DIRNAME/../../lab/common.bash"
	# shellcheck source=lab/fetch.bash
	. "$KHO_TOP/lab/fetch.bash"
	printf tarball >"$BATS_TEST_TMPDIR/tarball"
	sum=$(sha256sum <"$BATS_TEST_TMPDIR/tarball" | cut -d' ' -f1)
	declare -gA SOURCES=([linux-9]="
		old orig linux 9.9 $sum
		new orig linux 9.9 $sum")
}

# Makes a mirror: SUITE has two Debian versions of linux 9.9, and HASH as the hash of the tarball.
mirror() {
	fetch_apt_setup() { suite=$1; }
	apt-cache() {
		[[ $suite == "$has" ]] || return 0
		printf 'Package: linux\nVersion: 9.10-1\nChecksums-Sha256:\n %064d 7 linux_9.10.orig.tar.xz\n\n' 1
		printf 'Package: linux\nVersion: 9.9-2\nChecksums-Sha256:\n %s 7 linux_9.9.orig.tar.xz\n\n' "$hash"
	}
	apt-get() { echo "'http://mirror/linux_9.9.orig.tar.xz' linux_9.9.orig.tar.xz 7 SHA256:$hash"; }
	fetch_checked() {
		printf '%s\n' "$*" >>"$BATS_TEST_TMPDIR/fetched"
		cp "$BATS_TEST_TMPDIR/tarball" "$1"
	}
	has=$1 hash=$2
}

@test "if the first place has no source, fetch takes the next place and says which" {
	mirror new "$sum"
	run -0 fetch_source linux-9
	[[ $output == *"linux-9: took linux 9.9 (orig) of new"* ]]
	[ "${lines[-1]}" = "$KHO_CACHE/downloads/linux_9.9.orig.tar.xz" ]
	# the second call uses the cache
	run -0 fetch_source linux-9
	[ "$output" = "$KHO_CACHE/downloads/linux_9.9.orig.tar.xz" ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/fetched")" = 1 ]
}

@test "if no place has the source, the error says what to set" {
	mirror nobody "$sum"
	run -1 fetch_source linux-9
	[[ $output == *"no linux 9.9 in old"*"no linux 9.9 in new"* ]]
	[[ $output == *"no place in lab/sources.conf has linux-9"*KHO_LINUX_SRC* ]]
}

@test "fetch refuses a tarball with another hash than the pinned one" {
	mirror old "$(printf '%064d' 2)"
	run -1 fetch_source linux-9
	[[ $output == *"another tarball of linux 9.9 in old"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/fetched" ]
}

@test "the check fails if no place has a source, and fetches nothing" {
	mirror new "$sum"
	run -0 fetch_check
	[[ ${lines[0]} == linux-9*old*"no linux 9.9 in old" && ${lines[1]} == linux-9*new*there ]]
	mirror nobody "$sum"
	run -1 fetch_check
	[[ $output == *"no place has linux-9"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/fetched" ]
}
