#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# libkho reads maps and subtrees of each ABI like their kernels.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

# items_of FILE SUBTREE FILTER [OPTION]...: applies a jq filter to the items of a subtree.
items_of() {
	local file=$1 name=$2 filter=$3
	shift 3
	"$inspect" tree --json --core "$file" "$@" |
		jq -r ".subtrees[] | select(.name == \"$name\") | $filter"
}

# as_release FIXTURE RELEASE: makes a copy with another kernel release of the same length.
as_release() {
	local from
	from=$(grep -ao 'release=[^ ]*' "$1" | head -n 1)
	[ "${#from}" = $((8 + ${#2})) ]
	sed "s/$from/release=$2/" "$1" >"$BATS_TEST_TMPDIR/release"
}

@test "show names each ABI, and its map is one stream of sorted ranges" {
	local name abi
	while read -r name abi; do
		run -0 "$inspect" ranges --json --core "$fixtures/$name-outgoing.khosnap"
		[ "$(jq -r .state.compatible <<<"$output")" = "$abi" ]
		[ "$(jq '.ranges | length' <<<"$output")" -ge 5 ]
		"$inspect" ranges --core "$fixtures/$name-outgoing.khosnap" | grep '^0x' >"$BATS_TEST_TMPDIR/ranges"
		LC_ALL=C sort -c "$BATS_TEST_TMPDIR/ranges"
	done <<-END
		v1 kho-v1
		v3 kho-v3
		v4-stock kho-v4
	END
}

@test "blocks are sorted by address, even if blocks of several orders overlap" {
	"$KHO_BUILDDIR/tests/unit/test-map"
}

@test "pages of 4, 16 and 64 KiB: libkho reads maps as their kernels write them, or says that the map is ambiguous" {
	"$KHO_BUILDDIR/tests/unit/test-page-sizes"
}

@test "libkho understands composite compatibles and lists of them" {
	for name in compatible-composite compatible-list; do
		"$damage" "$name" "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/changed"
		run -0 "$inspect" verify --skip-content --core "$BATS_TEST_TMPDIR/changed"
		[[ $output == *"clean: "*"5 records"* ]]
	done
}

@test "a kho-v1 map with an unknown bitmap size is ambiguous until an option gives the size" {
	as_release "$fixtures/v1-outgoing.khosnap" 6.17.00-kho
	run "$inspect" verify --core "$BATS_TEST_TMPDIR/release"
	[ "$status" -ne 0 ]
	[[ $output == *"K101  not judged: the preserved-memory-map is ambiguous"* ]]
	run -2 --separate-stderr "$inspect" ranges --core "$BATS_TEST_TMPDIR/release"
	[[ $stderr == *ambiguous*--v1-bitmap=512*--v1-bitmap=page* ]]

	run -0 "$inspect" ranges --v1-bitmap=page --core "$BATS_TEST_TMPDIR/release"
	[ "$output" = "$("$inspect" ranges --core "$fixtures/v1-outgoing.khosnap")" ]
}

@test "bitmaps of 512 bytes end earlier than those of a page" {
	as_release "$fixtures/v1-outgoing.khosnap" 6.16.12-kho
	run -0 "$inspect" ranges --core "$BATS_TEST_TMPDIR/release"
	local small=$output
	run -0 "$inspect" ranges --v1-bitmap=512 --core "$BATS_TEST_TMPDIR/release"
	[ "$output" = "$small" ]
	as_release "$fixtures/v1-outgoing.khosnap" 6.17.00-kho
	run -0 "$inspect" ranges --v1-bitmap=512 --core "$BATS_TEST_TMPDIR/release"
	[ "$output" = "$small" ]
	# 4096 bits of order 4 span 256 MiB: the last region of this kernel is above that
	[[ $("$inspect" ranges --core "$fixtures/v1-outgoing.khosnap") == *3fec2000-* ]]
	[[ $small != *3fec2000-* ]]
	# blocks of order 0 below 16 MiB are in both
	[[ $small == *000000ad6000-* ]]
}

@test "--v1-bitmap is refused if the release is known to have bitmaps of another size" {
	local size
	as_release "$fixtures/v1-outgoing.khosnap" 6.16.12-kho
	cp "$BATS_TEST_TMPDIR/release" "$BATS_TEST_TMPDIR/page"
	cp "$fixtures/v1-outgoing.khosnap" "$BATS_TEST_TMPDIR/512"
	for size in 512 page; do
		run -2 --separate-stderr "$inspect" verify --v1-bitmap="$size" --core "$BATS_TEST_TMPDIR/$size"
		[[ $stderr == *"--v1-bitmap contradicts kernel \"6.1"*"has bitmaps of another size. Leave it out." ]]
		[ -z "$output" ]
	done
	run -0 "$inspect" ranges --v1-bitmap=page --core "$BATS_TEST_TMPDIR/512"
}

@test "--v1-bitmap takes only 512 or page" {
	run -2 "$inspect" ranges --v1-bitmap=4096 --core "$fixtures/v1-outgoing.khosnap"
	[[ $output == *"--v1-bitmap takes 512|page: 4096"* ]]
}

@test "tree shows regions of reserve_mem= with name, place and size" {
	local name
	for name in v1 v3 v4-stock; do
		run -0 items_of "$fixtures/$name-outgoing.khosnap" memblock \
			'.items[] | select(.type == "group") | .name + " " + (.items[] | select(.type == "memory") | .size | tostring)'
		[ "$output" = $'kept 65536\npool 1048576' ]
	done
}

@test "tree shows the folios of the kernel's own test" {
	local name
	for name in v1 v3 v4-stock; do
		run -0 items_of "$fixtures/$name-outgoing.khosnap" kho_test \
			'.items[] | select(.name == "data") | .items | (.[] | select(.name == "nr_folios") | .value), ([.[] | select(.type == "memory")] | length), ([.[] | select(.type == "memory") | .size] | add)'
		[ "${lines[0]}" -ge 1 ]
		[ "${lines[0]}" = "${lines[1]}" ]
		# test_kho.max_mem= of the recording
		[ "${lines[2]}" = 262144 ]
	done
}

# The kernel fills LUO at the kexec, so sessions are in incoming state. It also frees that memory, so
# libkho reads sessions only in outgoing state.
live_update() {
	"$KHO_BUILDDIR/lab/kho-damage" as-outgoing "$fixtures/$1-incoming.khosnap" "$BATS_TEST_TMPDIR/$1"
}

@test "tree shows live update sessions with their files and the memory of memfds" {
	local name
	for name in v3 v4-stock; do
		live_update "$name"
		run -0 items_of "$BATS_TEST_TMPDIR/$name" LUO \
			'.items[] | select(.name == "session") | .text + ":" + ([.items[] | select(.name == "file") | .text + " " + ([.items[] | select(.name == "token" or .name == "size") | .value | tostring] | join(" ")) + " " + ([.items[] | select(.type == "memory") | .size] | add | tostring)] | join(","))'
		[ "${lines[0]}" = "first:memfd-v2 1 40000 40960,memfd-v2 2 4096 4096" ]
		[ "${lines[1]}" = "second:memfd-v2 1 1000000 1003520" ]
		[ "${lines[2]}" = "empty:" ]
		run -0 items_of "$BATS_TEST_TMPDIR/$name" LUO '.error'
		[ "$output" = null ]
	done
}

@test "the memory of the memfds begins where the file does, page for page" {
	live_update v4-stock
	run -0 items_of "$BATS_TEST_TMPDIR/v4-stock" LUO \
		'.items[] | select(.text == "second") | .items[] | select(.name == "file") | .items[] | select(.type == "memory") | (.text | capture("from page (?<n>[0-9]+)").n) + " " + (.size / 4096 | tostring)'
	awk '$1 != next_page { exit 1 } { next_page += $2 } END { exit next_page != 245 }' <<<"$output"
}

@test "tree shows an unknown subtree as bytes" {
	run -0 "$inspect" tree --core "$fixtures/v4-outgoing.khosnap"
	[[ $output == *"00000000  6b 68 6f 2d 65 64 75 2d 76 31 00"*"|kho-edu-v1......|"* ]]
	run -0 items_of "$fixtures/v4-outgoing.khosnap" kho-edu '.items[0].bytes'
	[[ $output == 6b686f2d6564752d763100* ]]
}

@test "tree shows the chain of kexecs" {
	run -0 items_of "$fixtures/v4-outgoing.khosnap" kexec-metadata \
		'.items[] | select(.name == "previous_release") | .text'
	[[ $output == 7.3.4-kho ]]
}

@test "tree shows an unreadable subtree up to the error, with the reason" {
	"$damage" v1-vmalloc-loop "$fixtures/v1-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
	run -0 items_of "$BATS_TEST_TMPDIR/damaged" kho_test '.error'
	[[ $output == *"is named twice"* ]]
	run -0 "$inspect" tree --core "$BATS_TEST_TMPDIR/damaged"
	[[ $output == *"(cannot read further: a chunk of a vmalloc area at 0x"*" is named twice)"* ]]
}
