#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# scripts/test counts correctly: it must report tests that failed or did not run.

# shellcheck disable=SC2016 # other shells expand it

bats_require_minimum_version 1.5.0

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	DIR=$BATS_TEST_TMPDIR
}

# test_file NAME TITLE BODY [TITLE BODY]...: writes a file of tests. The text is split so that bats
# does not run these tests as part of this file.
test_file() {
	local file=$DIR/$1.bats
	shift
	while (($#)); do
		printf '@%s "%s" { %s; }\n' "test" "$1" "$2" >>"$file"
		shift 2
	done
}

# Runs the tests in DIR like scripts/test does, and prints the closing line.
count() {
	KHO_CACHE=$DIR/cache KHO_BUILD=$DIR/build bash -euc '
		. "$1/lab/common.bash"
		. "$1/lab/suite.bash"
		suite_run "a suite" "$2"
		suite_summary
	' bash "$TOP" "$DIR"
}

@test "the suite counts passed, failed and skipped tests, and fails if one failed" {
	test_file one "a" true "b" false "c" "skip reason"
	run -1 count
	[ "${lines[-1]}" = "1 passed, 1 failed, 1 skipped" ]
}

@test "all passed" {
	test_file one "a" true "b" true
	run -0 count
	[ "${lines[-1]}" = "2 passed, 0 failed, 0 skipped" ]
}

@test "a file that bats cannot run is a failure" {
	test_file one "a" true
	echo 'if then' >>"$DIR/one.bats"
	run -1 count
	[[ ${lines[-1]} =~ ^[0-9]+\ passed,\ [1-9][0-9]*\ failed,\ 0\ skipped$ ]]
}

@test "no tests at all is a failure" {
	: >"$DIR/empty.bats"
	run -1 count
	[ "${lines[-1]}" = "0 passed, 1 failed, 0 skipped" ]
}

@test "announced tests that did not run are failures" {
	test_file one "a" true "b" 'kill -9 $PPID; sleep 1' "c" true
	run -1 count
	[[ ! ${lines[-1]} == *" 0 failed"* ]]
}

@test "the suite prints the slowest tests before the closing line, at most ten" {
	printf '%s\n' 1..12 "ok 1 slow in 3210ms" "not ok 2 in between in 70ms" "ok 3 not run in 0ms # skip why" \
		"ok "{4..12}" fast in 5ms" >"$DIR/tap"
	KHO_CACHE=$DIR/cache KHO_BUILD=$DIR/build run -1 bash -euc '
		. "$1/lab/common.bash"
		. "$1/lab/suite.bash"
		suite_count "$2" "a suite"
		suite_summary
	' bash "$TOP" "$DIR/tap"
	[ "${#lines[@]}" = 12 ]
	[ "${lines[0]}" = "the slowest tests:" ]
	[ "${lines[1]}" = "     3.2 s  slow (a suite)" ]
	[ "${lines[2]}" = "     0.1 s  in between (a suite)" ]
	[ "${lines[11]}" = "10 passed, 1 failed, 1 skipped" ]
}

@test "files marked as slow start first" {
	test_file one a true
	test_file two b true
	printf '%s\n' '# slow: starts first' >>"$DIR/two.bats"
	KHO_TEST_JOBS=1 run -0 count
	[[ ${lines[2]} == "ok 1 b in "* && ${lines[3]} == "ok 2 a in "* ]]
}
