#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Dumps without notes of KHO: libkho finds the root FDT by a scan. The tests generate small dumps.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	dump=$BATS_TEST_TMPDIR/dump
	allow_leaks
}

# make_dump OPTION...: makes a dump of 300 records in 3 GiB.
make_dump() {
	"$KHO_BUILDDIR/tests/bench/bench-dump" --memory 3 "$@" 300 "$dump"
}

# Checks that verify finds nothing. A dump does not contain the scratch areas.
is_whole() {
	run "$inspect" verify --core "$1"
	[[ ${lines[0]} == "fatal "*"K201  not judged: "* ]]
	[[ ${lines[1]} == "0 fatal, 0 errors, 0 warnings, 1 not judged; 300 records, 312 preservations" ]]
}

# Prints how libkho found the root FDT.
root_address() {
	"$inspect" show --json --core "$1" | jq -r .state.fdt_addr
}

@test "libkho reads dumps with any layout, and refuses truncated and other files" {
	"$KHO_BUILDDIR/tests/unit/test-source" "$BATS_TEST_TMPDIR"
}

@test "libkho finds the root of an ELF core without notes by a scan, and says so" {
	make_dump --whole
	[ "$("$inspect" show --json --core "$dump" | jq -r .state.found_by)" = "scan" ]
	is_whole "$dump"
}

@test "libkho finds the root of a compressed dump by a scan, and says so" {
	make_dump --kdump
	[ "$("$inspect" show --json --core "$dump" | jq -r .state.found_by)" = "scan" ]
	is_whole "$dump"
}

@test "libkho releases no bitmap that belongs to a compressed dump, and reads no zeroes if the dump shrinks" {
	make_dump --kdump
	"$KHO_BUILDDIR/tests/unit/test-kdump" "$dump"
}

@test "all kinds of files list the same records" {
	make_dump
	"$inspect" list --core "$dump" >"$BATS_TEST_TMPDIR/snapshot"
	make_dump --whole
	diff "$BATS_TEST_TMPDIR/snapshot" <("$inspect" list --core "$dump")
	make_dump --kdump
	diff "$BATS_TEST_TMPDIR/snapshot" <("$inspect" list --core "$dump")
}

# Like /proc/vmcore: RAM on both sides of a crash kernel's hole, and a second segment for the
# kernel's text, which lies in that RAM; in any order.
@test "an ELF core with overlapping segments in any order is complete" {
	local order
	make_dump --whole
	"$inspect" extract 7 --core "$dump" -o "$BATS_TEST_TMPDIR/content"
	for order in 43210 20413; do
		cp --sparse=always "$dump" "$dump.more"
		/usr/bin/python3 - "$dump.more" "$order" <<-'END'
			import struct, sys
			core = open(sys.argv[1], "r+b")
			data = bytearray(core.read(4096))
			phoff, = struct.unpack_from("<Q", data, 32)
			phnum, = struct.unpack_from("<H", data, 56)
			phdrs = [list(struct.unpack_from("<IIQQQQQQ", data, phoff + 56 * i)) for i in range(phnum)]
			loads = sorted((p for p in phdrs if p[0] == 1), key=lambda p: -p[5])
			def part(p, skip, size):
			    return [1, 4, p[2] + skip, 0, p[4] + skip, size, size, 4096]
			big, hole = loads[0], 0x4000000
			parts = [part(big, 0, 0x6000000), part(big, 0x2000000, 0x200000), part(big, hole, big[5] - hole)]
			parts += [part(p, 0, p[5]) for p in loads[1:]]
			parts += [part(big, big[5] - 0x100000, 0x100000)] * (5 - len(parts))
			table = b"".join(struct.pack("<IIQQQQQQ", *parts[int(i)]) for i in sys.argv[2])
			struct.pack_into("<Q", data, 32, core.seek(0, 2))
			struct.pack_into("<H", data, 56, 5)
			core.write(table)
			core.seek(0)
			core.write(data)
		END
		is_whole "$dump.more"
		"$inspect" extract 7 --core "$dump.more" -o "$BATS_TEST_TMPDIR/content.more"
		cmp "$BATS_TEST_TMPDIR/content" "$BATS_TEST_TMPDIR/content.more"
	done
}

