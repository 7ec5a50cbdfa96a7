#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# slow: starts first
# Recorded snapshots have no findings. In a damaged one, exactly the intended rule fires. Nothing may
# crash, hang or read out of bounds: the programs have sanitizers here.

# shellcheck disable=SC2154 # bats sets stderr
# shellcheck disable=SC2030,SC2031 # run sets what a subshell of its own looks at

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

# Prints the rules above info that fire for a snapshot, sorted, each once.
rules_of() {
	local file=$1
	shift
	timeout 20 "$inspect" verify --core "$file" "$@" |
		awk '$1 ~ /^(warning|error|fatal)$/ && !/ not judged: / { print $2 }' |
		sort -u | paste -sd' '
}

@test "a recorded outgoing state has no finding above info" {
	run -0 "$inspect" verify --skip-content --core "$fixtures/v4-outgoing.khosnap"
	[[ $output == *"clean: "* ]]
	[[ $output == *"5 records"* ]]
}

@test "recorded incoming states have no finding above info" {
	run -0 "$inspect" verify --in --skip-content --core "$fixtures/v4-incoming-unclaimed.khosnap"
	[[ $output == *"clean: "* ]]
	run -0 "$inspect" verify --in --claims --core "$fixtures/v4-incoming-claimed.khosnap"
	[[ $output == *"clean: "* ]]
}

@test "verify --claims warns about unclaimed allocations" {
	run -1 "$inspect" verify --in --claims --skip-content --fail-on=warning \
		--core "$fixtures/v4-incoming-unclaimed.khosnap"
	[ "$(grep -c '^warning *K501 ' <<<"$output")" = 5 ]
}

@test "states of other kernels, of any ABI, have no finding above info" {
	local name
	for name in v1 v3 v4-stock; do
		run -0 "$inspect" verify --fail-on=warning --core "$fixtures/$name-outgoing.khosnap"
		[[ $output == *"clean: "*" 0 not judged;"* ]]
		run -0 "$inspect" verify --in --fail-on=warning --core "$fixtures/$name-incoming.khosnap"
		[[ $output == *"clean: "*" 0 not judged;"* ]]
	done
}

# check_damages SUFFIX AT_LEAST FIXTURE OPTION...: makes the damages of "kho-damage --listSUFFIX", and
# compares the rules that fire with those in the list.
check_damages() {
	local list=$BATS_TEST_TMPDIR/list folder=$BATS_TEST_TMPDIR/damaged suffix=$1 at_least=$2
	local fixture=$3 name expected found wrong=0
	shift 3
	mkdir "$folder"
	"$damage" "--list$suffix" >"$list"
	"$damage" "--all$suffix" "$fixture" "$folder"
	[ "$(wc -l <"$list")" -ge "$at_least" ]
	while read -r name expected; do
		found=$(rules_of "$folder/$name" "$@")
		[ "$found" = "$expected" ] && continue
		echo "$name: expected ${expected:-nothing}, found ${found:-nothing}"
		timeout 20 "$inspect" verify --core "$folder/$name" "$@" || true
		wrong=1
	done <"$list"
	[ "$wrong" = 0 ]
}

@test "exactly the intended rule fires for each damage of an outgoing state" {
	check_damages "" 60 "$fixtures/v4-outgoing.khosnap"
}

@test "exactly the intended rule fires for each damage of an incoming state" {
	check_damages -in 10 "$fixtures/v4-incoming-unclaimed.khosnap" --in
}

@test "exactly the intended rule fires for each damage of a kho-v1 map and its subtrees" {
	check_damages -v1 20 "$fixtures/v1-outgoing.khosnap"
}

@test "exactly the intended rule fires for each damage of the live update state" {
	check_damages -luo 8 "$fixtures/v4-stock-outgoing.khosnap"
}

@test "every rule fires in some test" {
	local seen
	# K503 and K512 are of severity info, K6xx are of libkho-target.bats
	seen=$({ "$damage" --list && "$damage" --list-in && "$damage" --list-v1 && "$damage" --list-luo && echo K501 K503 K510 K511 K512; } |
		grep -oE 'K[0-9]{3}')
	seen+=$'\n'$(grep -oE 'K6[0-9]{2}' "$BATS_TEST_DIRNAME/libkho-target.bats")
	seen+=$'\n'$(grep -ohE 'K6[0-9]{2}' "$BATS_TEST_DIRNAME"/test-target*.c "$BATS_TEST_DIRNAME"/libkho-cmdline.bats)
	# only a machine has devices
	seen+=$'\n'$(grep -ohE 'K52[0-9]' "$BATS_TEST_DIRNAME"/test-devices.c)
	# rules of kexec need a machine that can load
	seen+=$'\n'$(grep -ohE '\bK7[0-9]{2}\b' "$BATS_TEST_DIRNAME"/../vm/kexec*.bats)
	diff <(sed -nE 's/^KHO_RULE\(([0-9]+),.*/K\1/p' "$top/libkho/kho_rules.def") \
		<(sort -u <<<"$seen")
}

