#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# States of arm64 kernels with pages of 16 and 64 KiB, made by bench-dump: each command reads them, from
# a snapshot and from dumps that do not contain the page size. Snapshots of such kernels are read too.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# make_state KIB [OPTION...]: a state with pages of so many KiB in the file "state", and its page size in BYTES.
make_state() {
	BYTES=$(($1 * 1024))
	"$KHO_BUILDDIR/tests/bench/bench-dump" --memory 8 --pages "$@" 600 state
}

# damaged NAME RULE: exactly this rule fires.
damaged() {
	"$damage" "$1" state damaged
	run -1 "$inspect" verify --core damaged
	[ "$(awk '$1 ~ /^(error|fatal)$/ && !/ not judged: / { print $2 }' <<<"$output" | sort -u)" = "$2" ] || {
		echo "$output"
		return 1
	}
}

# reads: the commands agree about the state.
reads() {
	local root
	run -0 "$inspect" show --json --core state
	[ "$(jq .state.page_size <<<"$output")" = "$BYTES" ]
	[ "$(jq .dma.records <<<"$output")" = 600 ]
	root=$(jq -r .state.fdt_addr <<<"$output")
	run -0 "$inspect" show --core state
	[[ $output == *"  page size    $((BYTES / 1024)) KiB"* ]]

	run -0 "$inspect" verify --fail-on=warning --core state
	[[ $output == *"clean: "*" 0 not judged; 600 records, "* ]]
	run -0 "$inspect" list --json --core state
	[ "$(jq '.records | length' <<<"$output")" = 600 ]
	# memory that the map and the records both have
	[ "$(jq '[.records[].pages] | add' <<<"$output")" = "$("$inspect" tree --json --core state |
		jq '.subtrees[0].items[] | select(.name == "pages") | .value')" ]

	# the root, the head and the blocks are one page each
	run -0 "$inspect" ranges --json --core state
	[ "$(jq '[.ranges[].size] | add' <<<"$output")" = \
		"$(("$("$inspect" list --json --core state | jq '[.records[].pages] | add') * BYTES + (2 + (600 * 128 + BYTES - 17) / (BYTES - 16 - (BYTES - 16) % 128)) * BYTES" ))" ]
	run -0 "$inspect" map --json --core state
	[ "$(jq -r '.areas[] | select(.label == "root FDT") | "\(.addr) \(.size)"' <<<"$output")" = "$root $BYTES" ]
	[ "$(jq '[.areas[] | select(.kind == "metadata" and .size % '"$BYTES"' != 0)] | length' <<<"$output")" = 0 ]

	run -0 "$inspect" snapshot --core state -o copy
	run -0 "$inspect" verify --fail-on=warning --core copy
	run -0 "$inspect" diff state copy
	damaged record-crc K405
	run -1 "$inspect" diff state damaged
	damaged block-not-preserved K404
	damaged tree-loop K102
	damaged record-unaligned K409
}

@test "pages of 16 KiB: every command reads the state, and rules find damages" {
	make_state 16
	reads
}

@test "pages of 64 KiB: every command reads the state, and rules find damages" {
	make_state 64
	reads
}

@test "snapshots of kernels with pages of 16 and 64 KiB: commands read both sides, and rules find damages" {
	local in kib
	for kib in 16 64; do
		cp "$fixtures/v4-${kib}k-outgoing.khosnap" state
		cp "$fixtures/v4-${kib}k-incoming.khosnap" incoming
		run -0 "$inspect" show --json --core state
		[ "$(jq -c '[.state.page_size, .dma.records]' <<<"$output")" = "[$((kib * 1024)),5]" ]
		run -0 "$inspect" show --json --in --core incoming
		[ "$(jq -c '[.state.page_size, .dma.records]' <<<"$output")" = "[$((kib * 1024)),5]" ]
		run -0 "$inspect" verify --skip-content --fail-on=warning --core state
		[[ $output == *"clean: "*" 0 not judged; 5 records, "* ]]
		run -0 "$inspect" verify --in --skip-content --fail-on=warning --core incoming
		[[ $output == *"clean: "*" 0 not judged; 5 records, "* ]]
		# the next kernel finds the same allocations in the same places
		in=$("$inspect" list --json --in --core incoming | jq -c '[.records[] | [.id, .addr, .size]] | sort')
		[ "$("$inspect" list --json --core state | jq -c '[.records[] | [.id, .addr, .size]] | sort')" = "$in" ]
		damaged record-crc K405
		damaged block-not-preserved K404
		damaged tree-loop K102
		damaged record-unaligned K409
	done
}

@test "dumps that do not contain the page size: --page-size decides, and another size finds no root" {
	local kib kind root other
	for kib in 16 64; do
		make_state "$kib"
		root=$("$inspect" show --json --core state | jq -r .state.fdt_addr)
		for kind in --whole --kdump; do
			make_state "$kib" "$kind"
			[[ $kind != --kdump ]] || allow_leaks
			run -2 "$inspect" show --core state
			[[ $output == *"does not say the page size of its kernel"* ]]
			run -0 "$inspect" show --json --page-size="$BYTES" --core state
			[ "$(jq -r '"\(.state.fdt_addr) \(.state.page_size) \(.dma.records)"' <<<"$output")" = "$root $BYTES 600" ]
			# of the compressed dump, only pages with metadata are there
			if [[ $kind == --whole ]]; then
				run -0 "$inspect" extract 5 --page-size="$BYTES" --core state -o content
				[ "$(stat -c %s content)" = "$("$inspect" list --json --page-size="$BYTES" --core state |
					jq '.records[] | select(.id == 5).size')" ]
			fi
			for other in 4096 16384 65536; do
				((other != BYTES)) || continue
				run -2 "$inspect" show --page-size="$other" --core state
				[[ $output == *"--page-size"* ]]
			done
		done
	done
}

@test "K606: the page size of the state, whatever it is, is compared with the target's" {
	local kib flag
	printf 'const char a[] = "Linux version 9.9.9-test (me@here) #1", b[] = "kho-v4", c[] = "dma-alloc-v1";' >kernel.c
	"${CC:-gcc}" -c -o kernel kernel.c
	for kib in 16 64; do
		make_state "$kib"
		# 1, 2, 3: 4, 16, 64 KiB
		for flag in 1 2 3; do
			"$lab/kernel_image.py" arm64 Image kernel "$flag"
			run "$inspect" check-target --json --core state Image
			if ((1 << 2 * flag == kib)); then
				[ "$(jq '[.findings[] | select(.rule == "K606")] | length' <<<"$output")" = 0 ]
			else
				[ "$(jq -r '.findings[] | select(.rule == "K606").severity' <<<"$output")" = fatal ]
			fi
		done
	done
}

@test "a map of kho-v1 on pages of 64 KiB has bitmaps of a page, or of 512 bytes if an option says so" {
	local large
	make_state 64 --v1
	run -0 "$inspect" verify --core state
	large=$("$inspect" ranges --core state)
	[ "$("$inspect" ranges --v1-bitmap=page --core state)" = "$large" ]
	run -2 "$inspect" ranges --v1-bitmap=512 --core state
	[[ $output == *"--v1-bitmap contradicts kernel"* ]]
	# a release that may have either size
	sed -i 's/7\.0\.0-bench/6.17.0-benc/g' state
	run -0 "$inspect" ranges --v1-bitmap=512 --core state
	[[ $output != "$large" && $output != *contradicts* ]]
}