@test "libkho finds a root whose page two segments share" {
	make_dump --whole
	/usr/bin/python3 - "$dump" "$(root_address "$dump")" <<-'END'
		import struct, sys
		core = open(sys.argv[1], "r+b")
		data = bytearray(core.read(4096))
		at = int(sys.argv[2], 16) + 0x800
		phoff, = struct.unpack_from("<Q", data, 32)
		phnum, = struct.unpack_from("<H", data, 56)
		phdrs = [list(struct.unpack_from("<IIQQQQQQ", data, phoff + 56 * i)) for i in range(phnum)]
		parts = []
		for p in phdrs:
		    cuts = [0] + [at - p[4]] * (p[0] == 1 and p[4] < at < p[4] + p[5]) + [p[5]]
		    for skip, end in zip(cuts, cuts[1:]):
		        parts.append([*p[:2], p[2] + skip, 0, p[4] + skip, end - skip, end - skip, p[7]])
		assert len(parts) == phnum + 1
		struct.pack_into("<Q", data, 32, core.seek(0, 2))
		struct.pack_into("<H", data, 56, len(parts))
		core.write(b"".join(struct.pack("<IIQQQQQQ", *part) for part in parts))
		core.seek(0)
		core.write(data)
	END
	is_whole "$dump"
}

# The page of the outgoing root is in the file, and its map is not.
@test "an outgoing root without proof does not pass for an incoming one" {
	local map
	make_dump --kdump
	map=$("$inspect" show --json --core "$dump" | jq -r .state.map_addr)
	"$lab/kdump-exclude" "$dump" "$dump.without" "$map"
	run -2 --separate-stderr "$inspect" show --core "$dump.without"
	[[ $stderr == *"no page in it is certain to be an outgoing root FDT"* ]]
}

@test "a snapshot of a compressed dump is complete, and does not know more than the dump" {
	make_dump --kdump
	"$inspect" snapshot --core "$dump" -o "$BATS_TEST_TMPDIR/snapshot"
	is_whole "$BATS_TEST_TMPDIR/snapshot"
	diff <("$inspect" list --core "$dump") <("$inspect" list --core "$BATS_TEST_TMPDIR/snapshot")
}

# make_dump_without_list [OPTION]: makes a compressed dump, and $dump.without, which lacks the first
# page of the list of DMA records, at $head.
make_dump_without_list() {
	make_dump --kdump
	head=$("$inspect" tree --json --core "$dump" | jq -r '[.. | objects | select(.name? == "dma-alloc") | .addr][0]')
	[[ $head == 0x* ]]
	"$lab/kdump-exclude" "$@" "$dump" "$dump.without" "$head"
}

@test "an excluded page is unknown, and not zero or damaged" {
	local head
	make_dump_without_list
	run -1 "$inspect" verify --core "$dump.without"
	[[ $output == *"K401  not judged: "*"has no memory at $head"* ]]
	[[ $output == *"0 fatal, 0 errors, "* ]]
	run --separate-stderr -2 "$inspect" list --core "$dump.without"
	[[ $stderr == *"has no memory at $head"* ]]
}

# libkho then reads more pages than libkdumpfile caches.
@test "an unreadable page is unknown, and libkho reads the pages after it" {
	local head
	make_dump_without_list --unreadable
	run -1 "$inspect" verify --core "$dump.without"
	[[ $output == *"K401  not judged: "*"$head"* ]]
	[[ $output == *"0 fatal, 0 errors, "*"312 preservations"* ]]
}

# With a mapped file, SIGBUS would end the process.
@test "a page beyond the end of the file is unknown" {
	local head
	make_dump_without_list --beyond
	run -1 "$inspect" verify --core "$dump.without"
	[[ $output == *"K401  not judged: "*"is cut short: it ends before memory at $head"* ]]
	[[ $output == *"0 fatal, 0 errors, "*"312 preservations"* ]]
}