@test "verify reports an allocation that was carried over, as information" {
	"$damage" in-carried-over "$fixtures/v4-incoming-unclaimed.khosnap" "$BATS_TEST_TMPDIR/damaged"
	run -0 "$inspect" verify --in --skip-content --core "$BATS_TEST_TMPDIR/damaged"
	[[ $output == *"info     K503  record 1 "* ]]
}

@test "a kernel that gave no record a fate: K502 and K504 are not judged, once" {
	"$damage" in-no-fates "$fixtures/v4-incoming-unclaimed.khosnap" "$BATS_TEST_TMPDIR/damaged"
	run -0 "$inspect" show --core "$BATS_TEST_TMPDIR/damaged"
	[[ $output == *" sealed, an unknown number unclaimed; generation "* ]]
	[ "$("$inspect" show --json --core "$BATS_TEST_TMPDIR/damaged" | jq .dma.unclaimed)" = null ]
	run -1 "$inspect" verify --in --skip-content --core "$BATS_TEST_TMPDIR/damaged"
	[ "$(grep -cE "K50[24]  not judged: the kernel gave none of the 5 record\(s\) a fate" <<<"$output")" = 2 ]
	[[ $output == *" 0 errors, 0 warnings, 2 not judged"* ]]
}

@test "if the map is unreadable, rules that depend on it are not judged, and do not pass" {
	"$damage" tree-loop "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
	run -1 "$inspect" verify --skip-content --core "$BATS_TEST_TMPDIR/damaged"
	for rule in K301 K404 K407; do
		[ "$(grep -c "^fatal *$rule *not judged" <<<"$output")" = 1 ]
	done
	[[ $output == *"1 fatal, 0 errors, 0 warnings, 3 not judged"* ]]
}

@test "a single selected rule passes only if it was evaluated" {
	local in folder=$BATS_TEST_TMPDIR/damaged records
	mkdir "$folder"
	"$damage" --all "$fixtures/v4-outgoing.khosnap" "$folder"
	"$damage" --all-in "$fixtures/v4-incoming-unclaimed.khosnap" "$folder"
	# without a root FDT there is nothing to verify
	rm "$folder"/fdt-* "$folder"/in-fdt-*
	cd "$folder"
	run -0 "$KHO_BUILDDIR/tests/unit/test-only" "$fixtures"/v4-{outgoing,stock-outgoing,incoming-claimed}.khosnap ./*
	((${#lines[@]} > 60))
	# not_judged FILE RULES
	not_judged() {
		# a file never shows devices
		grep -qFx "$1: $2 K520 K521 K522" <<<"$output" || {
			echo "expected $1: $2 K520 K521 K522"
			grep -F "$1:" <<<"$output"
			return 1
		}
	}
	# the file has no incoming state
	not_judged "$fixtures/v4-outgoing.khosnap" "K501 K502 K504"
	not_judged "$fixtures/v4-stock-outgoing.khosnap" "K501 K502 K504"
	in="K005 K101 K102 K103 K104 K105 K204 K205 K301 K305 K306 K307 K308 K309 K404 K407"
	not_judged "$fixtures/v4-incoming-claimed.khosnap" "$in"
	# data behind a damage was not read
	records="K406 K407 K408 K409 K410 K411 K414 K415 K501 K502 K503 K504"
	not_judged ./map-missing "K005 K101 K102 K103 K104 K105 K204 K205 K306 K308 K501 K502 K504"
	not_judged ./tree-loop "K005 K101 K103 K104 K105 K204 K205 K306 K308 K501 K502 K504"
	not_judged ./chain-loop "K404 K405 ${records/K411 /K411 K412 }"
	not_judged ./record-crc "$records"
	not_judged ./subtree-no-size "K301 K302 K304 K305 K306 K307 K308 K309 K501 K502 K504"
	not_judged ./blob-outside-ram "K301 K306 K307 K308 K309 K501 K502 K504"
}

@test "a rule that cannot be judged because of an ignored damage does not pass" {
	local name rules unjudged
	while read -r name rules unjudged; do
		"$damage" "$name" "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
		run -1 "$inspect" verify --skip-content --ignore="$rules" --core "$BATS_TEST_TMPDIR/damaged"
		[ "$(sed -n 's/.* \(K[0-9]*\)  not judged: .*/\1/p' <<<"$output" | paste -sd,)" = "$unjudged" ]
	done <<-'END'
		chain-loop K403 K404,K405,K406,K407,K408,K409,K410,K411,K412,K414,K415
		record-crc K405 K406,K407,K408,K409,K410,K411,K414,K415
		tree-loop K102,K301,K404,K407 K101,K103,K104,K105,K204,K205,K306,K308
		map-missing K003,K301,K404,K407 K101,K102,K103,K104,K105,K204,K205,K306,K308
		subtree-no-size K004 K301,K302,K304,K305,K306,K307,K308,K309
	END
	"$damage" head-crc "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
	run -1 "$inspect" verify --skip-content --ignore=K402 --core "$BATS_TEST_TMPDIR/damaged"
	[[ $output == *"K410  not judged: libkho cannot evaluate it, because K402 is ignored"* ]]
	# a damage that hides no data
	"$damage" head-count "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
	run -0 "$inspect" verify --skip-content --ignore=K412 --core "$BATS_TEST_TMPDIR/damaged"
	"$damage" range-outside-ram "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
	run -0 "$inspect" verify --skip-content --ignore=K104 --core "$BATS_TEST_TMPDIR/damaged"
}

