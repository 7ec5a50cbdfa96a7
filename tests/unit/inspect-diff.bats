#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# diff, extract and snapshot --with-content.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	outgoing=$fixtures/v4-outgoing.khosnap
	unclaimed=$fixtures/v4-incoming-unclaimed.khosnap
	claimed=$fixtures/v4-incoming-claimed.khosnap
	cd "$BATS_TEST_TMPDIR" || return 1
}

# changes ARGUMENT...: prints "change kind what" lines of a diff.
changes() {
	"$inspect" diff --json "$@" | jq -r '(.records[] | "\(.change) \(.id)"),
		(.subtrees[] | "\(.change) \(.name)"), ((.ranges // [])[] | "\(.change) \(.addr)")'
}

# memory_of ID: prints the memory of that allocation of $outgoing like diff does.
memory_of() {
	"$inspect" list --json --core "$outgoing" |
		jq -r --argjson id "$1" '.records[] | select(.id == $id) | "\(.addr) \(.size)"' |
		while read -r addr size; do
			printf '0x%x-0x%x' "$addr" $((addr + size - 1))
		done
}

# Makes a state with the content of an allocation, which changed after it was sealed.
make_changed() {
	"$damage" content-changed "$outgoing" changed
}

@test "a state equals itself" {
	run -0 "$inspect" diff "$outgoing" "$outgoing"
	[ "$output" = "0 differences between the outgoing and the outgoing state" ]
	run -0 "$inspect" diff "$outgoing" --core "$outgoing"
}

@test "over a kexec, incoming state equals outgoing state until drivers claim it" {
	run -0 "$inspect" diff "$outgoing" "$unclaimed"
	[[ $output == *"Preserved memory was not compared"*"0 differences between the outgoing and the incoming state" ]]
	run -1 "$inspect" diff "$unclaimed" "$claimed"
	[ "$(grep -c '^claimed  allocation ' <<<"$output")" = 5 ]
	[ "$(changes "$outgoing" "$claimed")" = "$(printf 'claimed %d\n' 1 2 3 4 5)" ]
}

@test "a lost claim is a difference" {
	run -1 "$inspect" diff "$claimed" "$unclaimed"
	[ "$(grep -c '^unclaimed  allocation .*it was restored before$' <<<"$output")" = 5 ]
	"$damage" in-not-taken-over "$unclaimed" lost
	[[ $(changes "$unclaimed" lost) == "lost "* ]]
	[[ $(changes "$outgoing" lost) == "lost "* ]]
	# show and verify count the others, as none of the lost ones can be unclaimed
	[ "$("$inspect" show --json --core lost | jq .dma.unclaimed)" = 4 ]
	[ "$("$inspect" verify --claims --json --core lost | jq -c '[.findings[].rule | select(. == "K501" or . == "K504")] | group_by(.) | map(length)')" = '[4,1]' ]
	# a kernel that does not write fates has lost nothing, and a damaged record does not mean that it writes them
	"$damage" in-no-fates "$unclaimed" no-fates
	[ -z "$(changes "$outgoing" no-fates)" ]
	"$damage" record-flags-word no-fates no-fates-damaged
	run ! grep -q ^lost <(changes "$outgoing" no-fates-damaged)
	[ "$("$inspect" show --json --core no-fates-damaged | jq .dma.unclaimed)" = null ]
	"$damage" in-fate-failed "$unclaimed" failed
	[[ $(changes failed "$unclaimed") == "unclaimed "* ]]
	"$damage" in-fate-unknown "$unclaimed" unknown
	[[ $(changes "$unclaimed" unknown) == "changed "* ]]
	# the kernel does not hand on a claimed record under the same id
	[ "$(changes "$claimed" "$outgoing" | cut -d' ' -f1 | sort -u)" = preserved ]
}

@test "a subtree without a size on one side does not count as changed" {
	run -1 "$inspect" diff "$fixtures/v1-outgoing.khosnap" "$fixtures/v4-stock-outgoing.khosnap"
	[[ $output != *18446744073709551615* ]]
}

@test "diff shows preserved and released allocations, subtrees, and memory by owner" {
	run -1 "$inspect" diff "$fixtures/v4-stock-outgoing.khosnap" "$outgoing"
	[[ $output == *"preserved  allocation  1 pci:"* ]]
	[[ $output == *"released   subtree     LUO"* ]]
	[[ $output == *"preserved  subtree     dma-alloc"* ]]
	[[ $output =~ preserved\ \ memory\ +$(memory_of 5)\ +256\ KiB,\ pci: ]]
	# in the other direction, preserved and released change places
	diff <(changes "$fixtures/v4-stock-outgoing.khosnap" "$outgoing" |
		grep -v ^moved | sed 's/^preserved/p/; s/^released/preserved/; s/^p /released /' | sort) \
		<(changes "$outgoing" "$fixtures/v4-stock-outgoing.khosnap" | grep -v ^moved | sort)
}

@test "diff shows moved, changed and resealed records" {
	make_changed
	run -1 "$inspect" diff "$outgoing" changed
	[[ $output == *"moved"*"allocation"*"2 pci:"*" -> "* ]]
	"$damage" record-attrs "$outgoing" attributes
	run -1 "$inspect" diff "$outgoing" attributes
	[[ $output =~ changed\ +allocation\ +[1-5]\ pci:.*\ attributes ]]
	"$damage" record-sealed "$outgoing" sealed
	run -1 "$inspect" diff "$outgoing" sealed
	[[ $output == *"resealed"*"allocation"*"2 pci:"* ]]
}

@test "inputs that cannot be compared are not equal" {
	run -2 "$inspect" diff
	run -2 "$inspect" diff "$outgoing" nowhere
	run -2 "$inspect" diff a b c
	"$damage" tree-loop "$outgoing" looping
	run -2 "$inspect" diff "$outgoing" looping
}

@test "extract writes the content for its owner only, and says if it is as sealed" {
	local size
	make_changed
	run -1 "$inspect" extract 2 --core changed -o content
	[[ $output == *"NOT as it was when sealed" ]]
	[ "$(stat -c %a content)" = 600 ]
	size=$("$inspect" list --json --core changed | jq -r '.records[1].size')
	[ "$(stat -c %s content)" = "$size" ]

	"$damage" record-sealed "$outgoing" sound
	run -0 "$inspect" extract 2 --core sound -o sound.content
	[[ $output == *"sealed, and as it was when sealed" ]]
	[ "$(cmp -l content sound.content | wc -l)" = 1 ]
}

@test "extract leaves no file when it refuses" {
	run -2 --separate-stderr "$inspect" extract 2 --core "$outgoing" -o content
	[[ $stderr == *"has no memory at 0x"*". Use a snapshot with its content: kho-inspect snapshot --with-content=2." ]]
	run -2 "$inspect" extract 99 --core "$outgoing" -o content
	[[ $output == *"there is no outgoing allocation 99"* ]]
	run -2 "$inspect" extract 1 --core "$outgoing"
	[[ $output == *"needs -o FILE"* ]]
	run -2 "$inspect" extract one --core "$outgoing" -o content
	"$damage" record-crc "$outgoing" damaged
	run -2 "$inspect" extract 1 --core damaged -o content
	[[ $output == *"damaged"* ]]
	[ -z "$(find . -name 'content*')" ]
}

@test "snapshot --with-content writes the whole content of the named allocation, or no file" {
	make_changed
	run -0 "$inspect" snapshot --core changed --with-content=2 -o with
	[[ $output == *"WITH the content of 1 allocation" ]]
	[ "$(stat -c %a with)" = 600 ]
	"$inspect" extract 2 --core changed -o a || :
	"$inspect" extract 2 --core with -o b || :
	cmp a b
	run -0 "$inspect" snapshot --core changed --with-content=2 --with-content=02 -o twice
	[[ $output == *"WITH the content of 1 allocation" ]]
	cmp with twice
	run -2 "$inspect" snapshot --core "$outgoing" --with-content=2 -o without
	[[ $output == *"has no memory at 0x"* ]]
	run -2 "$inspect" snapshot --core "$outgoing" --with-content=1 --with-content=99 -o without
	run -2 "$inspect" snapshot --core changed --with-content=2 --with-content=99 --with-content=98 -o without
	[[ $output == *"there is no allocation 98"* ]]
	run -2 "$inspect" snapshot --core "$outgoing" --with-content=x -o without
	# damage after the named allocation
	"$damage" chain-loop "$outgoing" looping
	run -0 "$inspect" snapshot --core looping --with-content=1 -o part
	run -2 "$inspect" snapshot --core looping --with-content=1 --with-content=99 -o without
	[[ $output == *"the chain comes back to block"* ]]
	[ ! -e without ]
}

@test "their JSON documents match the schema" {
	make_changed
	"$inspect" diff --json "$outgoing" changed >1.json || :
	"$inspect" diff --json "$outgoing" "$claimed" >2.json || :
	"$inspect" diff --json "$fixtures/v4-stock-outgoing.khosnap" "$outgoing" >3.json || :
	"$inspect" extract --json 2 --core changed -o content >4.json || :
	"$inspect" snapshot --json --core changed --with-content=2 -o with >5.json
	/usr/bin/python3 - "$top/tools/kho-inspect/kho-inspect.schema.json" ./*.json <<-'END'
		import json, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		assert len(sys.argv) == 7
		for path in sys.argv[2:]:
		    jsonschema.validate(json.load(open(path)), schema)
	END
}