# kdump_free() of libkdumpfile 0.5.1 follows pointers in freed memory, which AddressSanitizer fills here.
@test "libkho refuses a compressed dump that libkdumpfile cannot open" {
	make_dump --kdump
	# the number of blocks of the second header
	printf '\377\377\377\177' | dd of="$dump" bs=1 seek=432 conv=notrunc status=none
	export ASAN_OPTIONS=$ASAN_OPTIONS:max_free_fill_size=4096:free_fill_byte=170
	run --separate-stderr -2 "$inspect" verify --core "$dump"
	[[ $stderr == *"is not a dump that can be read: "* ]]
}

@test "libkho refuses a compressed dump whose tables point into its header" {
	local head
	make_dump_without_list --header
	run --separate-stderr -2 "$inspect" verify --core "$dump.without"
	[[ $stderr == *"is damaged: according to its tables, the page at $head is in its header"* ]]
	# also the last byte of the table
	/usr/bin/python3 - "$dump" "$dump.without" <<-'END'
		import struct, sys
		dump, changed = (open(name, "rb").read() for name in sys.argv[1:])
		block, sub_header, bitmaps = struct.unpack_from("<iiI", dump, 428)
		second = (1 + sub_header) * block + bitmaps * block // 2
		table = second + bitmaps * block // 2
		data = table + 24 * sum(bin(b).count("1") for b in dump[second:table])
		at = next(i for i in range(table, data, 24) if dump[i:i + 24] != changed[i:i + 24])
		for offset, name in (data - 1, ".last"), (data, ".first"):
		    changed = bytearray(dump)
		    struct.pack_into("<Q", changed, at, offset)
		    open(sys.argv[1] + name, "wb").write(changed)
	END
	run --separate-stderr -2 "$inspect" verify --core "$dump.last"
	[[ $stderr == *"is in its header"* ]]
	run --separate-stderr "$inspect" verify --core "$dump.first"
	[[ $stderr != *"is in its header"* ]]
}

@test "libkho refuses a compressed dump with more ranges of RAM than any machine has" {
	make_dump --kdump
	/usr/bin/python3 - "$dump" <<-'END'
		import struct, sys
		dump = bytearray(open(sys.argv[1], "rb").read())
		block, sub_header, _ = struct.unpack_from("<iiI", dump, 428)
		first = (1 + sub_header) * block
		dump[first:first + 2048] = b"\x55" * 2048
		open(sys.argv[1], "wb").write(dump)
	END
	run --separate-stderr -2 "$inspect" verify --core "$dump"
	[[ $stderr == *"has more than 4096 ranges of RAM"* ]]
}

# DUMP_DH_COMPRESSED_INCOMPLETE: the disk was full.
@test "libkho does not pass a dump that makedumpfile left incomplete" {
	local head
	make_dump_without_list --header
	printf '\x08' | dd of="$dump" bs=1 seek=424 conv=notrunc status=none
	run -1 "$inspect" verify --core "$dump"
	[[ $output == *"K001  not judged: the dump is incomplete"* ]]
	[[ $output == *"0 fatal, 0 errors, 0 warnings, 2 not judged; 300 records, "* ]]
	# pages that it did not get to have empty descriptors
	printf '\x08' | dd of="$dump.without" bs=1 seek=424 conv=notrunc status=none
	run -1 "$inspect" verify --core "$dump.without"
	[[ $output == *"K001  not judged: "*"K401  not judged: "*"is cut short: it ends before memory at $head"* ]]
	[[ $output == *"0 fatal, 0 errors, "* ]]
}