@test "a damage of error or fatal severity makes verify exit with 1" {
	for name in record-crc tree-loop fdt-magic record-outside-ram; do
		"$damage" "$name" "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
		run -1 "$inspect" verify --core "$BATS_TEST_TMPDIR/damaged"
	done
}

# survive SUFFIX FIXTURE: runs every command on each damage of "kho-damage --allSUFFIX".
survive() {
	local folder=$BATS_TEST_TMPDIR/damaged$1
	mkdir "$folder"
	"$damage" "--all$1" "$2" "$folder"
	run timeout 100 "$KHO_BUILDDIR/tests/unit/test-survive" "$2" "$folder"/*
	if ((status)) || [[ $output == *Sanitizer* || $output == *"runtime error"* ]]; then
		echo "status $status"
		tail -n 60 <<<"$output"
		return 1
	fi
}

@test "every command survives every damage" {
	survive "" "$fixtures/v4-outgoing.khosnap"
	survive -v1 "$fixtures/v1-outgoing.khosnap"
	survive -luo "$fixtures/v4-stock-outgoing.khosnap"
}

@test "a snapshot truncated anywhere is an error or a finding, and never a crash or clean" {
	local size cut
	# the last page has the content of a sealed allocation
	size=$(stat -c %s "$fixtures/v4-outgoing.khosnap")
	for ((cut = size - 4096; cut >= 0; cut -= size / 23)); do
		head -c "$cut" "$fixtures/v4-outgoing.khosnap" >"$BATS_TEST_TMPDIR/cut"
		run timeout 20 "$inspect" verify --core "$BATS_TEST_TMPDIR/cut"
		if [ "$status" -ne 1 ] && [ "$status" -ne 2 ]; then
			echo "$cut of $size bytes: status $status"
			echo "$output"
			return 1
		fi
	done
}

@test "a snapshot opens with readelf, and its notes are text" {
	run -0 readelf -ln "$fixtures/v4-outgoing.khosnap"
	[[ $output == *"LOAD"* ]]
	[[ $output == *"KHO"* ]]
	grep -aq 'side=out$' "$fixtures/v4-outgoing.khosnap"
}

@test "the message about the wrong side of a snapshot names it and says what to do" {
	run -2 --separate-stderr "$inspect" list --in --core "$fixtures/v4-outgoing.khosnap"
	[ -z "$output" ]
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == *'other side, not "in"'*"Leave out --in."* ]]
}

@test "a snapshot of a snapshot is the same snapshot" {
	run -0 "$inspect" snapshot --core "$fixtures/v4-outgoing.khosnap" -o "$BATS_TEST_TMPDIR/once"
	run -0 "$inspect" snapshot --core "$BATS_TEST_TMPDIR/once" -o "$BATS_TEST_TMPDIR/again"
	cmp "$BATS_TEST_TMPDIR/once" "$BATS_TEST_TMPDIR/again"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/again")" = 600 ]
	# no rule depends on data that the snapshot omits
	run -0 "$inspect" verify --skip-content --core "$BATS_TEST_TMPDIR/again"
	[[ $output == *"clean: "*" 0 not judged"* ]]
}

# leaks DAMAGE FIXTURE OPTION...: checks that no command prints the foreign memory of the damage.
leaks() {
	local name=$1 fixture=$2 command leaked=0
	shift 2
	"$damage" "$name" "$fixtures/$fixture.khosnap" "$BATS_TEST_TMPDIR/damaged"
	grep -aq PASSWORD "$BATS_TEST_TMPDIR/damaged"
	for command in verify "verify --json" tree "tree --json" show map "snapshot -o $BATS_TEST_TMPDIR/taken"; do
		# shellcheck disable=SC2086 # words
		"$inspect" $command "$@" --core "$BATS_TEST_TMPDIR/damaged" >"$BATS_TEST_TMPDIR/said" || [ $? = 1 ]
		# text, or bytes of tree
		if grep -aqE 'PASSWORD|50 ?41 ?53 ?53 ?57' "$BATS_TEST_TMPDIR/said"; then
			echo "$name: $command shows it"
			leaked=1
		fi
	done
	if grep -aq PASSWORD "$BATS_TEST_TMPDIR/taken"; then
		echo "$name: the snapshot has it"
		leaked=1
	fi
	[ "$leaked" = 0 ]
}

@test "no command shows memory of somebody else, and a snapshot does not contain it" {
	leaks leak-beside v4-outgoing
	leaks leak-not-preserved v4-outgoing
	leaks leak-unknown-taken v4-outgoing --in
	leaks leak-taken v4-stock-incoming --in
	leaks leak-taken v3-incoming --in
}

@test "a snapshot contains blobs of unknown subtrees only on request, because they are content" {
	"$damage" leak-unknown "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
	run -0 "$inspect" snapshot --core "$BATS_TEST_TMPDIR/damaged" -o "$BATS_TEST_TMPDIR/without"
	run -1 grep -aq PASSWORD "$BATS_TEST_TMPDIR/without"
	run -0 "$inspect" snapshot --with-blobs --core "$BATS_TEST_TMPDIR/damaged" -o "$BATS_TEST_TMPDIR/with"
	[[ $output == *"blobs of unknown subtrees are in it"* ]]
	grep -aq PASSWORD "$BATS_TEST_TMPDIR/with"
}

# refuses_content SIDE WHY: checks that snapshot and extract refuse the content of allocation 1.
refuses_content() {
	local command options=(--core "$BATS_TEST_TMPDIR/damaged" -o "$BATS_TEST_TMPDIR/taken")
	for command in "snapshot --with-content=1" "extract 1"; do
		# shellcheck disable=SC2086 # words
		run -2 "$inspect" $command ${1:+"$1"} "${options[@]}"
		[[ $output == *"$2"* ]]
		[ ! -e "$BATS_TEST_TMPDIR/taken" ]
	done
}

@test "snapshot and extract refuse content that is not preserved, or was released" {
	"$damage" record-not-preserved "$fixtures/v4-outgoing.khosnap" "$BATS_TEST_TMPDIR/damaged"
	refuses_content "" " is not preserved"
	"$damage" in-fate-released "$fixtures/v4-incoming-claimed.khosnap" "$BATS_TEST_TMPDIR/damaged"
	refuses_content --in "allocation 1 was released: its memory may be in use for something else"
}

@test "expectations: met, exceeded, not met" {
	local generation incoming=$fixtures/v4-incoming-claimed.khosnap
	generation=$("$inspect" show --json --core "$incoming" | jq .dma.generation)
	run -0 "$inspect" verify --core "$incoming" --expect="5,$generation"
	run -0 "$inspect" verify --core "$incoming" --expect="4,$((generation - 1))"
	[[ $output == *K512* ]]
	run -1 "$inspect" verify --core "$incoming" --expect="6,$generation"
	[[ $output == *K511* ]]
	run -1 "$inspect" verify --core "$incoming" --expect="5,$((generation + 1))"
	[[ $output == *K511* ]]
	"$damage" head-compatible "$incoming" "$BATS_TEST_TMPDIR/damaged"
	run -1 "$inspect" verify --core "$BATS_TEST_TMPDIR/damaged" --expect="5,$generation"
	[[ $output == *"K511  not judged"* ]]
}

@test "the next kexec loses allocations that the running kernel neither took over nor hands on" {
	local damages=$BATS_TEST_TMPDIR name
	for name in in-not-taken-over head-compatible in-chain-loop; do
		"$damage" "$name" "$fixtures/v4-incoming-unclaimed.khosnap" "$damages/$name"
	done
	"$KHO_BUILDDIR/tests/unit/test-left-behind" \
		"$fixtures/v4-incoming-unclaimed.khosnap" - 0 \
		"$fixtures/v4-incoming-claimed.khosnap" - 0 \
		"$fixtures/v4-stock-incoming.khosnap" - 0 \
		"$damages/in-not-taken-over" - 1 \
		"$damages/in-not-taken-over" "$fixtures/v4-stock-outgoing.khosnap" 1 \
		"$damages/in-not-taken-over" "$fixtures/v4-outgoing.khosnap" 0 \
		"$damages/head-compatible" "$fixtures/v4-outgoing.khosnap" unsupported \
		"$damages/in-chain-loop" "$fixtures/v4-outgoing.khosnap" loop
}