@test "a snapshot leaves out the page of the map that a dump lacks, and no other" {
	local snapshot=$BATS_TEST_TMPDIR/snapshot page
	make_dump
	# the last one is a bitmap
	"$inspect" map --json --core "$dump" |
		jq -r '.areas[] | select(.label == "preserved-memory-map").addr' >"$BATS_TEST_TMPDIR/pages"
	page=$(tail -n 1 "$BATS_TEST_TMPDIR/pages")
	# excluded: its segment has no bytes in the file
	/usr/bin/python3 - "$dump" "$page" <<-'END'
		import struct, sys
		data = bytearray(open(sys.argv[1], "rb").read())
		start, = struct.unpack_from("<Q", data, 32)
		number, = struct.unpack_from("<H", data, 56)
		found = [at for at in range(start, start + number * 56, 56)
		         if struct.unpack_from("<QQ", data, at + 24) == (int(sys.argv[2], 16), 4096)]
		struct.pack_into("<Q", data, found[0] + 32, 0)
		open(sys.argv[1], "wb").write(data)
	END
	"$inspect" snapshot --core "$dump" -o "$snapshot"
	run -1 "$inspect" verify --core "$snapshot"
	[[ $output == *"K101  not judged: "*"$page"* ]]
	readelf -lW "$snapshot" | awk '$1 == "LOAD" { print $4, $5 }' >"$BATS_TEST_TMPDIR/segments"
	/usr/bin/python3 - "$BATS_TEST_TMPDIR" "$page" <<-'END'
		import sys
		segments = [[int(n, 16) for n in line.split()] for line in open(sys.argv[1] + "/segments")]
		pages = open(sys.argv[1] + "/pages").read().split()
		missing = [p for p in pages if not any(0 <= int(p, 16) - a < size for a, size in segments)]
		assert len(pages) > 10 and missing == [sys.argv[2]], missing
	END
}

@test "the message names pages that libkdumpfile cannot unpack" {
	make_dump --kdump
	"$lab/kdump-exclude" --zstd "$dump" "$dump.zstd" "$(root_address "$dump")"
	run --separate-stderr -2 "$inspect" verify --core "$dump.zstd"
	[[ $stderr == *"1 page(s) in it cannot be read, the first at 0x"*"cannot be read: "* ]]
}

@test "libkho refuses a part of a split dump, and says how to join the parts" {
	make_dump --kdump
	# split, in struct kdump_sub_header of makedumpfile's diskdump_mod.h
	printf '\1' | dd of="$dump" bs=1 seek=$((4096 + 12)) conv=notrunc status=none
	run --separate-stderr -2 "$inspect" verify --core "$dump"
	[[ $stderr == *"is one part of a dump"*"makedumpfile --reassemble"* ]]
}

@test "without the page of its root a dump does not pass" {
	make_dump --kdump
	"$lab/kdump-exclude" "$dump" "$dump.without" "$(root_address "$dump")"
	run --separate-stderr -2 "$inspect" verify --core "$dump.without"
	[[ $stderr == *"no page in it is certain to be an outgoing root FDT"* ]]
}

@test "libkho refuses a flattened dump, and says how to convert it" {
	{ printf 'makedumpfile\0\0\0\0' && head -c 8192 /dev/zero; } >"$dump"
	run --separate-stderr -2 "$inspect" verify --core "$dump"
	[[ $stderr == *"makedumpfile -R"* ]]
}

@test "libkho refuses a file that is not a dump" {
	head -c 100000 /dev/urandom >"$dump"
	run --separate-stderr -2 "$inspect" verify --core "$dump"
	[[ $stderr == *"is not a dump that can be read"* ]]
	: >"$dump"
	run --separate-stderr -2 "$inspect" verify --core "$dump"
}

# libkho neither judges missing pages nor reads them as zeroes: with zeroes, a map would be smaller.
@test "truncated compressed dumps do not pass" {
	local size i pages
	make_dump --kdump
	size=$(stat -c %s "$dump")
	# its second half are holes and data
	for ((i = 1; i < 32; i++)); do
		head -c $((size * i / 32)) "$dump" >"$dump.cut"
		run timeout 60 "$inspect" verify --core "$dump.cut"
		[ "$status" = 1 ] || [ "$status" = 2 ] || {
			echo "cut to $((size * i / 32)) bytes: status $status" >&2
			return 1
		}
		[ "$status" = 2 ] || [[ $output == *"0 fatal, 0 errors, "* ]]
	done
	# only the header: without the bitmaps, nothing shows which pages are missing
	head -c 4096 "$dump" >"$dump.cut"
	run -2 "$inspect" verify --core "$dump.cut"
	[[ $output == *"The file is cut short"* ]]
	# only the last page, which has records
	for pages in 1 2; do
		head -c $((size - 4096 * pages + 1)) "$dump" >"$dump.cut"
		run -1 "$inspect" verify --core "$dump.cut"
		[[ $output == *"not judged: "*"is cut short"* ]]
		[[ $output == *"0 fatal, 0 errors, "* ]]
	done
}

# replace_ram SNAPSHOT RANGE...: makes a snapshot, $dump, with these ranges of RAM.
replace_ram() {
	/usr/bin/python3 - "$1" "$dump" "${@:2}" <<-'END'
		import re, sys
		data = open(sys.argv[1], "rb").read()
		old = b"".join(re.findall(rb"ram=[^\n]*\n", data))
		new = "".join(f"ram={r}\n" for r in sys.argv[3:]).encode()
		assert data.count(old) == 1 and len(new) <= len(old)
		open(sys.argv[2], "wb").write(data.replace(old, new.ljust(len(old), b"\n")))
	END
}

# without_notes SNAPSHOT [START SIZE]: makes an ELF core, $dump, of the pages of a snapshot. It also lists this range of
# RAM, without its content.
without_notes() {
	/usr/bin/python3 - "$1" "$dump" "${@:2}" <<-'END'
		import struct, sys
		data = bytearray(open(sys.argv[1], "rb").read())
		phoff, = struct.unpack_from("<Q", data, 32)
		phnum, = struct.unpack_from("<H", data, 56)
		start, size = [int(n, 0) for n in sys.argv[3:]] or (0, 0)
		for at in range(phoff, phoff + 56 * phnum, 56):
		    if struct.unpack_from("<I", data, at)[0] == 4:
		        struct.pack_into("<IIQQQQQQ", data, at, 1 if size else 0, 4, 0, 0, start, 0, size, 4096)
		open(sys.argv[2], "wb").write(data)
	END
}

# QEMU's dump-guest-memory BEGIN LENGTH makes such a file, and so does a copy of a few pages.
@test "an ELF core of a part of RAM does not say that the rest is not RAM" {
	local name rule
	without_notes "$fixtures/v4-outgoing.khosnap"
	for file in "$dump" "$dump.snapshot"; do
		[[ $file == "$dump" ]] || "$inspect" snapshot --core "$dump" -o "$file"
		run -1 "$inspect" verify --core "$file"
		for rule in K104 K406; do
			[ "$(grep -cE "^fatal +$rule  not judged: cannot determine whether .* is RAM, nor others" <<<"$output")" = 1 ]
		done
		[[ $output == *"0 fatal, 0 errors, 0 warnings, "*" not judged; 5 records, "* ]]
		[ "$("$inspect" map --json --core "$file" | jq '.incomplete | contains(["ram", "scratch"])')" = true ]
	done
	# what is wrong anyway
	while read -r name rule; do
		"$damage" "$name" "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
		without_notes "$BATS_TEST_TMPDIR/damaged"
		run -1 "$inspect" verify --core "$dump"
		[[ $output == *"$rule  "* && $output != *"$rule  not judged"* ]] || {
			echo "$name: $output"
			return 1
		}
	done <<-END
		ranges-overlap K105
		record-overlap K408
	END
}

@test "a snapshot that does not know all RAM leaves the rules about RAM open, one line each" {
	local rule
	replace_ram "$fixtures/v4-outgoing.khosnap" 0x82d000+0x1000 unknown
	run -1 "$inspect" verify --core "$dump"
	for rule in K104 K202 K302 K406; do
		[ "$(grep -c "^fatal *$rule  not judged: cannot determine whether .* is RAM" <<<"$output")" = 1 ]
	done
	[[ $output == *"0 fatal, 0 errors, 0 warnings, 5 not judged; 5 records, "* ]]
	replace_ram "$fixtures/v4-outgoing.khosnap" 0x1000+0x1000 unknown
	run -1 "$inspect" verify --core "$dump"
	[[ $output == *"K003  not judged: "*"0 fatal, 0 errors, 0 warnings, 6 not judged; 5 records, 10 "* ]]
	# no machine has RAM there
	"$damage" blob-huge "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
	replace_ram "$BATS_TEST_TMPDIR/damaged" 0x82d000+0x1000 unknown
	run -1 "$inspect" verify --core "$dump"
	[[ $output =~ K302\ +"the blob of \"kho-edu\""[^$'\n']*" is not RAM" ]]
}

@test "an ELF core that lists all RAM shows what is not RAM" {
	local name rule
	without_notes "$fixtures/v4-outgoing.khosnap" 0x100000 0x7fedd000
	run -1 "$inspect" verify --core "$dump"
	[[ $output == *"0 fatal, 0 errors, "*" 2 not judged; 5 records, "* ]]
	while read -r name rule; do
		"$damage" "$name" "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
		without_notes "$BATS_TEST_TMPDIR/damaged" 0x100000 0x7fedd000
		for file in "$dump" "$dump.snapshot"; do
			[[ $file == "$dump" ]] || "$inspect" snapshot --core "$dump" -o "$file"
			run -1 "$inspect" verify --core "$file"
			[[ $output =~ fatal\ +$rule\ .*" is not RAM" ]] || {
				echo "$name: $output"
				return 1
			}
		done
	done <<-END
		range-outside-ram K104
		record-outside-ram K406
	END
}

@test "the picture shows RAM up to the last address, and ends" {
	"$inspect" map --core "$fixtures/v4-outgoing.khosnap" >"$BATS_TEST_TMPDIR/sound"
	replace_ram "$fixtures/v4-outgoing.khosnap" 0x1000+0x9e000 0x100000+0x7fedd000
	diff "$BATS_TEST_TMPDIR/sound" <("$inspect" map --core "$dump")
	replace_ram "$fixtures/v4-outgoing.khosnap" 0x1000+0xffffffffffffe000
	run -0 timeout 60 "$inspect" map --core "$dump"
	[[ ${lines[0]} == "one letter is 1 TiB; "* ]]
	run -0 timeout 60 "$inspect" map -o "$BATS_TEST_TMPDIR/picture.svg" --core "$dump"
	replace_ram "$fixtures/v4-outgoing.khosnap" 0+4096 0xffffffffffffefff+0x1000
	run -0 timeout 60 "$inspect" map --core "$dump"
	# beyond the last address there is nothing
	replace_ram "$fixtures/v4-outgoing.khosnap" 0x1000+0xfffffffffffff001
	run -2 timeout 60 "$inspect" map --core "$dump"
	[[ $output == *"in its notes is not a range"* ]]
}

@test "libkho reads a core that claims more than it has without delay" {
	make_dump --whole
	head -c 65536 "$dump" >"$dump.cut"
	# both segments claim 2^60 bytes
	for offset in 96 152; do
		printf '\0\0\0\0\0\0\0\020' | dd of="$dump.cut" bs=1 seek=$offset conv=notrunc status=none
	done
	run --separate-stderr -2 timeout 60 "$inspect" verify --core "$dump.cut"
	[[ $stderr == *"no page in it is certain to be an outgoing root FDT"* ]]
}

@test "libkho does not search the holes of a sparse dump, and finds what is between them" {
	make_dump --whole
	fallocate --dig-holes "$dump"
	is_whole "$dump"
	[ "$("$inspect" show --json --core "$dump" | jq -r .state.found_by)" = "scan" ]
	# the segments claim 2^40 bytes, and the file has them
	for offset in 96 152; do
		printf '\0\0\0\0\0\001\0\0' | dd of="$dump" bs=1 seek=$offset conv=notrunc status=none
	done
	truncate -s 1T "$dump"
	run timeout 100 "$inspect" show --json --core "$dump"
	((status != 124))
	head -c 65536 "$dump" >"$dump.cut"
	truncate -s 1T "$dump.cut"
	run --separate-stderr -2 timeout 100 "$inspect" verify --core "$dump.cut"
	[[ $stderr == *"no page in it is certain to be an outgoing root FDT"* ]]
}
